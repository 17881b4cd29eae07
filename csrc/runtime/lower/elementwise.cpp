// Elementwise nodes: grouped into fused calls, or absorbed into the matmul before them.
#include <algorithm>

#include "core/error.h"
#include "runtime/lower/lowering.h"
#include "runtime/registry.h"

namespace fastnn::runtime {
namespace {

std::string tile_id(const graph::Node& n) {
  if (n.op->name == "cast") return std::string("cast_") + dtype_name(n.attrs.get<DType>("dtype"));
  return n.op->name;
}

// Attributes in the order of the op's declaration.
std::vector<double> tile_params(const graph::Node& n) {
  std::vector<double> p;
  for (const auto& spec : n.op->attrs)
    if (spec.type == "float") p.push_back(n.attrs.get<double>(spec.name));
  return p;
}

DType tile_dtype(const graph::Node& n) { return n.inputs[n.op->name == "where" ? 1 : 0].dtype(); }

Found find_tile(const Device& device, const graph::Node& n) {
  Found f = find_kernel(device, tile_id(n), tile_dtype(n));
  if (!f.entry || !f.entry->tile) throw_no_kernel(device, tile_id(n), tile_dtype(n));
  return f;
}

bool same_view(const View& a, const View& b) {
  return a.buffer == b.buffer && a.dtype == b.dtype && a.offset == b.offset && a.shape == b.shape &&
         a.strides == b.strides;
}

}  // namespace

int FusedCall::add_view(const View& v) {
  for (size_t i = 0; i < views.size(); ++i)
    if (same_view(views[i], v)) return static_cast<int>(i);
  views.push_back(v);
  return static_cast<int>(views.size()) - 1;
}

bool FusedCall::can_overwrite(size_t item, int view) const {
  const View& v = views[static_cast<size_t>(view)];
  if (v.shape != shape || !is_contiguous(v) || v.offset != Dim(0)) return false;
  for (size_t i = item + 1; i < items.size(); ++i)
    for (const Input& in : items[i].in)
      if (in.view == view) return false;
  return true;
}

void FusedCall::bind(const Binder& binder, void* memory) const {
  auto* a = static_cast<FusedArgs*>(memory);
  a->code = &code_;
  a->row = 1;
  a->rank = static_cast<int32_t>(shape.size());
  binder.eval(shape, a->shape);
  for (size_t i = 0; i < views.size(); ++i) {
    const View& v = views[i];
    size_t lead = shape.size() - v.shape.size();
    for (size_t d = 0; d < shape.size(); ++d) {
      bool repeats = d < lead || binder.eval(v.shape[d - lead]) == 1;
      a->strides[i][d] = repeats ? 0 : binder.eval(v.strides[d - lead]);
    }
    binder.pointer(&a->in[i], v);
  }
  for (size_t i = 0; i < outputs_.size(); ++i)
    binder.pointer(&a->out[i], View{outputs_[i].first, outputs_[i].second, {}, {}, 0});
  collapse_fused(a);
  for (const Rows& r : reductions) {
    RowReduction& reduce = a->reduce[a->reductions++];
    a->row = r.length;
    reduce.kernel = r.call->kernel;
    reduce.in = places_[r.item];
    reduce.in_size = dtype_size(items[r.item].dtype);
    reduce.out_size = dtype_size(r.out.dtype);
    r.call->bind(binder, &reduce.args);
  }
}

// Results that someone outside reads go to memory, those that are reduced to rows, the others to
// registers, reused in a linear scan.
void FusedCall::place_results() {
  std::vector<size_t> last_use(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    last_use[i] = i;
    for (const Input& in : items[i].in)
      if (in.item >= 0) last_use[static_cast<size_t>(in.item)] = i;
  }
  auto reduced = [&](size_t i) {
    return std::any_of(reductions.begin(), reductions.end(),
                       [=](const Rows& r) { return r.item == i; });
  };
  std::vector<int16_t> free_registers;
  for (int16_t r = kMaxFusedRegisters; r-- > 0;) free_registers.push_back(r);
  int16_t rows = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const int64_t size = dtype_size(items[i].dtype);
    if (items[i].stored) {
      const size_t k = outputs_.size();
      code_.output_size[k] = size;
      outputs_.push_back({items[i].buffer, items[i].dtype});
      places_.push_back({Operand::output, static_cast<int16_t>(k)});
    } else if (reduced(i)) {
      code_.rows_size[rows] = size;
      places_.push_back({Operand::rows, rows++});
    } else {
      places_.push_back({Operand::reg, free_registers.back()});
      free_registers.pop_back();
    }
    for (const Input& in : items[i].in) {
      auto index = static_cast<size_t>(in.item);
      if (in.item < 0 || last_use[index] != i || places_[index].place != Operand::reg) continue;
      const int16_t r = places_[index].index;
      if (std::find(free_registers.begin(), free_registers.end(), r) == free_registers.end())
        free_registers.push_back(r);
    }
  }
}

