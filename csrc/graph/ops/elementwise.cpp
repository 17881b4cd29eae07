// Elementwise arithmetic, comparison, logic and functions, with NumPy's broadcasting.
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

using Unary = Value (*)(const Value& g, const Value& x, const Value& y);
using Binary = Values (*)(const Value& g, const Value& a, const Value& b, const Value& y);

std::vector<Type> infer_broadcast(const Values& in, const Attrs&) {
  Shape s;
  for (const Value& v : in) {
    if (v.dtype() != in.back().dtype())
      throw std::invalid_argument("expected inputs of one dtype, got " + in[0].type().str() +
                                  " and " + v.type().str());
    s = broadcast_shapes(s, v.shape());
  }
  return {{in[0].dtype(), s}};
}

std::vector<Type> infer_bool(const Values& in, const Attrs& a) {
  return {{DType::b8, infer_broadcast(in, a)[0].shape}};
}

Op op(const char* name, int arity, const std::vector<DType>& dtypes, const char* doc) {
  Op o{name, Kind::elementwise, arity, arity, {}, infer_broadcast};
  o.dtypes = dtypes;
  o.doc = doc;
  return o;
}

// y = f(x); the rule sees the node's own output, so nothing is computed twice.
Op unary_op(const char* name, const std::vector<DType>& dtypes, const char* doc, Unary rule) {
  Op o = op(name, 1, dtypes, doc);
  if (rule)
    o.grad = [rule](const Node& n, const Values& g) {
      Value y = output_of(n);
      return Values{rule(g[0], n.inputs[0], y)};
    };
  else
    o.differentiable = Differentiable::zero;
  return o;
}

Op binary_op(const char* name, const std::vector<DType>& dtypes, const char* doc, Binary rule) {
  Op o = op(name, 2, dtypes, doc);
  if (rule)
    o.grad = [rule](const Node& n, const Values& g) {
      Value y = output_of(n);
      Values gs = rule(g[0], n.inputs[0], n.inputs[1], y);
      for (size_t i = 0; i < 2; ++i)
        if (gs[i]) gs[i] = sum_to_like(gs[i], n.inputs[i]);
      return gs;
    };
  else
    o.differentiable = Differentiable::zero;
  return o;
}

Value one(const Value& like) { return scalar(1.0, like.dtype()); }
Value zero(const Value& like) { return scalar(0.0, like.dtype()); }
Value half_where_equal(const Value& a, const Value& b) {
  // Ties share the gradient, as NumPy-like autodiff systems do for maximum and minimum.
  return where(elementwise("equal", {a, b}), scalar(0.5, a.dtype()), one(a));
}

void add_arithmetic(OpTable* t) {
  t->push_back(binary_op(
      "add", kNumbers, "a + b",
      [](const Value& g, const Value&, const Value&, const Value&) { return Values{g, g}; }));
  t->push_back(binary_op(
      "subtract", kNumbers, "a - b",
      [](const Value& g, const Value&, const Value&, const Value&) { return Values{g, neg(g)}; }));
  t->push_back(binary_op("multiply", kNumbers, "a * b",
                         [](const Value& g, const Value& a, const Value& b, const Value&) {
                           return Values{mul(g, b), mul(g, a)};
                         }));
  t->push_back(binary_op("divide", kFloats, "a / b",
                         [](const Value& g, const Value&, const Value& b, const Value& y) {
                           Value ga = div(g, b);
                           return Values{ga, neg(mul(ga, y))};
                         }));
  t->push_back(binary_op("power", kFloats, "a ** b",
                         [](const Value& g, const Value& a, const Value& b, const Value& y) {
                           // Where b is 0 the factor b is 0 whatever the power: keep it finite.
                           Value less =
                               where(elementwise("equal", {b, zero(b)}), b, sub(b, one(b)));
                           Value ga = mul(g, mul(b, elementwise("power", {a, less})));
                           // d/db a^b = a^b log a, and 0 where a is 0 (as the limit for b > 0).
                           Value safe = where(elementwise("greater", {a, zero(a)}), a, one(a));
                           return Values{ga, mul(g, mul(y, unary("log", safe)))};
                         }));
  t->push_back(binary_op("maximum", kNumbers, "max(a, b); NaN if either is",
                         [](const Value& g, const Value& a, const Value& b, const Value&) {
                           Value share = mul(g, half_where_equal(a, b));
                           return Values{
                               where(elementwise("greater_equal", {a, b}), share, zero(g)),
                               where(elementwise("greater_equal", {b, a}), share, zero(g))};
                         }));
  t->push_back(binary_op("minimum", kNumbers, "min(a, b); NaN if either is",
                         [](const Value& g, const Value& a, const Value& b, const Value&) {
                           Value share = mul(g, half_where_equal(a, b));
                           return Values{where(elementwise("less_equal", {a, b}), share, zero(g)),
                                         where(elementwise("less_equal", {b, a}), share, zero(g))};
                         }));
  t->push_back(binary_op("floor_divide", kNumbers, "floor(a / b)", nullptr));
  t->push_back(binary_op("mod", kNumbers, "a - b * floor(a / b)",
                         [](const Value& g, const Value& a, const Value& b, const Value&) {
                           return Values{g, neg(mul(g, elementwise("floor_divide", {a, b})))};
                         }));
}

