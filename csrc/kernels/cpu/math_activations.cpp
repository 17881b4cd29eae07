// Smooth activations, each with its gradient. A gradient takes {g, y} (the output) where the
// comment says so, else {g, x}. Errors are stated as in vmath_exp.h; where a gradient passes
// through zero away from x = 0 its error is relative to |g|.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/tiles.h"
#include "kernels/cpu/vmath_erf.h"
#include "kernels/cpu/vmath_log.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// For two_ways: where e^x and e^-x are normal numbers.
template <class T>
struct Moderate {
  static constexpr bool kSame = false;
  static constexpr T kLow = -ExpConstants<T>::kPlain, kHigh = ExpConstants<T>::kPlain;
};

template <class T>
FASTNN_INLINE vec<T> elu(vec<T> x, T alpha) {
  return select(x > 0, x, alpha * expm1_below<T>(min(zero<T>(), x)));
}
template <class T>
FASTNN_INLINE vec<T> elu_grad(vec<T> g, vec<T> x, T alpha) {
  return select(x > 0, g, g * (alpha * exp_negative<T>(min(zero<T>(), x))));
}

// Klambauer et al. 2017, Self-Normalizing Neural Networks.
constexpr double kSeluScale = 1.0507009873554804934193349852946;
constexpr double kSeluSlope = 1.7580993408473768599402175208123;  // scale * alpha
template <class T>
FASTNN_INLINE vec<T> selu(vec<T> x) {
  return select(x > 0, T(kSeluScale) * x, T(kSeluSlope) * expm1_below<T>(min(zero<T>(), x)));
}
template <class T>
FASTNN_INLINE vec<T> selu_grad(vec<T> g, vec<T> x) {
  const vec<T> left = T(kSeluSlope) * exp_negative<T>(min(zero<T>(), x));
  return g * select(x > 0, set<T>(kSeluScale), left);
}

template <class T>
FASTNN_INLINE vec<T> celu(vec<T> x, T alpha) {
  return select(x > 0, x, alpha * expm1_below<T>(min(zero<T>(), x) / alpha));
}
template <class T>
FASTNN_INLINE vec<T> celu_grad(vec<T> g, vec<T> x, T alpha) {
  return select(x > 0, g, g * exp<T>(min(zero<T>(), x) / alpha));
}

template <class T>
struct Gelu {
  static constexpr bool kSame = false;
  static constexpr T kLow = -kNormalPlain<T>, kHigh = kNormalPlain<T>;
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return gelu_plain<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return gelu<T>(x); }
};
template <class T>
struct GeluGrad {
  static constexpr bool kSame = false;
  static constexpr T kLow = -kNormalPlain<T>, kHigh = kNormalPlain<T>;
  static FASTNN_INLINE vec<T> plain(vec<T> g, vec<T> x) { return g * gelu_slope_plain<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> g, vec<T> x) { return g * gelu_slope<T>(x); }
};

// Where x e^x has vanished: further out than e^x.
template <class T>
constexpr T kVanished = ExpConstants<T>::kLowest - 16;

// num / den * e^x where x < 0, else num / den.
template <class T>
FASTNN_INLINE vec<T> gate(vec<T> x, ExpFactors<T> e, vec<T> num, vec<T> den) {
  return select(x < 0, scale2(num * e.p, e.n), num) / den;
}

