// Elementwise arithmetic. Integers wrap; division by an integer zero gives 0 (as NumPy).
#pragma once
#include <cmath>
#include <type_traits>

#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

// Signed overflow is undefined: integers are added, subtracted and multiplied as unsigned.
template <class T, bool = std::is_integral_v<T>>
struct Wrapping {
  using type = T;
};
template <class T>
struct Wrapping<T, true> {
  using type = std::make_unsigned_t<T>;
};
template <class T>
using wrapping_t = typename Wrapping<T>::type;

template <class T>
__device__ T add(T a, T b, const double*) {
  return static_cast<T>(static_cast<wrapping_t<T>>(a) + static_cast<wrapping_t<T>>(b));
}
template <class T>
__device__ T subtract(T a, T b, const double*) {
  return static_cast<T>(static_cast<wrapping_t<T>>(a) - static_cast<wrapping_t<T>>(b));
}
template <class T>
__device__ T multiply(T a, T b, const double*) {
  return static_cast<T>(static_cast<wrapping_t<T>>(a) * static_cast<wrapping_t<T>>(b));
}
template <class T>
__device__ T divide(T a, T b, const double*) {
  return a / b;
}

// NaN wins; equal operands (zeros of both signs) give the first.
template <class T>
__device__ T maximum(T a, T b, const double*) {
  return a >= b || a != a ? a : b;
}
template <class T>
__device__ T minimum(T a, T b, const double*) {
  return a <= b || a != a ? a : b;
}

template <class T>
__device__ T floor_divide(T a, T b, const double* p) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if (b == -1) return subtract<T>(0, a, p);
    return static_cast<T>(a / b - (a % b != 0 && (a < 0) != (b < 0)));
  } else {
    if (b == 0) return a / b;
    const T rest = std::fmod(a, b);
    T quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(T(0), a / b);
    const T whole = std::floor(quotient);
    return quotient - whole > T(0.5) ? whole + 1 : whole;
  }
}

// The rest has the sign of b.
template <class T>
__device__ T mod(T a, T b, const double*) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0 || b == -1) return 0;
    const T rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  } else {
    const T rest = std::fmod(a, b);
    if (rest == 0) return std::copysign(T(0), b);
    return (b < 0) != (rest < 0) ? rest + b : rest;
  }
}

template <class T>
__device__ T negative(T x, const double* p) {
  if constexpr (std::is_integral_v<T>) return subtract<T>(0, x, p);
  return -x;
}
template <class T>
__device__ T absolute(T x, const double* p) {
  if constexpr (std::is_integral_v<T>)
    return x < 0 ? subtract<T>(0, x, p) : x;
  else
    return std::fabs(x);
}
// NaN stays NaN.
template <class T>
__device__ T sign(T x, const double*) {
  return x > 0 ? T(1) : x < 0 ? T(-1) : x == 0 ? T(0) : x;
}
template <class T>
__device__ T square(T x, const double* p) {
  return multiply(x, x, p);
}
template <class T>
__device__ T reciprocal(T x, const double*) {
  return 1 / x;
}
template <class T>
__device__ T round_half_even(T x, const double*) {
  return std::nearbyint(x);
}
template <class T>
__device__ T round_down(T x, const double*) {
  return std::floor(x);
}
template <class T>
__device__ T round_up(T x, const double*) {
  return std::ceil(x);
}

// p = {low, high}. NaN stays NaN; high wins where low > high (NumPy).
template <class T>
__device__ T clip(T x, const double* p) {
  const T low = static_cast<T>(p[0]), high = static_cast<T>(p[1]);
  const T v = x < low ? low : x;
  return v > high ? high : v;
}

// X(id, dtype, inputs, type of the result, type of the inputs, function)
// clang-format off
#define FASTNN_FLOATS(X, id, inputs, f) \
  X(id, f32, inputs, float, float, f<float>) \
  X(id, f64, inputs, double, double, f<double>)
#define FASTNN_NUMBERS(X, id, inputs, f) \
  FASTNN_FLOATS(X, id, inputs, f) \
  X(id, i32, inputs, int32_t, int32_t, f<int32_t>) \
  X(id, i64, inputs, int64_t, int64_t, f<int64_t>)
// clang-format on

#define FASTNN_ARITHMETIC(X)                       \
  FASTNN_NUMBERS(X, add, 2, add)                   \
  FASTNN_NUMBERS(X, subtract, 2, subtract)         \
  FASTNN_NUMBERS(X, multiply, 2, multiply)         \
  FASTNN_FLOATS(X, divide, 2, divide)              \
  FASTNN_NUMBERS(X, maximum, 2, maximum)           \
  FASTNN_NUMBERS(X, minimum, 2, minimum)           \
  FASTNN_NUMBERS(X, floor_divide, 2, floor_divide) \
  FASTNN_NUMBERS(X, mod, 2, mod)                   \
  FASTNN_NUMBERS(X, negative, 1, negative)         \
  FASTNN_NUMBERS(X, absolute, 1, absolute)         \
  FASTNN_NUMBERS(X, sign, 1, sign)                 \
  FASTNN_NUMBERS(X, square, 1, square)             \
  FASTNN_FLOATS(X, reciprocal, 1, reciprocal)      \
  FASTNN_FLOATS(X, round, 1, round_half_even)      \
  FASTNN_FLOATS(X, floor, 1, round_down)           \
  FASTNN_FLOATS(X, ceil, 1, round_up)              \
  FASTNN_NUMBERS(X, clip, 1, clip)

}  // namespace fastnn::kernels::cuda
