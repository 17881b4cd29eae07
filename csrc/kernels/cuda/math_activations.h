// Activations, each with its gradient beside it: the formulas of the reference, in the array's own
// type. A gradient takes {g, y} (the activation's output) where the comment says so, else {g, x}.
#pragma once
#include <cmath>

#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

constexpr double kSqrtHalf = 0.70710678118654752440;
constexpr double kInvSqrt2Pi = 0.39894228040143267794;
constexpr double kSqrt2OverPi = 0.79788456080286535588;
constexpr double kGeluCubic = 0.044715;
// Klambauer et al. 2017, Self-Normalizing Neural Networks.
constexpr double kSeluAlpha = 1.6732632423543772848170429916717;
constexpr double kSeluScale = 1.0507009873554804934193349852946;

template <class T>
__device__ bool is_infinite(T x) {
  return x - x != 0 && x == x;
}

template <class T>
__device__ T relu(T x, const double*) {
  return x < 0 ? T(0) : x;
}
template <class T>
__device__ T relu_grad(T g, T y, const double*) {  // from y
  return y > 0 ? g : T(0);
}

template <class T>
__device__ T relu6(T x, const double*) {
  return x < 0 ? T(0) : x > 6 ? T(6) : x;
}
template <class T>
__device__ T relu6_grad(T g, T x, const double*) {
  return x > 0 && x < 6 ? g : T(0);
}

template <class T>
__device__ T leaky_relu(T x, const double* p) {
  return x > 0 ? x : T(p[0]) * x;
}
template <class T>
__device__ T leaky_relu_grad(T g, T x, const double* p) {
  return x > 0 ? g : T(p[0]) * g;
}

template <class T>
__device__ T elu(T x, const double* p) {
  return x > 0 ? x : T(p[0]) * std::expm1(x);
}
template <class T>
__device__ T elu_grad(T g, T x, const double* p) {
  return x > 0 ? g : g * (T(p[0]) * std::exp(x));
}

template <class T>
__device__ T selu(T x, const double*) {
  return x > 0 ? T(kSeluScale) * x : T(kSeluScale * kSeluAlpha) * std::expm1(x);
}
template <class T>
__device__ T selu_grad(T g, T x, const double*) {
  return g * (x > 0 ? T(kSeluScale) : T(kSeluScale * kSeluAlpha) * std::exp(x));
}

template <class T>
__device__ T celu(T x, const double* p) {
  return x > 0 ? x : T(p[0]) * std::expm1(x / T(p[0]));
}
template <class T>
__device__ T celu_grad(T g, T x, const double* p) {
  return x > 0 ? g : g * std::exp(x / T(p[0]));
}

// In double: the tail multiplies the argument's rounding error by x^2.
__device__ inline double normal_cdf(double x) { return 0.5 * std::erfc(-kSqrtHalf * x); }
template <class T>
__device__ T gelu(T x, const double*) {
  if (is_infinite(x)) return x > 0 ? x : T(-0.0);
  return static_cast<T>(x * normal_cdf(x));
}
template <class T>
__device__ T gelu_grad(T g, T x, const double*) {
  if (is_infinite(x)) return x > 0 ? g : g * T(0);
  const double v = x;
  return static_cast<T>(g * (normal_cdf(v) + v * (kInvSqrt2Pi * std::exp(-0.5 * v * v))));
}

template <class T>
__device__ T sigmoid(T x, const double*) {
  const T e = std::exp(-std::fabs(x));
  return (x < 0 ? e : T(1)) / (1 + e);
}
template <class T>
__device__ T sigmoid_grad(T g, T y, const double*) {  // from y
  return g * (y * (1 - y));
}

template <class T>
__device__ T softplus(T x, const double*) {
  return (x > 0 ? x : T(0)) + std::log1p(std::exp(-std::fabs(x)));
}
template <class T>
__device__ T softplus_grad(T g, T x, const double* p) {
  return g * sigmoid(x, p);
}

template <class T>
__device__ T log_sigmoid(T x, const double* p) {
  return -softplus(-x, p);
}
template <class T>
__device__ T log_sigmoid_grad(T g, T x, const double* p) {
  return g * sigmoid(-x, p);
}

// tanh(v) = 2 sigmoid(2 v) - 1, so gelu_tanh(x) = x * sigmoid(2 v), v = sqrt(2/pi) (x + c x^3).
template <class T>
__device__ T gelu_tanh(T x, const double* p) {
  if (is_infinite(x)) return x > 0 ? x : T(-0.0);
  const double v = x;
  return static_cast<T>(v * sigmoid(2 * kSqrt2OverPi * v * (1 + kGeluCubic * v * v), p));
}
template <class T>
__device__ T gelu_tanh_grad(T g, T x, const double* p) {
  if (std::fabs(x) > 100) return x > 0 ? g : g * T(0);
  const double u = x, v = 2 * kSqrt2OverPi * u * (1 + kGeluCubic * u * u);
  const double slope = 2 * kSqrt2OverPi * (1 + 3 * kGeluCubic * u * u);
  const double s = sigmoid(v, p);
  return static_cast<T>(g * (s + u * slope * s * sigmoid(-v, p)));
}

