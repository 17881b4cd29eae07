// Activations and their gradients. relu, sigmoid and tanh take their gradient from the output,
// the others from the input; each gradient states its value in primitive ops, so second
// derivatives follow.
#include "graph/build.h"

namespace fastnn::graph {
namespace {

std::vector<Type> infer_same(const Values& in, const Attrs&) {
  Shape s;
  for (const Value& v : in) s = broadcast_shapes(s, v.shape());
  return {{in[0].dtype(), s}};
}

Value num(double v, const Value& like) { return scalar(v, like.dtype()); }
Value gt(const Value& x, double v) { return elementwise("greater", {x, num(v, x)}); }
Value ge(const Value& x, double v) { return elementwise("greater_equal", {x, num(v, x)}); }
Value lt(const Value& x, double v) { return elementwise("less", {x, num(v, x)}); }
Value both(const Value& a, const Value& b) { return elementwise("logical_and", {a, b}); }
Value sq(const Value& x) { return unary("square", x); }
Value one_minus(const Value& x) { return sub(num(1.0, x), x); }
Value if_else(const Value& c, const Value& a, double b) { return where(c, a, num(b, a)); }

// The factor f'(x) (or f' in terms of y) that multiplies g.
using Slope = Value (*)(const Value& v, const Attrs& attrs);

// Adds op NAME and op NAME_grad with inputs {g, v}; v is the output where from_output.
void activation(OpTable* t, const char* name, const char* doc, bool from_output, Slope slope,
                std::vector<AttrSpec> attrs = {}) {
  std::string grad_name = std::string(name) + "_grad";
  Op o{name, Kind::elementwise, 1, 1, attrs, infer_same};
  o.dtypes = kFloats;
  o.doc = doc;
  o.flops = 4;
  o.grad = [grad_name, from_output](const Node& n, const Values& g) {
    Value v = from_output ? output_of(n) : n.inputs[0];
    return Values{make(grad_name, {g[0], v}, n.attrs)};
  };
  t->push_back(o);

  Op d{grad_name, Kind::elementwise, 2, 2, attrs, infer_same};
  d.dtypes = kFloats;
  d.doc = std::string("g * d ") + name + (from_output ? ", from the output" : ", from the input");
  d.flops = 4;
  d.compose = [slope](const Values& in, const Attrs& a) { return mul(in[0], slope(in[1], a)); };
  t->push_back(d);
}

void add_rectifiers(OpTable* t) {
  activation(t, "relu", "max(x, 0)", true,
             [](const Value& y, const Attrs&) { return cast(gt(y, 0.0), y.dtype()); });
  activation(t, "relu6", "min(max(x, 0), 6)", false, [](const Value& x, const Attrs&) {
    return cast(both(gt(x, 0.0), lt(x, 6.0)), x.dtype());
  });
  activation(t, "leaky_relu", "x where x >= 0, else slope * x", false,
             [](const Value& x, const Attrs& a) {
               return if_else(ge(x, 0.0), num(1.0, x), a.get<double>("slope"));
             },
             {{"slope", "float"}});
  activation(t, "elu", "x where x > 0, else alpha * (e^x - 1)", false,
             [](const Value& x, const Attrs& a) {
               Value e = mul(unary("exp", elementwise("minimum", {x, num(0.0, x)})),
                             a.get<double>("alpha"));
               return where(gt(x, 0.0), num(1.0, x), e);
             },
             {{"alpha", "float"}});
  activation(t, "selu", "scale * elu(x, alpha)", false, [](const Value& x, const Attrs&) {
    constexpr double scale = 1.0507009873554805, alpha = 1.6732632423543772;
    Value e = mul(unary("exp", elementwise("minimum", {x, num(0.0, x)})), scale * alpha);
    return where(gt(x, 0.0), num(scale, x), e);
  });
  activation(t, "celu", "max(x, 0) + min(alpha * (e^(x/alpha) - 1), 0)", false,
             [](const Value& x, const Attrs& a) {
               Value e = unary("exp", mul(elementwise("minimum", {x, num(0.0, x)}),
                                          1.0 / a.get<double>("alpha")));
               return where(gt(x, 0.0), num(1.0, x), e);
             },
             {{"alpha", "float"}});
}

void add_smooth(OpTable* t) {
  activation(t, "sigmoid", "1 / (1 + e^-x); at most 4 ULP", true,
             [](const Value& y, const Attrs&) { return mul(y, one_minus(y)); });
  activation(t, "tanh", "hyperbolic tangent; at most 4 ULP", true,
             [](const Value& y, const Attrs&) { return one_minus(sq(y)); });
  activation(t, "log_sigmoid", "-log(1 + e^-x)", false,
             [](const Value& x, const Attrs&) { return unary("sigmoid", neg(x)); });
  activation(t, "softplus", "log(1 + e^x)", false,
             [](const Value& x, const Attrs&) { return unary("sigmoid", x); });
  activation(t, "softsign", "x / (1 + |x|)", false, [](const Value& x, const Attrs&) {
    return unary("reciprocal", sq(add(unary("absolute", x), 1.0)));
  });
  activation(t, "silu", "x * sigmoid(x)", false, [](const Value& x, const Attrs&) {
    Value s = unary("sigmoid", x);
    return mul(s, add(mul(x, one_minus(s)), 1.0));
  });
  activation(t, "mish", "x * tanh(softplus(x))", false, [](const Value& x, const Attrs&) {
    Value w = unary("tanh", unary("softplus", x));
    return add(w, mul(mul(x, unary("sigmoid", x)), one_minus(sq(w))));
  });
  activation(t, "gelu", "x * Phi(x), exact", false, [](const Value& x, const Attrs&) {
    constexpr double inv_sqrt2 = 0.70710678118654752, inv_sqrt_2pi = 0.39894228040143268;
    Value phi = mul(add(unary("erf", mul(x, inv_sqrt2)), 1.0), 0.5);
    Value density = mul(unary("exp", mul(sq(x), -0.5)), inv_sqrt_2pi);
    return add(phi, mul(x, density));
  });
  activation(t, "gelu_tanh", "0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))", false,
             [](const Value& x, const Attrs&) {
               constexpr double c = 0.79788456080286536, k = 0.044715;
               Value inner = mul(mul(x, add(mul(sq(x), k), 1.0)), c);
               Value th = unary("tanh", inner);
               Value d_inner = mul(add(mul(sq(x), 3 * k), 1.0), c);
               return add(mul(add(th, 1.0), 0.5),
                          mul(mul(mul(x, 0.5), one_minus(sq(th))), d_inner));
             });
}

void add_piecewise(OpTable* t) {
  activation(t, "hard_sigmoid", "min(max(x/6 + 1/2, 0), 1)", false,
             [](const Value& x, const Attrs&) {
               return mul(cast(both(gt(x, -3.0), lt(x, 3.0)), x.dtype()), 1.0 / 6.0);
             });
  activation(t, "hard_silu", "x * hard_sigmoid(x)", false, [](const Value& x, const Attrs&) {
    Value middle = add(mul(x, 1.0 / 3.0), 0.5);
    return where(ge(x, 3.0), num(1.0, x), if_else(gt(x, -3.0), middle, 0.0));
  });
  activation(t, "hard_tanh", "min(max(x, -1), 1)", false, [](const Value& x, const Attrs&) {
    return cast(both(gt(x, -1.0), lt(x, 1.0)), x.dtype());
  });

  Op step{"threshold", Kind::elementwise, 1, 1, {{"theta", "float"}}, infer_same};
  step.dtypes = kFloats;
  step.doc = "1 where x > theta, else 0: the step neuron";
  step.differentiable = Differentiable::never;
  step.why = "a step function cannot be trained by gradients; use sigmoid, tanh or relu";
  t->push_back(step);
}

void add_sigmoid_cross_entropy(OpTable* t) {
  Op loss{"sigmoid_cross_entropy", Kind::elementwise, 2, 2, {}, infer_same};
  loss.dtypes = kFloats;
  loss.flops = 8;
  loss.doc = "max(x, 0) - x t + log(1 + e^-|x|), from logits x and targets t";
  loss.grad = [](const Node& n, const Values& g) {
    const Value &x = n.inputs[0], &target = n.inputs[1];
    return Values{sum_to_like(make("sigmoid_cross_entropy_grad", {g[0], x, target}), x),
                  sum_to_like(neg(mul(g[0], x)), target)};
  };
  t->push_back(loss);

  Op grad{"sigmoid_cross_entropy_grad", Kind::elementwise, 3, 3, {}, infer_same};
  grad.dtypes = kFloats;
  grad.flops = 6;
  grad.doc = "g (sigmoid(x) - t)";
  grad.compose = [](const Values& in, const Attrs&) {
    return mul(in[0], sub(unary("sigmoid", in[1]), in[2]));
  };
  t->push_back(grad);
}

}  // namespace

void add_activation_ops(OpTable* table) {
  add_rectifiers(table);
  add_smooth(table);
  add_piecewise(table);
  add_sigmoid_cross_entropy(table);
}

}  // namespace fastnn::graph
