// Reverse-mode differentiation: gradients are ops again, so they can be differentiated too.
#include <algorithm>
#include <map>
#include <stdexcept>
#include <unordered_set>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

// The rule for an op that states its value in more primitive ops: differentiate those. The
// identities keep paths between the inputs themselves (y computed from x, say) out of it.
Values compose_gradient(const Node& node, const Values& grads) {
  Values barriers;
  for (const Value& v : node.inputs) barriers.push_back(identity(v));
  Value composed = node.op->compose(barriers, node.attrs);
  return vector_jacobian({composed}, grads, barriers);
}

Values input_gradients(const Node& node, const Values& grads) {
  const Op& op = *node.op;
  if (op.differentiable == Differentiable::zero) return Values(node.inputs.size());
  if (op.differentiable == Differentiable::never)
    throw std::invalid_argument("[" + op.name + "] has no gradient: " + op.why);
  return op.grad ? op.grad(node, grads) : compose_gradient(node, grads);
}

}  // namespace

Values vector_jacobian(const Values& outputs, const Values& seeds, const Values& wrt) {
  std::vector<NodePtr> order = topological_order(outputs);
  std::unordered_set<const Node*> active;
  for (const Value& v : wrt) active.insert(v.node.get());
  for (const NodePtr& n : order)
    for (const Value& v : n->inputs)
      if (active.count(v.node.get())) active.insert(n.get());

  std::map<Value, Value> adjoint;
  auto accumulate = [&](const Value& of, const Value& g) {
    auto it = adjoint.find(of);
    if (it == adjoint.end())
      adjoint.emplace(of, g);
    else
      it->second = add(it->second, g);
  };
  for (size_t i = 0; i < outputs.size(); ++i)
    if (seeds[i]) accumulate(outputs[i], seeds[i]);

  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Node& n = **it;
    if (!active.count(&n)) continue;
    bool wanted = false;
    for (const Value& v : n.inputs) wanted = wanted || active.count(v.node.get());
    if (!wanted) continue;
    Values grads(n.outputs.size());
    bool any = false;
    for (size_t i = 0; i < grads.size(); ++i) {
      auto g = adjoint.find(Value{*it, static_cast<int32_t>(i)});
      if (g == adjoint.end()) continue;
      grads[i] = g->second;
      any = true;
    }
    if (!any) continue;
    for (size_t i : n.op->constant_inputs)
      if (active.count(n.inputs[i].node.get()))
        throw std::invalid_argument("[" + n.op->name + "] has no gradient by its input " +
                                    std::to_string(i) + ", which is taken as a constant");
    Values inputs = input_gradients(n, grads);
    for (size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i] && active.count(n.inputs[i].node.get())) accumulate(n.inputs[i], inputs[i]);
  }

  Values result;
  for (const Value& v : wrt) {
    auto it = adjoint.find(v);
    result.push_back(it == adjoint.end() ? Value{} : it->second);
  }
  return result;
}

Values gradients(const Value& cost, const Values& wrt) {
  if (!is_floating(cost.dtype()))
    throw std::invalid_argument("grad: expected a floating cost, got " + cost.type().str());
  Dim count = element_count(cost.shape());
  if (!(count == Dim(1)))
    throw std::invalid_argument("grad: expected a scalar cost, got shape " +
                                shape_str(cost.shape()) + "; reduce it with sum or mean first");
  for (const Value& v : wrt)
    if (!is_floating(v.dtype()))
      throw std::invalid_argument("grad: expected floating tensors to differentiate by, got " +
                                  v.type().str());
  Values result = vector_jacobian({cost}, {full_like(cost, 1.0)}, wrt);
  for (size_t i = 0; i < wrt.size(); ++i)
    if (!result[i]) result[i] = full_like(wrt[i], 0.0);
  return result;
}

namespace {

// Nodes reachable from the roots, inputs before users, without those only behind replaced values.
std::vector<NodePtr> order_up_to(const Values& roots, const std::map<Value, Value>& replaced) {
  std::vector<NodePtr> order, stack;
  std::unordered_set<const Node*> seen;
  auto visit = [&](const Value& v) {
    if (!replaced.count(v) && seen.insert(v.node.get()).second) stack.push_back(v.node);
  };
  for (const Value& v : roots) visit(v);
  while (!stack.empty()) {
    NodePtr n = std::move(stack.back());
    stack.pop_back();
    for (const Value& v : n->inputs) visit(v);
    order.push_back(std::move(n));
  }
  std::sort(order.begin(), order.end(),
            [](const NodePtr& a, const NodePtr& b) { return a->id < b->id; });
  return order;
}

}  // namespace

Values substitute(const Values& roots, const Values& from, const Values& to) {
  std::map<Value, Value> map;
  for (size_t i = 0; i < from.size(); ++i) map[from[i]] = to[i];
  auto mapped = [&](const Value& v) {
    auto it = map.find(v);
    return it == map.end() ? v : it->second;
  };
  for (const NodePtr& n : order_up_to(roots, map)) {
    bool changed = false;
    Values inputs;
    for (const Value& v : n->inputs) {
      inputs.push_back(mapped(v));
      changed = changed || !(inputs.back() == v);
    }
    if (!changed) continue;
    NodePtr copy = make_node(*n->op, std::move(inputs), n->attrs);
    copy->name = n->name;
    const size_t count = std::max<size_t>(n->outputs.size(), 1);  // an effect has none
    for (size_t i = 0; i < count; ++i) {
      Value old{n, static_cast<int32_t>(i)};
      if (!map.count(old)) map[old] = Value{copy, static_cast<int32_t>(i)};
    }
  }
  Values result;
  for (const Value& v : roots) result.push_back(mapped(v));
  return result;
}

}  // namespace fastnn::graph
