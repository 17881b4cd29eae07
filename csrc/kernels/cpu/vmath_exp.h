// exp, expm1, sigmoid and tanh on vectors. The error stated at a function is the largest found in
// ULP (float: over all values, double: over samples; see tests/exhaustive), of any ISA.
#pragma once
#include "kernels/cpu/vmath_tables.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// c0 + c1 x + c2 x^2 + ...
template <class T>
FASTNN_INLINE vec<T> horner(vec<T>, T c) {
  return set<T>(c);
}
template <class T, class... C>
FASTNN_INLINE vec<T> horner(vec<T> x, T c, C... rest) {
  return fma(x, horner<T>(x, rest...), set<T>(c));
}

// The same in two interleaved chains, even and odd powers: half the latency.
template <class T>
struct Pair {
  vec<T> even, odd;
};
template <class T>
FASTNN_INLINE Pair<T> horner_pair(vec<T>, T c0, T c1) {
  return {set<T>(c0), set<T>(c1)};
}
template <class T>
FASTNN_INLINE Pair<T> horner_pair(vec<T> xx, T c0, T c1, T c2) {
  return {fma(xx, set<T>(c2), set<T>(c0)), set<T>(c1)};
}
template <class T, class... C>
FASTNN_INLINE Pair<T> horner_pair(vec<T> xx, T c0, T c1, C... rest) {
  const Pair<T> p = horner_pair<T>(xx, rest...);
  return {fma(xx, p.even, set<T>(c0)), fma(xx, p.odd, set<T>(c1))};
}
template <class T, class... C>
FASTNN_INLINE vec<T> polynomial(vec<T> x, C... c) {
  const Pair<T> p = horner_pair<T>(x * x, c...);
  return fma(x, p.odd, p.even);
}

template <class T>
constexpr bool kIsFloat = sizeof(T) == 4;

template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr float kLog2e = 0x1.715476p+0f;
  static constexpr float kLn2High = 0x1.63p-1f;  // few bits: n * kLn2High is exact
  static constexpr float kLn2Low = -0x1.bd0106p-13f;
  static constexpr float kRound = 0x1.8p23f;             // adding and taking it away rounds
  static constexpr float kLowest = -104, kHighest = 89;  // e^x is 0, infinite
  static constexpr float kPlain = 87;                    // |x| below it: e^x and e^-x are normal
  static constexpr float kMinusOne = -20;                // e^x - 1 is -1
};
template <>
struct ExpConstants<double> {
  static constexpr double kLog2e = 0x1.71547652b82fep+0;
  static constexpr double kLn2High = 0x1.62e42feep-1;
  static constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  static constexpr double kRound = 0x1.8p52;
  static constexpr double kLowest = -746, kHighest = 710;
  static constexpr double kPlain = 708;
  static constexpr double kMinusOne = -40;
};

template <class T>
FASTNN_INLINE vec<T> clamp(vec<T> x, T low, T high) {  // NaN stays NaN
  return min(set<T>(high), max(set<T>(low), x));
}

// The reduced argument is at most ln2 kStep / 2: the power of two has 1 / kStep steps an exponent.
template <class T>
constexpr T kStep = kTabled<T> ? T(1) / 16 : T(1);

// e^r - 1 for |r| <= ln2 kStep / 2.
template <class T>
FASTNN_INLINE vec<T> expm1_reduced(vec<T> r) {
  vec<T> q;
  if constexpr (kTabled<T>)
    q = polynomial<T>(r, 0x1.0000000000003p-1, 0x1.5555555555557p-3, 0x1.55555554ac95dp-5,
                      0x1.11111110b0a3bp-7, 0x1.6c181ff6a3487p-10, 0x1.a01b59032d823p-13);
  else if constexpr (kIsFloat<T>)
    q = polynomial<T>(r, 0x1.fffffep-2f, 0x1.5554acp-3f, 0x1.55571ep-5f, 0x1.122a4p-7f,
                      0x1.6b6b2p-10f);
  else
    q = polynomial<T>(r, 0x1p-1, 0x1.5555555555559p-3, 0x1.555555555553ep-5, 0x1.111111110f674p-7,
                      0x1.6c16c16c1f28dp-10, 0x1.a01a01b001e92p-13, 0x1.a01a017b56f1fp-16,
                      0x1.71ddf7fe7180bp-19, 0x1.27e536a91bac6p-22, 0x1.af5f685c96143p-26,
                      0x1.1ee873f954c6dp-29);
  return fma(r * r, q, r);
}

