// A loop and its twin that saves the carried values for the gradient become one.
#include <algorithm>

#include "graph/build.h"
#include "graph/rewrite_rules.h"

namespace fastnn::graph {
namespace {

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

}  // namespace

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

}  // namespace fastnn::graph
