// Logarithms on vectors. Errors are stated as in vmath_exp.h.
#pragma once
#include "kernels/cpu/vmath_exp.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// x = 2^e m with m in [sqrt(1/2), sqrt(2)), or so; x positive, finite, normal (else anything: hence
// unsigned). down = 2^-e (0 or worse for the largest), e = kUnit * units: for a float that is minus
// the exponent's bits, which saves a shift and lets -0 come through.
template <class T>
struct Exponent {
  vec<T> units, down;
  vec<Bits<T>> bits;  // to be added to x's: m
  vec<Bits<T>> part;
};
template <class T>
constexpr T kUnit = kIsFloat<T> ? T(-0x1p-23) : T(1);
FASTNN_INLINE Exponent<float> exponent_of(F32 x) {
  const I32 minus = (I32)(0x3f3504f3u + 0x7fffffu - (U32)x) & static_cast<int32_t>(0xff800000);
  return {to_float(minus), (F32)((U32)minus + 0x3f800000u), minus, minus};
}
FASTNN_INLINE Exponent<double> exponent_of(F64 x) {
  constexpr uint64_t kStart = kLooksUp ? kLogStart : 0x3fe6a09e667f3bcd;
  const I64 b = (I64)((U64)x - kStart), top = b & ~int64_t{0xfffffffffffff};
  const I64 minus = (I64)(0 - (U64)top), part = (I64)((U64)b >> 48);
  const F64 down = (F64)((U64)minus + 0x3ff0000000000000);
  if (kLooksUp) return {to_float(b >> 52), down, minus, part};
  // A logical shift, which AVX2 has, of the exponent made positive.
  const I64 e = (I64)(((U64)b + 0x4000000000000000) >> 52);
  return {to_float(e) - 1024.0, down, minus, part};
}

// x = 2^e (1 + f), e as in Exponent; where there are tables 2^e (1 + f) / kInverse[part].
template <class T>
struct LogParts {
  vec<T> f, e;
  vec<Bits<T>> part;
};
template <class T>
FASTNN_INLINE LogParts<T> log_parts(vec<T> x) {
  const Exponent<T> e = exponent_of(x);
  const vec<T> m = as_float((vec<Bits<T>>)(as_bits(x) + e.bits));
  if constexpr (kTabled<T>)
    return {fma(m, look_up(kInverse, e.part), set<T>(-1)), e.units, e.part};
  else
    return {m - T(1), e.units, e.part};
}

// ln 2 in two parts, e times the first exact; both positive for the sake of -0.
template <class T>
constexpr T kLogHigh = kUnit<T> * (kIsFloat<T> ? T(0x1.62ep-1) : T(0x1.62e42feep-1));
template <class T>
constexpr T kLogLow = kUnit<T> * (kIsFloat<T> ? T(0x1.0bfbe8p-15) : T(0x1.a39ef35793c76p-33));

// log(1 + r) - r, |r| <= 0.0345.
template <class T>
FASTNN_INLINE vec<T> log_tail(vec<T> r) {
  return r * r *
         polynomial<T>(r, -0x1.fffffffffff81p-2, 0x1.5555555555469p-2, -0x1.000000015c6b9p-2,
                       0x1.9999999d3ae3bp-3, -0x1.5555352e6c0d7p-3, 0x1.24922569a29c2p-3,
                       -0x1.008c9ee335c84p-3, 0x1.c8323f51d3ff7p-4);
}

// e ln2 + log(1 + f).
template <class T>
FASTNN_INLINE vec<T> log_sum(LogParts<T> x) {
  const vec<T> f = x.f, low = x.e * kLogLow<T>, high = set<T>(kLogHigh<T>);
  if constexpr (kTabled<T>) {
    return fma(x.e, high, look_up(kLog, x.part)) + (f + (low + log_tail<T>(f)));
  } else if constexpr (kIsFloat<T>) {
    const vec<T> q =
        polynomial<T>(f, -0x1.fffffap-2f, 0x1.5556fp-2f, -0x1.0004a8p-2f, 0x1.98d3ap-3f,
                      -0x1.535c2ep-3f, 0x1.317cb2p-3f, -0x1.25058p-3f, 0x1.65f012p-4f);
    return fma(x.e, high, f + fma(f * f, q, low));
  } else {
    // log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), s = f / (2 + f), R = 2 atanh(s)/s - 2.
    const vec<T> s = f / (2 + f), z = s * s, half = 0.5 * f * f;
    const vec<T> r =
        z * polynomial<T>(z, 0x1.5555555555592p-1, 0x1.999999997fdb2p-2, 0x1.24924941f1519p-2,
                          0x1.c71c520942912p-3, 0x1.74663eed764b7p-3, 0x1.39a1ba2ca0998p-3,
                          0x1.2f0569abd3a71p-3);
    return fma(x.e, high, f - (half - fma(s, half + r, low)));
  }
}

