// Comparisons, logic and selection. Results are b8: 0 or 1. Comparisons with NaN are false,
// not_equal is true.
#pragma once
#include <cmath>

#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

template <class T>
__device__ uint8_t equal(T a, T b, const double*) {
  return a == b;
}
template <class T>
__device__ uint8_t not_equal(T a, T b, const double*) {
  return a != b;
}
template <class T>
__device__ uint8_t less(T a, T b, const double*) {
  return a < b;
}
template <class T>
__device__ uint8_t less_equal(T a, T b, const double*) {
  return a <= b;
}
template <class T>
__device__ uint8_t greater(T a, T b, const double*) {
  return a > b;
}
template <class T>
__device__ uint8_t greater_equal(T a, T b, const double*) {
  return a >= b;
}

__device__ inline uint8_t logical_and(uint8_t a, uint8_t b, const double*) { return a && b; }
__device__ inline uint8_t logical_or(uint8_t a, uint8_t b, const double*) { return a || b; }
__device__ inline uint8_t logical_not(uint8_t a, const double*) { return a == 0; }

template <class T>
__device__ uint8_t is_finite(T x, const double*) {
  return x - x == 0;
}
template <class T>
__device__ uint8_t is_nan(T x, const double*) {
  return x != x;
}

// condition ? a : b
template <class T>
__device__ T where(uint8_t condition, T a, T b, const double*) {
  return condition ? a : b;
}

// clang-format off
#define FASTNN_COMPARE(X, id, f) \
  X(id, f32, 2, uint8_t, float, f<float>) \
  X(id, f64, 2, uint8_t, double, f<double>) \
  X(id, i32, 2, uint8_t, int32_t, f<int32_t>) \
  X(id, i64, 2, uint8_t, int64_t, f<int64_t>) \
  X(id, u8, 2, uint8_t, uint8_t, f<uint8_t>) \
  X(id, b8, 2, uint8_t, uint8_t, f<uint8_t>)
// clang-format on

#define FASTNN_COMPARISONS(X)                             \
  FASTNN_COMPARE(X, equal, equal)                         \
  FASTNN_COMPARE(X, not_equal, not_equal)                 \
  FASTNN_COMPARE(X, less, less)                           \
  FASTNN_COMPARE(X, less_equal, less_equal)               \
  FASTNN_COMPARE(X, greater, greater)                     \
  FASTNN_COMPARE(X, greater_equal, greater_equal)         \
  X(logical_and, b8, 2, uint8_t, uint8_t, logical_and)    \
  X(logical_or, b8, 2, uint8_t, uint8_t, logical_or)      \
  X(logical_not, b8, 1, uint8_t, uint8_t, logical_not)    \
  X(isfinite, f32, 1, uint8_t, float, is_finite<float>)   \
  X(isfinite, f64, 1, uint8_t, double, is_finite<double>) \
  X(isnan, f32, 1, uint8_t, float, is_nan<float>)         \
  X(isnan, f64, 1, uint8_t, double, is_nan<double>)       \
  X(where, f32, select, float, float, where<float>)       \
  X(where, f64, select, double, double, where<double>)    \
  X(where, i32, select, int32_t, int32_t, where<int32_t>) \
  X(where, i64, select, int64_t, int64_t, where<int64_t>) \
  X(where, u8, select, uint8_t, uint8_t, where<uint8_t>)  \
  X(where, b8, select, uint8_t, uint8_t, where<uint8_t>)

}  // namespace fastnn::kernels::cuda
