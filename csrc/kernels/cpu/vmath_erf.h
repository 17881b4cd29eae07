// The error function and the normal distribution on vectors. Errors are stated as in
// vmath_exp.h.
#pragma once
#include "kernels/cpu/vmath_exp.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// e^(t^2) erfc(t) for 0 <= t <= 10.2 (float) or 27.5 (double): smooth, so one polynomial in
// u = (t - 4) / (t + 4) serves the whole range.
template <class T>
FASTNN_INLINE vec<T> erfcx(vec<T> t) {
  const vec<T> q = 1 / (t + 4), u = (t - 4) * q;
  vec<T> p;
  if constexpr (kIsFloat<T>)
    p = polynomial<T>(u, 0x1.18932cp+0f, -0x1.f3fe32p-1f, 0x1.8be1fep-1f, -0x1.14eab8p-1f,
                      0x1.52cb2ep-2f, -0x1.646550p-3f, 0x1.38cc14p-4f, -0x1.af0468p-6f,
                      0x1.97b4dep-8f, -0x1.8820fcp-12f, -0x1.88f9f6p-11f);
  else
    p = polynomial<T>(
        u, 0x1.18932bf08e154p+0, -0x1.f3fe31ecb49bfp-1, 0x1.8be202d26c706p-1, -0x1.14eacb1ad0345p-1,
        0x1.52cac23710151p-2, -0x1.645fd8a4bbb7dp-3, 0x1.38dbd2c8e33d2p-4, -0x1.b00c052c6895ep-6,
        0x1.908f472246044p-8, -0x1.269b51a303eb7p-12, -0x1.dd28437f190d8p-12, 0x1.72cda16d93097p-13,
        -0x1.e7efa7668f043p-19, -0x1.3c6e0341c5af2p-16, 0x1.3b1858e90451ap-18,
        0x1.7e2bee045016ap-20, -0x1.c76c32ef313e1p-21, -0x1.4149968ac0546p-24,
        0x1.1189315015fc7p-23, 0x1.4ba98408efb87p-32, -0x1.3c06a9523f392p-26, 0x1.1f8cbbcbf0e33p-32,
        0x1.3a0d557edc83bp-29, 0x1.27666cbd98118p-34, -0x1.29c25c09e6522p-33);
  return p * q;
}

// e^(-scale x^2) as factors. The square is split so that its rounding does not reach the
// exponent: the head of x has half the bits, its square is exact. scale is 1 or 1/2.
template <class T>
FASTNN_INLINE ExpFactors<T> exp_minus_square(vec<T> x, T scale) {
  constexpr Bits<T> kHead = kIsFloat<T> ? ~Bits<T>(0xfff) : static_cast<Bits<T>>(~0x7ffffffLL);
  const vec<T> head = as_float(as_bits(x) & kHead);
  const vec<T> high = -scale * (head * head), low = -scale * ((x - head) * (x + head));
  const ExpParts<T> e = exp_parts<T>(high, low);
  return {e.m + 1, e.n};
}

// float 3.0 ULP, double 2.5.
template <class T>
FASTNN_INLINE vec<T> erf(vec<T> x) {
  const vec<T> a = abs(x), z = x * x;
  vec<T> p;
  if constexpr (kIsFloat<T>)
    p = polynomial<T>(z, 0x1.20dd74p+0f, -0x1.8126d2p-2f, 0x1.ce1fccp-4f, -0x1.b747d4p-6f,
                      0x1.4f79fep-8f, -0x1.873b3cp-11f, 0x1.036a28p-14f);
  else
    p = polynomial<T>(z, 0x1.20dd750429b6dp+0, -0x1.812746b0379bdp-2, 0x1.ce2f21a040d16p-4,
                      -0x1.b82ce311fa941p-6, 0x1.565bccf92b389p-8, -0x1.c02db03dd8578p-11,
                      0x1.f9a2baa915ad4p-14, -0x1.f4ca4d70270b2p-17, 0x1.b97fd3de25ab8p-20,
                      -0x1.5c0726f456892p-23, 0x1.d71b0eaa6f3b1p-27, -0x1.abae4673b40a0p-31);
  constexpr T kOne = kIsFloat<T> ? 4 : 6;  // erf is 1 from here
  const vec<T> c = min(set<T>(kOne), a);
  const ExpFactors<T> e = exp_minus_square<T>(c, 1);
  const vec<T> tail = 1 - scale2(e.p * erfcx<T>(c), e.n);
  return select(a < 1, x * p, copysign(tail, x));
}

// Where the normal distribution's tail vanishes.
template <class T>
constexpr T kNormalEnd = kIsFloat<T> ? T(14.8) : T(38.8);

// x Phi(x). float 7 ULP, double 7. For x < 0 the tail's own relative precision is kept.
template <class T>
FASTNN_INLINE vec<T> gelu(vec<T> x) {
  const vec<T> a = min(set<T>(kNormalEnd<T>), abs(x));
  const ExpFactors<T> e = exp_minus_square<T>(a, T(0.5));
  const vec<T> tail = scale2(T(0.5) * a * erfcx<T>(a * T(0.70710678118654752440)) * e.p, e.n);
  return select(x < 0, set<T>(-0.0), x) - tail;
}

// Phi(x) + x phi(x): 4 ULP of 1 (it passes through zero at -0.75); 7 ULP for |x| > 1.5.
template <class T>
FASTNN_INLINE vec<T> gelu_slope(vec<T> x) {
  const vec<T> a = min(set<T>(kNormalEnd<T>), abs(x));
  const ExpFactors<T> e = exp_minus_square<T>(a, T(0.5));
  const vec<T> tail = T(0.5) * erfcx<T>(a * T(0.70710678118654752440));
  const vec<T> d = scale2(fma(a, set<T>(-0.39894228040143267794), tail) * e.p, e.n);
  return select(x < 0, d, 1 - d);
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
