// Sine and cosine on vectors. Errors are stated as in vmath_exp.h.
#pragma once
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/vmath_exp.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Up to here the reduction below is exact enough; beyond, C's functions do the work.
constexpr double kTrigPlain = 0x1p20;

// x = n pi/2 + (high + low), |high| <= pi/4. pi/2 comes in parts (Cody and Waite 1980) of 33 bits,
// whose products with n are exact, with or without fma. A float's reduction is done in double,
// where two parts do and nothing is left for low.
template <class T>
struct Angle {
  vec<T> high, low;
  vec<Bits<T>> n;
};
FASTNN_INLINE F64 quarter_turns(F64 x) {
  return fma(x, set<double>(0x1.45f306dc9c883p-1), set<double>(0x1.8p52)) - 0x1.8p52;
}
FASTNN_INLINE F64 reduce_by(F64 n, F64 x) {
  return fma(n, set<double>(-0x1.0b4611a626331p-34), fma(n, set<double>(-0x1.921fb544p+0), x));
}
FASTNN_INLINE Angle<float> angle(F32 x) {
  const F64 low = widen_low(x), high = widen_high(x);
  const F64 n = quarter_turns(low), m = quarter_turns(high);
  return {narrow(reduce_by(n, low), reduce_by(m, high)), zero<float>(), to_int(narrow(n, m))};
}
FASTNN_INLINE Angle<double> angle(F64 x) {
  const F64 n = quarter_turns(x);
  const F64 a = fma(n, set<double>(-0x1.921fb544p+0), x), b = n * 0x1.0b4611a6p-34, r = a - b;
  const F64 low = fma(n, set<double>(-0x1.3198a2e037073p-69), (a - r) - b), high = r + low;
  return {high, (r - high) + low, to_int(n)};
}

template <class T>
FASTNN_INLINE vec<T> sin_reduced(Angle<T> a) {
  const vec<T> z = a.high * a.high;
  if constexpr (kIsFloat<T>) {
    const vec<T> p = horner<T>(z, -0x1.555546p-3f, 0x1.110778p-7f, -0x1.9954p-13f);
    return fma(a.high * z, p, a.high);
  } else {
    const vec<T> p =
        polynomial<T>(z, -0x1.5555555555555p-3, 0x1.1111111110bb1p-7, -0x1.a01a019e8357cp-13,
                      0x1.71de37961e4cp-19, -0x1.ae600a926c40bp-26, 0x1.5e0af18699f16p-33);
    return a.high + fma(a.high * z, p, a.low);
  }
}
template <class T>
FASTNN_INLINE vec<T> cos_reduced(Angle<T> a) {
  const vec<T> z = a.high * a.high;
  if constexpr (kIsFloat<T>) {
    const vec<T> p = horner<T>(z, -0.5f, 0x1.555554p-5f, -0x1.6c12d2p-10f, 0x1.9bd864p-16f);
    return fma(z, p, set<T>(1));
  } else {
    const vec<T> p =
        polynomial<T>(z, 0x1.5555555555555p-5, -0x1.6c16c16c16966p-10, 0x1.a01a019f4e867p-16,
                      -0x1.27e4fa17a41b1p-22, 0x1.1eeb68b108f2bp-29, -0x1.907d7aebc05d2p-37);
    // 1 - z/2 with what its rounding loses.
    const vec<T> half = T(0.5) * z, w = 1 - half;
    return w + fma(z * z, p, ((1 - w) - half) - a.high * a.low);
  }
}

// The function that is `ahead` quarter turns before the sine, |x| <= kTrigPlain.
template <class T>
FASTNN_INLINE vec<T> sine_plain(vec<T> x, Bits<T> ahead) {
  constexpr Bits<T> kTop = static_cast<Bits<T>>(sizeof(T) * 8 - 2);
  const Angle<T> a = angle(x);
  const vec<Bits<T>> n = a.n + ahead;
  const vec<T> y = select((n & 1) != 0, cos_reduced<T>(a), sin_reduced<T>(a));
  return as_float(as_bits(y) ^ ((n & 2) << kTop));
}

template <class T, double (*f)(double)>
__attribute__((noinline)) vec<T> lane_by_lane(vec<T> v) {
  FASTNN_EACH (i, kLanes<T>) v[i] = static_cast<T>(f(v[i]));
  return v;
}
inline double scalar_sin(double x) { return __builtin_sin(x); }
inline double scalar_cos(double x) { return __builtin_cos(x); }

// float 1 ULP, double 1.
template <class T>
struct Sin {
  static constexpr bool kSame = false;
  static constexpr T kLow = -kTrigPlain, kHigh = kTrigPlain;
  static FASTNN_INLINE vec<T> plain(vec<T> x) {
    const vec<T> y = sine_plain<T>(abs(x), 0);
    return as_float(as_bits(y) ^ (as_bits(x) & as_bits(set<T>(-0.0))));  // keeps -0
  }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return lane_by_lane<T, scalar_sin>(x); }
};
template <class T>
struct Cos {
  static constexpr bool kSame = false;
  static constexpr T kLow = -kTrigPlain, kHigh = kTrigPlain;
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return sine_plain<T>(x, 1); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return lane_by_lane<T, scalar_cos>(x); }
};

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
