// Loops that turn a function of vectors into a Tile. Partial vectors run the same function on the
// first lanes, so an element's bits do not depend on n or on its place. Long outputs are written
// from their first vector boundary on: a 64-byte store anywhere else touches two cache lines.
#pragma once
#include "kernels/cpu/lanes.h"
#include "kernels/kernels.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// How many elements come before that boundary: 0 where it would not pay.
template <class T>
FASTNN_INLINE int64_t head(const T* y, int64_t n) {
  if (kVectorBytes < 64 || n < 16 * kLanes<T>) return 0;
  const auto past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(y) % kVectorBytes);
  return past == 0 ? 0 : (kVectorBytes - past) / static_cast<int64_t>(sizeof(T));
}

// y = f(i, at) for every vector of n elements, where at.get(p) reads it. Pairs of vectors come
// before their stores, so that the compiler may mix their instructions: one alone leaves the
// multipliers waiting. A head, a last odd vector and the rest are parts.
template <class T>
struct Whole {
  FASTNN_INLINE vec<T> get(const T* p) const { return in_register(load(p)); }
};
template <class T>
struct Part {
  int64_t n;
  FASTNN_INLINE vec<T> get(const T* p) const { return load_first(p, n); }
};
template <class T, class F>
FASTNN_INLINE void for_vectors(T* y, int64_t n, const F& f) {
  constexpr int64_t L = kLanes<T>;
  int64_t part = head(y, n);
  for (int64_t i = 0;;) {
    if (part > 0) store_first(y + i, f(i, Part<T>{part}), part);
    for (i += part; i + 2 * L <= n; i += 2 * L) {
      const vec<T> a = f(i, Whole<T>{}), b = f(i + L, Whole<T>{});
      store(y + i, a);
      store(y + i + L, b);
    }
    if (i >= n) return;
    part = n - i < L ? n - i : L;
  }
}

// f(x), f(x, params[0])
template <class T, vec<T> (*f)(vec<T>)>
void unary(void* out, const void* const* in, int64_t n, const double*) {
  const T* x = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  for_vectors<T>(y, n, [&](int64_t i, auto at) { return f(at.get(x + i)); });
}
template <class T, vec<T> (*f)(vec<T>, T)>
void unary_with(void* out, const void* const* in, int64_t n, const double* params) {
  const T* x = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  const T p = static_cast<T>(params[0]);
  for_vectors<T>(y, n, [&](int64_t i, auto at) { return f(at.get(x + i), p); });
}

// f(a, b), f(a, b, params[0])
template <class T, vec<T> (*f)(vec<T>, vec<T>)>
void binary(void* out, const void* const* in, int64_t n, const double*) {
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  T* y = static_cast<T*>(out);
  for_vectors<T>(y, n, [&](int64_t i, auto at) { return f(at.get(a + i), at.get(b + i)); });
}
template <class T, vec<T> (*f)(vec<T>, vec<T>, T)>
void binary_with(void* out, const void* const* in, int64_t n, const double* params) {
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  T* y = static_cast<T*>(out);
  const T p = static_cast<T>(params[0]);
  for_vectors<T>(y, n, [&](int64_t i, auto at) { return f(at.get(a + i), at.get(b + i), p); });
}

// f(a, b, c)
template <class T, vec<T> (*f)(vec<T>, vec<T>, vec<T>)>
void ternary(void* out, const void* const* in, int64_t n, const double*) {
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  const T* c = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  for_vectors<T>(
      y, n, [&](int64_t i, auto at) { return f(at.get(a + i), at.get(b + i), at.get(c + i)); });
}

