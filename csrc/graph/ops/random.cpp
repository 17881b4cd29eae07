// Random numbers: a node is a stream; the same node draws new numbers every step.
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {

void add_random_ops(OpTable* table) {
  struct Item {
    const char* name;
    const char* doc;
  };
  const Item items[] = {{"random_uniform", "uniform in [a, b)"},
                        {"random_normal", "normal with mean a and standard deviation b"},
                        {"random_truncated_normal", "normal(a, b) cut at two deviations"},
                        {"random_bernoulli", "1 with probability a, else 0"}};
  for (const Item& item : items) {
    Op o{
        item.name, Kind::random, 2, 2, {{"shape", "shape"}, {"dtype", "dtype"}, {"stream", "int"}}};
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
    o.differentiable = Differentiable::zero;
    o.doc = item.doc;
    table->push_back(o);
  }
}

}  // namespace fastnn::graph
