// Products of looked-up rows: take(table, index) W = take(table W, index). Where a table has fewer
// rows than there are indices, the product of the table is the smaller one; and so are those of its
// gradients, after the rows' gradients have been added up by index.
#include "graph/build.h"
#include "graph/rewrite_rules.h"

namespace fastnn::graph {
namespace {

bool is_op(const Value& v, const char* name) { return v.node->op->name == name; }

bool flag(const Value& v, const char* name) { return v.node->attrs.get<bool>(name); }

// Rows of a matrix at indices, of which there are at least half as many as rows, whatever the open
// extents turn out to be (none may be empty; a batch is mostly more than two).
bool is_small_lookup(const Value& table, const Shape& index, const Attrs& attrs) {
  if (table.rank() != 2 || !table.shape()[0].is_number() || !is_floating(table.dtype()))
    return false;
  int64_t axis = attrs.get<int64_t>("axis"), known = 1;
  for (const Dim& d : index) known *= d.is_number() ? d.number() : 1;
  return (axis == 0 || axis == -2) && 2 * known >= table.shape()[0].number();
}

bool is_small_lookup(const Value& v) {
  return is_op(v, "take") &&
         is_small_lookup(v.node->inputs[0], v.node->inputs[1].shape(), v.node->attrs);
}

Value take(const Value& table, const Value& index) {
  return make("take", {table, index}, {{"axis", int64_t{0}}});
}

// The sums by index of the rows of g, for each row of a table.
Value take_gradient(const Value& g, const Value& index, const Dim& rows) {
  Shape shape = index.shape();
  shape.push_back(g.shape().back());
  return make("take_grad", {g.shape() == shape ? g : reshape(g, shape), index},
              {{"axis", int64_t{0}}, {"shape", Shape{rows, g.shape().back()}}});
}

// take(table, index) W, and its bias.
Value product_of_rows(const Value& v) {
  const Value &x = v.node->inputs[0], &w = v.node->inputs[1];
  if (flag(v, "transpose_a") || w.rank() != 2 || !is_small_lookup(x)) return v;
  const Values& in = x.node->inputs;
  return take(matmul(in[0], w, false, flag(v, "transpose_b")), in[1]);
}

Value bias_of_rows(const Value& v) {
  for (size_t i = 0; i < 2; ++i) {
    const Value &rows = v.node->inputs[i], &bias = v.node->inputs[1 - i];
    if (!is_small_lookup(rows) || !is_op(rows.node->inputs[0], "matmul")) continue;
    if (bias.rank() != 1 || rows.shape() != v.shape() || bias.shape()[0] != v.shape().back())
      continue;
    return take(add(rows.node->inputs[0], bias), rows.node->inputs[1]);
  }
  return v;
}

// The gradient of W: transposed rows times g.
Value gradient_of_weights(const Value& v) {
  const Value &x = v.node->inputs[0], &g = v.node->inputs[1];
  if (!flag(v, "transpose_a") || flag(v, "transpose_b") || x.rank() != 2 || g.rank() != 2) return v;
  const Value& rows = is_op(x, "reshape") ? x.node->inputs[0] : x;
  if (!is_small_lookup(rows) || rows.shape().back() != x.shape()[1]) return v;
  const Values& in = rows.node->inputs;
  return matmul(in[0], take_gradient(g, in[1], in[0].shape()[0]), true, false);
}

// The gradient of the table: the sums by index of g W^T.
Value gradient_of_table(const Value& v) {
  const Value &g = v.node->inputs[0], &index = v.node->inputs[1];
  const Shape& shape = v.shape();
  if (!is_op(g, "matmul") || flag(g, "transpose_a") || g.node->inputs[1].rank() != 2 ||
      shape.size() != 2 || !is_small_lookup(v, index.shape(), v.node->attrs))
    return v;
  const Value &rows = g.node->inputs[0], &w = g.node->inputs[1];
  if (rows.rank() != index.rank() + 1) return v;
  return matmul(take_gradient(rows, index, shape[0]), w, false, flag(g, "transpose_b"));
}

}  // namespace

Value simplify_lookup(const Value& v) {
  const std::string& name = v.node->op->name;
  if (name == "matmul") {
    Value r = product_of_rows(v);
    return r == v ? gradient_of_weights(v) : r;
  }
  if (name == "add") return bias_of_rows(v);
  return name == "take_grad" ? gradient_of_table(v) : v;
}

}  // namespace fastnn::graph
