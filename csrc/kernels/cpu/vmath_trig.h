// Sine and cosine on vectors. Errors are stated as in vmath_exp.h.
#pragma once
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/vmath_exp.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Up to here the reduction below is exact enough; beyond, C's functions do the work.
constexpr double kTrigPlain = 0x1p20;

// x = n pi/2 + (high + low), |high| <= pi/4. pi/2 comes in parts (Cody and Waite 1980) of 33 bits,
// whose products with n are exact, with or without fma.
struct Angle {
  F64 high, low;
  I64 n;
};
FASTNN_INLINE F64 quarter_turns(F64 x) {
  return fma(x, set<double>(0x1.45f306dc9c883p-1), set<double>(0x1.8p52)) - 0x1.8p52;
}
FASTNN_INLINE Angle angle(F64 x) {
  const F64 n = quarter_turns(x);
  const F64 a = fma(n, set<double>(-0x1.921fb544p+0), x), b = n * 0x1.0b4611a6p-34, r = a - b;
  const F64 low = fma(n, set<double>(-0x1.3198a2e037073p-69), (a - r) - b), high = r + low;
  return {high, (r - high) + low, to_int(n)};
}

FASTNN_INLINE F64 sin_reduced(Angle a) {
  const F64 z = a.high * a.high;
  const F64 p =
      polynomial<double>(z, -0x1.5555555555555p-3, 0x1.1111111110bb1p-7, -0x1.a01a019e8357cp-13,
                         0x1.71de37961e4cp-19, -0x1.ae600a926c40bp-26, 0x1.5e0af18699f16p-33);
  return a.high + fma(a.high * z, p, a.low);
}
FASTNN_INLINE F64 cos_reduced(Angle a) {
  const F64 z = a.high * a.high;
  const F64 p =
      polynomial<double>(z, 0x1.5555555555555p-5, -0x1.6c16c16c16966p-10, 0x1.a01a019f4e867p-16,
                         -0x1.27e4fa17a41b1p-22, 0x1.1eeb68b108f2bp-29, -0x1.907d7aebc05d2p-37);
  // 1 - z/2 with what its rounding loses.
  const F64 half = 0.5 * z, w = 1 - half;
  return w + fma(z * z, p, ((1 - w) - half) - a.high * a.low);
}

// The function that is `ahead` quarter turns before the sine, |x| <= kTrigPlain.
FASTNN_INLINE F64 sine_plain(F64 x, int64_t ahead) {
  const Angle a = angle(x);
  const I64 n = a.n + ahead;
  const F64 y = select((n & 1) != 0, cos_reduced(a), sin_reduced(a));
  return as_float(as_bits(y) ^ ((n & 2) << 62));
}

// Floats up to here are reduced in float, where fma makes the first product cancel exactly: pi/2
// comes in parts of 24, 11 and 24 bits. The first leaves a multiple of 2^-24; the second loses
// nothing where that is small, else what high has no room for goes to low. Without fma it is done
// in double, and nothing is left for low.
constexpr float kFloatTrigPlain = 0x1p13f;
struct FloatAngle {
  F32 high, low;
  I32 n;  // in its low bits
};
FASTNN_INLINE FloatAngle angle(F32 x) {
  constexpr float kRound = ExpConstants<float>::kRound;
  const F32 rounded = fma(x, set<float>(0x1.45f306p-1f), set<float>(kRound)), n = rounded - kRound;
#if defined(FASTNN_ISA_baseline)
  const auto reduced = [](F64 v, F64 turns) {
    return (v - turns * 0x1.921fb544p+0) - turns * 0x1.0b4611a626331p-34;
  };
  return {narrow(reduced(widen_low(x), widen_low(n)), reduced(widen_high(x), widen_high(n))),
          zero<float>(), as_bits(rounded)};
#else
  const F32 a = fma(n, set<float>(-0x1.921fb6p+0f), x);
  const F32 high = fma(n, set<float>(0x1.778p-25f), a);
  const F32 low = fma(n, set<float>(0x1.778p-25f), a - high);
  return {high, fma(n, set<float>(-0x1.68c234p-39f), low), as_bits(rounded)};
#endif
}
FASTNN_INLINE F32 sine_plain(F32 x, int32_t ahead, I32 sign) {
  const FloatAngle a = angle(x);
  const I32 n = a.n + ahead;
  const F32 z = a.high * a.high;
  const F32 p = horner<float>(z, -0x1.555546p-3f, 0x1.110778p-7f, -0x1.9954p-13f);
  const F32 q = horner<float>(z, -0.5f, 0x1.555554p-5f, -0x1.6c12d2p-10f, 0x1.9bd864p-16f);
  const F32 sine = a.high + fma(a.high * z, p, a.low), cosine = fma(z, q, set<float>(1));
  const F32 y = select((n & 1) != 0, cosine, sine);
  return as_float(as_bits(y) ^ ((sign ^ (n << 30)) & INT32_MIN));
}

template <double (*f)(double)>
__attribute__((noinline)) F64 lane_by_lane(F64 v) {
  FASTNN_EACH (i, kLanes<double>) v[i] = f(v[i]);
  return v;
}
inline double scalar_sin(double x) { return __builtin_sin(x); }
inline double scalar_cos(double x) { return __builtin_cos(x); }

// float 1.5 ULP, double 1.
template <class T>
struct Sin;
template <>
struct Sin<double> {
  static constexpr bool kSame = false;
  static constexpr double kLow = -kTrigPlain, kHigh = kTrigPlain;
  static FASTNN_INLINE F64 plain(F64 x) {
    return as_float(as_bits(sine_plain(abs(x), 0)) ^ (as_bits(x) & INT64_MIN));  // keeps -0
  }
  static FASTNN_INLINE F64 any(F64 x) { return lane_by_lane<scalar_sin>(x); }
};
template <class T>
struct Cos;
template <>
struct Cos<double> {
  static constexpr bool kSame = false;
  static constexpr double kLow = -kTrigPlain, kHigh = kTrigPlain;
  static FASTNN_INLINE F64 plain(F64 x) { return sine_plain(x, 1); }
  static FASTNN_INLINE F64 any(F64 x) { return lane_by_lane<scalar_cos>(x); }
};

template <class Double>
FASTNN_INLINE F64 plain_or_any(F64 x) {
  const F64 low = set<double>(Double::kLow), high = set<double>(Double::kHigh);
  if (all_in(x, low, high)) return Double::plain(x);
  return select((x >= low) & (x <= high), Double::plain(x), Double::any(x));
}
template <class Double>
__attribute__((noinline)) F32 through_double(F32 x) {
  return narrow(plain_or_any<Double>(widen_low(x)), plain_or_any<Double>(widen_high(x)));
}

template <>
struct Sin<float> {
  static constexpr bool kSame = false;
  static constexpr float kLow = -kFloatTrigPlain, kHigh = kFloatTrigPlain;
  static FASTNN_INLINE F32 plain(F32 x) {
    return sine_plain(abs(x), 0, as_bits(x));  // keeps -0
  }
  static FASTNN_INLINE F32 any(F32 x) { return through_double<Sin<double>>(x); }
};
template <>
struct Cos<float> {
  static constexpr bool kSame = false;
  static constexpr float kLow = -kFloatTrigPlain, kHigh = kFloatTrigPlain;
  static FASTNN_INLINE F32 plain(F32 x) { return sine_plain(x, 1, zero<int32_t>()); }
  static FASTNN_INLINE F32 any(F32 x) { return through_double<Cos<double>>(x); }
};

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