// x sigmoid(2 v), v = sqrt(2/pi) (x + 0.044715 x^3). Relative error for x < 0: 2 |v| ULP.
constexpr double kGeluScale = 1.5957691216057307117597842397375;  // 2 sqrt(2/pi)
constexpr double kGeluCubic = 0.044715;
template <class T>
FASTNN_INLINE vec<T> gelu_tanh(vec<T> x) {
  const vec<T> a = min(set<T>(30), abs(x));
  const vec<T> v = a * fma(a * a, set<T>(kGeluScale * kGeluCubic), set<T>(kGeluScale));
  const ExpFactors<T> e = exp_factors<T>(max(set<T>(kVanished<T>), -v));
  return gate<T>(x, e, select(x < 0, -a, x), 1 + scale2(e.p, e.n));
}
template <class T>
constexpr T kGeluTanhPlain = kIsFloat<T> ? T(9.8) : T(20.6);  // 2 v is below kPlain
template <class T>
struct GeluTanh {
  static constexpr bool kSame = false;
  static constexpr T kLow = -kGeluTanhPlain<T>, kHigh = kGeluTanhPlain<T>;
  static FASTNN_INLINE vec<T> plain(vec<T> x) {
    const vec<T> cubic = set<T>(-kGeluScale * kGeluCubic);
    return x / (1 + exp_plain<T>(x * fma(x * x, cubic, set<T>(-kGeluScale))));
  }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return gelu_tanh<T>(x); }
};
// With e = e^-v for |x|: sigmoid is 1/(1+e) or e/(1+e), its slope e/(1+e)^2.
template <class T>
FASTNN_INLINE vec<T> gelu_tanh_grad(vec<T> g, vec<T> x) {
  const vec<T> a = min(set<T>(30), abs(x)), aa = a * a;
  const vec<T> v = a * fma(aa, set<T>(kGeluScale * kGeluCubic), set<T>(kGeluScale));
  const vec<T> slope = a * fma(aa, set<T>(3 * kGeluScale * kGeluCubic), set<T>(kGeluScale));
  const vec<T> e = exp_negative<T>(-v), q = 1 / (1 + e);
  const vec<T> s = e * q * q * slope;
  return g * select(x < 0, e * q - s, q + s);
}

// With e = e^-v: (1 + x v' e / (1 + e)) / (1 + e).
template <class T>
struct GeluTanhGrad {
  static constexpr bool kSame = false;
  static constexpr T kLow = -kGeluTanhPlain<T>, kHigh = kGeluTanhPlain<T>;
  static FASTNN_INLINE vec<T> plain(vec<T> g, vec<T> x) {
    const vec<T> xx = x * x, cubic = set<T>(kGeluScale * kGeluCubic);
    const vec<T> v = x * fma(xx, cubic, set<T>(kGeluScale));
    const vec<T> slope = x * fma(xx, set<T>(3 * kGeluScale * kGeluCubic), set<T>(kGeluScale));
    const vec<T> e = exp_plain<T>(-v), q = 1 / (1 + e);
    return g * q * fma(slope, e * q, set<T>(1));
  }
  static FASTNN_INLINE vec<T> any(vec<T> g, vec<T> x) { return gelu_tanh_grad<T>(g, x); }
};

template <class T>
FASTNN_INLINE vec<T> silu(vec<T> x) {
  const vec<T> a = max(set<T>(kVanished<T>), -abs(x));
  const ExpFactors<T> e = exp_factors<T>(a);
  return gate<T>(x, e, select(x < 0, a, x), 1 + scale2(e.p, e.n));
}
template <class T>
FASTNN_INLINE vec<T> silu_grad(vec<T> g, vec<T> x) {
  const vec<T> a = max(set<T>(ExpConstants<T>::kLowest), -abs(x));
  const vec<T> e = exp_negative<T>(a), q = 1 / (1 + e);
  const vec<T> s = e * q, bend = a * s * q;  // bend = -|x| s (1 - s)
  return g * select(x < 0, s + bend, q - bend);
}

template <class T>
struct Silu : Moderate<T> {
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return x / (1 + exp_plain<T>(-x)); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return silu<T>(x); }
};
// With e = e^-x: (1 + x e / (1 + e)) / (1 + e).
template <class T>
struct SiluGrad : Moderate<T> {
  static FASTNN_INLINE vec<T> plain(vec<T> g, vec<T> x) {
    const vec<T> e = exp_plain<T>(-x), q = 1 / (1 + e);
    return g * q * fma(x, e * q, set<T>(1));
  }
  static FASTNN_INLINE vec<T> any(vec<T> g, vec<T> x) { return silu_grad<T>(g, x); }
};

