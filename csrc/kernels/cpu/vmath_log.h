// Logarithms on vectors. Errors are stated as in vmath_exp.h.
#pragma once
#include "kernels/cpu/vmath_exp.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), down = 2^-e (0 for the largest); x positive,
// finite, normal (else anything: hence unsigned).
template <class T>
struct LogParts {
  vec<T> f, e, down;
};
FASTNN_INLINE LogParts<float> log_parts(F32 x) {
  const I32 b = (I32)((U32)x - 0x3f3504f3), fraction = b & 0x7fffff;
  return {as_float(fraction + 0x3f3504f3) - 1.0f, to_float(b >> 23),
          (F32)(0x3f800000 - (U32)(b - fraction))};
}
FASTNN_INLINE LogParts<double> log_parts(F64 x) {
  const I64 b = (I64)((U64)x - 0x3fe6a09e667f3bcd), fraction = b & 0xfffffffffffff;
  const F64 m = as_float(fraction + 0x3fe6a09e667f3bcd);
  // A logical shift, which AVX2 has, of the exponent made positive.
  const I64 e = (I64)(((U64)b + 0x4000000000000000) >> 52);
  return {m - 1.0, to_float(e) - 1024.0, (F64)(0x3ff0000000000000 - (U64)(b - fraction))};
}

// e ln2 + log(1 + f).
template <class T>
FASTNN_INLINE vec<T> log_sum(vec<T> f, vec<T> e) {
  using C = ExpConstants<T>;
  const vec<T> low = e * C::kLn2Low;
  if constexpr (kIsFloat<T>) {
    const vec<T> q =
        polynomial<T>(f, -0x1.fffffap-2f, 0x1.5556fp-2f, -0x1.0004a8p-2f, 0x1.98d3ap-3f,
                      -0x1.535c2ep-3f, 0x1.317cb2p-3f, -0x1.25058p-3f, 0x1.65f012p-4f);
    return fma(e, set<T>(C::kLn2High), f + fma(f * f, q, low));
  } else {
    // log(1 + f) = f - (f^2/2 - s (f^2/2 + R)), s = f / (2 + f), R = 2 atanh(s)/s - 2.
    const vec<T> s = f / (2 + f), z = s * s, half = 0.5 * f * f;
    const vec<T> r =
        z * polynomial<T>(z, 0x1.5555555555592p-1, 0x1.999999997fdb2p-2, 0x1.24924941f1519p-2,
                          0x1.c71c520942912p-3, 0x1.74663eed764b7p-3, 0x1.39a1ba2ca0998p-3,
                          0x1.2f0569abd3a71p-3);
    return fma(e, set<T>(C::kLn2High), f - (half - fma(s, half + r, low)));
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
  const LogParts<T> p = log_parts(select(tiny, x * kUp, x));
  return {p.f, p.e - select(tiny, set<T>(kShift), zero<T>()), p.down};
}

// log(x) for a normal x.
template <class T>
FASTNN_INLINE vec<T> log_plain(vec<T> x) {
  const LogParts<T> p = log_parts(x);
  return log_sum<T>(p.f, p.e);
}
// float 1.2 ULP, double 0.8.
template <class T>
FASTNN_INLINE vec<T> log(vec<T> x) {
  const LogParts<T> p = log_parts_any<T>(x);
  return log_limits<T>(x, log_sum<T>(p.f, p.e));
}

// 1 + x = u + c exactly (c where x is not huge); c is brought to u's scale and joins f.
// -1 < x < infinity.
template <class T>
FASTNN_INLINE vec<T> log1p_plain(vec<T> x) {
  const vec<T> u = 1 + x, c = x - (u - 1);
  const LogParts<T> p = log_parts(u);
  return select(x == 0, x, log_sum<T>(fma(c, p.down, p.f), p.e));  // keeps -0
}
// float 1.7 ULP, double 1.4.
template <class T>
FASTNN_INLINE vec<T> log1p(vec<T> x) {
  return log_limits<T>(1 + x, log1p_plain<T>(x));
}

// log(1 + x) for 0 <= x <= 1 (and NaN). float: x + x^2 P(x) / Q(x); double: as log_sum's.
template <class T>
FASTNN_INLINE vec<T> log1p_unit(vec<T> x) {
  if constexpr (kIsFloat<T>) {
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

// log(1 + e^x). float 2.7 ULP, double 1.9.
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
