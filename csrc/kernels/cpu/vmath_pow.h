// Powers on vectors: a logarithm of twice the precision, times b, exponentiated. Errors are stated
// as in vmath_exp.h.
#pragma once
#include <type_traits>

#include "kernels/cpu/vmath_log.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// high + low, |low| at most half an ULP of high (or a little more, before a last fast_sum).
template <class T>
struct Twofold {
  vec<T> high, low;
};

// Exact where |a| >= |b|, or a = 0 (Dekker 1971).
template <class T>
FASTNN_INLINE Twofold<T> fast_sum(vec<T> a, vec<T> b) {
  const vec<T> s = a + b;
  return {s, b - (s - a)};
}

// Exact but for overflow.
template <class T>
FASTNN_INLINE Twofold<T> product(vec<T> a, vec<T> b) {
  const vec<T> p = a * b;
#if defined(FASTNN_ISA_baseline)  // no fma: Veltkamp's splitting
  constexpr T kSplit = kIsFloat<T> ? T(0x1.002p12) : T(0x1.0000002p27);
  const vec<T> ca = kSplit * a, cb = kSplit * b;
  const vec<T> ah = ca - (ca - a), bh = cb - (cb - b), al = a - ah, bl = b - bh;
  return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
#else
  return {p, fma(a, b, -p)};
#endif
}

// log(x), x positive, finite and normal, to about 2^-64 of itself. By the tables: x = 2^e m, m / c
// = 1 + r + rest, log(x) = (e ln2 + log(c)) + r - r^2/2 + ..., where the sums are twofold up to
// r^2.
template <class T>
FASTNN_INLINE Twofold<T> log_tabled(vec<T> x) {
  const Exponent<T> e = exponent_of(x);
  const vec<T> m = as_float((vec<Bits<T>>)(as_bits(x) + e.bits));
  const Twofold<T> p = product<T>(m, look_up(kInverse, e.part));
  const vec<T> r = p.high - 1;  // exact
  const Twofold<T> rr = product<T>(r, r);
  const vec<T> q =
      polynomial<T>(r, 0x1.5555555555555p-2, -0x1.ffffffffffd5dp-3, 0x1.99999999991dap-3,
                    -0x1.55555559a8e83p-3, 0x1.2492492bd5b1ep-3, -0x1.ffffb44b65fbbp-4,
                    0x1.c71c1275987c9p-4, -0x1.9aa87c4f973e5p-4, 0x1.75794ac9ac760p-4);
  // log(1 + r + l) = log(1 + r) + l (1 - r + r^2 - r^3)
  const vec<T> cube = r * rr.high, rest = fma(-p.low, r - rr.high + cube, p.low);
  const vec<T> small = fma(e.units, set<T>(kLogLow<T>), look_up(kLogRest, e.part));
  const Twofold<T> a = fast_sum<T>(e.units * kLogHigh<T>, look_up(kLog, e.part));
  const Twofold<T> b = fast_sum<T>(a.high, r);
  const Twofold<T> c = fast_sum<T>(b.high, T(-0.5) * rr.high);
  const vec<T> low = (a.low + b.low) + (c.low + fma(set<T>(-0.5), rr.low, rest + small));
  return fast_sum<T>(c.high, fma(cube, q, low));
}

// The same without tables, to about 1.5 times T's precision: as log_sum, with log(1 + f) = 2 (s +
// s^3/3 + s^5/5 + ...), s = f / (2 + f), where the first two terms are twofold.
template <class T>
FASTNN_INLINE Twofold<T> log_twofold(LogParts<T> x) {
  const vec<T> d = 2 + x.f, d_low = x.f - (d - 2), inverse = 1 / d, s = x.f * inverse;
  const Twofold<T> back = product<T>(s, d);
  const vec<T> s_low = (((x.f - back.high) - back.low) - s * d_low) * inverse;
  Twofold<T> z = product<T>(s, s);
  z.low += 2 * s * s_low;
  Twofold<T> c;
  if constexpr (kIsFloat<T>) {
    const vec<T> r = horner<T>(z.high, 0x1.999ap-2f, 0x1.245294p-2f, 0x1.df9dc8p-3f);
    c = fast_sum<T>(set<T>(0x1.555556p-1f), z.high * r);
    c.low -= 0x1.555556p-26f;
  } else {
    const vec<T> r = horner<T>(z.high, 0x1.9999999999b30p-2, 0x1.2492492457d52p-2,
                               0x1.c71c722d679d6p-3, 0x1.745ce9e2c9447p-3, 0x1.3b1eec2d10164p-3,
                               0x1.0f7fe5c5d1fd8p-3, 0x1.0e42d6a38b7d5p-3);
    c = fast_sum<T>(set<T>(0x1.5555555555555p-1), z.high * r);
    c.low += 0x1.5555555555555p-55;
  }
  Twofold<T> square = product<T>(z.high, c.high);
  square.low += z.high * c.low + z.low * c.high;
  Twofold<T> cube = product<T>(square.high, s);
  cube.low += square.high * s_low + square.low * s;
  const Twofold<T> a = fast_sum<T>(x.e * kLogHigh<T>, 2 * s);
  const Twofold<T> b = fast_sum<T>(a.high, cube.high);
  return fast_sum<T>(b.high, (a.low + b.low) + (cube.low + 2 * s_low + x.e * kLogLow<T>));
}