void FusedCall::finish() {
  place_results();
  code_.inputs = static_cast<int>(views.size());
  int64_t widest = 4;
  for (size_t i = 0; i < views.size(); ++i) {
    code_.input_size[i] = dtype_size(views[i].dtype);
    widest = std::max(widest, code_.input_size[i]);
  }
  for (const Item& item : items) widest = std::max<int64_t>(widest, dtype_size(item.dtype));
  code_.tile = kTileBytes / widest;
  params_.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const Item& item = items[i];
    Instruction instruction{};
    instruction.tile = item.tile;
    params_.push_back(item.params);
    instruction.params = params_.back().data();
    instruction.param_count = static_cast<int32_t>(params_.back().size());
    instruction.inputs = static_cast<int32_t>(item.in.size());
    instruction.out = places_[i];
    for (size_t k = 0; k < item.in.size(); ++k) {
      const Input& in = item.in[k];
      instruction.in[k] = in.view >= 0 ? Operand{Operand::input, static_cast<int16_t>(in.view)}
                                       : places_[static_cast<size_t>(in.item)];
    }
    code_.code[code_.length++] = instruction;
    label += (i == 0 ? "" : " ") + item.op;
  }
  code_.outputs = static_cast<int>(outputs_.size());
  Dim n = element_count(shape);
  flops = n * Dim(static_cast<int64_t>(items.size() + reductions.size()));
  for (const View& v : views) bytes = bytes + element_count(v.shape) * Dim(dtype_size(v.dtype));
  for (const auto& o : outputs_) bytes = bytes + n * Dim(dtype_size(o.second));
  if (items.size() > 1) label = "fused(" + label + ")";
  for (const Rows& r : reductions) {
    bytes = bytes + element_count(r.out.shape) * Dim(dtype_size(r.out.dtype));
    label += "+" + r.call->label;
  }
}

// Arithmetic on lengths of axes needs no kernel. Rounded after each op, as the kernels would.
bool Lowering::absorb_in_bind(const NodePtr& n) {
  using Number = std::function<double(const Extents&)>;
  Value v{n, 0};
  if (!v.shape().empty() || !is_floating(v.dtype()) || n->inputs.size() > 2) return false;
  std::vector<Number> in;
  bool bound = false;
  for (const Value& x : n->inputs) {
    auto it = bound_numbers_.find(x);
    if (it != bound_numbers_.end()) {
      in.push_back(it->second);
      bound = true;
    } else if (x.node->op->name == "full") {
      double c = x.node->attrs.get<double>("value");
      bool single = x.dtype() == DType::f32;
      in.push_back([=](const Extents&) { return single ? static_cast<float>(c) : c; });
    } else {
      return false;
    }
  }
  if (!bound) return false;
  const std::string& op = n->op->name;
  Number exact;
  if (op == "cast" || op == "identity")
    exact = in[0];
  else if (op == "add")
    exact = [=](const Extents& e) { return in[0](e) + in[1](e); };
  else if (op == "subtract")
    exact = [=](const Extents& e) { return in[0](e) - in[1](e); };
  else if (op == "multiply")
    exact = [=](const Extents& e) { return in[0](e) * in[1](e); };
  else if (op == "divide")
    exact = [=](const Extents& e) { return in[0](e) / in[1](e); };
  else
    return false;
  if (v.dtype() == DType::f32)
    bind_number(v, [exact](const Extents& e) { return static_cast<float>(exact(e)); });
  else
    bind_number(v, exact);
  return true;
}

void Lowering::lower_elementwise(const NodePtr& n) {
  if (summed_squares_.count(n.get()) > 0) return;
  if (absorb_in_bind(n) || absorb_bias(n) || absorb_activation(n)) return;
  Value v{n, 0};
  std::vector<View> in;
  for (const Value& x : n->inputs) in.push_back(view_of(x));
  merge_groups(in, v.shape());

  // The group to join: of an input's, over the same shape, that can still move to here or that
  // already comes after everything this node reads.
  FusedCall* group = nullptr;
  bool move = false;
  for (const View& x : in) {
    auto it = fused_item_.find(x.buffer);
    if (it == fused_item_.end() || !is_contiguous(x)) continue;
    FusedCall* g = it->second.first;
    if (g->shape != v.shape() || x.shape != v.shape() || g == group) continue;
    if (g->items.size() >= kMaxFusedInstructions || g->views.size() + in.size() > kMaxFusedInputs)
      continue;
    bool unread = true, ready = true;
    for (const auto& item : g->items) unread = unread && !read_by_others(item.buffer, g);
    for (const View& y : in) {
      auto own = fused_item_.find(y.buffer);
      bool inside = own != fused_item_.end() && own->second.first == g;
      // Inside the group a value is read element for element, in place.
      if (inside && (y.shape != v.shape() || !is_contiguous(y))) unread = ready = false;
      ready = ready && (inside || ready_before(y, g->position));
    }
    if (!unread && !ready) continue;
    if (group && g->position < group->position) continue;
    group = g;
    move = !ready;
  }
  if (move) group->position = ++position_;
  if (!group) {
    auto call = std::make_unique<FusedCall>(v.shape());
    if (program_->device().is_host())
      call->kernel = run_fused;
    else
      set_kernel(call.get(), "fused", DType::f32);
    call->table.clear();  // its tiles say
    group = static_cast<FusedCall*>(emit(std::move(call), {}, {}));
  }

  Found tile = find_tile(program_->device(), *n);
  FusedCall::Item item{n->op->name, tile.entry->tile, tile_params(*n), {}, v.dtype(), -1};
  group->table = group->table.empty() || group->table == tile.table ? tile.table : "mixed";
  for (const View& x : in) {
    auto own = fused_item_.find(x.buffer);
    if (own != fused_item_.end() && own->second.first == group) {
      item.in.push_back({static_cast<int>(own->second.second), -1});
    } else {
      item.in.push_back({-1, group->add_view(x)});
      reads(group, x.buffer);
    }
  }
  View result = new_result(v);
  item.buffer = result.buffer;
  group->items.push_back(item);
  fused_item_[result.buffer] = {group, group->items.size() - 1};
  writer_[result.buffer] = group;
}

}  // namespace fastnn::runtime