// tanh(softplus(x)) = a / (a + b), as in the reference: nothing overflows or cancels.
template <class T>
struct MishGate {
  vec<T> e, a, b;
};
template <class T>
FASTNN_INLINE MishGate<T> mish_gate(vec<T> x, vec<T> e) {
  const vec<T> ee = e + e;
  return {e, select(x < 0, e + 2, 1 + ee), select(x < 0, set<T>(2), ee * e)};
}
template <class T>
FASTNN_INLINE vec<T> mish(vec<T> x) {
  const vec<T> c = max(set<T>(kVanished<T>), -abs(x));
  const ExpFactors<T> f = exp_factors<T>(c);
  const MishGate<T> m = mish_gate<T>(x, scale2(f.p, f.n));
  const vec<T> den = select(x < 0, m.e * m.a, m.a) + m.b;
  return gate<T>(x, f, select(x < 0, c, x) * m.a, den);
}
template <class T>
FASTNN_INLINE vec<T> mish_grad(vec<T> g, vec<T> x) {
  const vec<T> c = max(set<T>(ExpConstants<T>::kLowest), -abs(x));
  const MishGate<T> m = mish_gate<T>(x, exp_negative<T>(c));
  const vec<T> a = select(x < 0, m.e * m.a, m.a), q = 1 / (a + m.b);
  const vec<T> sigma = select(x < 0, m.e, set<T>(1)) / (1 + m.e);
  const vec<T> slope = (m.b * q) * ((a + a + m.b) * q);  // 1 - tanh^2
  return g * fma(select(x < 0, c, -c) * sigma, slope, a * q);
}

// With u = e^x and n = u (u + 2), tanh(softplus(x)) is n / (n + 2): 1 where u is large, so u is
// bounded to keep n, or its square, finite.
template <class T>
struct Mish : Moderate<T> {
  static FASTNN_INLINE vec<T> plain(vec<T> x) {
    const vec<T> u = exp_plain<T>(min(set<T>(40), x)), n = u * (u + 2);
    return x * n / (n + 2);
  }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return mish<T>(x); }
};
template <class T>
struct MishGrad : Moderate<T> {
  static FASTNN_INLINE vec<T> plain(vec<T> g, vec<T> x) {
    const vec<T> u = exp_plain<T>(min(set<T>(20), x)), n = u * (u + 2), q = 1 / (n + 2);
    return g * q * fma(4 * x, u * (u + 1) * q, n);
  }
  static FASTNN_INLINE vec<T> any(vec<T> g, vec<T> x) { return mish_grad<T>(g, x); }
};

template <class T>
struct Softplus : Moderate<T> {
  static constexpr bool kInStages = kTabled<T>;
  static FASTNN_INLINE vec<T> first(vec<T> x) { return exp_plain<T>(-abs(x)); }
  static FASTNN_INLINE vec<T> second(vec<T> e, vec<T> x) {
    return max(zero<T>(), x) + log1p_unit<T>(e);
  }
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return softplus_plain<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return softplus<T>(x); }
};
template <class T>
struct SoftplusGrad : Moderate<T> {
  static FASTNN_INLINE vec<T> plain(vec<T> g, vec<T> x) { return g * sigmoid_plain<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> g, vec<T> x) { return g * sigmoid<T>(x); }
};

template <class T>
struct Sigmoid : Moderate<T> {
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return sigmoid_plain<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return sigmoid<T>(x); }
};

template <class T>
FASTNN_INLINE vec<T> sigmoid_grad(vec<T> g, vec<T> y) {  // from y
  return g * (y * (1 - y));
}
template <class T>
struct LogSigmoid : Moderate<T> {
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return -softplus_plain<T>(-x); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return -softplus<T>(-x); }
};
template <class T>
struct LogSigmoidGrad : Moderate<T> {
  static FASTNN_INLINE vec<T> plain(vec<T> g, vec<T> x) { return g * sigmoid_plain<T>(-x); }
  static FASTNN_INLINE vec<T> any(vec<T> g, vec<T> x) { return g * sigmoid<T>(-x); }
};

