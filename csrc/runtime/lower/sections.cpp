// Which section computes what, and in which order variables are read and written.
//
// Within a section all reads come before writes; a later section sees earlier writes. A node that
// depends on a variable is therefore a different value after each section that writes it.
#include <algorithm>

#include "core/error.h"
#include "graph/build.h"
#include "runtime/lower/lowering.h"
#include "runtime/registry.h"

namespace fastnn::runtime {
namespace {

using graph::Node;
using graph::NodePtr;

std::vector<VariablePtr> written_by(const Section& s) {
  std::vector<VariablePtr> w;
  for (const Update& u : s.updates) w.push_back(u.variable);
  for (const NodePtr& e : s.effects)
    for (const char* list : {"parameters", "slots", "state"}) {
      const auto& vs = e->attrs.get<std::vector<VariablePtr>>(list);
      w.insert(w.end(), vs.begin(), vs.end());
    }
  return w;
}

Values roots_of(const Section& s) {
  Values r = s.outputs;
  for (const Update& u : s.updates) r.push_back(u.value);
  for (const NodePtr& e : s.effects) r.push_back({e, 0});
  return r;
}

NodePtr clone(const Node& n, Values inputs) {
  NodePtr c = graph::make_node(*n.op, std::move(inputs), n.attrs);
  c->name = n.name;
  return c;
}

}  // namespace

void Lowering::separate_versions() {
  std::map<const graph::Variable*, int> last_write;  // variable -> section, + 1
  std::map<std::pair<const Node*, int>, NodePtr> clones;
  std::map<const Node*, int> home;  // of clones: the section whose writes they must see
  for (size_t s = 0; s < sections_.size(); ++s) {
    Section& section = sections_[s];
    if (s > 0) {
      std::map<const Node*, int> version;
      std::map<const Node*, NodePtr> replaced;
      for (const NodePtr& n : graph::topological_order(roots_of(section))) {
        int v = 0;
        if (n->op->name == "variable") {
          auto it = last_write.find(n->attrs.get<VariablePtr>("variable").get());
          if (it != last_write.end()) v = it->second;
        }
        Values inputs;
        for (const Value& in : n->inputs) {
          v = std::max(v, version[in.node.get()]);
          auto it = replaced.find(in.node.get());
          inputs.push_back(it == replaced.end() ? in : Value{it->second, in.index});
        }
        version[n.get()] = v;
        if (v == 0) continue;
        NodePtr& c = clones[{n.get(), v}];
        if (!c) {
          c = clone(*n, inputs);
          home[c.get()] = v;
        }
        replaced[n.get()] = c;
      }
      auto swap = [&](NodePtr* n) {
        auto it = replaced.find(n->get());
        if (it != replaced.end()) *n = it->second;
      };
      for (Value& v : section.outputs) swap(&v.node);
      for (Update& u : section.updates) swap(&u.value.node);
      for (NodePtr& e : section.effects) swap(&e);
    }
    for (const VariablePtr& v : written_by(section)) last_write[v.get()] = static_cast<int>(s) + 1;
  }
  for (const auto& h : home) section_of_[h.first] = h.second;
}

// A value that several sections need is computed in the first one that may, so that it is there
// whichever of them run.
void Lowering::assign_sections() {
  Values all;
  for (size_t s = 0; s < sections_.size(); ++s)
    for (const Value& v : roots_of(sections_[s])) {
      needed_in_[v.node.get()].insert(static_cast<int>(s));
      all.push_back(v);
    }
  for (const Section& s : sections_) {
    for (const Value& v : s.outputs) ++uses_[v];
    for (const Update& u : s.updates) ++uses_[u.value];
  }
  auto order = graph::topological_order(all);
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Node* n = it->get();
    const std::set<int>& needed = needed_in_[n];
    auto home = section_of_.find(n);
    int earliest = home == section_of_.end() ? 0 : home->second;
    int at = needed.size() == 1 ? *needed.begin() : earliest;
    section_of_[n] = at;
    bool effect = n->op->kind == graph::Kind::optimizer;
    for (const Value& v : n->inputs) {
      needed_in_[v.node.get()].insert(at);
      // What an effect reads is computed as early as may be: an interrupted step has written
      // nothing.
      if (effect) needed_in_[v.node.get()].insert(0);
      ++uses_[v];
    }
  }
  if (program_->device().is_host())
    for (const NodePtr& n : order) find_summed_square(*n);
}

// Squares that are only summed have no call of their own: the sum squares what it reads.
void Lowering::find_summed_square(const Node& n) {
  if (n.op->name != "sum" && n.op->name != "mean") return;
  const Value& v = n.inputs[0];
  if (v.node->op->name == "square" && uses(v) == 1 && is_floating(v.dtype()) && v.rank() > 0 &&
      section_of_[v.node.get()] == section_of_[&n])
    summed_squares_.insert(v.node.get());
}

