// Powers on vectors: a logarithm of twice the precision, times b, exponentiated. Errors are stated
// as in vmath_exp.h.
#pragma once
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

// log(x) to about 1.5 times T's precision, x positive, finite and normal: as log_sum, with
// log(1 + f) = 2 (s + s^3/3 + s^5/5 + ...), s = f / (2 + f), where the first two terms are twofold.
template <class T>
FASTNN_INLINE Twofold<T> log_twofold(LogParts<T> x) {
  using C = ExpConstants<T>;
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
  const Twofold<T> a = fast_sum<T>(x.e * C::kLn2High, 2 * s);
  const Twofold<T> b = fast_sum<T>(a.high, cube.high);
  return fast_sum<T>(b.high, (a.low + b.low) + (cube.low + 2 * s_low + x.e * C::kLn2Low));
}

// |a|^b but for the cases that power() puts right.
template <class T>
FASTNN_INLINE vec<T> power_magnitude(vec<T> a, vec<T> b) {
  using C = ExpConstants<T>;
  const Twofold<T> l = log_twofold<T>(log_parts_any<T>(a));
  Twofold<T> w = product<T>(b, log_limits<T>(a, l.high));
  w.low += b * l.low;
  // Large, or NaN, only beside a w.high far beyond the clamp.
  w.low = select(abs(w.low) < T(0x1p-8), w.low, zero<T>());
  const ExpParts<T> e = exp_parts<T>(clamp<T>(w.high, C::kLowest, C::kHighest), w.low);
  return scale2(e.m + 1, e.n);
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

// Floats go through double, in two steps: log2(a) for normal positive a, with 37 bits, and 2^y
// rounded to float, with 28 before that.
FASTNN_INLINE F64 log2_wide(F64 a) {
  const LogParts<double> x = log_parts(a);
  const F64 s = x.f / (2 + x.f);
  const F64 p =
      polynomial<double>(s * s, 0x1.71547652bed2fp+1, 0x1.ec709d139be3bp-1, 0x1.27777f634b9c3p-1,
                         0x1.a58dc05004172p-2, 0x1.5ce4b752299f8p-2);
  return fma(s, p, x.e);
}
FASTNN_INLINE F64 exp2_wide(F64 y) {
  const F64 c = clamp<double>(y, -200, 200);
  const F64 rounded = c + 0x1.8p52, r = c - (rounded - 0x1.8p52);
  const F64 m = polynomial<double>(r, 0x1p+0, 0x1.62e430d0beaf1p-1, 0x1.ebfbe04624b3dp-3,
                                   0x1.c6aecbae5235dp-5, 0x1.3b2a1b3181a7dp-7,
                                   0x1.5f491c6d05077p-10, 0x1.44403f94f8f7dp-13);
  return add_exponent(m, rounded);
}

// Where floats may go that way.
FASTNN_INLINE bool all_ordinary(F32 a, F32 b) {
  return all_in(a, set<float>(0x1p-126f), set<float>(0x1.fffffep127f)) &&
         all_in(b, set<float>(-0x1p60f), set<float>(0x1p60f));
}
template <class T>
__attribute__((noinline)) vec<T> power_general_call(vec<T> a, vec<T> b) {
  return power_general<T>(a, b);
}
FASTNN_INLINE F64 power_any(F64 a, F64 b) { return power_general<double>(a, b); }
FASTNN_INLINE F32 power_any(F32 a, F32 b) {
  const F32 y = narrow(exp2_wide(widen_low(b) * log2_wide(widen_low(a))),
                       exp2_wide(widen_high(b) * log2_wide(widen_high(a))));
  if (all_ordinary(a, b)) return y;
  const auto ordinary =
      (a >= 0x1p-126f) & (a <= 0x1.fffffep127f) & (b >= -0x1p60f) & (b <= 0x1p60f);
  return select(ordinary, y, power_general_call<float>(a, b));
}

// The commonest exponents are products, in every lane that has one of them, so a lane's bits do not
// depend on its neighbours'.
template <class T>
FASTNN_INLINE auto is_product(vec<T> b) {
  return (b == 0) | (b == 2) | (b == 3) | (b == -1);
}
// float 0.6 ULP (1.3 where a is negative or denormal), double 1.3.
template <class T>
FASTNN_INLINE vec<T> power(vec<T> a, vec<T> b) {
  vec<T> y = set<T>(1);
  if (any(~is_product<T>(b))) y = select(b == 0, y, power_any(a, b));
  y = select(b == 2, a * a, y);
  y = select(b == 3, a * a * a, y);
  return select(b == -1, 1 / a, y);
}

// The same for blocks of floats, step by step through a buffer where all of them are ordinary: in
// one piece the chain of instructions is longer than a processor looks ahead, and its constants are
// more than there are registers.
inline void power_block(float* y, const float* a, const float* b, int64_t n, double* buffer) {
  constexpr int64_t L = kLanes<float>, H = kLanes<double>;
  bool ordinary = true;
  for (int64_t i = 0; i < n && ordinary; i += L) {
    const F32 v = load(b + i);
    ordinary = all_ordinary(load(a + i), v) && !any(is_product<float>(v));
  }
  if (!ordinary) {
    for (int64_t i = 0; i < n; i += L) store(y + i, power<float>(load(a + i), load(b + i)));
    return;
  }
  for (int64_t i = 0; i < n; i += L) {
    const F32 u = load(a + i), v = load(b + i);
    store(buffer + i, widen_low(v) * log2_wide(widen_low(u)));
    store(buffer + i + H, widen_high(v) * log2_wide(widen_high(u)));
  }
  for (int64_t i = 0; i < n; i += L)
    store(y + i, narrow(exp2_wide(load(buffer + i)), exp2_wide(load(buffer + i + H))));
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