// log(x) of any positive finite x.
template <class T>
FASTNN_INLINE Twofold<T> log_twofold_any(vec<T> x) {
  if constexpr (kTabled<T>) {
    const auto tiny = x < T(0x1p-1022);
    const Twofold<T> l = log_tabled<T>(select(tiny, x * T(0x1p52), x));
    const vec<T> up = set<T>(52 * kLogHigh<T>);  // exact
    const Twofold<T> sum = fast_sum<T>(l.high, -up);
    const vec<T> low = (sum.low + l.low) - 52 * kLogLow<T>;
    return {select(tiny, sum.high, l.high), select(tiny, low, l.low)};
  } else {
    return log_twofold<T>(log_parts_any<T>(x));
  }
}

// e^(high + low), |low| < 2^-8.
template <class T>
FASTNN_INLINE vec<T> exp_twofold(vec<T> high, vec<T> low) {
  using C = ExpConstants<T>;
  const vec<T> x = clamp<T>(high, C::kLowest, C::kHighest);
  const ExpFactors<T> e = factors_of<T>(exp_parts<T>(x, low));
  return scale2(e.p, e.n);
}

// |a|^b but for the cases that power() puts right.
template <class T>
FASTNN_INLINE vec<T> power_magnitude(vec<T> a, vec<T> b) {
  const Twofold<T> l = log_twofold_any<T>(a);
  Twofold<T> w = product<T>(b, log_limits<T>(a, l.high));
  w.low += b * l.low;
  // Large, or NaN, only beside a w.high far beyond the clamp.
  w.low = select(abs(w.low) < T(0x1p-8), w.low, zero<T>());
  return exp_twofold<T>(w.high, w.low);
}

// Limits as C's pow.
template <class T>
FASTNN_INLINE vec<T> power_general(vec<T> a, vec<T> b) {
  const vec<T> size = abs(a), infinity = set<T>(__builtin_inf()), one = set<T>(1);
  vec<T> y = power_magnitude<T>(size, b);
  const vec<T> half = T(0.5) * b;
  using Mask = vec<Bits<T>>;  // cast to: compilers differ in the integer type of a comparison
  const Mask integral = (Mask)(floor(b) == b), odd = integral & (Mask)(floor(half) != half);
  const Mask negative = (Mask)(as_bits(a) < 0), ordinary = (Mask)((size > 0) & (size < infinity));
  y = select(negative & odd, -y, y);
  y = select(negative & ~integral & ordinary, set<T>(__builtin_nan("")), y);
  y = select((size == 1) & (abs(b) == infinity), one, y);
  return select(a == 1, one, y);
}

// The commonest arguments go by tables, and without limits. Floats: a = 2^e z, and of 32 numbers c,
// each of which is 1/c = 1/z to within 1/40 for a 32nd of the z's bits, log2(a) = e + log2(c) +
// log2(z/c). The interval about 1 has c = 1.
alignas(64) const float kInverse32[32] = {
    0x1.6ap+0f, 0x1.62p+0f, 0x1.5bp+0f, 0x1.54p+0f, 0x1.4dp+0f, 0x1.46p+0f, 0x1.4p+0f,  0x1.3ap+0f,
    0x1.34p+0f, 0x1.2ep+0f, 0x1.29p+0f, 0x1.23p+0f, 0x1.1ep+0f, 0x1.19p+0f, 0x1.15p+0f, 0x1.1p+0f,
    0x1.0bp+0f, 0x1.07p+0f, 0x1.03p+0f, 0x1p+0f,    0x1.ecp-1f, 0x1.dep-1f, 0x1.dp-1f,  0x1.c4p-1f,
    0x1.b8p-1f, 0x1.acp-1f, 0x1.a2p-1f, 0x1.98p-1f, 0x1.8ep-1f, 0x1.84p-1f, 0x1.7ap-1f, 0x1.72p-1f};