void Lowering::lower_section(size_t s) {
  position_ = 0;
  calls_.clear();
  writer_.clear();
  readers_.clear();
  row_sums_.clear();
  row_reduces_.clear();
  fused_item_.clear();
  Values all;
  for (size_t t = s; t < sections_.size(); ++t)
    for (const Value& v : roots_of(sections_[t])) all.push_back(v);
  for (const NodePtr& n : graph::topological_order(all))
    if (section_of_.at(n.get()) == static_cast<int>(s)) lower_node(n);
  merge_scalar_groups();
  finish_outputs(s);
  emit_effects(s);
  finish_updates(s);
  absorb_row_reductions();

  std::stable_sort(calls_.begin(), calls_.end(),
                   [](const auto& a, const auto& b) { return a->position < b->position; });
  size_t begin = program_->calls.size();
  for (auto& c : calls_)
    if (!c->absorbed) program_->calls.push_back(std::move(c));
  calls_.clear();
  program_->sections.push_back({sections_[s].name, begin, program_->calls.size()});
}

// An output's buffer becomes the caller's memory, or the value is copied there.
void Lowering::finish_outputs(size_t s) {
  size_t first = 0;
  for (size_t t = 0; t < s; ++t) first += sections_[t].outputs.size();
  for (size_t i = 0; i < sections_[s].outputs.size(); ++i) {
    const Value& v = sections_[s].outputs[i];
    View x = view_of(v);
    BufferInfo& info = program_->buffers[static_cast<size_t>(x.buffer)];
    bool whole_temp = info.kind == BufferInfo::temp && info.alias < 0 && is_contiguous(x) &&
                      x.offset == Dim(0) && info.count == element_count(x.shape) &&
                      writer_.count(x.buffer) && private_to(v, s);
    if (whole_temp) {
      info.kind = BufferInfo::output;
      info.slot = static_cast<int>(first + i);
      continue;
    }
    int b = new_buffer(BufferInfo::output, x.dtype, element_count(x.shape));
    program_->buffers[static_cast<size_t>(b)].slot = static_cast<int>(first + i);
    copy_into(whole(b, x.dtype, x.shape), x, "copy to output");
  }
}

void Lowering::emit_effects(size_t s) {
  for (const NodePtr& e : sections_[s].effects) lower_optimizer(e);
}

void Lowering::finish_updates(size_t s) {
  std::set<int> targets;
  for (const VariablePtr& v : written_by(sections_[s])) targets.insert(variable_buffer(v));
  // Old values of variables that are written below have to be set aside first.
  std::vector<View> values;
  for (const Update& u : sections_[s].updates) {
    View x = view_of(u.value);
    values.push_back(targets.count(root(x.buffer)) ? copied(x) : x);
  }
  std::vector<std::pair<View, View>> copies;
  for (size_t i = 0; i < values.size(); ++i) {
    const Update& u = sections_[s].updates[i];
    if (update_in_place(u, values[i], s)) continue;
    Shape shape(u.variable->shape().begin(), u.variable->shape().end());
    copies.push_back({whole(variable_buffer(u.variable), u.variable->dtype(), shape), values[i]});
  }
  for (const auto& c : copies) copy_into(c.first, c.second, "copy to variable");
}

// The call that computes the new value writes straight into the variable when nothing after it
// reads the old one.
bool Lowering::update_in_place(const Update& update, const View& value, size_t s) {
  int b = value.buffer;
  BufferInfo& info = program_->buffers[static_cast<size_t>(b)];
  auto writer = writer_.find(b);
  if (info.kind != BufferInfo::temp || info.alias >= 0 || writer == writer_.end()) return false;
  if (!is_contiguous(value) || value.offset != Dim(0) ||
      info.count != Dim(update.variable->count()))
    return false;
  if (!private_to(update.value, s)) return false;

  Call* call = writer->second;
  int target = variable_buffer(update.variable);
  if (writer_.count(target)) return false;  // written by another call of this section
  const auto& readers = readers_[target];
  bool late = std::any_of(readers.begin(), readers.end(), [&](const Call* r) {
    return r != call && r->position >= call->position;
  });
  if (late && !move_to_end(call)) return false;
  if (std::count(call->reads.begin(), call->reads.end(), target)) {
    auto item = fused_item_.find(b);
    if (item == fused_item_.end()) return false;
    FusedCall* fused = item->second.first;
    for (size_t v = 0; v < fused->views.size(); ++v)
      if (root(fused->views[v].buffer) == target &&
          !fused->can_overwrite(item->second.second, static_cast<int>(v)))
        return false;
  }
  info.alias = target;
  writer_[target] = call;
  return true;
}

// Runs a fused call after everything emitted so far, where nobody waits for its results and what
// it reads stays as it is.
bool Lowering::move_to_end(Call* call) {
  auto* fused = dynamic_cast<FusedCall*>(call);
  if (!fused) return false;
  for (const auto& item : fused->items)
    if (read_by_others(item.buffer, call)) return false;
  for (int b : call->reads) {
    auto writer = writer_.find(root(b));
    if (writer != writer_.end() && writer->second->position > call->position) return false;
  }
  call->position = ++position_;
  return true;
}

}  // namespace fastnn::runtime
