#include "runtime/lower/lowering.h"

#include <algorithm>

#include "core/error.h"
#include "graph/build.h"
#include "graph/rewrite.h"
#include "runtime/registry.h"

namespace fastnn::runtime {

using graph::Kind;

static_assert(graph::kMaxRank == kernels::kMaxRank, "the graph lets no larger rank through");

Lowering::Lowering(Program* program, const Values& inputs, std::vector<Section> sections)
    : program_(program), inputs_(inputs), sections_(std::move(sections)) {}

void Lowering::run() {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const Value& v = inputs_[i];
    int b = new_buffer(BufferInfo::input, v.dtype(), element_count(v.shape()));
    program_->buffers[static_cast<size_t>(b)].slot = static_cast<int>(i);
    views_[v] = whole(b, v.dtype(), v.shape());
  }
  separate_versions();
  assign_sections();
  find_row_gradients();
  for (size_t s = 0; s < sections_.size(); ++s) lower_section(s);
  finish_fused();
  find_lifetimes();
}

// A buffer that a later section reads lives to the end of that section, which may run again
// without the one that filled it.
void Lowering::find_lifetimes() {
  for (const SectionRange& section : program_->sections)
    for (size_t c = section.begin; c < section.end; ++c) {
      const Call& call = *program_->calls[c];
      auto touch = [&](int b) {
        BufferInfo& info = program_->buffers[static_cast<size_t>(root(b))];
        if (info.first < 0) info.first = static_cast<int>(c);
        bool crosses = info.first < static_cast<int>(section.begin);
        info.last = static_cast<int>(crosses ? section.end - 1 : c);
      };
      for (int b : call.reads) touch(b);
      for (int b : call.writes) touch(b);
    }
}

// Only now is it known which results are read outside of their group.
void Lowering::finish_fused() {
  std::set<int> read;
  for (const auto& call : program_->calls) read.insert(call->reads.begin(), call->reads.end());
  for (const auto& call : program_->calls) {
    auto* fused = dynamic_cast<FusedCall*>(call.get());
    if (!fused) continue;
    for (FusedCall::Item& item : fused->items) {
      const BufferInfo& info = program_->buffers[static_cast<size_t>(item.buffer)];
      item.stored = read.count(item.buffer) || info.kind == BufferInfo::output || info.alias >= 0;
      if (item.stored) fused->writes.push_back(item.buffer);
    }
    fused->finish();
  }
}

int Lowering::new_buffer(BufferInfo::Kind kind, DType dtype, const Dim& count) {
  BufferInfo info;
  info.kind = kind;
  info.dtype = dtype;
  info.count = count;
  program_->buffers.push_back(std::move(info));
  return static_cast<int>(program_->buffers.size()) - 1;
}

int Lowering::variable_buffer(const VariablePtr& v) {
  auto it = variable_buffers_.find(v.get());
  if (it != variable_buffers_.end()) return it->second;
  int b = new_buffer(BufferInfo::stored, v->dtype(), v->count());
  program_->buffers[static_cast<size_t>(b)].variable = v;
  program_->variables.push_back(v);
  variable_buffers_[v.get()] = b;
  return b;
}

int Lowering::root(int buffer) const {
  while (program_->buffers[static_cast<size_t>(buffer)].alias >= 0)
    buffer = program_->buffers[static_cast<size_t>(buffer)].alias;
  return buffer;
}

View Lowering::whole(int buffer, DType dtype, const Shape& shape) const {
  return {buffer, dtype, shape, row_major(shape), 0};
}

View Lowering::new_result(const Value& v) {
  View r = whole(new_buffer(BufferInfo::temp, v.dtype(), element_count(v.shape())), v.dtype(),
                 v.shape());
  views_[v] = r;
  return r;
}

View Lowering::scalar_constant(double value, DType dtype) {
  value = graph::number_as(value, dtype);
  auto key = std::make_pair(value, static_cast<int>(dtype));
  auto it = scalar_buffers_.find(key);
  int b;
  if (it != scalar_buffers_.end() && value == value) {
    b = it->second;
  } else {
    b = new_buffer(BufferInfo::constant, dtype, 1);
    auto data = std::make_shared<graph::ConstantData>();
    data->type = {dtype, {}};
    data->bytes.resize(8);
    void* p = data->bytes.data();
    switch (dtype) {
      case DType::f32:
        *static_cast<float*>(p) = static_cast<float>(value);
        break;
      case DType::f64:
        *static_cast<double*>(p) = value;
        break;
      case DType::i32:
        *static_cast<int32_t*>(p) = static_cast<int32_t>(value);
        break;
      case DType::i64:
        *static_cast<int64_t*>(p) = static_cast<int64_t>(value);
        break;
      case DType::u8:
      case DType::b8:
        *static_cast<uint8_t*>(p) = static_cast<uint8_t>(value);
        break;
    }
    program_->buffers[static_cast<size_t>(b)].data = data;
    if (value == value) scalar_buffers_[key] = b;
  }
  return whole(b, dtype, {});
}

