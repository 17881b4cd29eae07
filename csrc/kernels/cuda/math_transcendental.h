// Elementary functions: CUDA's own, whose float32 errors are at most 2 ULP (4 for power).
#pragma once
#include <cmath>

#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

#define FASTNN_FUNCTION(name)                        \
  template <class T>                                 \
  __device__ T function_##name(T x, const double*) { \
    return std::name(x);                             \
  }
FASTNN_FUNCTION(exp)
FASTNN_FUNCTION(expm1)
FASTNN_FUNCTION(log)
FASTNN_FUNCTION(log1p)
FASTNN_FUNCTION(sqrt)
FASTNN_FUNCTION(sin)
FASTNN_FUNCTION(cos)
FASTNN_FUNCTION(erf)
#undef FASTNN_FUNCTION

template <class T>
__device__ T function_rsqrt(T x, const double*) {
  return 1 / std::sqrt(x);
}
template <class T>
__device__ T function_power(T a, T b, const double*) {
  return std::pow(a, b);
}

#define FASTNN_TRANSCENDENTAL(X)             \
  FASTNN_FLOATS(X, exp, 1, function_exp)     \
  FASTNN_FLOATS(X, expm1, 1, function_expm1) \
  FASTNN_FLOATS(X, log, 1, function_log)     \
  FASTNN_FLOATS(X, log1p, 1, function_log1p) \
  FASTNN_FLOATS(X, sqrt, 1, function_sqrt)   \
  FASTNN_FLOATS(X, rsqrt, 1, function_rsqrt) \
  FASTNN_FLOATS(X, sin, 1, function_sin)     \
  FASTNN_FLOATS(X, cos, 1, function_cos)     \
  FASTNN_FLOATS(X, erf, 1, function_erf)     \
  FASTNN_FLOATS(X, power, 2, function_power)

}  // namespace fastnn::kernels::cuda
