// Elementary functions. sin and cos, and float64's power, run the reference's loops.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/tiles.h"
#include "kernels/cpu/vmath_erf.h"
#include "kernels/cpu/vmath_log.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

template <class T>
FASTNN_INLINE vec<T> square_root(vec<T> x) {
  return sqrt(x);
}
template <class T>
FASTNN_INLINE vec<T> rsqrt(vec<T> x) {
  return 1 / sqrt(x);
}

// |a|^b in double, where its error of at most 2e-13 vanishes in the rounding to float.
FASTNN_INLINE F32 power_magnitude(F32 a, F32 b) {
  F64 y[2] = {widen_low(b), widen_high(b)};
  const F64 x[2] = {widen_low(a), widen_high(a)};
  for (int i = 0; i < 2; ++i) y[i] = exp<double>(y[i] * log<double>(x[i]));
  return narrow(y[0], y[1]);
}

// 0.51 ULP. Limits as C's pow.
FASTNN_INLINE F32 power(F32 a, F32 b) {
  const F32 size = abs(a), infinity = set<float>(__builtin_inff()), one = set<float>(1);
  F32 y = power_magnitude(size, b);
  const F32 half = 0.5f * b;
  const I32 integral = floor(b) == b, odd = integral & (floor(half) != half);
  const I32 negative = as_bits(a) < 0;
  y = select(negative & odd, -y, y);
  y = select(negative & ~integral & (a != 0) & (size != infinity), set<float>(__builtin_nanf("")),
             y);
  y = select((size == 1) & (abs(b) == infinity), one, y);
  return select((b == 0) | (a == 1), one, y);
}

const Entry entries[] = {
    FASTNN_FLOATS("exp", unary, exp),
    FASTNN_FLOATS("exponential", unary, exp),
    FASTNN_FLOATS("expm1", unary, expm1),
    FASTNN_FLOATS("log", unary, log),
    FASTNN_FLOATS("log1p", unary, log1p),
    FASTNN_FLOATS("sqrt", unary, square_root),
    FASTNN_FLOATS("rsqrt", unary, rsqrt),
    FASTNN_FLOATS("erf", unary, erf),
    FASTNN_TILE("power", f32, binary<float, power>),
};

}  // namespace

const EntryList transcendental_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