// Functions in two ways: F::plain(inputs...) where the last input lies in [F::kLow, F::kHigh],
// which is nearly everywhere, and F::any(inputs...) beyond. A vector takes the short way only as a
// whole; elsewhere each lane has the bits of its own way, so they do not depend on its neighbours.
// F::kSame: any's bits are plain's where plain may go.
template <class T, class F, class... V>
FASTNN_INLINE vec<T> either_way(vec<T> last, V... v) {
  if (all_in(last, set<T>(F::kLow), set<T>(F::kHigh))) return F::plain(v...);
  if constexpr (F::kSame)
    return F::any(v...);
  else
    return select((last >= F::kLow) & (last <= F::kHigh), F::plain(v...), F::any(v...));
}
// Partial vectors, and a few from one on that does not go the short way.
constexpr int64_t kCarefully = 8;
template <class T, class F, int N>
__attribute__((noinline)) void carefully(T* y, const T* const* in, int64_t i, int64_t count) {
  constexpr int64_t L = kLanes<T>;
  for (const int64_t end = i + count; i < end; i += L) {
    const int64_t n = end - i < L ? end - i : L;
    vec<T> v[N];
    // The lanes beyond go the short way too: 0 allows it, or else 1.
    FASTNN_EACH (k, N) v[k] = F::kLow <= 0 ? load_first(in[k] + i, n) : load_or(in[k] + i, n, T(1));
    if constexpr (N == 1)
      v[0] = either_way<T, F>(v[0], v[0]);
    else if constexpr (N == 2)
      v[0] = either_way<T, F>(v[1], v[0], v[1]);
    else
      v[0] = either_way<T, F>(v[1], v[0], v[1], v[2]);
    store_first(y + i, v[0], n);
  }
}
// F in two stages, F::first(x) and F::second(of that, x), for blocks that all go the short way: in
// one piece the chain of instructions is longer than a processor looks ahead. Returns where it
// ends.
constexpr int64_t kStaged = 32;
template <class T, class F>
FASTNN_INLINE int64_t in_stages(T* y, const T* x, int64_t i, int64_t n) {
  constexpr int64_t L = kLanes<T>, kBlock = kStaged * L;
  using Stage = decltype(F::first(vec<T>()));
  Stage between[kStaged];
  for (; i + kBlock <= n; i += kBlock) {
    bool plain = true;
#pragma GCC unroll 2
    for (int64_t k = 0; k < kStaged; ++k) {
      const vec<T> v = load(x + i + k * L);
      plain &= all_in(v, set<T>(F::kLow), set<T>(F::kHigh));
      between[k] = F::first(v);
    }
    if (!plain) break;
    for (int64_t k = 0; k < kStaged; k += 2) {
      const vec<T> a = F::second(between[k], load(x + i + k * L));
      const vec<T> b = F::second(between[k + 1], load(x + i + (k + 1) * L));
      store(y + i + k * L, a);
      store(y + i + (k + 1) * L, b);
    }
  }
  return i;
}
template <class F, class = void>
constexpr bool kHasStages = false;
template <class F>
constexpr bool kHasStages<F, decltype(F::kInStages, void())> = F::kInStages;  // where they pay

template <class T, class F, int N>
void two_ways(void* out, const void* const* in, int64_t n, const double*) {
  constexpr int64_t L = kLanes<T>;
  T* y = static_cast<T*>(out);
  const T* p[N];
  FASTNN_EACH (k, N) p[k] = static_cast<const T*>(in[k]);
  const auto plain = [&](int64_t i) {
    return all_in(load(p[N == 1 ? 0 : 1] + i), set<T>(F::kLow), set<T>(F::kHigh));
  };
  const auto at = [&](int64_t i) {
    if constexpr (N == 1)
      return F::plain(load(p[0] + i));
    else if constexpr (N == 2)
      return F::plain(load(p[0] + i), load(p[1] + i));
    else
      return F::plain(load(p[0] + i), load(p[1] + i), load(p[2] + i));
  };
  int64_t part = head(y, n);
  for (int64_t i = 0;;) {
    if (part > 0) carefully<T, F, N>(y, p, i, part);
    i += part;
    if constexpr (kHasStages<F>) i = in_stages<T, F>(y, p[0], i, n);
    for (; i + 2 * L <= n && plain(i) && plain(i + L); i += 2 * L) {
      const vec<T> a = at(i), b = at(i + L);
      store(y + i, a);
      store(y + i + L, b);
    }
    if (i >= n) return;
    part = n - i < kCarefully * L ? n - i : kCarefully * L;
  }
}

// Before a plain loop over elements: out may equal an input, element by element, so iterations
// never depend on each other.
#if defined(__clang__)
#define FASTNN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define FASTNN_INDEPENDENT _Pragma("GCC ivdep")
#endif

#define FASTNN_TILE(id, dtype, ...) {id, DType::dtype, nullptr, __VA_ARGS__, nullptr}
#define FASTNN_FLOATS(id, loop, f) \
  FASTNN_TILE(id, f32, loop<float, f<float>>), FASTNN_TILE(id, f64, loop<double, f<double>>)
#define FASTNN_TWO_WAYS(id, F, inputs)                     \
  FASTNN_TILE(id, f32, two_ways<float, F<float>, inputs>), \
      FASTNN_TILE(id, f64, two_ways<double, F<double>, inputs>)
#define FASTNN_NUMBERS(id, loop, f)                                            \
  FASTNN_FLOATS(id, loop, f), FASTNN_TILE(id, i32, loop<int32_t, f<int32_t>>), \
      FASTNN_TILE(id, i64, loop<int64_t, f<int64_t>>)

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
