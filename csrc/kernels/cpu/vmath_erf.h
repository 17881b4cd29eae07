// The error function and the normal distribution on vectors. Errors are stated as in
// vmath_exp.h.
#pragma once
#include "kernels/cpu/vmath_exp.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// e^(t^2) erfc(t) for 0 <= t <= 10.5 (float) or 27.5 (double): smooth, so one polynomial in
// u = (t - 2) / (t + 2) serves the whole range. (With a larger constant fewer terms do, but the
// error of u counts more near t = 0.)
template <class T>
FASTNN_INLINE vec<T> erfcx(vec<T> t) {
  const vec<T> q = 1 / (t + 2), u = (t - 2) * q;
  vec<T> p;
  if constexpr (kIsFloat<T>)
    p = polynomial<T>(u, 0x1.058672p+0f, -0x1.5fd388p-1f, 0x1.1e2dc2p-2f, -0x1.2a86e8p-5f,
                      -0x1.604f42p-6f, 0x1.a844cap-8f, 0x1.907af2p-9f, -0x1.b2e5c8p-11f,
                      -0x1.322242p-11f, 0x1.879a60p-15f, 0x1.175b9ap-14f);
  else
    p = polynomial<T>(u, 0x1.058671b52c776p+0, -0x1.5fd386754eff9p-1, 0x1.1e2deea6b1165p-2,
                      -0x1.2a88e6107d7cap-5, -0x1.606e415525dd7p-6, 0x1.a89eaff8996bcp-8,
                      0x1.9517bb6d54986p-9, -0x1.b6fbf9b1e1f84p-11, -0x1.5ba437a370839p-11,
                      0x1.20541f60898a9p-15, 0x1.2efa14ee0dbf8p-13, 0x1.1e7613d2e8ed8p-15,
                      -0x1.6bfe13de26a27p-16, -0x1.0e75f9628fdf9p-16, -0x1.2eb9b647fc67dp-20,
                      0x1.e8f86c09b5fd6p-19, 0x1.0d82e97f43bb8p-19, 0x1.223bd92532e1dp-28,
                      -0x1.391ac6cf0dc9dp-21, -0x1.61ba86d187919p-22, 0x1.a743153a3186fp-27,
                      0x1.f9fbc92bcdfb0p-24, 0x1.83668399ad985p-25, -0x1.208a2102f07cep-26,
                      -0x1.c911284cf6604p-27, 0x1.ca79192c38190p-33, 0x1.32a39e02315ecp-30);
  return p * q;
}

// e^(-scale x^2). The square is split so that its rounding does not reach the
// exponent: the head of x has half the bits, its square is exact. scale is 1 or 1/2.
template <class T>
FASTNN_INLINE ExpParts<T> exp_parts_minus_square(vec<T> x, T scale) {
  constexpr Bits<T> kHead = kIsFloat<T> ? ~Bits<T>(0xfff) : static_cast<Bits<T>>(~0x7ffffffLL);
  const vec<T> head = as_float(as_bits(x) & kHead);
  const vec<T> high = -scale * (head * head), low = -scale * ((x - head) * (x + head));
  return exp_parts<T>(high, low);
}
template <class T>
FASTNN_INLINE ExpFactors<T> exp_minus_square(vec<T> x, T scale) {
  return factors_of<T>(exp_parts_minus_square<T>(x, scale));
}

// float 3.2 ULP, double 2.5. float: -(e^(-a R(a)) - 1), R(a) = -log(erfc(a)) / a, a = |x|: where
// erf nears 1 little is left of R's errors, so one polynomial serves the whole range.
template <class T>
FASTNN_INLINE vec<T> erf(vec<T> x) {
  const vec<T> a = abs(x);
  if constexpr (kIsFloat<T>) {
    const vec<T> c = min(set<T>(4), a);  // erf is 1 from here
    const vec<T> r =
        polynomial<T>(c, 0x1.20dd76p+0f, 0x1.45f274p-1f, 0x1.a52c96p-4f, -0x1.3d4468p-6f,
                      0x1.255052p-12f, 0x1.378cdep-10f, -0x1.746b0ep-12f, 0x1.33f5dap-15f);
    return copysign(expm1_below<T>(-c * r), x);
  } else {
    const vec<T> z = x * x, c = min(set<T>(6), a);
    const vec<T> p =
        polynomial<T>(z, 0x1.20dd750429b6dp+0, -0x1.812746b0379bdp-2, 0x1.ce2f21a040d16p-4,
                      -0x1.b82ce311fa941p-6, 0x1.565bccf92b389p-8, -0x1.c02db03dd8578p-11,
                      0x1.f9a2baa915ad4p-14, -0x1.f4ca4d70270b2p-17, 0x1.b97fd3de25ab8p-20,
                      -0x1.5c0726f456892p-23, 0x1.d71b0eaa6f3b1p-27, -0x1.abae4673b40a0p-31);
    const ExpFactors<T> e = exp_minus_square<T>(c, 1);
    const vec<T> tail = 1 - scale2(e.p * erfcx<T>(c), e.n);
    return select(a < 1, x * p, copysign(tail, x));
  }
}