template <class T>
struct Tanh {
  static constexpr bool kSame = true, kInStages = kTabled<T>;
  static constexpr T kLow = -static_cast<T>(__builtin_inf()), kHigh = -kLow;
  static FASTNN_INLINE TanhParts<T> first(vec<T> x) { return tanh_parts<T>(x); }
  static FASTNN_INLINE vec<T> second(TanhParts<T> e, vec<T> x) { return tanh_of<T>(e, x); }
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return tanh<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return tanh<T>(x); }
};
template <class T>
FASTNN_INLINE vec<T> tanh_grad(vec<T> g, vec<T> y) {  // from y
  return g * ((1 - y) * (1 + y));
}

// Of a logit and a target, in this order: two_ways looks at the second input, so they are handed
// over with a gradient (of 1) before them.
template <class T>
FASTNN_INLINE vec<T> sigmoid_cross_entropy(vec<T> x, vec<T> t) {
  return fma(-x, t, max(zero<T>(), x)) + log1p_unit<T>(exp_negative<T>(-abs(x)));
}
template <class T>
struct SigmoidCrossEntropyGrad : Moderate<T> {
  static FASTNN_INLINE vec<T> plain(vec<T> g, vec<T> x, vec<T> t) {
    return from(exp_plain<T>(-abs(x)), g, x, t);
  }
  static FASTNN_INLINE vec<T> any(vec<T> g, vec<T> x, vec<T> t) {
    return from(exp_negative<T>(-abs(x)), g, x, t);
  }
  static FASTNN_INLINE vec<T> from(vec<T> e, vec<T> g, vec<T> x, vec<T> t) {
    const vec<T> q = e / (1 + e);  // sigmoid(-|x|)
    return g * select(x < 0, q - t, (1 - t) - q);
  }
};

const Entry entries[] = {
    FASTNN_FLOATS("elu", unary_with, elu),
    FASTNN_FLOATS("elu_grad", binary_with, elu_grad),
    FASTNN_FLOATS("selu", unary, selu),
    FASTNN_FLOATS("selu_grad", binary, selu_grad),
    FASTNN_FLOATS("celu", unary_with, celu),
    FASTNN_FLOATS("celu_grad", binary_with, celu_grad),
    FASTNN_TWO_WAYS("gelu", Gelu, 1),
    FASTNN_TWO_WAYS("gelu_grad", GeluGrad, 2),
    FASTNN_TWO_WAYS("gelu_tanh", GeluTanh, 1),
    FASTNN_TWO_WAYS("gelu_tanh_grad", GeluTanhGrad, 2),
    FASTNN_TWO_WAYS("silu", Silu, 1),
    FASTNN_TWO_WAYS("silu_grad", SiluGrad, 2),
    FASTNN_TWO_WAYS("mish", Mish, 1),
    FASTNN_TWO_WAYS("mish_grad", MishGrad, 2),
    FASTNN_TWO_WAYS("softplus", Softplus, 1),
    FASTNN_TWO_WAYS("softplus_grad", SoftplusGrad, 2),
    FASTNN_TWO_WAYS("sigmoid", Sigmoid, 1),
    FASTNN_FLOATS("sigmoid_grad", binary, sigmoid_grad),
    FASTNN_TWO_WAYS("log_sigmoid", LogSigmoid, 1),
    FASTNN_TWO_WAYS("log_sigmoid_grad", LogSigmoidGrad, 2),
    FASTNN_TILE("tanh", f32, unary<float, tanh<float>>),
    FASTNN_TILE("tanh", f64, two_ways<double, Tanh<double>, 1>),
    FASTNN_FLOATS("tanh_grad", binary, tanh_grad),
    FASTNN_FLOATS("sigmoid_cross_entropy", binary, sigmoid_cross_entropy),
    FASTNN_TWO_WAYS("sigmoid_cross_entropy_grad", SigmoidCrossEntropyGrad, 3),
};

}  // namespace

const EntryList activation_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
