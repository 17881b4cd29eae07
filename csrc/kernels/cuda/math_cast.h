// Casts between all dtypes. Integers wrap; floats go to the nearest value (float64 to float32) or
// are cut (to integers), where NaN and what does not fit give the lowest int32 or int64, as on the
// CPU. uint8 takes the low byte of the int32. Anything but 0 is true, NaN too.
#pragma once
#include <type_traits>

#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

template <class I, class F>
__device__ I cut(F x) {
  constexpr I lowest = static_cast<I>(I(1) << (8 * sizeof(I) - 2)) * -2;
  constexpr F limit = -static_cast<F>(lowest);
  return x >= -limit && x < limit ? static_cast<I>(x) : lowest;
}

template <class To, class From>
__device__ To cast(From x, const double*) {
  if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, uint8_t>)
    return static_cast<uint8_t>(cut<int32_t>(x));
  else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>)
    return cut<To>(x);
  else
    return static_cast<To>(x);
}
template <class From>
__device__ uint8_t truth(From x, const double*) {
  return x != 0;
}
// b8 is read as 0 or 1 whatever its byte.
template <class To>
__device__ To from_truth(uint8_t x, const double*) {
  return static_cast<To>(x != 0);
}

// clang-format off
#define FASTNN_CASTS(X, id, To) \
  X(id, f32, 1, To, float, cast<To, float>) \
  X(id, f64, 1, To, double, cast<To, double>) \
  X(id, i32, 1, To, int32_t, cast<To, int32_t>) \
  X(id, i64, 1, To, int64_t, cast<To, int64_t>) \
  X(id, u8, 1, To, uint8_t, cast<To, uint8_t>) \
  X(id, b8, 1, To, uint8_t, from_truth<To>)
// clang-format on

#define FASTNN_CONVERSIONS(X)                            \
  FASTNN_CASTS(X, cast_float32, float)                   \
  FASTNN_CASTS(X, cast_float64, double)                  \
  FASTNN_CASTS(X, cast_int32, int32_t)                   \
  FASTNN_CASTS(X, cast_int64, int64_t)                   \
  FASTNN_CASTS(X, cast_uint8, uint8_t)                   \
  X(cast_bool, f32, 1, uint8_t, float, truth<float>)     \
  X(cast_bool, f64, 1, uint8_t, double, truth<double>)   \
  X(cast_bool, i32, 1, uint8_t, int32_t, truth<int32_t>) \
  X(cast_bool, i64, 1, uint8_t, int64_t, truth<int64_t>) \
  X(cast_bool, u8, 1, uint8_t, uint8_t, truth<uint8_t>)  \
  X(cast_bool, b8, 1, uint8_t, uint8_t, truth<uint8_t>)

}  // namespace fastnn::kernels::cuda
