// Loops that turn a function of vectors into a Tile. The tail runs the same function on the first
// lanes, so an element's bits do not depend on n or on its place.
#pragma once
#include "kernels/cpu/simd.h"
#include "kernels/kernels.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// f(x), f(x, params[0])
template <class T, vec<T> (*f)(vec<T>)>
void unary(void* out, const void* const* in, int64_t n, const double*) {
  const T* x = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store(y + i, f(load(x + i)));
  if (i < n) store_first(y + i, f(load_first(x + i, n - i)), n - i);
}
template <class T, vec<T> (*f)(vec<T>, T)>
void unary_with(void* out, const void* const* in, int64_t n, const double* params) {
  const T* x = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  const T p = static_cast<T>(params[0]);
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store(y + i, f(load(x + i), p));
  if (i < n) store_first(y + i, f(load_first(x + i, n - i), p), n - i);
}

// f(a, b), f(a, b, params[0])
template <class T, vec<T> (*f)(vec<T>, vec<T>)>
void binary(void* out, const void* const* in, int64_t n, const double*) {
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  T* y = static_cast<T*>(out);
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store(y + i, f(load(a + i), load(b + i)));
  if (i < n) store_first(y + i, f(load_first(a + i, n - i), load_first(b + i, n - i)), n - i);
}
template <class T, vec<T> (*f)(vec<T>, vec<T>, T)>
void binary_with(void* out, const void* const* in, int64_t n, const double* params) {
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  T* y = static_cast<T*>(out);
  const T p = static_cast<T>(params[0]);
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store(y + i, f(load(a + i), load(b + i), p));
  if (i < n) store_first(y + i, f(load_first(a + i, n - i), load_first(b + i, n - i), p), n - i);
}

// f(a, b, c)
template <class T, vec<T> (*f)(vec<T>, vec<T>, vec<T>)>
void ternary(void* out, const void* const* in, int64_t n, const double*) {
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  const T* c = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store(y + i, f(load(a + i), load(b + i), load(c + i)));
  if (i < n) {
    const int64_t rest = n - i;
    const vec<T> u = load_first(a + i, rest), v = load_first(b + i, rest);
    store_first(y + i, f(u, v, load_first(c + i, rest)), rest);
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
#define FASTNN_NUMBERS(id, loop, f)                                            \
  FASTNN_FLOATS(id, loop, f), FASTNN_TILE(id, i32, loop<int32_t, f<int32_t>>), \
      FASTNN_TILE(id, i64, loop<int64_t, f<int64_t>>)

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