alignas(64) const float kLog2High[32] = {-0x1.ffd8p-2f, -0x1.ded4p-2f, -0x1.c154p-2f, -0x1.a338p-2f,
                                         -0x1.847cp-2f, -0x1.6518p-2f, -0x1.49a8p-2f, -0x1.2dbp-2f,
                                         -0x1.113p-2f,  -0x1.e84p-3f,  -0x1.b6fp-3f,  -0x1.7aap-3f,
                                         -0x1.4768p-3f, -0x1.135p-3f,  -0x1.d1ep-4f,  -0x1.664p-4f,
                                         -0x1.f14p-5f,  -0x1.3eep-5f,  -0x1.138p-6f,  0,
                                         0x1.d6ep-5f,   0x1.961p-4f,   0x1.22d8p-3f,  0x1.7048p-3f,
                                         0x1.bfc8p-3f,  0x1.08bcp-2f,  0x1.2bacp-2f,  0x1.4f7p-2f,
                                         0x1.7418p-2f,  0x1.99bp-2f,   0x1.c044p-2f,  0x1.dfdcp-2f};
alignas(64) const float kLog2Low[32] = {
    0x1.995fp-20f,   0x1.5dee4ep-25f,  0x1.593db4p-18f,  0x1.3eb014p-19f,  0x1.e613dp-21f,
    -0x1.fc8cfp-19f, 0x1.ed0cbap-20f,  -0x1.0fc4dap-18f, -0x1.f6b4c2p-20f, -0x1.7ce9cep-20f,
    0x1.874504p-18f, 0x1.382fa2p-23f,  -0x1.4fcc2p-18f,  0x1.e4b77p-19f,   -0x1.a71adcp-19f,
    0x1.20a6dep-21f, 0x1.d9f336p-19f,  0x1.9ed73p-18f,   0x1.cee856p-18f,  0,
    0x1.7a3e4p-18f,  -0x1.a832a2p-19f, 0x1.6e155ap-18f,  -0x1.fce386p-19f, -0x1.858p-19f,
    0x1.c1b2cp-19f,  -0x1.f3cb42p-18f, -0x1.134c4ep-20f, 0x1.59d77ep-19f,  0x1.caa5b2p-20f,
    -0x1.e9874p-20f, 0x1.89d586p-18f};

FASTNN_INLINE F32 look_up(const float* table, I32 i) {  // i's low 5 bits
#if defined(FASTNN_ISA_avx512)
  return (F32)_mm512_permutex2var_ps(_mm512_load_ps(table), (__m512i)i, _mm512_load_ps(table + 16));
#else
  return gather(table, i & 31);
#endif
}

// log2(a) to about 2^-31 of itself; a positive, finite, normal.
FASTNN_INLINE Twofold<float> log2_twofold(F32 a) {
  const U32 t = (U32)a - 0x3f330000;
  const I32 top = (I32)t & static_cast<int32_t>(0xff800000), i = (I32)(t >> 18);
  const Twofold<float> p = product<float>((F32)((U32)a - (U32)top), look_up(kInverse32, i));
  const F32 r = p.high - 1;  // exact
  const Twofold<float> first = product<float>(r, set<float>(0x1.715476p+0f));
  const F32 q = horner<float>(r, -0x1.715476p-1f, 0x1.ec709ap-2f, -0x1.717b3cp-2f, 0x1.27affcp-2f);
  const F32 rest = fma(-p.low, r, p.low);  // log(1 + r + l) = log(1 + r) + l (1 - r)
  const F32 small =
      fma(rest, set<float>(0x1.715476p+0f), fma(r, set<float>(0x1.4ae0cp-26f), first.low));
  const F32 whole = fma(to_float(top), set<float>(0x1p-23f), look_up(kLog2High, i));  // exact
  const Twofold<float> sum = fast_sum<float>(whole, first.high);
  return {sum.high, sum.low + (fma(r * r, q, small) + look_up(kLog2Low, i))};
}
// 2^(high + low), |low| < 2^-8.
FASTNN_INLINE F32 exp2_twofold(Twofold<float> y) {
  const F32 c = clamp<float>(y.high, -160, 160);
  const F32 n = (c + 0x1.8p23f) - 0x1.8p23f, f = (c - n) + y.low;
  const F32 q = horner<float>(f, 0x1.62e43p-1f, 0x1.ebfbdcp-3f, 0x1.c6af76p-5f, 0x1.3b2ddep-7f,
                              0x1.5f0c9p-10f, 0x1.4172aep-13f);
  return scale2(fma(f, q, set<float>(1)), n);
}
template <class T>
FASTNN_INLINE Twofold<T> times(vec<T> b, Twofold<T> l) {
  const Twofold<T> w = product<T>(b, l.high);
  return {w.high, fma(b, l.low, w.low)};
}