template <class T>
__device__ T silu(T x, const double* p) {
  return is_infinite(x) ? (x > 0 ? x : T(-0.0)) : x * sigmoid(x, p);
}
template <class T>
__device__ T silu_grad(T g, T x, const double* p) {
  if (is_infinite(x)) return x > 0 ? g : g * T(0);
  return g * (sigmoid(x, p) * (1 + x * sigmoid(-x, p)));
}

// tanh(softplus(x)) and 1 - it as ratios in e = exp(-|x|): nothing overflows or cancels.
template <class T>
struct MishGate {
  T open, shut;
};
template <class T>
__device__ MishGate<T> mish_gate(T x) {
  const T e = std::exp(-std::fabs(x));
  const T a = x < 0 ? e * (e + 2) : 1 + 2 * e, b = x < 0 ? T(2) : 2 * e * e;
  return {a / (a + b), b / (a + b)};
}
template <class T>
__device__ T mish(T x, const double*) {
  return is_infinite(x) ? (x > 0 ? x : T(-0.0)) : x * mish_gate(x).open;
}
template <class T>
__device__ T mish_grad(T g, T x, const double* p) {
  if (is_infinite(x)) return x > 0 ? g : g * T(0);
  const MishGate<T> t = mish_gate(x);
  return g * (t.open + x * sigmoid(x, p) * (t.shut * (1 + t.open)));
}

template <class T>
__device__ T softsign(T x, const double*) {
  return is_infinite(x) ? std::copysign(T(1), x) : x / (1 + std::fabs(x));
}
template <class T>
__device__ T softsign_grad(T g, T x, const double*) {
  const T d = 1 + std::fabs(x);
  return g / d / d;
}

template <class T>
__device__ T hard_sigmoid(T x, const double*) {
  return x <= -3 ? T(0) : x >= 3 ? T(1) : (x + 3) / 6;
}
template <class T>
__device__ T hard_sigmoid_grad(T g, T x, const double*) {
  return x > -3 && x < 3 ? g / 6 : T(0);
}

template <class T>
__device__ T hard_silu(T x, const double*) {
  return x <= -3 ? T(-0.0) : x >= 3 ? x : x * ((x + 3) / 6);
}
template <class T>
__device__ T hard_silu_grad(T g, T x, const double*) {
  return x <= -3 ? T(0) : x > 3 ? g : g * ((2 * x + 3) / 6);
}

template <class T>
__device__ T tanh(T x, const double*) {
  return std::tanh(x);
}
template <class T>
__device__ T tanh_grad(T g, T y, const double*) {  // from y
  return g * ((1 - y) * (1 + y));
}

template <class T>
__device__ T hard_tanh(T x, const double*) {
  return x < -1 ? T(-1) : x > 1 ? T(1) : x;
}
template <class T>
__device__ T hard_tanh_grad(T g, T x, const double*) {
  return x > -1 && x < 1 ? g : T(0);
}

// The step neuron: p = {theta, unused}.
template <class T>
__device__ T threshold(T x, const double* p) {
  return x > T(p[0]) ? T(1) : T(0);
}

template <class T>
__device__ T exponential(T x, const double*) {
  return std::exp(x);
}

// Binary cross-entropy of a logit x and a target t, and its gradient in x.
template <class T>
__device__ T sigmoid_cross_entropy(T x, T t, const double*) {
  return (x > 0 ? x : T(0)) - x * t + std::log1p(std::exp(-std::fabs(x)));
}
template <class T>
__device__ T sigmoid_cross_entropy_grad(T g, T x, T t, const double* p) {
  return g * (x < 0 ? sigmoid(x, p) - t : (1 - t) - sigmoid(-x, p));
}

#define FASTNN_ACTIVATION(X, f) FASTNN_FLOATS(X, f, 1, f) FASTNN_FLOATS(X, f##_grad, 2, f##_grad)

#define FASTNN_ACTIVATIONS(X)                                       \
  FASTNN_ACTIVATION(X, relu)                                        \
  FASTNN_ACTIVATION(X, relu6)                                       \
  FASTNN_ACTIVATION(X, leaky_relu)                                  \
  FASTNN_ACTIVATION(X, elu)                                         \
  FASTNN_ACTIVATION(X, selu)                                        \
  FASTNN_ACTIVATION(X, celu)                                        \
  FASTNN_ACTIVATION(X, gelu)                                        \
  FASTNN_ACTIVATION(X, gelu_tanh)                                   \
  FASTNN_ACTIVATION(X, silu)                                        \
  FASTNN_ACTIVATION(X, mish)                                        \
  FASTNN_ACTIVATION(X, softplus)                                    \
  FASTNN_ACTIVATION(X, softsign)                                    \
  FASTNN_ACTIVATION(X, sigmoid)                                     \
  FASTNN_ACTIVATION(X, log_sigmoid)                                 \
  FASTNN_ACTIVATION(X, hard_sigmoid)                                \
  FASTNN_ACTIVATION(X, hard_silu)                                   \
  FASTNN_ACTIVATION(X, tanh)                                        \
  FASTNN_ACTIVATION(X, hard_tanh)                                   \
  FASTNN_FLOATS(X, threshold, 1, threshold)                         \
  FASTNN_FLOATS(X, exponential, 1, exponential)                     \
  FASTNN_FLOATS(X, sigmoid_cross_entropy, 2, sigmoid_cross_entropy) \
  FASTNN_FLOATS(X, sigmoid_cross_entropy_grad, 3, sigmoid_cross_entropy_grad)

}  // namespace fastnn::kernels::cuda
