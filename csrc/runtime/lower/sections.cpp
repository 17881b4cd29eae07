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
}

void Lowering::lower_section(size_t s) {
  current_ = s;
  position_ = 0;
  calls_.clear();
  writer_.clear();
  readers_.clear();
  row_sums_.clear();
  fused_item_.clear();
  Values all;
  for (size_t t = s; t < sections_.size(); ++t)
    for (const Value& v : roots_of(sections_[t])) all.push_back(v);
  for (const NodePtr& n : graph::topological_order(all))
    if (section_of_.at(n.get()) == static_cast<int>(s)) lower_node(n);
  finish_outputs(s);
  emit_effects(s);
  finish_updates(s);

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

void Lowering::lower_optimizer(const NodePtr& n) {
  const auto& params = n->attrs.get<std::vector<VariablePtr>>("parameters");
  const auto& slots = n->attrs.get<std::vector<VariablePtr>>("slots");
  const auto& state = n->attrs.get<std::vector<VariablePtr>>("state");
  const auto& hyper = n->attrs.get<std::vector<double>>("hyper");
  const auto& scale = n->attrs.get<std::vector<double>>("rate_scale");
  const auto& decay = n->attrs.get<std::vector<double>>("decay");
  if (params.empty()) return;
  size_t per = slots.size() / params.size();
  DType dtype = params[0]->dtype();

  // Gradients that nothing else owns move into one flat buffer, in the order of the parameters.
  std::vector<View> grads;
  int64_t total = 0;
  for (size_t i = 0; i < params.size(); ++i) {
    grads.push_back(contiguous(view_of(n->inputs[i])));
    total += params[i]->count();
  }
  int flat = -1;
  int64_t at = 0;
  for (size_t i = 0; i < params.size(); ++i) {
    BufferInfo& info = program_->buffers[static_cast<size_t>(grads[i].buffer)];
    bool movable = info.kind == BufferInfo::temp && info.alias < 0 && grads[i].offset == Dim(0) &&
                   info.count == Dim(params[i]->count());
    if (movable) {
      if (flat < 0) flat = new_buffer(BufferInfo::temp, dtype, total);
      BufferInfo& moved = program_->buffers[static_cast<size_t>(grads[i].buffer)];
      if (writer_.count(grads[i].buffer)) writer_[flat] = writer_[grads[i].buffer];
      for (Call* r : readers_[grads[i].buffer]) readers_[flat].push_back(r);
      moved.alias = flat;
      moved.alias_offset = Dim(at);
    }
    at += params[i]->count();
  }

  View rate = view_of(n->inputs[params.size()]);
  View step = view_of(n->inputs[params.size() + 1]);
  std::vector<View> read = grads;
  read.push_back(rate);
  read.push_back(step);
  std::vector<View> written;
  auto whole_of = [&](const VariablePtr& v) {
    return whole(variable_buffer(v), v->dtype(), Shape{v->count()});
  };
  for (const auto& v : params) written.push_back(whole_of(v));
  for (const auto& v : slots) written.push_back(whole_of(v));
  for (const auto& v : state) written.push_back(whole_of(v));

  struct Args : kernels::OptimizerArgs {
    kernels::Segment table[1];  // as many as there are parameters
  };
  class OptimizerCall : public Call {
   public:
    std::function<void(const Binder&, void*)> fill;
    size_t size;
    size_t args_size() const override { return size; }
    void bind(const Binder& b, void* args) const override { fill(b, args); }
  };
  auto call = std::make_unique<OptimizerCall>();
  call->size = sizeof(Args) + params.size() * sizeof(kernels::Segment);
  std::vector<char> given;  // gradients that are arguments: their address follows each call
  for (const View& g : grads)
    given.push_back(program_->buffers[static_cast<size_t>(g.buffer)].kind == BufferInfo::input);
  call->fill = [=](const Binder& b, void* memory) {
    auto* args = static_cast<Args*>(memory);
    kernels::Segment* table = args->table;
    for (size_t i = 0; i < params.size(); ++i) {
      kernels::Segment& s = table[args->count];
      s = {};
      b.pointer(&s.param, written[i]);
      b.pointer(&s.grad, grads[i]);
      for (size_t k = 0; k < per; ++k) b.pointer(&s.slot[k], written[params.size() + i * per + k]);
      s.length = params[i]->count();
      s.rate_scale = scale[i];
      s.decay = decay[i];
      // One segment with the one before where everything continues.
      if (args->count > 0 && !given[i] && !given[i - 1]) {
        kernels::Segment& last = table[args->count - 1];
        int64_t bytes = last.length * dtype_size(dtype);
        auto follows = [&](const void* p, const void* q) {
          return static_cast<const char*>(p) + bytes == static_cast<const char*>(q);
        };
        bool join = follows(last.param, s.param) && follows(last.grad, s.grad) &&
                    last.rate_scale == s.rate_scale && last.decay == s.decay;
        for (size_t k = 0; join && k < per; ++k) join = follows(last.slot[k], s.slot[k]);
        if (join) {
          last.length += s.length;
          continue;
        }
      }
      ++args->count;
    }
    args->segments = table;
    b.pointer(&args->rate, rate);
    b.pointer(&args->step, step);
    if (!state.empty()) {
      void* p = nullptr;
      b.pointer(&p, written.back());
      args->state = static_cast<double*>(p);
    }
    for (size_t k = 0; k < hyper.size() && k < 6; ++k) args->hyper[k] = hyper[k];
  };
  set_kernel(call.get(), n->attrs.get<std::string>("algorithm"), dtype);
  call->label =
      n->attrs.get<std::string>("algorithm") + " (" + std::to_string(total) + " parameters)";
  call->flops = Dim(total * 12);
  call->bytes = Dim(total * dtype_size(dtype) * static_cast<int64_t>(3 + 2 * per));
  std::vector<int> buffers;
  for (const View& v : written) buffers.push_back(v.buffer);
  // It reads the parameters too, so an update in place may not come before it.
  read.insert(read.end(), written.begin(), written.end());
  emit(std::move(call), read, buffers);
}

}  // namespace fastnn::runtime
