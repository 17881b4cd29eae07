#include "graph/rewrite.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <unordered_map>

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

Value simplify_view(const Value& v) {
  const Node& n = *v.node;
  const std::string& name = n.op->name;
  if (name == "identity" || name == "stop_gradient") return n.inputs[0];
  double number;
  if (is_full(n.inputs[0], &number)) return full(v.shape(), number, v.dtype());
  if (name == "reshape" && is_op(n.inputs[0], "reshape"))
    return reshape(n.inputs[0].node->inputs[0], v.shape());
  if (name == "reshape" && n.inputs[0].shape() == v.shape()) return n.inputs[0];
  if (name == "reshape" && is_op(n.inputs[0], "broadcast_to")) {
    const Value& one = n.inputs[0].node->inputs[0];
    if (element_count(one.shape()) == Dim(1)) return broadcast_to(reshape(one, {}), v.shape());
  }
  return v;
}

// A reduction over axes of length 1 changes nothing but the shape.
Value simplify_reduce(const Value& v) {
  const Node& n = *v.node;
  const Value& x = n.inputs[0];
  for (int64_t a : normalize_axes(n.attrs.get<std::vector<int64_t>>("axes"), x.rank(), "axis"))
    if (x.shape()[static_cast<size_t>(a)] != Dim(1)) return v;
  return reshape(x, v.shape());
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

Value simplify(const Value& v) {
  const Node& n = *v.node;
  Value r = v;
  if (n.op->name == "softmax_grad" || n.op->name == "sigmoid_grad")
    r = simplify_probability_gradient(v);
  if (r == v && n.op->kind == Kind::elementwise) {
    r = simplify_arithmetic(v);
    if (r == v && n.op->name == "log") r = simplify_log(v);
    if (r == v) r = drop_broadcasts(v);
  } else if (n.op->kind == Kind::view) {
    r = simplify_view(v);
  } else if (n.op->kind == Kind::reduce) {
    r = simplify_reduce(v);
  }
  return r;
}

struct AttrHash {
  template <class T>
  size_t operator()(const T& v) const {
    return std::hash<T>{}(v);
  }
  size_t operator()(DType v) const { return static_cast<size_t>(v); }
  size_t operator()(const Dim& v) const { return v.hash(); }
  template <class T>
  size_t operator()(const std::vector<T>& v) const {
    size_t h = v.size();
    for (const T& x : v) h = h * 1000003 ^ (*this)(x);
    return h;
  }
};

// Hash-consing: equal nodes (op, inputs, attributes) become one.
class Interner {
 public:
  NodePtr intern(const NodePtr& n) {
    const std::string& name = n->op->name;
    if (name == "placeholder" || name == "parameter" || n->op->kind == Kind::optimizer) return n;
    size_t key = hash(*n);
    auto range = table_.equal_range(key);
    for (auto it = range.first; it != range.second; ++it)
      if (it->second->op == n->op && it->second->inputs == n->inputs &&
          attrs_equal(it->second->attrs, n->attrs))
        return it->second;
    table_.emplace(key, n);
    return n;
  }

 private:
  static size_t hash(const Node& n) {
    size_t h = std::hash<const void*>{}(n.op);
    for (const Value& v : n.inputs)
      h = h * 1000003 ^ std::hash<const void*>{}(v.node.get()) ^ static_cast<size_t>(v.index);
    for (const auto& item : n.attrs.items()) h = h * 1000003 ^ std::visit(AttrHash{}, item.second);
    return h;
  }
  std::unordered_multimap<size_t, NodePtr> table_;
};

// One pass from the leaves up: each node with its inputs replaced, interned and simplified.
class Rewriter {
 public:
  Values run(const Values& roots) {
    for (const NodePtr& old : topological_order(roots)) {
      NodePtr n = with_inputs(old, [&](const Value& v) { return mapped(v); });
      if (n->outputs.size() == 1) {
        Value v = settle({n, 0}, n->id);
        if (!(v == Value{old, 0})) map_[{old, 0}] = v;
        continue;
      }
      n = interner_.intern(n);
      if (n == old) continue;
      size_t count = std::max<size_t>(n->outputs.size(), 1);  // an effect has none
      for (size_t i = 0; i < count; ++i)
        map_[{old, static_cast<int32_t>(i)}] = {n, static_cast<int32_t>(i)};
    }
    Values out;
    for (const Value& v : roots) out.push_back(mapped(v));
    return out;
  }

 private:
  Value mapped(const Value& v) const {
    auto it = map_.find(v);
    return it == map_.end() ? v : it->second;
  }

  template <class F>
  static NodePtr with_inputs(const NodePtr& n, F replace) {
    Values inputs;
    bool changed = false;
    for (const Value& v : n->inputs) {
      inputs.push_back(replace(v));
      changed = changed || !(inputs.back() == v);
    }
    if (!changed) return n;
    NodePtr copy = make_node(*n->op, std::move(inputs), n->attrs);
    copy->name = n->name;
    return copy;
  }

  // The simplest form of a value. Nodes older than `since` are settled already.
  Value settle(const Value& v, uint64_t since) {
    if (v.node->id < since) return v;
    NodePtr n = with_inputs(v.node, [&](const Value& x) { return settle(x, since); });
    Value r{interner_.intern(n), v.index};
    if (r.node->outputs.size() != 1) return r;
    for (;;) {
      uint64_t now = next_node_id();
      Value simpler = simplify(r);
      if (simpler == r) return r;
      r = settle(simpler, now);
    }
  }

  std::map<Value, Value> map_;
  Interner interner_;
};

const SubGraph& body_of(const Node& n) {
  return *n.attrs.get<std::shared_ptr<const SubGraph>>("body");
}

// The same iteration with other outputs: a loop and its twin that saves the carried values.
bool same_iteration(const Node& a, const Node& b) {
  return a.inputs == b.inputs && body_of(a).parameters == body_of(b).parameters &&
         a.attrs.get<Shape>("trip") == b.attrs.get<Shape>("trip") &&
         a.attrs.get<bool>("reverse") == b.attrs.get<bool>("reverse") &&
         a.attrs.get<int64_t>("carried") == b.attrs.get<int64_t>("carried") &&
         a.attrs.get<int64_t>("sequences") == b.attrs.get<int64_t>("sequences");
}

// Merges one pair of loops that iterate alike; false when there is none.
bool merge_one_loop(Values* roots) {
  std::vector<NodePtr> loops;
  for (const NodePtr& n : topological_order(*roots))
    if (n->op->kind == Kind::loop) loops.push_back(n);
  for (size_t i = 0; i < loops.size(); ++i)
    for (size_t j = i + 1; j < loops.size(); ++j) {
      const Node &a = *loops[i], &b = *loops[j];
      if (!same_iteration(a, b)) continue;
      auto carried = static_cast<size_t>(a.attrs.get<int64_t>("carried"));
      const Values &oa = body_of(a).outputs, &ob = body_of(b).outputs;
      if (!std::equal(oa.begin(), oa.begin() + static_cast<int64_t>(carried), ob.begin())) continue;
      auto body = std::make_shared<SubGraph>(body_of(a));
      Values from;
      std::vector<size_t> position(ob.size());
      for (size_t k = 0; k < ob.size(); ++k) {
        auto start = body->outputs.begin() + static_cast<int64_t>(k < carried ? 0 : carried);
        auto it = std::find(start, body->outputs.end(), ob[k]);
        position[k] = k < carried ? k : static_cast<size_t>(it - body->outputs.begin());
        if (k >= carried && it == body->outputs.end()) body->outputs.push_back(ob[k]);
      }
      Attrs attrs = a.attrs;
      attrs.set("body", std::shared_ptr<const SubGraph>(body));
      NodePtr merged = make_node(*a.op, a.inputs, attrs);
      Values to;
      for (size_t k = 0; k < oa.size(); ++k) {
        from.push_back({loops[i], static_cast<int32_t>(k)});
        to.push_back({merged, static_cast<int32_t>(k)});
      }
      for (size_t k = 0; k < ob.size(); ++k) {
        from.push_back({loops[j], static_cast<int32_t>(k)});
        to.push_back({merged, static_cast<int32_t>(position[k])});
      }
      *roots = substitute(*roots, from, to);
      return true;
    }
  return false;
}

}  // namespace

Values rewrite(const Values& roots) {
  Values r = Rewriter().run(roots);
  bool merged = false;
  while (merge_one_loop(&r)) merged = true;
  return merged ? Rewriter().run(r) : r;
}

}  // namespace fastnn::graph
