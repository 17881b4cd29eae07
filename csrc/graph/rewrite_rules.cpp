// Rules on single nodes: identities, numbers, views, stable forms of losses.
#include "graph/rewrite_rules.h"

#include <algorithm>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

bool is_op(const Value& v, const char* name) { return v.node->op->name == name; }

bool is_full(const Value& v, double* number) {
  if (!is_op(v, "full")) return false;
  *number = v.node->attrs.get<double>("value");
  return true;
}

double rounded(double v, DType t) {
  return t == DType::f32 ? static_cast<double>(static_cast<float>(v)) : v;
}

// Arithmetic on two numbers, in the precision of the dtype.
bool fold_numbers(const std::string& op, double a, double b, double* out) {
  if (op == "add")
    *out = a + b;
  else if (op == "subtract")
    *out = a - b;
  else if (op == "multiply")
    *out = a * b;
  else if (op == "divide")
    *out = a / b;
  else
    return false;
  return true;
}

Value simplify_arithmetic(const Value& v) {
  const Node& n = *v.node;
  const std::string& name = n.op->name;
  double a = 0, b = 0;
  if (name == "negative" && is_floating(v.dtype()) && is_full(n.inputs[0], &a))
    return full(v.shape(), -a, v.dtype());
  if (n.inputs.size() != 2 || !is_floating(v.dtype())) return v;
  bool fa = is_full(n.inputs[0], &a), fb = is_full(n.inputs[1], &b);
  double r;
  if (fa && fb && fold_numbers(name, rounded(a, v.dtype()), rounded(b, v.dtype()), &r))
    return full(v.shape(), rounded(r, v.dtype()), v.dtype());
  auto other = [&](int i) { return n.inputs[static_cast<size_t>(i)].shape() == v.shape(); };
  if (name == "multiply" && fa && a == 1 && other(1)) return n.inputs[1];
  if ((name == "multiply" || name == "divide") && fb && b == 1 && other(0)) return n.inputs[0];
  if (name == "add" && fa && a == 0 && other(1)) return n.inputs[1];
  if ((name == "add" || name == "subtract") && fb && b == 0 && other(0)) return n.inputs[0];
  return v;
}

// Whether a view shows its whole input as it is.
bool shows_all(const Node& n) {
  const std::string& name = n.op->name;
  if (name == "identity" || name == "stop_gradient") return true;
  if (n.inputs[0].shape() != n.outputs[0].shape) return false;
  if (name == "transpose") {
    const auto& axes = n.attrs.get<std::vector<int64_t>>("axes");
    for (size_t i = 0; i < axes.size(); ++i)
      if (axes[i] != static_cast<int64_t>(i)) return false;
  } else if (name == "slice") {
    const auto& step = n.attrs.get<std::vector<int64_t>>("step");
    const Shape& begin = n.attrs.get<Shape>("begin");
    return std::all_of(step.begin(), step.end(), [](int64_t s) { return s == 1; }) &&
           std::all_of(begin.begin(), begin.end(), [](const Dim& d) { return d == Dim(0); });
  }
  return true;
}

Value simplify_view(const Value& v) {
  const Node& n = *v.node;
  const std::string& name = n.op->name;
  if (shows_all(n)) return n.inputs[0];
  double number;
  if (is_full(n.inputs[0], &number)) return full(v.shape(), number, v.dtype());
  if (name == "reshape" && is_op(n.inputs[0], "reshape"))
    return reshape(n.inputs[0].node->inputs[0], v.shape());
  if (name == "reshape" && is_op(n.inputs[0], "broadcast_to")) {
    const Value& one = n.inputs[0].node->inputs[0];
    if (element_count(one.shape()) == Dim(1)) return broadcast_to(reshape(one, {}), v.shape());
  }
  return v;
}

// A reduction over axes of length 1 changes nothing but the shape. Of a max_pool_grad, which puts
// each number in one place of its row and channel, the sum over all but the channels is that of
// the numbers.
Value simplify_reduce(const Value& v) {
  const Node& n = *v.node;
  const Value& x = n.inputs[0];
  auto axes = normalize_axes(n.attrs.get<std::vector<int64_t>>("axes"), x.rank(), "axis");
  bool channels = std::count(axes.begin(), axes.end(), x.rank() - 1) != 0;
  if (n.op->name == "sum" && is_op(x, "max_pool_grad") && !channels &&
      axes.size() + 1 == x.shape().size())
    return make("sum", {x.node->inputs[0]}, n.attrs);
  for (int64_t a : axes)
    if (x.shape()[static_cast<size_t>(a)] != Dim(1)) return v;
  return reshape(x, v.shape());
}

// relu_grad of what max_pool_grad spread over the input y of the pooling: y is at those places what
// the pooling gave, so the smaller tensors tell as well.
Value simplify_pooled_relu(const Value& v) {
  const Value &spread = v.node->inputs[0], &y = v.node->inputs[1];
  if (!is_op(spread, "max_pool_grad")) return v;
  const Node& unpool = *spread.node;
  const Value& places = unpool.inputs[1];
  if (!is_op(places, "max_pool") || !(places.node->inputs[0] == y)) return v;
  Value g = make("relu_grad", {unpool.inputs[0], Value{places.node, 0}});
  return make("max_pool_grad", {g, places}, unpool.attrs);
}

