// Elementwise arithmetic. Integers wrap; division by an integer zero gives 0 (as NumPy).
#include <cmath>
#include <type_traits>

#include "kernels/reference/lists.h"
#include "kernels/reference/tiles.h"

namespace fastnn::kernels::reference {
namespace {

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
T add(T a, T b) {
  return static_cast<T>(static_cast<wrapping_t<T>>(a) + static_cast<wrapping_t<T>>(b));
}
template <class T>
T subtract(T a, T b) {
  return static_cast<T>(static_cast<wrapping_t<T>>(a) - static_cast<wrapping_t<T>>(b));
}
template <class T>
T multiply(T a, T b) {
  return static_cast<T>(static_cast<wrapping_t<T>>(a) * static_cast<wrapping_t<T>>(b));
}
template <class T>
T divide(T a, T b) {
  return a / b;
}

// NaN wins; equal operands (zeros of both signs) give the first.
template <class T>
T maximum(T a, T b) {
  return a >= b || a != a ? a : b;
}
template <class T>
T minimum(T a, T b) {
  return a <= b || a != a ? a : b;
}

template <class T>
T floor_divide(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if (b == -1) return subtract<T>(0, a);
    return static_cast<T>(a / b - (a % b != 0 && (a < 0) != (b < 0)));
  } else {
    if (b == 0) return a / b;
    T rest = std::fmod(a, b), quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(T(0), a / b);
    const T whole = std::floor(quotient);
    return quotient - whole > T(0.5) ? whole + 1 : whole;
  }
}

// The rest has the sign of b.
template <class T>
T mod(T a, T b) {
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
T negative(T x) {
  if constexpr (std::is_integral_v<T>) return subtract<T>(0, x);
  return -x;
}
template <class T>
T absolute(T x) {
  if constexpr (std::is_integral_v<T>) return x < 0 ? subtract<T>(0, x) : x;
  return std::fabs(x);
}
// NaN stays NaN.
template <class T>
T sign(T x) {
  return x > 0 ? T(1) : x < 0 ? T(-1) : x == 0 ? T(0) : x;
}
template <class T>
T square(T x) {
  return multiply(x, x);
}
template <class T>
T reciprocal(T x) {
  return 1 / x;
}
template <class T>
T round_half_even(T x) {
  return std::nearbyint(x);
}
template <class T>
T round_down(T x) {
  return std::floor(x);
}
template <class T>
T round_up(T x) {
  return std::ceil(x);
}

// params = {low, high}. NaN stays NaN; high wins where low > high (NumPy).
template <class T>
void clip(void* out, const void* const* in, int64_t n, const double* params) {
  const T* x = static_cast<const T*>(in[0]);
  const T low = static_cast<T>(params[0]), high = static_cast<T>(params[1]);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) {
    const T v = x[i] < low ? low : x[i];
    y[i] = v > high ? high : v;
  }
}

#define FASTNN_EXACT1(id, f, dtype, T) FASTNN_TILE(id, dtype, (unary_exact<T, T, f<T>>))
#define FASTNN_EXACT2(id, f, dtype, T) FASTNN_TILE(id, dtype, (binary_exact<T, T, f<T>>))
#define FASTNN_FLOATS1(id, f) FASTNN_EXACT1(id, f, f32, float), FASTNN_EXACT1(id, f, f64, double)
#define FASTNN_FLOATS2(id, f) FASTNN_EXACT2(id, f, f32, float), FASTNN_EXACT2(id, f, f64, double)
#define FASTNN_NUMBERS1(id, f) \
  FASTNN_FLOATS1(id, f), FASTNN_EXACT1(id, f, i32, int32_t), FASTNN_EXACT1(id, f, i64, int64_t)
#define FASTNN_NUMBERS2(id, f) \
  FASTNN_FLOATS2(id, f), FASTNN_EXACT2(id, f, i32, int32_t), FASTNN_EXACT2(id, f, i64, int64_t)

const Entry entries[] = {
    FASTNN_NUMBERS2("add", add),
    FASTNN_NUMBERS2("subtract", subtract),
    FASTNN_NUMBERS2("multiply", multiply),
    FASTNN_FLOATS2("divide", divide),
    FASTNN_NUMBERS2("maximum", maximum),
    FASTNN_NUMBERS2("minimum", minimum),
    FASTNN_NUMBERS2("floor_divide", floor_divide),
    FASTNN_NUMBERS2("mod", mod),
    FASTNN_NUMBERS1("negative", negative),
    FASTNN_NUMBERS1("absolute", absolute),
    FASTNN_NUMBERS1("sign", sign),
    FASTNN_NUMBERS1("square", square),
    FASTNN_FLOATS1("reciprocal", reciprocal),
    FASTNN_FLOATS1("round", round_half_even),
    FASTNN_FLOATS1("floor", round_down),
    FASTNN_FLOATS1("ceil", round_up),
    FASTNN_TILE("clip", f32, clip<float>),
    FASTNN_TILE("clip", f64, clip<double>),
    FASTNN_TILE("clip", i32, clip<int32_t>),
    FASTNN_TILE("clip", i64, clip<int64_t>),
};

}  // namespace

const EntryList arithmetic_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::reference
