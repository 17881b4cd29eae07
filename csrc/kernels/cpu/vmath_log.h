// Logarithms on vectors. Errors are stated as in vmath_exp.h.
#pragma once
#include "kernels/cpu/vmath_exp.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); x positive, finite, normal (else anything:
// hence unsigned).
template <class T>
struct LogParts {
  vec<T> f, e;
};
FASTNN_INLINE LogParts<float> log_parts(F32 x) {
  const I32 b = (I32)((U32)x - 0x3f3504f3);
  return {as_float((b & 0x7fffff) + 0x3f3504f3) - 1.0f, to_float(b >> 23)};
}
FASTNN_INLINE LogParts<double> log_parts(F64 x) {
  const I64 b = (I64)((U64)x - 0x3fe6a09e667f3bcd);
  const F64 m = as_float((b & 0xfffffffffffff) + 0x3fe6a09e667f3bcd);
  // A logical shift, which AVX2 has, of the exponent made positive.
  const I64 e = (I64)(((U64)b + 0x4000000000000000) >> 52);
  return {m - 1.0, to_float(e) - 1024.0};
}

// e ln2 + log(1 + f).
template <class T>
FASTNN_INLINE vec<T> log_sum(vec<T> f, vec<T> e) {
  using C = ExpConstants<T>;
  const vec<T> low = e * C::kLn2Low;
  if constexpr (kIsFloat<T>) {
    const vec<T> q = polynomial<T>(f, -0x1.fffff8p-2f, 0x1.555558p-2f, -0x1.000432p-2f,
                                   0x1.99a016p-3f, -0x1.5422bp-3f, 0x1.22b8bep-3f, -0x1.0fa384p-3f,
                                   0x1.06b52p-3f, -0x1.325abp-4f);
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
  return {p.f, p.e - select(tiny, set<T>(kShift), zero<T>())};
}

// float 0.9 ULP, double 0.8.
template <class T>
FASTNN_INLINE vec<T> log(vec<T> x) {
  const LogParts<T> p = log_parts_any<T>(x);
  return log_limits<T>(x, log_sum<T>(p.f, p.e));
}

// float 1.5 ULP, double 1.4. 1 + x = u + c exactly (c where x is not huge); c is brought to u's
// scale and joins f.
template <class T>
FASTNN_INLINE vec<T> log1p(vec<T> x) {
  const vec<T> u = 1 + x, c = x - (u - 1);
  const LogParts<T> p = log_parts(u);
  const vec<T> down = exp2_bits(to_int(-min(p.e, set<T>(64))));
  const vec<T> y = log_limits<T>(u, log_sum<T>(fma(c, down, p.f), p.e));
  return select(x == 0, x, y);  // keeps -0
}

// log(1 + x) for 0 <= x <= 1 (and NaN), as log_sum's for double.
template <class T>
FASTNN_INLINE vec<T> log1p_unit(vec<T> x) {
  const vec<T> s = x / (2 + x), z = s * s, half = T(0.5) * x * x;
  vec<T> r;
  if constexpr (kIsFloat<T>)
    r = polynomial<T>(z, 0x1.555558p-1f, 0x1.9996dap-2f, 0x1.2504bcp-2f, 0x1.b7344ep-3f,
                      0x1.f06756p-3f);
  else
    r = polynomial<T>(z, 0x1.5555555555535p-1, 0x1.99999999a084p-2, 0x1.24924920857adp-2,
                      0x1.c71c741f897c0p-3, 0x1.745cb39be63f2p-3, 0x1.3b1de318b07d7p-3,
                      0x1.106769394c9f5p-3, 0x1.efdd7904f2ac8p-4, 0x1.559c7cdc83547p-4,
                      0x1.5c8a2d866bca2p-3);
  return x - (half - s * fma(z, r, half));
}

// log(1 + e^x). float 2.0 ULP, double 1.9.
template <class T>
FASTNN_INLINE vec<T> softplus(vec<T> x) {
  return max(zero<T>(), x) + log1p_unit<T>(exp_negative<T>(-abs(x)));
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