// log(p) and log(1 - p) of a sigmoid or softmax p, in the form that keeps small probabilities.
Value simplify_log(const Value& v) {
  const Value& x = v.node->inputs[0];
  double number;
  if (is_op(x, "softmax")) return make("log_softmax", {x.node->inputs[0]});
  if (is_op(x, "sigmoid")) return make("log_sigmoid", {x.node->inputs[0]});
  if (is_op(x, "subtract") && is_op(x.node->inputs[1], "sigmoid") && x.shape() == v.shape() &&
      is_full(x.node->inputs[0], &number) && number == 1 && x.node->inputs[1].shape() == x.shape())
    return make("log_sigmoid", {neg(x.node->inputs[1].node->inputs[0])});
  return v;
}

// The gradient through p of terms g / p and g / (1 - p), which log(p) and log(1 - p) leave behind:
// there p may be 0, and the quotient infinite. An empty Value: h has no such term.
Value through_probability(const Value& h, const Value& p) {
  const Values& in = h.node->inputs;
  const Value& x = p.node->inputs[0];
  std::string op = p.node->op->name + "_grad";
  if (is_op(h, "negative")) {
    Value r = through_probability(in[0], p);
    return r ? neg(r) : Value{};
  }
  if (is_op(h, "add") && in[0].shape() == p.shape() && in[1].shape() == p.shape()) {
    Value a = through_probability(in[0], p), b = through_probability(in[1], p);
    if (!a && !b) return {};
    return add(a ? a : make(op, {in[0], p}), b ? b : make(op, {in[1], p}));
  }
  if (!is_op(h, "divide")) return {};
  Value g = broadcast_to(in[0], p.shape());
  if (in[1] == p && is_op(p, "softmax"))
    return make("log_softmax_grad", {g, make("log_softmax", {x})});
  if (in[1] == p) return make("log_sigmoid_grad", {g, x});
  double number;
  bool rest = is_op(p, "sigmoid") && is_op(in[1], "subtract") && in[1].node->inputs[1] == p &&
              is_full(in[1].node->inputs[0], &number) && number == 1;
  return rest ? mul(g, p) : Value{};
}

Value simplify_probability_gradient(const Value& v) {
  const Value& p = v.node->inputs[1];
  if (!is_op(p, "softmax") && !is_op(p, "sigmoid")) return v;
  if (v.node->inputs[0].shape() != p.shape()) return v;
  Value r = through_probability(v.node->inputs[0], p);
  return r ? r : v;
}

// Elementwise ops read a repeated input by stride 0 when the result keeps its shape without it.
Value drop_broadcasts(const Value& v) {
  const Node& n = *v.node;
  Values inputs = n.inputs;
  bool changed = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!is_op(inputs[i], "broadcast_to")) continue;
    Values trial = inputs;
    trial[i] = inputs[i].node->inputs[0];
    if (n.op->infer(trial, n.attrs)[0].shape == v.shape()) {
      inputs = trial;
      changed = true;
    }
  }
  return changed ? Value{make_node(*n.op, inputs, n.attrs), 0} : v;
}

// A function of repeated numbers is computed once and repeated.
Value compute_once(const Value& v) {
  const Node& n = *v.node;
  bool repeated = false;
  Values inputs;
  for (const Value& x : n.inputs) {
    double number;
    const bool spread = is_op(x, "broadcast_to") && x.node->inputs[0].shape().empty();
    if (!spread && !is_full(x, &number) && !x.shape().empty()) return v;
    repeated = repeated || spread;
    inputs.push_back(spread              ? x.node->inputs[0]
                     : x.shape().empty() ? x
                                         : full({}, x.node->attrs.get<double>("value"), x.dtype()));
  }
  if (!repeated) return v;
  return broadcast_to({make_node(*n.op, inputs, n.attrs), 0}, v.shape());
}

}  // namespace

Value simplify(const Value& v) {
  const Node& n = *v.node;
  Value r = v;
  if (n.op->name == "softmax_grad" || n.op->name == "sigmoid_grad")
    r = simplify_probability_gradient(v);
  if (n.op->name == "relu_grad") r = simplify_pooled_relu(v);
  if (r == v && n.op->kind == Kind::elementwise) {
    r = simplify_arithmetic(v);
    if (r == v && n.op->name == "log") r = simplify_log(v);
    if (r == v) r = compute_once(v);
    if (r == v) r = drop_broadcasts(v);
  } else if (n.op->kind == Kind::view) {
    r = simplify_view(v);
  } else if (n.op->kind == Kind::reduce) {
    r = simplify_reduce(v);
  }
  return r == v ? simplify_lookup(v) : r;
}

}  // namespace fastnn::graph
