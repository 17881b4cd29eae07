// Activations, each with its gradient beside it. A gradient takes {g, y} (the activation's output)
// where the comment says so, else {g, x} (its input). At a kink the gradient is the left one,
// except relu6, hard_sigmoid and hard_tanh, which are flat at both of theirs. Where a formula gives
// inf/inf or 0 * inf, the function's limit is meant.
#include <cmath>

#include "kernels/reference/lists.h"
#include "kernels/reference/tiles.h"

namespace fastnn::kernels::reference {
namespace {

constexpr long double kSqrtHalf = 0.70710678118654752440084436210485L;
constexpr long double kInvSqrt2Pi = 0.39894228040143267793994605993438L;
constexpr double kSqrt2OverPi = 0.79788456080286535588;
constexpr double kGeluCubic = 0.044715;
// Klambauer et al. 2017, Self-Normalizing Neural Networks.
constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
constexpr double kSeluScale = 1.0507009873554804934193349852946;

double relu(double x, const double*) { return x < 0 ? 0 : x; }
double relu_grad(double g, double y, const double*) { return y > 0 ? g : 0; }  // from y

double relu6(double x, const double*) { return x < 0 ? 0 : x > 6 ? 6 : x; }
double relu6_grad(double g, double x, const double*) { return x > 0 && x < 6 ? g : 0; }

double leaky_relu(double x, const double* p) { return x > 0 ? x : p[0] * x; }
double leaky_relu_grad(double g, double x, const double* p) { return x > 0 ? g : p[0] * g; }

double elu(double x, const double* p) { return x > 0 ? x : p[0] * std::expm1(x); }
double elu_grad(double g, double x, const double* p) {
  return x > 0 ? g : g * (p[0] * std::exp(x));
}

double selu(double x, const double*) {
  return kSeluScale * (x > 0 ? x : kSeluAlpha * std::expm1(x));
}
double selu_grad(double g, double x, const double*) {
  return g * (kSeluScale * (x > 0 ? 1 : kSeluAlpha * std::exp(x)));
}

double celu(double x, const double* p) { return x > 0 ? x : p[0] * std::expm1(x / p[0]); }
double celu_grad(double g, double x, const double* p) { return x > 0 ? g : g * std::exp(x / p[0]); }

// In long double: the tail multiplies the argument's rounding error by x^2.
long double normal_cdf(long double x) { return 0.5L * std::erfc(-kSqrtHalf * x); }
double gelu(double x, const double*) {
  return std::isinf(x) ? (x > 0 ? x : -0.0) : static_cast<double>(x * normal_cdf(x));
}
double gelu_grad(double g, double x, const double*) {
  if (std::isinf(x)) return x > 0 ? g : g * 0.0;
  const long double v = x;
  return static_cast<double>(g * (normal_cdf(v) + v * (kInvSqrt2Pi * std::exp(-0.5L * v * v))));
}

double sigmoid(double x, const double*) {
  const double e = std::exp(-std::fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}
double sigmoid_grad(double g, double y, const double*) { return g * (y * (1 - y)); }  // from y

double softplus(double x, const double*) {
  return (x > 0 ? x : 0) + std::log1p(std::exp(-std::fabs(x)));
}
double softplus_grad(double g, double x, const double* p) { return g * sigmoid(x, p); }

double log_sigmoid(double x, const double* p) { return -softplus(-x, p); }
double log_sigmoid_grad(double g, double x, const double* p) { return g * sigmoid(-x, p); }

// tanh(v) = 2 sigmoid(2 v) - 1, so gelu_tanh(x) = x * sigmoid(2 v), v = sqrt(2/pi) (x + c x^3).
double gelu_tanh(double x, const double* p) {
  if (std::isinf(x)) return x > 0 ? x : -0.0;
  return x * sigmoid(2 * kSqrt2OverPi * x * (1 + kGeluCubic * x * x), p);
}
double gelu_tanh_grad(double g, double x, const double* p) {
  if (std::fabs(x) > 100) return x > 0 ? g : g * 0.0;
  const double v = 2 * kSqrt2OverPi * x * (1 + kGeluCubic * x * x);
  const double slope = 2 * kSqrt2OverPi * (1 + 3 * kGeluCubic * x * x);
  const double s = sigmoid(v, p);
  return g * (s + x * slope * s * sigmoid(-v, p));
}

double silu(double x, const double* p) {
  return std::isinf(x) ? (x > 0 ? x : -0.0) : x * sigmoid(x, p);
}
double silu_grad(double g, double x, const double* p) {
  if (std::isinf(x)) return x > 0 ? g : g * 0.0;
  return g * (sigmoid(x, p) * (1 + x * sigmoid(-x, p)));
}

// tanh(softplus(x)) and 1 - it as ratios in e = exp(-|x|): nothing overflows or cancels.
struct MishGate {
  double open, shut;
};
MishGate mish_gate(double x) {
  const double e = std::exp(-std::fabs(x));
  const double a = x < 0 ? e * (e + 2) : 1 + 2 * e, b = x < 0 ? 2 : 2 * e * e;
  return {a / (a + b), b / (a + b)};
}
double mish(double x, const double*) {
  return std::isinf(x) ? (x > 0 ? x : -0.0) : x * mish_gate(x).open;
}
double mish_grad(double g, double x, const double* p) {
  if (std::isinf(x)) return x > 0 ? g : g * 0.0;
  const MishGate t = mish_gate(x);
  return g * (t.open + x * sigmoid(x, p) * (t.shut * (1 + t.open)));
}

double softsign(double x, const double*) {
  return std::isinf(x) ? std::copysign(1.0, x) : x / (1 + std::fabs(x));
}
double softsign_grad(double g, double x, const double*) {
  const double d = 1 + std::fabs(x);
  return g / d / d;
}

double hard_sigmoid(double x, const double*) { return x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6; }
double hard_sigmoid_grad(double g, double x, const double*) { return x > -3 && x < 3 ? g / 6 : 0; }

double hard_silu(double x, const double*) {
  return x <= -3 ? -0.0 : x >= 3 ? x : x * ((x + 3) / 6);
}
double hard_silu_grad(double g, double x, const double*) {
  return x <= -3 ? 0 : x > 3 ? g : g * ((2 * x + 3) / 6);
}

double tanh(double x, const double*) { return std::tanh(x); }
double tanh_grad(double g, double y, const double*) { return g * ((1 - y) * (1 + y)); }  // from y

double hard_tanh(double x, const double*) { return x < -1 ? -1 : x > 1 ? 1 : x; }
double hard_tanh_grad(double g, double x, const double*) { return x > -1 && x < 1 ? g : 0; }

// The step neuron: params = {theta, unused}.
double threshold(double x, const double* p) { return x > p[0] ? 1 : 0; }

double exponential(double x, const double*) { return std::exp(x); }

// Binary cross-entropy of a logit x and a target t, and its gradient in x.
double sigmoid_cross_entropy(double x, double t, const double*) {
  return (x > 0 ? x : 0) - x * t + std::log1p(std::exp(-std::fabs(x)));
}
double sigmoid_cross_entropy_grad(double g, double x, double t, const double* p) {
  return g * (x < 0 ? sigmoid(x, p) - t : (1 - t) - sigmoid(-x, p));
}

const Entry entries[] = {
    FASTNN_FLOATS("relu", unary, relu),
    FASTNN_FLOATS("relu_grad", binary, relu_grad),
    FASTNN_FLOATS("relu6", unary, relu6),
    FASTNN_FLOATS("relu6_grad", binary, relu6_grad),
    FASTNN_FLOATS("leaky_relu", unary, leaky_relu),
    FASTNN_FLOATS("leaky_relu_grad", binary, leaky_relu_grad),
    FASTNN_FLOATS("elu", unary, elu),
    FASTNN_FLOATS("elu_grad", binary, elu_grad),
    FASTNN_FLOATS("selu", unary, selu),
    FASTNN_FLOATS("selu_grad", binary, selu_grad),
    FASTNN_FLOATS("celu", unary, celu),
    FASTNN_FLOATS("celu_grad", binary, celu_grad),
    FASTNN_FLOATS("gelu", unary, gelu),
    FASTNN_FLOATS("gelu_grad", binary, gelu_grad),
    FASTNN_FLOATS("gelu_tanh", unary, gelu_tanh),
    FASTNN_FLOATS("gelu_tanh_grad", binary, gelu_tanh_grad),
    FASTNN_FLOATS("silu", unary, silu),
    FASTNN_FLOATS("silu_grad", binary, silu_grad),
    FASTNN_FLOATS("mish", unary, mish),
    FASTNN_FLOATS("mish_grad", binary, mish_grad),
    FASTNN_FLOATS("softplus", unary, softplus),
    FASTNN_FLOATS("softplus_grad", binary, softplus_grad),
    FASTNN_FLOATS("softsign", unary, softsign),
    FASTNN_FLOATS("softsign_grad", binary, softsign_grad),
    FASTNN_FLOATS("sigmoid", unary, sigmoid),
    FASTNN_FLOATS("sigmoid_grad", binary, sigmoid_grad),
    FASTNN_FLOATS("log_sigmoid", unary, log_sigmoid),
    FASTNN_FLOATS("log_sigmoid_grad", binary, log_sigmoid_grad),
    FASTNN_FLOATS("hard_sigmoid", unary, hard_sigmoid),
    FASTNN_FLOATS("hard_sigmoid_grad", binary, hard_sigmoid_grad),
    FASTNN_FLOATS("hard_silu", unary, hard_silu),
    FASTNN_FLOATS("hard_silu_grad", binary, hard_silu_grad),
    FASTNN_FLOATS("tanh", unary, tanh),
    FASTNN_FLOATS("tanh_grad", binary, tanh_grad),
    FASTNN_FLOATS("hard_tanh", unary, hard_tanh),
    FASTNN_FLOATS("hard_tanh_grad", binary, hard_tanh_grad),
    FASTNN_FLOATS("threshold", unary, threshold),
    FASTNN_FLOATS("exponential", unary, exponential),
    FASTNN_FLOATS("sigmoid_cross_entropy", binary, sigmoid_cross_entropy),
    FASTNN_FLOATS("sigmoid_cross_entropy_grad", ternary, sigmoid_cross_entropy_grad),
};

}  // namespace

const EntryList activation_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::reference
