// Products of the pairs of elements of the last axis, each pair once.
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

int64_t pairs_of(int64_t n) { return n * (n + 1) / 2; }

int64_t length_of(const Value& x) {
  if (x.rank() < 1 || !x.shape().back().is_number())
    throw std::invalid_argument("expected a last axis of known length, got " + x.type().str());
  return x.shape().back().number();
}

std::vector<Type> infer_pairs(const Values& in, const Attrs&) {
  Type out = in[0].type();
  out.shape.back() = pairs_of(length_of(in[0]));
  return {out};
}

std::vector<Type> infer_gradient(const Values& in, const Attrs&) {
  Type want = in[1].type();
  want.shape.back() = pairs_of(length_of(in[1]));
  if (in[0].dtype() != want.dtype || !may_equal(in[0].shape(), want.shape))
    throw std::invalid_argument("expected the gradient of " + want.str() + ", got " +
                                in[0].type().str());
  return {in[1].type()};
}

Value pairs(const Value& x) { return make("pairs", {x}); }
Value pairs_grad(const Value& g, const Value& x) { return make("pairs_grad", {g, x}); }

}  // namespace

void add_pairs_ops(OpTable* table) {
  Op o{"pairs", Kind::pairs, 1, 1, {}, infer_pairs};
  o.dtypes = kFloats;
  o.grad = [](const Node& n, const Values& g) { return Values{pairs_grad(g[0], n.inputs[0])}; };
  o.doc = "x_i x_j for i <= j over the last axis";
  table->push_back(o);

  // Linear in both, symmetric in x: the pairs of two rows x and y are those of their sum, less
  // those of each.
  Op d{"pairs_grad", Kind::pairs, 2, 2, {}, infer_gradient};
  d.dtypes = kFloats;
  d.flops = 4;
  d.grad = [](const Node& n, const Values& g) {
    const Value &pair_gradient = n.inputs[0], &x = n.inputs[1];
    return Values{sub(sub(pairs(add(x, g[0])), pairs(x)), pairs(g[0])),
                  pairs_grad(pair_gradient, g[0])};
  };
  d.doc = "the gradient of x from that of its pairs";
  table->push_back(d);
}

}  // namespace fastnn::graph
