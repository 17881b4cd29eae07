// Activations made of straight pieces, each with its gradient: memory-bound. A gradient takes
// {g, y} (the output) where the comment says so, else {g, x}.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/tiles.h"
#include "kernels/cpu/vmath_exp.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

template <class T>
FASTNN_INLINE vec<T> relu(vec<T> x) {
  return max(zero<T>(), x);
}
template <class T>
FASTNN_INLINE vec<T> relu_grad(vec<T> g, vec<T> y) {  // from y
  return select(y > 0, g, zero<T>());
}

template <class T>
FASTNN_INLINE vec<T> relu6(vec<T> x) {
  return clamp<T>(x, 0, 6);
}
template <class T>
FASTNN_INLINE vec<T> relu6_grad(vec<T> g, vec<T> x) {
  return select((x > 0) & (x < 6), g, zero<T>());
}

template <class T>
FASTNN_INLINE vec<T> leaky_relu(vec<T> x, T slope) {
  return select(x > 0, x, slope * x);
}
template <class T>
FASTNN_INLINE vec<T> leaky_relu_grad(vec<T> g, vec<T> x, T slope) {
  return select(x > 0, g, slope * g);
}

// Clamped at 2^40, where the quotient is 1: infinity over infinity does not arise.
template <class T>
FASTNN_INLINE vec<T> softsign(vec<T> x) {
  constexpr T kEnd = kIsFloat<T> ? T(0x1p40) : T(0x1p60);
  const vec<T> c = clamp<T>(x, -kEnd, kEnd);
  return c / (1 + abs(c));
}
template <class T>
FASTNN_INLINE vec<T> softsign_grad(vec<T> g, vec<T> x) {
  const vec<T> d = 1 + abs(x);
  return g / d / d;
}

template <class T>
FASTNN_INLINE vec<T> hard_sigmoid(vec<T> x) {
  return (clamp<T>(x, -3, 3) + 3) / 6;
}
template <class T>
FASTNN_INLINE vec<T> hard_sigmoid_grad(vec<T> g, vec<T> x) {
  return select((x > -3) & (x < 3), g / 6, zero<T>());
}

template <class T>
FASTNN_INLINE vec<T> hard_silu(vec<T> x) {
  const vec<T> middle = x * ((x + 3) / 6);
  return select(x <= -3, set<T>(-0.0), select(x >= 3, x, middle));
}
template <class T>
FASTNN_INLINE vec<T> hard_silu_grad(vec<T> g, vec<T> x) {
  const vec<T> middle = g * (fma(x, set<T>(2), set<T>(3)) / 6);
  return select(x <= -3, zero<T>(), select(x > 3, g, middle));
}

template <class T>
FASTNN_INLINE vec<T> hard_tanh(vec<T> x) {
  return clamp<T>(x, -1, 1);
}
template <class T>
FASTNN_INLINE vec<T> hard_tanh_grad(vec<T> g, vec<T> x) {
  return select((x > -1) & (x < 1), g, zero<T>());
}

template <class T>
FASTNN_INLINE vec<T> threshold(vec<T> x, T theta) {
  return select(x > theta, set<T>(1), zero<T>());
}

const Entry entries[] = {
    FASTNN_FLOATS("relu", unary, relu),
    FASTNN_FLOATS("relu_grad", binary, relu_grad),
    FASTNN_FLOATS("relu6", unary, relu6),
    FASTNN_FLOATS("relu6_grad", binary, relu6_grad),
    FASTNN_FLOATS("leaky_relu", unary_with, leaky_relu),
    FASTNN_FLOATS("leaky_relu_grad", binary_with, leaky_relu_grad),
    FASTNN_FLOATS("softsign", unary, softsign),
    FASTNN_FLOATS("softsign_grad", binary, softsign_grad),
    FASTNN_FLOATS("hard_sigmoid", unary, hard_sigmoid),
    FASTNN_FLOATS("hard_sigmoid_grad", binary, hard_sigmoid_grad),
    FASTNN_FLOATS("hard_silu", unary, hard_silu),
    FASTNN_FLOATS("hard_silu_grad", binary, hard_silu_grad),
    FASTNN_FLOATS("hard_tanh", unary, hard_tanh),
    FASTNN_FLOATS("hard_tanh_grad", binary, hard_tanh_grad),
    FASTNN_FLOATS("threshold", unary_with, threshold),
};

}  // namespace

const EntryList piecewise_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
