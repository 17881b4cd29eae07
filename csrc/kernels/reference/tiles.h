// Loops that turn a function of scalars into a Tile, and entries for the dtypes it serves.
// Floating-point functions are stated once, in double: for float32 that is the better
// specification.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels::reference {

using Unary = double (*)(double x, const double* params);
using Binary = double (*)(double a, double b, const double* params);
using Ternary = double (*)(double a, double b, double c, const double* params);

template <class T, Unary f>
void unary(void* out, const void* const* in, int64_t n, const double* params) {
  const T* x = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(f(x[i], params));
}

template <class T, Binary f>
void binary(void* out, const void* const* in, int64_t n, const double* params) {
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(f(a[i], b[i], params));
}

template <class T, Ternary f>
void ternary(void* out, const void* const* in, int64_t n, const double* params) {
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  const T* c = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(f(a[i], b[i], c[i], params));
}

// The same for functions exact in their own type: R(T) and R(T, T).
template <class T, class R, R (*f)(T)>
void unary_exact(void* out, const void* const* in, int64_t n, const double*) {
  const T* x = static_cast<const T*>(in[0]);
  R* y = static_cast<R*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = f(x[i]);
}

template <class T, class R, R (*f)(T, T)>
void binary_exact(void* out, const void* const* in, int64_t n, const double*) {
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  R* y = static_cast<R*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
}

#define FASTNN_TILE(id, dtype, function) {id, DType::dtype, nullptr, function, nullptr}
#define FASTNN_FLOATS(id, loop, f) \
  FASTNN_TILE(id, f32, (loop<float, f>)), FASTNN_TILE(id, f64, (loop<double, f>))

}  // namespace fastnn::kernels::reference
