#include "graph/node.h"

#include <algorithm>
#include <sstream>
#include <unordered_set>

#include "graph/op.h"

namespace fastnn::graph {

Node::~Node() {
  // Take over the inputs of every node that only this chain still holds.
  std::vector<NodePtr> pending;
  for (Value& v : inputs) pending.push_back(std::move(v.node));
  while (!pending.empty()) {
    NodePtr n = std::move(pending.back());
    pending.pop_back();
    if (n && n.use_count() == 1)
      for (Value& v : n->inputs) pending.push_back(std::move(v.node));
  }
}

std::vector<NodePtr> topological_order(const Values& roots) {
  std::vector<NodePtr> order;
  std::unordered_set<const Node*> seen;
  std::vector<NodePtr> stack;
  for (const Value& v : roots)
    if (seen.insert(v.node.get()).second) stack.push_back(v.node);
  while (!stack.empty()) {
    NodePtr n = stack.back();
    stack.pop_back();
    order.push_back(n);
    for (const Value& v : n->inputs)
      if (seen.insert(v.node.get()).second) stack.push_back(v.node);
  }
  std::sort(order.begin(), order.end(),
            [](const NodePtr& a, const NodePtr& b) { return a->id < b->id; });
  return order;
}

namespace {

struct AttrPrinter {
  std::string operator()(bool v) const { return v ? "True" : "False"; }
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const {
    std::ostringstream s;
    s.precision(17);
    s << v;
    return s.str();
  }
  std::string operator()(const std::string& v) const { return "'" + v + "'"; }
  std::string operator()(DType v) const { return dtype_name(v); }
  std::string operator()(const Shape& v) const { return shape_str(v); }
  std::string operator()(const VariablePtr& v) const { return v->name(); }
  std::string operator()(const std::vector<VariablePtr>& v) const {
    return std::to_string(v.size()) + " variables";
  }
  std::string operator()(const std::shared_ptr<const ConstantData>& v) const {
    return v->type.str();
  }
  std::string operator()(const std::shared_ptr<const SubGraph>&) const { return "body"; }
  template <class T>
  std::string operator()(const std::vector<T>& v) const {
    std::string s = "(";
    for (size_t i = 0; i < v.size(); ++i) s += (i ? ", " : "") + (*this)(v[i]);
    return s + ")";
  }
};

}  // namespace

std::string attr_str(const Attr& a) { return std::visit(AttrPrinter{}, a); }

bool attrs_equal(const Attrs& a, const Attrs& b) { return a.items() == b.items(); }

}  // namespace fastnn::graph
