// Matrix product, 2-D and batched, with either side transposed.
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

struct Sides {
  bool ta, tb;
  explicit Sides(const Attrs& a) : ta(a.get<bool>("transpose_a")), tb(a.get<bool>("transpose_b")) {}
};

std::vector<Type> infer_matmul(const Values& in, const Attrs& attrs) {
  Sides s(attrs);
  const Shape &a = in[0].shape(), &b = in[1].shape();
  if (a.size() < 2 || b.size() < 2)
    throw std::invalid_argument("expected matrices of at least 2 dimensions, got " + shape_str(a) +
                                " and " + shape_str(b));
  if (in[0].dtype() != in[1].dtype())
    throw std::invalid_argument("expected inputs of one dtype, got " + in[0].type().str() +
                                " and " + in[1].type().str());
  size_t ra = a.size(), rb = b.size();
  const Dim &m = a[ra - (s.ta ? 1 : 2)], &ka = a[ra - (s.ta ? 2 : 1)];
  const Dim &kb = b[rb - (s.tb ? 1 : 2)], &n = b[rb - (s.tb ? 2 : 1)];
  if (ka != kb && ka.is_number() && kb.is_number())
    throw std::invalid_argument("inner dimensions differ: " + shape_str(a) +
                                (s.ta ? " transposed" : "") + " and " + shape_str(b) +
                                (s.tb ? " transposed" : ""));
  Shape out = broadcast_shapes(Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
  out.push_back(m);
  out.push_back(n);
  return {{in[0].dtype(), out}};
}

// (..., n) as a matrix of rows.
Value flat_rows(const Value& v) {
  Dim rows(1);
  for (size_t d = 0; d + 1 < v.shape().size(); ++d) rows = rows * v.shape()[d];
  return reshape(v, {rows, v.shape().back()});
}

// C = op(A) op(B): each gradient is again one product, in the form that needs no copy.
Values matmul_gradient(const Node& n, const Values& g) {
  Sides s(n.attrs);
  const Value &a = n.inputs[0], &b = n.inputs[1];
  Value ga = s.ta ? matmul(b, g[0], s.tb, true) : matmul(g[0], b, false, !s.tb);
  // The rows of a batch against one matrix are one sum over all of them, not one each.
  if (a.rank() > 2 && b.rank() == 2 && !s.ta) {
    const Value x = flat_rows(a), y = flat_rows(g[0]);
    return {ga, s.tb ? matmul(y, x, true, false) : matmul(x, y, true, false)};
  }
  Value gb = s.tb ? matmul(g[0], a, true, s.ta) : matmul(a, g[0], !s.ta, false);
  return {sum_to_like(ga, a), sum_to_like(gb, b)};
}

}  // namespace

void add_matmul_ops(OpTable* table) {
  Op o{"matmul",     Kind::matmul,   2, 2, {{"transpose_a", "bool"}, {"transpose_b", "bool"}},
       infer_matmul, matmul_gradient};
  o.dtypes = kNumbers;
  o.doc = "matrix product over the last two axes; the others broadcast";
  table->push_back(o);
}

}  // namespace fastnn::graph