View Lowering::view_of(const Value& v) {
  auto it = views_.find(v);
  if (it != views_.end()) return it->second;
  lower_leaf(v.node);
  return views_.at(v);
}

int Lowering::uses(const Value& v) const {
  auto it = uses_.find(v);
  return it == uses_.end() ? 0 : it->second;
}

bool Lowering::used_once(Value v) const {
  while (uses(v) == 1 && v.node->op->kind == Kind::view) v = v.node->inputs[0];
  return uses(v) == 1;
}

bool Lowering::private_to(Value v, size_t s) const {
  for (;;) {
    const std::set<int>& needed = needed_in_.at(v.node.get());
    if (needed.size() != 1 || *needed.begin() != static_cast<int>(s)) return false;
    if (v.node->op->kind != Kind::view) return true;
    v = v.node->inputs[0];
  }
}

void Lowering::set_kernel(Call* call, const std::string& id, DType dtype) {
  Found found = find_kernel(program_->device(), id, dtype);
  if (!found.entry || !found.entry->run) throw_no_kernel(program_->device(), id, dtype);
  call->kernel = found.entry->run;
  call->workspace = found.entry->workspace;
  call->table = found.table;
}

void Lowering::reads(Call* call, int buffer) {
  call->reads.push_back(buffer);
  readers_[root(buffer)].push_back(call);
}

void Lowering::writes(Call* call, int buffer) {
  call->writes.push_back(buffer);
  writer_[root(buffer)] = call;
}

Call* Lowering::emit(std::unique_ptr<Call> call, const std::vector<View>& read,
                     const std::vector<int>& written) {
  Call* c = call.get();
  c->position = ++position_;
  for (const View& v : read)
    if (v.buffer >= 0) reads(c, v.buffer);
  for (int b : written) writes(c, b);
  calls_.push_back(std::move(call));
  return c;
}

bool Lowering::ready_before(const View& v, int64_t position) const {
  auto it = writer_.find(root(v.buffer));
  return it == writer_.end() || it->second->position < position;
}

bool Lowering::read_by_others(int buffer, const Call* except) const {
  auto it = readers_.find(root(buffer));
  if (it == readers_.end()) return false;
  return std::any_of(it->second.begin(), it->second.end(),
                     [&](const Call* c) { return c != except; });
}

void Lowering::copy_into(const View& to, const View& from, const char* label) {
  simple<kernels::CopyArgs>("copy", from.dtype, label, {from}, {to},
                            [to, from](const Binder& b, kernels::CopyArgs* a) {
                              b.pointer(&a->out, to);
                              b.pointer(&a->in, from);
                              a->rank = static_cast<int32_t>(to.shape.size());
                              b.eval(to.shape, a->shape);
                              b.eval(to.strides, a->out_strides);
                              b.eval(from.strides, a->in_strides);
                            });
}

View Lowering::copied(const View& v) {
  View r = whole(new_buffer(BufferInfo::temp, v.dtype, element_count(v.shape)), v.dtype, v.shape);
  copy_into(r, v, "copy");
  return r;
}

View Lowering::contiguous(const View& v) { return is_contiguous(v) ? v : copied(v); }

void Lowering::lower_node(const NodePtr& n) {
  require_shapes(*n);
  switch (n->op->kind) {
    case Kind::leaf:
    case Kind::fill:
    case Kind::extent:
      return lower_leaf(n);
    case Kind::view:
      return lower_view(n);
    case Kind::elementwise:
      return lower_elementwise(n);
    case Kind::matmul:
      return lower_matmul(n);
    case Kind::pairs:
      return lower_pairs(n);
    case Kind::recurrent:
      return lower_recurrent(n);
    case Kind::convolution:
      return lower_convolution(n);
    case Kind::pooling:
      return lower_pooling(n);
    case Kind::reduce:
    case Kind::sum_to_like:
    case Kind::arg_reduce:
      return lower_reduce(n);
    case Kind::rows:
    case Kind::cross_entropy:
      return lower_rows(n);
    case Kind::concatenate:
    case Kind::unslice:
    case Kind::take:
    case Kind::one_hot:
      return lower_moves(n);
    case Kind::image:
      return lower_image(n);
    case Kind::random:
      return lower_random(n);
    case Kind::loop:
      return lower_loop(n);
    case Kind::trees:
      return lower_trees(n);
    case Kind::optimizer:
      return;  // an effect: emitted after everything that reads
  }
}