// b log(a), of whichever base, and its power.
template <class T>
FASTNN_INLINE Twofold<T> scaled_log(vec<T> a, vec<T> b) {
  if constexpr (kIsFloat<T>)
    return times<T>(b, log2_twofold(a));
  else
    return times<T>(b, log_tabled<T>(a));
}
template <class T>
FASTNN_INLINE vec<T> power_of_log(Twofold<T> y) {
  if constexpr (kIsFloat<T>)
    return exp2_twofold(y);
  else
    return exp_twofold<T>(y.high, y.low);
}

// What may go that way: a normal a, and a b with which the low part stays below 2^-8.
template <class T>
constexpr T kSmallest = kIsFloat<T> ? T(0x1p-126) : T(0x1p-1022);
template <class T>
constexpr T kLargest = kIsFloat<T> ? T(0x1.fffffep127) : T(0x1.fffffffffffffp1023);
template <class T>
constexpr T kLargestPower = kIsFloat<T> ? T(0x1p8) : T(0x1p30);
template <class T>
FASTNN_INLINE bool all_ordinary(vec<T> a, vec<T> b) {
  return all_in(a, set<T>(kSmallest<T>), set<T>(kLargest<T>)) &&
         all_in(b, set<T>(-kLargestPower<T>), set<T>(kLargestPower<T>));
}
template <class T>
__attribute__((noinline)) vec<T> power_general_call(vec<T> a, vec<T> b) {
  return power_general<T>(a, b);
}
template <class T>
constexpr bool kQuickPower = kIsFloat<T> || kTabled<T>;
template <class T>
FASTNN_INLINE vec<T> power_any(vec<T> a, vec<T> b) {
  if constexpr (kQuickPower<T>) {
    const vec<T> y = power_of_log<T>(scaled_log<T>(a, b));
    if (all_ordinary<T>(a, b)) return y;
    const auto ordinary =
        (a >= kSmallest<T>)&(a <= kLargest<T>)&(b >= -kLargestPower<T>)&(b <= kLargestPower<T>);
    return select(ordinary, y, power_general_call<T>(a, b));
  } else {
    return power_general<T>(a, b);
  }
}

// The commonest exponents are products, in every lane that has one of them, so a lane's bits do not
// depend on its neighbours'.
template <class T>
FASTNN_INLINE auto is_product(vec<T> b) {
  return (b == 0) | (b == 2) | (b == 3) | (b == -1);
}
// float 1.9 ULP (1.2 where the result is not far from 1), double 1.3.
template <class T>
FASTNN_INLINE vec<T> power(vec<T> a, vec<T> b) {
  vec<T> y = set<T>(1);
  if (any(~is_product<T>(b))) y = select(b == 0, y, power_any<T>(a, b));
  y = select(b == 2, a * a, y);
  y = select(b == 3, a * a * a, y);
  return select(b == -1, 1 / a, y);
}

// Whether a block goes the common way: without branches, and integers looked at again.
template <class T>
inline bool is_ordinary(const T* a, const T* b, int64_t n) {
  constexpr int64_t L = kLanes<T>;
  using Integers = vec<Bits<T>>;
  using Unsigned = vec<std::make_unsigned_t<Bits<T>>>;
  const Unsigned smallest = (Unsigned)set<T>(kSmallest<T>);
  const Unsigned span = (Unsigned)set<T>(kLargest<T>) - smallest;
  Integers odd = zero<Bits<T>>(), whole = odd;
  for (int64_t i = 0; i < n; i += L) {
    const vec<T> v = load(b + i);
    odd |= (Integers)((Unsigned)load(a + i) - smallest > span) |
           (Integers)(as_bits(abs(v)) > as_bits(set<T>(kLargestPower<T>)));
    whole |= (Integers)(round_even(v) == v);
  }
  if (any(odd)) return false;
  for (int64_t i = 0; any(whole) && i < n; i += L)
    if (any(is_product<T>(load(b + i)))) return false;
  return true;
}

// The same for blocks, step by step through a buffer where all of them are ordinary: in one piece
// the chain of instructions is longer than a processor looks ahead, and its constants are more than
// there are registers.
template <class T>
inline void power_block(T* y, const T* a, const T* b, int64_t n, T* buffer) {
  constexpr int64_t L = kLanes<T>;
  if (!is_ordinary(a, b, n)) {
    for (int64_t i = 0; i < n; i += L) store(y + i, power<T>(load(a + i), load(b + i)));
    return;
  }
  for (int64_t i = 0; i < n; i += L) {
    const Twofold<T> w = scaled_log<T>(load(a + i), load(b + i));
    store(buffer + i, w.high);
    store(buffer + n + i, w.low);
  }
  for (int64_t i = 0; i < n; i += L)
    store(y + i, power_of_log<T>({load(buffer + i), load(buffer + n + i)}));
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
