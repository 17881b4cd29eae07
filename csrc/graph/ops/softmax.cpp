// Softmax, log-softmax and the cross-entropies over the last axis.
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

std::vector<Type> infer_rows(const Values& in, const Attrs&) {
  if (in[0].rank() < 1) throw std::invalid_argument("expected at least 1 dimension, got a scalar");
  if (in.size() == 2 &&
      (in[0].dtype() != in[1].dtype() || !may_equal(in[0].shape(), in[1].shape())))
    throw std::invalid_argument("expected inputs of one type, got " + in[0].type().str() + " and " +
                                in[1].type().str());
  return {in[0].type()};
}

Shape without_last(const Shape& s) { return Shape(s.begin(), s.end() - 1); }

void check_logits(const Value& x, const Value& target, bool sparse) {
  if (sparse && target.dtype() != DType::i64)
    throw std::invalid_argument("expected int64 labels, got " + target.type().str());
  bool fits = x.rank() >= 1 &&
              may_equal(target.shape(), sparse ? without_last(x.shape()) : x.shape()) &&
              (sparse || target.dtype() == x.dtype());
  if (fits) return;
  std::string want = sparse ? "labels (...)" : "targets of the same shape and dtype";
  throw std::invalid_argument("expected logits (..., classes) and " + want + ", got " +
                              x.type().str() + " and " + target.type().str());
}

Op::Infer infer_loss(bool sparse) {
  return [sparse](const Values& in, const Attrs&) {
    check_logits(in[0], in[1], sparse);
    return std::vector<Type>{{in[0].dtype(), without_last(in[0].shape())}};
  };
}

Op::Infer infer_loss_gradient(bool sparse) {
  return [sparse](const Values& in, const Attrs&) {
    check_logits(in[1], in[2], sparse);
    if (in[0].dtype() != in[1].dtype() || !may_equal(in[0].shape(), without_last(in[1].shape())))
      throw std::invalid_argument("expected the gradient of each row of " + in[1].type().str() +
                                  ", got " + in[0].type().str());
    return std::vector<Type>{in[1].type()};
  };
}

std::vector<int64_t> last(const Value& x) { return {x.rank() - 1}; }

// v of shape (...) against rows of shape (..., n).
Value per_row(const Value& v, const Value& rows) {
  Shape s = v.shape();
  s.push_back(1);
  return broadcast_to(reshape(v, s), rows.shape());
}

Value sum_rows(const Value& x) { return reduce("sum", x, last(x), true); }

Op rows_op(const char* name, int arity, const char* doc) {
  Op o{name, Kind::rows, arity, arity, {}, infer_rows};
  o.dtypes = kFloats;
  o.flops = 8;
  o.doc = doc;
  return o;
}

void add_softmax(OpTable* t) {
  Op softmax = rows_op("softmax", 1, "e^x / sum(e^x) over the last axis");
  softmax.grad = [](const Node& n, const Values& g) {
    return Values{make("softmax_grad", {g[0], output_of(n)})};
  };
  t->push_back(softmax);
  Op softmax_grad = rows_op("softmax_grad", 2, "(g - sum(g y)) y");
  softmax_grad.compose = [](const Values& in, const Attrs&) {
    return mul(sub(in[0], sum_rows(mul(in[0], in[1]))), in[1]);
  };
  t->push_back(softmax_grad);

  Op log_softmax = rows_op("log_softmax", 1, "x - log(sum(e^x)) over the last axis");
  log_softmax.grad = [](const Node& n, const Values& g) {
    return Values{make("log_softmax_grad", {g[0], output_of(n)})};
  };
  t->push_back(log_softmax);
  Op log_softmax_grad = rows_op("log_softmax_grad", 2, "g - e^y sum(g)");
  log_softmax_grad.compose = [](const Values& in, const Attrs&) {
    return sub(in[0], mul(unary("exp", in[1]), sum_rows(in[0])));
  };
  t->push_back(log_softmax_grad);
}

void add_cross_entropies(OpTable* t) {
  Op loss{"softmax_cross_entropy", Kind::cross_entropy, 2, 2, {}, infer_loss(false)};
  loss.dtypes = kFloats;
  loss.flops = 10;
  loss.doc = "-sum(t log_softmax(x)) over the last axis, from logits x and targets t";
  loss.grad = [](const Node& n, const Values& g) {
    const Value &x = n.inputs[0], &target = n.inputs[1];
    return Values{make("softmax_cross_entropy_grad", {g[0], x, target}),
                  neg(mul(per_row(g[0], x), make("log_softmax", {x})))};
  };
  t->push_back(loss);
  Op grad{"softmax_cross_entropy_grad", Kind::cross_entropy, 3, 3, {}, infer_loss_gradient(false)};
  grad.dtypes = kFloats;
  grad.flops = 10;
  grad.doc = "g (softmax(x) sum(t) - t)";
  grad.compose = [](const Values& in, const Attrs&) {
    Value p = make("softmax", {in[1]});
    return mul(per_row(in[0], in[1]), sub(mul(p, sum_rows(in[2])), in[2]));
  };
  t->push_back(grad);

  Op sparse{"sparse_softmax_cross_entropy", Kind::cross_entropy, 2, 2, {}, infer_loss(true)};
  sparse.dtypes = kFloats;
  sparse.flops = 8;
  sparse.doc = "-log_softmax(x)[label], from logits x and int64 labels";
  sparse.grad = [](const Node& n, const Values& g) {
    return Values{make("sparse_softmax_cross_entropy_grad", {g[0], n.inputs[0], n.inputs[1]}),
                  Value{}};
  };
  t->push_back(sparse);
  Op sparse_grad{"sparse_softmax_cross_entropy_grad",
                 Kind::cross_entropy,
                 3,
                 3,
                 {},
                 infer_loss_gradient(true)};
  sparse_grad.dtypes = kFloats;
  sparse_grad.flops = 8;
  sparse_grad.doc = "g (softmax(x) - one_hot(label))";
  sparse_grad.compose = [](const Values& in, const Attrs&) {
    const Value& x = in[1];
    const Dim& classes = x.shape().back();
    if (!classes.is_number())
      throw std::invalid_argument(
          "[sparse_softmax_cross_entropy_grad] expected a known number of classes, got " +
          classes.str());
    Value hot = make("one_hot", {in[2]}, {{"num_classes", classes.number()}, {"dtype", x.dtype()}});
    return mul(per_row(in[0], x), sub(make("softmax", {x}), hot));
  };
  t->push_back(sparse_grad);
}

}  // namespace

void add_softmax_ops(OpTable* table) {
  add_softmax(table);
  add_cross_entropies(table);
}

}  // namespace fastnn::graph