template <class T>
FASTNN_INLINE vec<T> log_limits(vec<T> x, vec<T> y) {
  const vec<T> infinity = set<T>(__builtin_inf());
  y = select(x == infinity, x, y);
  return select(x > 0, y, select(x == 0, -infinity, set<T>(__builtin_nan(""))));
}

// The parts of any positive finite x, denormal too.
template <class T>
FASTNN_INLINE LogParts<T> log_parts_any(vec<T> x) {
  constexpr T kNormal = kIsFloat<T> ? T(0x1p-126) : T(0x1p-1022);
  constexpr T kUp = kIsFloat<T> ? T(0x1p23) : T(0x1p52), kShift = kIsFloat<T> ? 23 : 52;
  const auto tiny = x < kNormal;
  const LogParts<T> p = log_parts<T>(select(tiny, x * kUp, x));
  return {p.f, p.e - select(tiny, set<T>(kShift / kUnit<T>), zero<T>()), p.part};
}

// log(x) for a normal x.
template <class T>
FASTNN_INLINE vec<T> log_plain(vec<T> x) {
  return log_sum<T>(log_parts<T>(x));
}
// float 1.2 ULP, double 1.4.
template <class T>
FASTNN_INLINE vec<T> log(vec<T> x) {
  return log_limits<T>(x, log_sum<T>(log_parts_any<T>(x)));
}

// The exponent of 1 + x as it is rounded, f from x itself: 2^-e x - (1 - 2^-e). -1 < x <=
// kLog1pPlain.
template <class T>
constexpr T kLog1pPlain = kIsFloat<T> ? T(0x1p100) : T(0x1p1000);
template <class T>
FASTNN_INLINE vec<T> log1p_plain(vec<T> x) {
  const Exponent<T> e = exponent_of(vec<T>(1 + x));
  vec<T> f = fma(x, e.down, -(1 - e.down));
  if constexpr (kTabled<T>) {
    const vec<T> inverse = look_up(kInverse, e.part);
    f = fma(f, inverse, inverse - 1);
  }
  const vec<T> y = log_sum<T>({f, e.units, e.part});
  return kIsFloat<T> ? y : select(x == 0, x, y);  // keeps -0
}
// float 1.7 ULP, double 1.4.
template <class T>
FASTNN_INLINE vec<T> log1p(vec<T> x) {
  const auto huge = x > kLog1pPlain<T>;
  const vec<T> y = log1p_plain<T>(select(huge, zero<T>(), x));
  return log_limits<T>(1 + x, select(huge, log_plain<T>(x), y));
}

// log(1 + x) for 0 <= x <= 1 (and NaN). float: x + x^2 P(x) / Q(x); double: as log_sum's.
template <class T>
FASTNN_INLINE vec<T> log1p_unit(vec<T> x) {
  if constexpr (kTabled<T>) {
    const vec<Bits<T>> part = as_bits(fma(x, set<T>(15), set<T>(ExpConstants<T>::kRound)));
    const vec<T> inverse = look_up(kUnitInverse, part), r = fma(x, inverse, inverse - 1);
    return look_up(kUnitLog, part) + (r + log_tail<T>(r));
  } else if constexpr (kIsFloat<T>) {
    const vec<T> p = horner<T>(x, -0x1.8a92e4p+0f, -0x1.bb5bdp-1f, -0x1.e9cd0cp-8f);
    const vec<T> q = fma(x + 0x1.e4b15ap+1f, x, set<T>(0x1.8a936p+1f));
    return x + x * x * p / q;
  } else {
    const vec<T> s = x / (2 + x), z = s * s, half = T(0.5) * x * x;
    const vec<T> r = polynomial<T>(z, 0x1.5555555555535p-1, 0x1.99999999a084p-2,
                                   0x1.24924920857adp-2, 0x1.c71c741f897c0p-3, 0x1.745cb39be63f2p-3,
                                   0x1.3b1de318b07d7p-3, 0x1.106769394c9f5p-3, 0x1.efdd7904f2ac8p-4,
                                   0x1.559c7cdc83547p-4, 0x1.5c8a2d866bca2p-3);
    return x - (half - s * fma(z, r, half));
  }
}

// log(1 + e^x). float 2.7 ULP, double 2.1.
template <class T>
FASTNN_INLINE vec<T> softplus(vec<T> x) {
  return max(zero<T>(), x) + log1p_unit<T>(exp_negative<T>(-abs(x)));
}
// The same for |x| <= kPlain.
template <class T>
FASTNN_INLINE vec<T> softplus_plain(vec<T> x) {
  return max(zero<T>(), x) + log1p_unit<T>(exp_plain<T>(-abs(x)));
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
