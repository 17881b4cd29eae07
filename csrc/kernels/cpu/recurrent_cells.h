// One row's step of each recurrent cell, forwards and backwards. The formulas are in recurrent.h.
//
// What a cell is, for recurrent_walk.h:
//   kBlocks, kSaved   as recurrent.h counts them; kHasCell: whether there is a c beside h
//   forward(a, i, p, s)       step i (its place in [batch, time]): p holds the state's part of the
//                             blocks; s holds h and c before the step, and after
//   backward(a, i, old, d, s) step i: s holds what later steps say of the gradients of h and c
//                             after it, and is left with those before it, but for what d carries
//                             through the product; d receives the gradient of the product. old: c
//                             before the step
// Both ask for what the next row will read: rows lie far apart, and its turn comes just in time.
#pragma once
#include "kernels/cpu/matmul_tile.h"
#include "kernels/cpu/vmath_exp.h"
#include "kernels/recurrent.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

template <class T>
struct State {
  T* h;
  T* c;
};

// Calls f(j, at) for each vector of n elements; at.get(p, 0) and at.put(p, 0, v) touch no more of
// them than there are.
template <class T, class F>
FASTNN_INLINE void each_column(int64_t n, const F& f) {
  constexpr int64_t L = kLanes<T>;
  int64_t j = 0;
  for (; j + L <= n; j += L) f(j, Columns<T, 1, false>{0});
  if (j < n) f(j, Columns<T, 1, true>{n - j});
}

// The row at element i of an array, or null where there is no array.
template <class T>
FASTNN_INLINE const T* row_at(const void* p, int64_t i) {
  return p ? static_cast<const T*>(p) + i : nullptr;
}
template <class T>
FASTNN_INLINE T* row_at(void* p, int64_t i) {
  return p ? static_cast<T*>(p) + i : nullptr;
}

template <class T, class At>
FASTNN_INLINE vec<T> get_or_zero(const At& at, const T* p, int64_t j) {
  return p ? at.get(p + j, 0) : zero<T>();
}

// A row of an array with `width` elements a step, and the same row of the next place in the batch.
template <class T>
struct Reader {
  const T* row;  // null: zeros
  int64_t next;

  template <class At>
  FASTNN_INLINE vec<T> get(const At& at, int64_t j) const {
    __builtin_prefetch(row + next + j);
    return at.get(row + j, 0);
  }
  template <class At>
  FASTNN_INLINE vec<T> get_or_zero(const At& at, int64_t j) const {
    return row ? get(at, j) : zero<T>();
  }
};
template <class T>
FASTNN_INLINE Reader<T> reader(const void* p, int64_t width, int64_t i, int64_t time) {
  return {row_at<T>(p, width * i), width * time};
}

// sigmoid, but for tails below e^-87, which are e^-87.
template <class T>
FASTNN_INLINE vec<T> gate(vec<T> x) {
  constexpr T kPlain = ExpConstants<T>::kPlain;
  return select(x == x, sigmoid_plain<T>(clamp<T>(x, -kPlain, kPlain)), x);
}

struct Lstm {
  static constexpr int64_t kBlocks = 4, kSaved = 4;
  static constexpr bool kHasCell = true;

  template <class T>
  static void forward(const RecurrentArgs& a, int64_t i, const T* p, const State<T>& s) {
    const int64_t n = a.units;
    const auto x = reader<T>(a.x, 4 * n, i, a.time);
    T* gates = row_at<T>(a.gates, 4 * n * i);
    T* h_out = row_at<T>(a.h, n * i);
    T* c_out = row_at<T>(a.c, n * i);
    T* before = row_at<T>(a.before, n * i);
    each_column<T>(n, [&](int64_t j, auto at) {
      auto block = [&](int64_t b) { return x.get(at, b * n + j) + at.get(p + b * n + j, 0); };
      if (before) at.put(before + j, 0, load(s.h + j));
      const vec<T> in = gate<T>(block(0)), f = gate<T>(block(1)), g = tanh<T>(block(2)),
                   o = gate<T>(block(3));
      const vec<T> c = fma(f, load(s.c + j), in * g), h = o * tanh<T>(c);
      store(s.c + j, c);
      store(s.h + j, h);
      if (h_out) at.put(h_out + j, 0, h);
      if (c_out) at.put(c_out + j, 0, c);
      if (!gates) return;
      at.put(gates + j, 0, in);
      at.put(gates + n + j, 0, f);
      at.put(gates + 2 * n + j, 0, g);
      at.put(gates + 3 * n + j, 0, o);
    });
  }