void add_comparisons(OpTable* t) {
  const std::pair<const char*, const char*> comparisons[] = {
      {"equal", "a == b"},      {"not_equal", "a != b"}, {"less", "a < b"},
      {"less_equal", "a <= b"}, {"greater", "a > b"},    {"greater_equal", "a >= b"}};
  for (const auto& c : comparisons) {
    Op o = binary_op(c.first, kAll, c.second, nullptr);
    o.infer = infer_bool;
    t->push_back(o);
  }
  const std::vector<DType> b8 = {DType::b8};
  t->push_back(binary_op("logical_and", b8, "a and b", nullptr));
  t->push_back(binary_op("logical_or", b8, "a or b", nullptr));
  t->push_back(unary_op("logical_not", b8, "not x", nullptr));
  const std::pair<const char*, const char*> tests[] = {
      {"isfinite", "whether x is neither infinite nor NaN"}, {"isnan", "whether x is NaN"}};
  for (const auto& test : tests) {
    Op o = unary_op(test.first, kFloats, test.second, nullptr);
    o.infer = infer_bool;
    t->push_back(o);
  }
}

void add_functions(OpTable* t) {
  auto u = [t](const char* name, const char* doc, Unary rule) {
    t->push_back(unary_op(name, kFloats, doc, rule));
  };
  t->push_back(unary_op("negative", kNumbers, "-x",
                        [](const Value& g, const Value&, const Value&) { return neg(g); }));
  t->push_back(unary_op(
      "absolute", kNumbers, "|x|",
      [](const Value& g, const Value& x, const Value&) { return mul(g, unary("sign", x)); }));
  t->push_back(unary_op("sign", kNumbers, "-1, 0 or 1", nullptr));
  u("exp", "e^x; at most 2 ULP",
    [](const Value& g, const Value&, const Value& y) { return mul(g, y); });
  u("expm1", "e^x - 1, exact near 0",
    [](const Value& g, const Value&, const Value& y) { return mul(g, add(y, 1.0)); });
  u("log", "natural logarithm",
    [](const Value& g, const Value& x, const Value&) { return div(g, x); });
  u("log1p", "log(1 + x), exact near 0",
    [](const Value& g, const Value& x, const Value&) { return div(g, add(x, 1.0)); });
  u("sqrt", "square root",
    [](const Value& g, const Value&, const Value& y) { return div(mul(g, 0.5), y); });
  u("rsqrt", "1 / sqrt(x)",
    [](const Value& g, const Value& x, const Value& y) { return mul(g, mul(div(y, x), -0.5)); });
  u("square", "x * x",  // doubling is exact: of g, which may be a number
    [](const Value& g, const Value& x, const Value&) { return mul(mul(g, 2.0), x); });
  u("reciprocal", "1 / x",
    [](const Value& g, const Value&, const Value& y) { return neg(mul(g, unary("square", y))); });
  u("sin", "sine (radians)",
    [](const Value& g, const Value& x, const Value&) { return mul(g, unary("cos", x)); });
  u("cos", "cosine (radians)",
    [](const Value& g, const Value& x, const Value&) { return neg(mul(g, unary("sin", x))); });
  u("erf", "error function", [](const Value& g, const Value& x, const Value&) {
    constexpr double two_over_sqrt_pi = 1.1283791670955126;
    return mul(g, mul(unary("exp", neg(unary("square", x))), two_over_sqrt_pi));
  });
  u("floor", "largest integer <= x", nullptr);
  u("ceil", "smallest integer >= x", nullptr);
  u("round", "nearest integer, ties to even", nullptr);
}

void add_selection(OpTable* t) {
  Op w = op("where", 3, {}, "a where the condition holds, else b");
  w.infer = [](const Values& in, const Attrs& a) {
    if (in[0].dtype() != DType::b8)
      throw std::invalid_argument("expected a bool condition, got " + in[0].type().str());
    std::vector<Type> out = infer_broadcast({in[1], in[2]}, a);
    out[0].shape = broadcast_shapes(in[0].shape(), out[0].shape);
    return out;
  };
  w.grad = [](const Node& n, const Values& g) {
    const Values& in = n.inputs;
    return Values{Value{}, sum_to_like(where(in[0], g[0], zero(g[0])), in[1]),
                  sum_to_like(where(in[0], zero(g[0]), g[0]), in[2])};
  };
  w.dtypes = kAll;
  t->push_back(w);

  Op clip = op("clip", 1, kFloats, "min(max(x, low), high)");
  clip.attrs = {{"low", "float"}, {"high", "float"}};
  clip.grad = [](const Node& n, const Values& g) {
    const Value& x = n.inputs[0];
    Value inside = elementwise(
        "logical_and",
        {elementwise("greater_equal", {x, scalar(n.attrs.get<double>("low"), x.dtype())}),
         elementwise("less_equal", {x, scalar(n.attrs.get<double>("high"), x.dtype())})});
    return Values{where(inside, g[0], zero(g[0]))};
  };
  t->push_back(clip);

  Op cast_op = op("cast", 1, kAll, "the same numbers in another dtype");
  cast_op.attrs = {{"dtype", "dtype"}};
  cast_op.infer = [](const Values& in, const Attrs& a) {
    return std::vector<Type>{{a.get<DType>("dtype"), in[0].shape()}};
  };
  cast_op.grad = [](const Node& n, const Values& g) {
    const Value& x = n.inputs[0];
    bool both = is_floating(x.dtype()) && is_floating(g[0].dtype());
    return Values{both ? cast(g[0], x.dtype()) : Value{}};
  };
  t->push_back(cast_op);
}

}  // namespace

void add_elementwise_ops(OpTable* table) {
  add_arithmetic(table);
  add_comparisons(table);
  add_functions(table);
  add_selection(table);
}

}  // namespace fastnn::graph