// x = k kStep ln2 + r, |r| <= kStep ln2 / 2, and m = e^r - 1; n = k kStep, and rounded has k in its
// low bits.
template <class T>
struct ExpParts {
  vec<T> m, n, rounded;
};
template <class T>
FASTNN_INLINE ExpParts<T> exp_parts(vec<T> x) {
  using C = ExpConstants<T>;
  const vec<T> rounded = fma(x, set<T>(C::kLog2e / kStep<T>), set<T>(C::kRound));
  const vec<T> k = rounded - C::kRound, r = fma(k, set<T>(-kStep<T> * C::kLn2High), x);
  return {expm1_reduced<T>(fma(k, set<T>(-kStep<T> * C::kLn2Low), r)), k * kStep<T>, rounded};
}
// The same of high + low, where low is a correction that high's precision has no room for.
template <class T>
FASTNN_INLINE ExpParts<T> exp_parts(vec<T> high, vec<T> low) {
  using C = ExpConstants<T>;
  const vec<T> rounded = fma(high + low, set<T>(C::kLog2e / kStep<T>), set<T>(C::kRound));
  const vec<T> k = rounded - C::kRound, r = fma(k, set<T>(-kStep<T> * C::kLn2High), high) + low;
  return {expm1_reduced<T>(fma(k, set<T>(-kStep<T> * C::kLn2Low), r)), k * kStep<T>, rounded};
}

// v * 2^n where both are normal numbers: the exponent is added as bits, which leaves the
// multipliers to the polynomials (and is one instruction less than a scaling that rounds).
FASTNN_INLINE F32 add_exponent(F32 v, F32 rounded) { return (F32)((U32)v + ((U32)rounded << 23)); }
FASTNN_INLINE F64 add_exponent(F64 v, F64 rounded) { return (F64)((U64)v + ((U64)rounded << 52)); }
FASTNN_INLINE F64 add_steps(F64 v, F64 rounded) { return (F64)((U64)v + ((U64)rounded << 48)); }

// 2^(k kStep), k in the low bits of rounded.
template <class T>
FASTNN_INLINE vec<T> power_of_two(vec<T> rounded) {
  if constexpr (kTabled<T>)
    return add_steps(look_up(kPowerBits, as_bits(rounded)), rounded);
  else
    return add_exponent(set<T>(1), rounded);
}

// e^x where it is a normal number.
template <class T>
FASTNN_INLINE vec<T> exp_normal(vec<T> m, vec<T> rounded) {
  if constexpr (kTabled<T>) {
    const vec<T> s = power_of_two<T>(rounded);
    return fma(s, m, s);
  } else {
    return add_exponent(m + 1, rounded);
  }
}
// e^x for |x| <= kPlain. Errors as exp's.
template <class T>
FASTNN_INLINE vec<T> exp_plain(vec<T> x) {
  const ExpParts<T> e = exp_parts<T>(x);
  return exp_normal<T>(e.m, e.rounded);
}

// As factors: e^x = p * 2^n (scale2) with p in [0.7, 2.1]. What is to be multiplied by e^x goes
// into p before scale2, so that a result among the denormals is rounded once. -746 <= x <= 710.
template <class T>
struct ExpFactors {
  vec<T> p, n;
};
template <class T>
FASTNN_INLINE ExpFactors<T> factors_of(ExpParts<T> e) {
  if constexpr (kTabled<T>) {
    const vec<T> t = look_up(kPower, as_bits(e.rounded));
    return {fma(t, e.m, t), e.n};
  } else {
    return {e.m + 1, e.n};
  }
}
template <class T>
FASTNN_INLINE ExpFactors<T> exp_factors(vec<T> x) {
  return factors_of<T>(exp_parts<T>(x));
}

// float 1.1 ULP, double 1.1.
template <class T>
FASTNN_INLINE vec<T> exp(vec<T> x) {
  using C = ExpConstants<T>;
  const ExpFactors<T> e = exp_factors<T>(clamp<T>(x, C::kLowest, C::kHighest));
  return scale2(e.p, e.n);
}