  template <class T>
  static void backward(const RecurrentGradArgs& a, int64_t i, const T* old, T* d,
                       const State<T>& s) {
    const int64_t n = a.units;
    const auto gates = reader<T>(a.gates, 4 * n, i, a.time), dh_in = reader<T>(a.dh, n, i, a.time);
    const Reader<T> before = {old, n * a.time};
    const T* c = row_at<T>(a.c, n * i);  // the last step has read it as old
    T* dx = row_at<T>(a.dx, 4 * n * i);
    each_column<T>(n, [&](int64_t j, auto at) {
      const vec<T> in = gates.get(at, j), f = gates.get(at, n + j), g = gates.get(at, 2 * n + j),
                   o = gates.get(at, 3 * n + j);
      const vec<T> y = tanh<T>(at.get(c + j, 0)), dh = load(s.h + j) + dh_in.get_or_zero(at, j),
                   dho = dh * o;
      const vec<T> dc = fma(dho, 1 - y * y, load(s.c + j)), dci = dc * in;
      auto put = [&](int64_t b, vec<T> v) {
        at.put(d + b * n + j, 0, v);
        at.put(dx + b * n + j, 0, v);
      };
      put(0, dci * g * (1 - in));
      put(1, dc * before.get_or_zero(at, j) * (f * (1 - f)));
      put(2, dci * (1 - g * g));
      put(3, dho * y * (1 - o));
      store(s.c + j, dc * f);
      store(s.h + j, zero<T>());
    });
  }
};

struct Gru {
  static constexpr int64_t kBlocks = 3, kSaved = 4;
  static constexpr bool kHasCell = false;

  template <class T>
  static void forward(const RecurrentArgs& a, int64_t i, const T* p, const State<T>& s) {
    const int64_t n = a.units;
    const auto x = reader<T>(a.x, 3 * n, i, a.time);
    const T* bias = row_at<T>(a.bias, 0);
    T* gates = row_at<T>(a.gates, 4 * n * i);
    T* h_out = row_at<T>(a.h, n * i);
    T* before = row_at<T>(a.before, n * i);
    each_column<T>(n, [&](int64_t j, auto at) {
      if (before) at.put(before + j, 0, load(s.h + j));
      auto state = [&](int64_t b) {
        return at.get(p + b * n + j, 0) + get_or_zero<T>(at, bias, b * n + j);
      };
      const vec<T> z = gate<T>(x.get(at, j) + state(0)), r = gate<T>(x.get(at, n + j) + state(1)),
                   q = state(2), m = tanh<T>(fma(r, q, x.get(at, 2 * n + j)));
      const vec<T> h = fma(z, load(s.h + j) - m, m);
      store(s.h + j, h);
      if (h_out) at.put(h_out + j, 0, h);
      if (!gates) return;
      at.put(gates + j, 0, z);
      at.put(gates + n + j, 0, r);
      at.put(gates + 2 * n + j, 0, m);
      at.put(gates + 3 * n + j, 0, q);
    });
  }

  template <class T>
  static void backward(const RecurrentGradArgs& a, int64_t i, const T*, T* d, const State<T>& s) {
    const int64_t n = a.units;
    const auto gates = reader<T>(a.gates, 4 * n, i, a.time),
               before = reader<T>(a.before, n, i, a.time), dh_in = reader<T>(a.dh, n, i, a.time);
    T* dx = row_at<T>(a.dx, 3 * n * i);
    T* dinner = row_at<T>(a.dinner, 3 * n * i);
    each_column<T>(n, [&](int64_t j, auto at) {
      const vec<T> z = gates.get(at, j), r = gates.get(at, n + j), m = gates.get(at, 2 * n + j),
                   q = gates.get(at, 3 * n + j);
      const vec<T> dh = load(s.h + j) + dh_in.get_or_zero(at, j), dhz = dh * z,
                   dm = (dh - dhz) * (1 - m * m);
      auto put = [&](int64_t b, vec<T> inner, vec<T> outer) {
        at.put(d + b * n + j, 0, inner);
        at.put(dinner + b * n + j, 0, inner);
        at.put(dx + b * n + j, 0, outer);
      };
      const vec<T> dz = dhz * (1 - z) * (before.get(at, j) - m), dr = dm * q * (r * (1 - r));
      put(0, dz, dz);
      put(1, dr, dr);
      put(2, dm * r, dm);
      store(s.h + j, dhz);
    });
  }
};

struct SimpleRnn {
  static constexpr int64_t kBlocks = 1, kSaved = 0;
  static constexpr bool kHasCell = false;

  template <class T>
  static void forward(const RecurrentArgs& a, int64_t i, const T* p, const State<T>& s) {
    const auto x = reader<T>(a.x, a.units, i, a.time);
    T* out = row_at<T>(a.h, a.units * i);
    T* before = row_at<T>(a.before, a.units * i);
    each_column<T>(a.units, [&](int64_t j, auto at) {
      if (before) at.put(before + j, 0, load(s.h + j));
      const vec<T> h = tanh<T>(x.get(at, j) + at.get(p + j, 0));
      store(s.h + j, h);
      if (out) at.put(out + j, 0, h);
    });
  }

  template <class T>
  static void backward(const RecurrentGradArgs& a, int64_t i, const T*, T* d, const State<T>& s) {
    const auto h = reader<T>(a.h, a.units, i, a.time), dh_in = reader<T>(a.dh, a.units, i, a.time);
    T* dx = row_at<T>(a.dx, a.units * i);
    each_column<T>(a.units, [&](int64_t j, auto at) {
      const vec<T> y = h.get(at, j), dh = load(s.h + j) + dh_in.get_or_zero(at, j),
                   v = dh * (1 - y * y);
      at.put(d + j, 0, v);
      at.put(dx + j, 0, v);
      store(s.h + j, zero<T>());
    });
  }
};

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
