#include "graph/rewrite.h"

#include <algorithm>
#include <functional>
#include <map>
#include <unordered_map>

#include "graph/build.h"
#include "graph/rewrite_rules.h"

namespace fastnn::graph {
namespace {

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

}  // namespace

Values rewrite(const Values& roots) {
  Values r = Rewriter().run(roots);
  bool merged = false;
  while (merge_one_loop(&r)) merged = true;
  return merged ? Rewriter().run(r) : r;
}

}  // namespace fastnn::graph