// For x <= 0 (and NaN) only: one clamp less.
template <class T>
FASTNN_INLINE vec<T> exp_negative(vec<T> x) {
  const ExpFactors<T> e = exp_factors<T>(max(set<T>(ExpConstants<T>::kLowest), x));
  return scale2(e.p, e.n);
}

// s - c, s = 2^(k kStep), where that cancels: one of a table's needs what it was rounded by.
template <class T>
FASTNN_INLINE vec<T> power_less(vec<T> s, vec<T> rounded, T c) {
  if constexpr (kTabled<T>)
    return fma(s, look_up(kPowerRest, as_bits(rounded)), s - c);
  else
    return s - c;
}

// e^x - 1 = 2 (e^x / 2 - 1/2): never overflows early. x <= kHighest, or NaN.
template <class T>
FASTNN_INLINE vec<T> expm1_below(vec<T> x) {
  const ExpParts<T> e = exp_parts<T>(max(set<T>(ExpConstants<T>::kMinusOne), x));
  const auto one = static_cast<Bits<T>>(1 / kStep<T>);
  const vec<T> half = as_float((vec<Bits<T>>)(as_bits(e.rounded) - one));
  const vec<T> s = power_of_two<T>(half), y = fma(s, e.m, power_less<T>(s, half, T(0.5)));
  return select(x == 0, x, y + y);  // keeps -0
}
// float 1.6 ULP, double 2.1.
template <class T>
FASTNN_INLINE vec<T> expm1(vec<T> x) {
  return expm1_below<T>(min(set<T>(ExpConstants<T>::kHighest), x));
}

// float 2.5 ULP, double 3.1.
template <class T>
FASTNN_INLINE vec<T> sigmoid(vec<T> x) {
  const vec<T> e = exp_negative<T>(-abs(x));
  return select(x < 0, e, set<T>(1)) / (1 + e);
}
// The same for |x| <= kPlain.
template <class T>
FASTNN_INLINE vec<T> sigmoid_plain(vec<T> x) {
  return 1 / (1 + exp_plain<T>(-x));
}

// What tanh(x) needs of e^(2|x|), for doubles.
template <class T>
struct TanhParts {
  vec<T> m, rounded;
};
template <class T>
FASTNN_INLINE TanhParts<T> tanh_parts(vec<T> x) {
  const ExpParts<T> e = exp_parts<T>(min(set<T>(40), 2 * abs(x)));
  return {e.m, e.rounded};
}
template <class T>
FASTNN_INLINE vec<T> tanh_of(TanhParts<T> e, vec<T> x) {
  const vec<T> s = power_of_two<T>(e.rounded);
  return copysign(fma(s, e.m, power_less<T>(s, e.rounded, 1)) / fma(s, e.m, s + 1), x);
}

// float 3.8 ULP, double 3.7. float: 2 t / (1 + t^2), t = tanh(x/2) = x P(x^2) / Q(x^2), in one
// division; where the result comes near 1, little is left of t's errors. double: (E - 1) / (E + 1),
// E = e^(2|x|).
template <class T>
FASTNN_INLINE vec<T> tanh(vec<T> x) {
  if constexpr (kIsFloat<T>) {
    const vec<T> a = abs(x), z = x * x;
    const vec<T> p = horner<T>(z, 0x1.8cc1dap+18f, 0x1.7a0facp+13f, 0x1.739bbcp+5f);
    const vec<T> q =
        fma(fma(z + 0x1.ea59cap+9f, z, set<T>(0x1.67052p+16f)), z, set<T>(0x1.8cc1dap+19f));
    const vec<T> n = a * p;
#if defined(FASTNN_ISA_baseline)  // no fma: one rounding more, which a second division saves
    const vec<T> t = n / q, y = min(set<T>(1), (t + t) / (1 + t * t));
#else
    const vec<T> y = min(set<T>(1), (n + n) * q / fma(q, q, n * n));
#endif
    return copysign(select(a > T(9.02), set<T>(1), y), x);
  } else {
    return tanh_of<T>(tanh_parts<T>(x), x);
  }
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
