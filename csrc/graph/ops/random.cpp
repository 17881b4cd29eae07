// Random numbers: a node is a stream; the same node draws new numbers every step.
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

// y = a + b z: the draw z stays as it is when the parameters move.
Values location_scale_gradient(const Node& n, const Values& g) {
  const Value &a = n.inputs[0], &b = n.inputs[1];
  Value z = div(sub(output_of(n), a), b);
  return {sum_to_like(g[0], a), sum_to_like(mul(g[0], z), b)};
}

// y = a + (b - a) u
Values uniform_gradient(const Node& n, const Values& g) {
  const Value &a = n.inputs[0], &b = n.inputs[1];
  Value gu = mul(g[0], div(sub(output_of(n), a), sub(b, a)));
  return {sum_to_like(sub(g[0], gu), a), sum_to_like(gu, b)};
}

}  // namespace

void add_random_ops(OpTable* table) {
  struct Item {
    const char* name;
    const char* doc;
    Values (*grad)(const Node&, const Values&);  // null: the draw jumps, no gradient flows
  };
  const Item items[] = {
      {"random_uniform", "uniform in [a, b)", uniform_gradient},
      {"random_normal", "normal with mean a and standard deviation b", location_scale_gradient},
      {"random_truncated_normal", "normal(a, b) cut at two deviations", location_scale_gradient},
      {"random_bernoulli", "1 with probability a, else 0", nullptr}};
  for (const Item& item : items) {
    Op o{item.name, Kind::random, 2, 2, {{"shape", "shape"}, {"dtype", "dtype"}}};
    o.attrs.push_back({"stream", "int"});
    o.attrs.push_back({"seed", "ints"});  // empty: the run's; one number: this one, in every run
    o.infer = [](const Values& in, const Attrs& a) {
      DType t = a.get<DType>("dtype");
      for (const Value& v : in)
        if (v.rank() != 0 || v.dtype() != t)
          throw std::invalid_argument("expected scalar parameters of dtype " +
                                      std::string(dtype_name(t)) + ", got " + v.type().str());
      return std::vector<Type>{{t, a.get<Shape>("shape")}};
    };
    o.dtypes = kFloats;
    o.flops = 10;
    if (item.grad)
      o.grad = item.grad;
    else
      o.differentiable = Differentiable::zero;
    o.doc = item.doc;
    table->push_back(o);
  }
}

}  // namespace fastnn::graph
