// One row's step of each recurrent cell, forwards and backwards. The formulas are in recurrent.h.
//
// What a cell is, for recurrent_walk.h:
//   kBlocks, kSaved   as recurrent.h counts them; kHasCell: whether there is a c beside h
//   forward(a, i, p, s)       step i (its place in [batch, time]): p holds the state's part of the
//                             blocks; s holds h and c before the step, and after
//   backward(a, i, old, d, s) step i: s holds the gradients of h and c after the step, and is left
//                             with those before it, but for what d carries through the product; d
//                             receives the gradient of the product. old: c before the step
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

struct Lstm {
  static constexpr int64_t kBlocks = 4, kSaved = 4;
  static constexpr bool kHasCell = true;

  template <class T>
  static void forward(const RecurrentArgs& a, int64_t i, const T* p, const State<T>& s) {
    const int64_t n = a.units;
    const T* x = row_at<T>(a.x, 4 * n * i);
    T* gates = row_at<T>(a.gates, 4 * n * i);
    T* h_out = row_at<T>(a.h, n * i);
    T* c_out = row_at<T>(a.c, n * i);
    each_column<T>(n, [&](int64_t j, auto at) {
      auto block = [&](int64_t b) { return at.get(x + b * n + j, 0) + at.get(p + b * n + j, 0); };
      const vec<T> in = sigmoid<T>(block(0)), f = sigmoid<T>(block(1)), g = tanh<T>(block(2)),
                   o = sigmoid<T>(block(3));
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
    const T* gates = row_at<T>(a.gates, 4 * n * i);
    const T* c = row_at<T>(a.c, n * i);
    T* dx = row_at<T>(a.dx, 4 * n * i);
    each_column<T>(n, [&](int64_t j, auto at) {
      const vec<T> in = at.get(gates + j, 0), f = at.get(gates + n + j, 0),
                   g = at.get(gates + 2 * n + j, 0), o = at.get(gates + 3 * n + j, 0);
      const vec<T> y = tanh<T>(at.get(c + j, 0)), dh = load(s.h + j), dho = dh * o;
      const vec<T> dc = fma(dho, 1 - y * y, load(s.c + j)), dci = dc * in;
      auto put = [&](int64_t b, vec<T> v) {
        at.put(d + b * n + j, 0, v);
        at.put(dx + b * n + j, 0, v);
      };
      put(0, dci * g * (1 - in));
      put(1, dc * get_or_zero<T>(at, old, j) * (f * (1 - f)));
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
    const T* x = row_at<T>(a.x, 3 * n * i);
    const T* bias = row_at<T>(a.bias, 0);
    T* gates = row_at<T>(a.gates, 4 * n * i);
    T* h_out = row_at<T>(a.h, n * i);
    each_column<T>(n, [&](int64_t j, auto at) {
      auto state = [&](int64_t b) {
        return at.get(p + b * n + j, 0) + get_or_zero<T>(at, bias, b * n + j);
      };
      const vec<T> z = sigmoid<T>(at.get(x + j, 0) + state(0)),
                   r = sigmoid<T>(at.get(x + n + j, 0) + state(1)), q = state(2),
                   m = tanh<T>(fma(r, q, at.get(x + 2 * n + j, 0)));
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
    const T* gates = row_at<T>(a.gates, 4 * n * i);
    const T* before = row_at<T>(a.before, n * i);
    T* dx = row_at<T>(a.dx, 3 * n * i);
    T* dinner = row_at<T>(a.dinner, 3 * n * i);
    each_column<T>(n, [&](int64_t j, auto at) {
      const vec<T> z = at.get(gates + j, 0), r = at.get(gates + n + j, 0),
                   m = at.get(gates + 2 * n + j, 0), q = at.get(gates + 3 * n + j, 0);
      const vec<T> dh = load(s.h + j), dhz = dh * z, dm = (dh - dhz) * (1 - m * m);
      auto put = [&](int64_t b, vec<T> inner, vec<T> outer) {
        at.put(d + b * n + j, 0, inner);
        at.put(dinner + b * n + j, 0, inner);
        at.put(dx + b * n + j, 0, outer);
      };
      const vec<T> dz = dhz * (1 - z) * (at.get(before + j, 0) - m), dr = dm * q * (r * (1 - r));
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
    const T* x = row_at<T>(a.x, a.units * i);
    T* out = row_at<T>(a.h, a.units * i);
    each_column<T>(a.units, [&](int64_t j, auto at) {
      const vec<T> h = tanh<T>(at.get(x + j, 0) + at.get(p + j, 0));
      store(s.h + j, h);
      if (out) at.put(out + j, 0, h);
    });
  }

  template <class T>
  static void backward(const RecurrentGradArgs& a, int64_t i, const T*, T* d, const State<T>& s) {
    const T* h = row_at<T>(a.h, a.units * i);
    T* dx = row_at<T>(a.dx, a.units * i);
    each_column<T>(a.units, [&](int64_t j, auto at) {
      const vec<T> y = at.get(h + j, 0), v = load(s.h + j) * (1 - y * y);
      at.put(d + j, 0, v);
      at.put(dx + j, 0, v);
      store(s.h + j, zero<T>());
    });
  }
};

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