void Lowering::lower_leaf(const NodePtr& n) {
  Value v{n, 0};
  if (views_.count(v)) return;
  const std::string& name = n->op->name;
  if (name == "variable") {
    const auto& var = n->attrs.get<VariablePtr>("variable");
    views_[v] = whole(variable_buffer(var), v.dtype(), v.shape());
  } else if (name == "constant") {
    int b = new_buffer(BufferInfo::constant, v.dtype(), element_count(v.shape()));
    program_->buffers[static_cast<size_t>(b)].data =
        n->attrs.get<std::shared_ptr<const graph::ConstantData>>("value");
    views_[v] = whole(b, v.dtype(), v.shape());
  } else if (name == "full") {
    View s = scalar_constant(n->attrs.get<double>("value"), v.dtype());
    views_[v] = {s.buffer, v.dtype(), v.shape(), std::vector<Dim>(v.shape().size(), Dim(0)), 0};
  } else if (name == "extent") {
    Dim d = n->attrs.get<Shape>("extent")[0];
    bind_number(v, [d](const Extents& env) { return static_cast<double>(d.eval(env)); });
  } else {
    throw std::invalid_argument("'" + (n->name.empty() ? name : n->name) +
                                "' is needed to compute the outputs but is not an input");
  }
}

// A scalar that is a function of the extents alone: computed when the program is bound.
void Lowering::bind_number(const Value& v, std::function<double(const Extents&)> number) {
  int b = new_buffer(BufferInfo::extent, v.dtype(), 1);
  program_->buffers[static_cast<size_t>(b)].number = number;
  bound_numbers_[v] = std::move(number);
  views_[v] = whole(b, v.dtype(), {});
}

void Lowering::lower_view(const NodePtr& n) {
  const std::string& name = n->op->name;
  View x = view_of(n->inputs[0]);
  Value v{n, 0};
  View r = x;
  r.shape = v.shape();
  if (name == "reshape") {
    r = contiguous(x);
    r.shape = v.shape();
    r.strides = row_major(r.shape);
  } else if (name == "transpose") {
    auto axes = graph::normalize_axes(n->attrs.get<std::vector<int64_t>>("axes"),
                                      static_cast<int>(x.shape.size()), "axis");
    for (size_t i = 0; i < axes.size(); ++i) r.strides[i] = x.strides[static_cast<size_t>(axes[i])];
  } else if (name == "broadcast_to") {
    r.strides.assign(r.shape.size(), Dim(0));
    size_t lead = r.shape.size() - x.shape.size();
    for (size_t i = 0; i < x.shape.size(); ++i) {
      bool same = x.shape[i] == r.shape[i + lead];
      r.strides[i + lead] = same ? x.strides[i] : x.strides[i] * longer_dim(x.shape[i]);
    }
  } else if (name == "slice") {
    const Shape& begin = n->attrs.get<Shape>("begin");
    const auto& step = n->attrs.get<std::vector<int64_t>>("step");
    for (size_t i = 0; i < begin.size(); ++i) {
      r.offset = r.offset + begin[i] * x.strides[i];
      r.strides[i] = x.strides[i] * Dim(step[i]);
    }
  }
  views_[v] = r;
}

std::shared_ptr<Program> Program::compile(const Values& inputs, std::vector<Section> sections,
                                          Options options) {
  auto program = std::make_shared<Program>();
  program->options = options;
  for (const Value& v : inputs) {
    if (v.node->op->name != "placeholder" && v.node->op->name != "parameter")
      throw std::invalid_argument("inputs: expected placeholders, got the result of '" +
                                  v.node->op->name + "'");
    program->input_types.push_back(v.type());
    program->input_names.push_back(v.node->name);
  }
  Values roots;
  for (const Section& s : sections) {
    roots.insert(roots.end(), s.outputs.begin(), s.outputs.end());
    for (const Update& u : s.updates) {
      Shape shape(u.variable->shape().begin(), u.variable->shape().end());
      if (u.value.dtype() != u.variable->dtype() || u.value.shape() != shape)
        throw std::invalid_argument("update of '" + u.variable->name() + "': expected " +
                                    Type{u.variable->dtype(), shape}.str() + ", got " +
                                    u.value.type().str());
      roots.push_back(u.value);
    }
    for (const auto& e : s.effects) roots.push_back({e, 0});
  }
  Values rewritten = graph::rewrite(roots);
  size_t i = 0;
  for (Section& s : sections) {
    for (Value& v : s.outputs) {
      program->output_types.push_back(v.type());
      v = rewritten[i++];
    }
    for (Update& u : s.updates) u.value = rewritten[i++];
    for (auto& e : s.effects) e = rewritten[i++].node;
  }
  Lowering(program.get(), inputs, std::move(sections)).run();
  program->place_constants();
  return program;
}

}  // namespace fastnn::runtime