template <class T>
constexpr T kSqrtHalf = T(0.70710678118654752440);

// Where the normal distribution's tail vanishes.
template <class T>
constexpr T kNormalEnd = kIsFloat<T> ? T(14.8) : T(38.8);

// x Phi(x). float 6 ULP, double 6. For x < 0 the tail's own relative precision is kept.
template <class T>
FASTNN_INLINE vec<T> gelu(vec<T> x) {
  const vec<T> a = min(set<T>(kNormalEnd<T>), abs(x));
  const ExpFactors<T> e = exp_minus_square<T>(a, T(0.5));
  const vec<T> tail = scale2(T(0.5) * a * erfcx<T>(a * kSqrtHalf<T>) * e.p, e.n);
  return select(x < 0, set<T>(-0.0), x) - tail;
}

// Phi(x) + x phi(x): 4 ULP of 1 (it passes through zero at -0.75); 6 ULP for |x| > 1.5.
template <class T>
FASTNN_INLINE vec<T> gelu_slope(vec<T> x) {
  const vec<T> a = min(set<T>(kNormalEnd<T>), abs(x));
  const ExpFactors<T> e = exp_minus_square<T>(a, T(0.5));
  const vec<T> tail = T(0.5) * erfcx<T>(a * kSqrtHalf<T>);
  const vec<T> d = scale2(fma(a, set<T>(-0.39894228040143267794), tail) * e.p, e.n);
  return select(x < 0, d, 1 - d);
}

// For |x| <= kNormalPlain, where the tails are normal numbers: phi = e^(-x^2/2), and the tail over
// it, Phi(-|x|) / phi, by one division of polynomials (float).
template <class T>
constexpr T kNormalPlain = kIsFloat<T> ? T(13) : T(37);
template <class T>
struct NormalTail {
  vec<T> a, phi, ratio;
};
template <class T>
FASTNN_INLINE NormalTail<T> normal_tail(vec<T> x) {
  const vec<T> a = abs(x);
  const ExpParts<T> e = exp_parts_minus_square<T>(a, T(0.5));
  const vec<T> phi = exp_normal<T>(e.m, e.rounded);
  if constexpr (kIsFloat<T>) {
    const vec<T> p = polynomial<T>(a, 0x1.8ea4dep+5f, 0x1.5afe04p+5f, 0x1.208e08p+4f,
                                   0x1.fc942ep+1f, 0x1.9885dep-2f);
    const vec<T> q = polynomial<T>(a, 0x1.8ea4dep+6f, 0x1.4c883cp+7f, 0x1.db992cp+6f,
                                   0x1.718404p+5f, 0x1.3eba88p+3f, 1.0f);
    return {a, phi, p / q};
  } else {
    return {a, phi, T(0.5) * erfcx<T>(a * kSqrtHalf<T>)};
  }
}
template <class T>
FASTNN_INLINE vec<T> gelu_plain(vec<T> x) {
  const NormalTail<T> n = normal_tail<T>(x);
  return select(x < 0, set<T>(-0.0), x) - n.a * n.ratio * n.phi;
}
template <class T>
FASTNN_INLINE vec<T> gelu_slope_plain(vec<T> x) {
  const NormalTail<T> n = normal_tail<T>(x);
  const vec<T> d = fma(n.a, set<T>(-0.39894228040143267794), n.ratio) * n.phi;
  return select(x < 0, d, 1 - d);
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
