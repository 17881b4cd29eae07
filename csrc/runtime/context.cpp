#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include "core/error.h"
#include "core/thread_pool.h"
#include "runtime/program.h"
#include "runtime/sized_contexts.h"

namespace fastnn::runtime {
namespace {

// A device's state begins with the status that its kernels are given.
static_assert(offsetof(DeviceState, status_value) == offsetof(kernels::Status, value) &&
              offsetof(DeviceState, status_limit) == offsetof(kernels::Status, limit));

void store_number(double n, DType dtype, char* to) {
  if (dtype == DType::f32)
    *reinterpret_cast<float*>(to) = static_cast<float>(n);
  else if (dtype == DType::f64)
    *reinterpret_cast<double*>(to) = n;
  else if (dtype == DType::i64)
    *reinterpret_cast<int64_t*>(to) = static_cast<int64_t>(n);
  else
    *reinterpret_cast<int32_t*>(to) = static_cast<int32_t>(n);
}

}  // namespace

void Binder::eval(const std::vector<Dim>& dims, int64_t* out) const {
  for (size_t i = 0; i < dims.size(); ++i) out[i] = dims[i].eval(env_);
}

void Binder::address(void** slot, const View& view) const {
  const auto& buffers = context_->program_->buffers;
  int b = view.buffer;
  int64_t elements = eval(view.offset);
  while (buffers[static_cast<size_t>(b)].alias >= 0) {
    elements += eval(buffers[static_cast<size_t>(b)].alias_offset);
    b = buffers[static_cast<size_t>(b)].alias;
  }
  const BufferInfo& info = buffers[static_cast<size_t>(b)];
  int64_t offset = elements * dtype_size(view.dtype);
  auto index = static_cast<size_t>(info.slot);
  if (info.kind == BufferInfo::input)
    context_->input_patches_[index].push_back({slot, offset});
  else if (info.kind == BufferInfo::output)
    context_->output_patches_[index].push_back({slot, offset});
  else
    *slot = context_->base_[static_cast<size_t>(b)] + offset;
}

void Binder::host_address(void** slot, const View& view) const {
  if (context_->program_->device().is_host()) return address(slot, view);
  const BufferInfo& info = context_->program_->buffers[static_cast<size_t>(view.buffer)];
  *slot = nullptr;
  if (info.kind == BufferInfo::input)
    context_->host_patches_[static_cast<size_t>(info.slot)].push_back(
        {slot, eval(view.offset) * dtype_size(view.dtype)});
}

Context::Context(std::shared_ptr<const Program> program, std::shared_ptr<Scratch> scratch)
    : program_(std::move(program)),
      scratch_(scratch ? std::move(scratch) : std::make_shared<Scratch>()),
      base_(program_->buffers.size()),
      input_patches_(program_->input_types.size()),
      output_patches_(program_->output_types.size()) {
  for (const auto& call : program_->calls) {
    args_offsets_.push_back(static_cast<size_t>(args_bytes_));
    args_bytes_ += align_up(static_cast<int64_t>(call->args_size()));
  }
  args_ = Buffer(args_bytes_);
  int64_t extents = std::count_if(program_->buffers.begin(), program_->buffers.end(),
                                  [](const BufferInfo& b) { return b.kind == BufferInfo::extent; });
  extent_values_ = Buffer(extents * 8);
  const Device& device = program_->device();
  if (device.is_host()) return;
  device_extents_ = Memory(device, extents * 8);
  if (scratch_->state.size() == 0) scratch_->state = Memory(device, sizeof(DeviceState));
  state_ = scratch_->state.as<DeviceState>();
  staged_inputs_.resize(input_patches_.size());
  kept_inputs_.resize(input_patches_.size());
  host_patches_.resize(input_patches_.size());
  staged_outputs_.resize(output_patches_.size());
  host_outputs_.resize(output_patches_.size());
}

Context::~Context() = default;

// Greedy by size: the largest buffer first, each at the lowest offset where no buffer that lives
// at the same time lies (Pisarchyk and Lee 2020).
void Context::plan(const std::vector<int64_t>& bytes) {
  const auto& buffers = program_->buffers;
  const bool reuse = program_->options.reuse_memory;
  std::vector<size_t> order;
  for (size_t i = 0; i < buffers.size(); ++i)
    if (buffers[i].kind == BufferInfo::temp && buffers[i].alias < 0 && buffers[i].first >= 0)
      order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return bytes[a] > bytes[b]; });
  offsets_.assign(buffers.size(), 0);
  std::vector<size_t> placed;  // by offset
  const int64_t first = reuse ? 0 : RedZones::kSize;
  int64_t total = 0;
  for (size_t i : order) {
    int64_t size = slot_bytes(bytes[i]), at = first;
    for (size_t j : placed) {
      bool overlap =
          !reuse || (buffers[j].first <= buffers[i].last && buffers[i].first <= buffers[j].last);
      if (!overlap) continue;
      if (offsets_[j] >= at + size) break;
      at = std::max(at, offsets_[j] + slot_bytes(bytes[j]));
    }
    offsets_[i] = at;
    total = std::max(total, at + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](size_t a, size_t b) { return offsets_[a] < offsets_[b]; }),
                  i);
  }
  planned_ = bytes;
  grow(&scratch_->arena, total);
}

void Context::grow(Memory* memory, int64_t bytes) {
  if (bytes <= memory->size()) return;
  *memory = Memory();  // the old one first: both at once may be too much
  *memory = Memory(program_->device(), bytes);
  ++scratch_->generation;
}

int64_t Context::slot_bytes(int64_t bytes) const {
  return align_up(std::max<int64_t>(bytes, 1)) +
         (program_->options.reuse_memory ? 0 : RedZones::kSize);
}

void Context::add_red_zones(const std::vector<int64_t>& bytes) {
  if (scratch_->arena.size() == 0) return;
  const auto& buffers = program_->buffers;
  red_zones_.add(scratch_->arena.as<char>(), scratch_->arena.as<char>() + RedZones::kSize);
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].kind != BufferInfo::temp || buffers[i].alias >= 0 || buffers[i].first < 0)
      continue;
    red_zones_.add(base_[i] + bytes[i], base_[i] + slot_bytes(planned_[i]));
  }
}

void Context::place_buffers() {
  red_zones_.clear();
  const auto& buffers = program_->buffers;
  std::vector<int64_t> bytes(buffers.size(), 0);
  bool fits = !planned_.empty();
  for (size_t i = 0; i < buffers.size(); ++i) {
    const BufferInfo& b = buffers[i];
    if (b.kind != BufferInfo::temp || b.alias >= 0 || b.first < 0) continue;
    bytes[i] = checked_mul(b.count.eval(env_), dtype_size(b.dtype));
    fits = fits && bytes[i] <= planned_[i];
  }
  if (!fits) plan(bytes);
  const Device& device = program_->device();
  int64_t next_extent = 0;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const BufferInfo& b = buffers[i];
    switch (b.kind) {
      case BufferInfo::temp:
        base_[i] = scratch_->arena.as<char>() + offsets_[i];
        break;
      case BufferInfo::stored:
        base_[i] = static_cast<char*>(b.variable->data());
        break;
      case BufferInfo::constant:
        base_[i] =
            const_cast<char*>(static_cast<const char*>(b.placed ? b.placed : b.data->bytes.data()));
        break;
      case BufferInfo::extent: {
        char* value = extent_values_.as<char>() + 8 * next_extent;
        base_[i] = device.is_host() ? value : device_extents_.as<char>() + 8 * next_extent;
        ++next_extent;
        store_number(b.number(env_), b.dtype, value);
        break;
      }
      case BufferInfo::input:
      case BufferInfo::output:
        break;
    }
  }
  device.copy_in(device_extents_.data(), extent_values_.data(), device_extents_.size());
  if (!program_->options.reuse_memory && device.is_host()) add_red_zones(bytes);
}

void Context::bind_workspace(const std::vector<size_t>& needs) {
  own_workspaces_.clear();
  if (program_->options.reuse_memory) {
    size_t most = needs.empty() ? 0 : *std::max_element(needs.begin(), needs.end());
    grow(&scratch_->workspace, static_cast<int64_t>(most));
    return;
  }
  const Device& device = program_->device();
  for (size_t need : needs) {
    Memory m(device, static_cast<int64_t>(need) + RedZones::kSize);
    if (device.is_host()) red_zones_.add(m.as<char>() + need, m.as<char>() + m.size());
    own_workspaces_.push_back(std::move(m));
  }
}

void Context::bind(const Extents& env) {
  bound_ = false;
  env_ = env;
  for (const Requirement& r : program_->requirements) r.check(env_);
  for (const VariablePtr& v : program_->variables) v->move_to(program_->device());
  epoch_ = graph::Variable::storage_epoch();
  threads_ = num_threads();
  place_buffers();
  for (auto& p : input_patches_) p.clear();
  for (auto& p : output_patches_) p.clear();
  for (auto& p : host_patches_) p.clear();
  steps_.clear();
  next_child_ = next_sized_ = 0;
  std::vector<size_t> workspaces;
  Binder binder(this, env_);
  for (size_t i = 0; i < program_->calls.size(); ++i) {
    const Call& call = *program_->calls[i];
    void* args = args_.as<char>() + args_offsets_[i];
    std::memset(args, 0, call.args_size());
    call.bind(binder, args);
    workspaces.push_back(call.workspace ? call.workspace(args, threads_) : 0);
    steps_.push_back({call.kernel, args});
  }
  bind_workspace(workspaces);
  generation_ = scratch_->generation;
  ++bindings_;
  bound_ = true;
}

void Context::refresh() {
  if (!bound_ || epoch_ != graph::Variable::storage_epoch() || threads_ != num_threads() ||
      generation_ != scratch_->generation)
    bind(Extents(env_));
}

void Context::set_input(int i, const void* data) {
  for (const Patch& p : input_patches_[static_cast<size_t>(i)])
    *p.slot = const_cast<char*>(static_cast<const char*>(data)) + p.offset;
  if (host_patches_.empty()) return;
  for (const Patch& p : host_patches_[static_cast<size_t>(i)]) *p.slot = nullptr;
}

void Context::set_output(int i, void* data) {
  if (!host_outputs_.empty()) host_outputs_[static_cast<size_t>(i)] = nullptr;
  for (const Patch& p : output_patches_[static_cast<size_t>(i)])
    *p.slot = static_cast<char*>(data) + p.offset;
}

void Context::set_host_input(int i, const void* data) {
  const Device& device = program_->device();
  if (device.is_host()) return set_input(i, data);
  const auto index = static_cast<size_t>(i);
  Memory& staged = staging(&staged_inputs_, index, program_->input_types[index]);
  const int64_t bytes = bytes_of(program_->input_types[index]);
  device.copy_in(staged.data(), data, bytes);
  set_input(i, staged.data());
  if (host_patches_[index].empty() || bytes == 0) return;
  Buffer& kept = kept_inputs_[index];
  if (kept.size() < bytes) kept = Buffer(bytes);
  std::memcpy(kept.data(), data, static_cast<size_t>(bytes));
  for (const Patch& p : host_patches_[index]) *p.slot = kept.as<char>() + p.offset;
}

void Context::set_host_output(int i, void* data) {
  if (program_->device().is_host()) return set_output(i, data);
  const auto index = static_cast<size_t>(i);
  set_output(i, staging(&staged_outputs_, index, program_->output_types[index]).data());
  host_outputs_[index] = data;
}

int64_t Context::bytes_of(const Type& type) const {
  return checked_mul(element_count(type.shape).eval(env_), dtype_size(type.dtype));
}

Memory& Context::staging(std::vector<Memory>* all, size_t i, const Type& type) {
  Memory& staged = (*all)[i];
  const int64_t bytes = bytes_of(type);
  if (staged.size() < bytes) staged = Memory(program_->device(), bytes);
  return staged;
}

void Context::finish() {
  const Device& device = program_->device();
  if (device.is_host()) return;
  DeviceState state;
  device.copy_out(&state, state_, sizeof state);
  if (state.status_code != 0) {
    status_ = {state.status_code, state.status_value, state.status_limit};
    failed_step_ = state.failed_step;
    failed_row_ = state.failed_row;
    device.fill(state_, 0, sizeof(kernels::Status));
    check_status();
  }
  for (size_t i = 0; i < host_outputs_.size(); ++i) {
    if (!host_outputs_[i]) continue;
    device.copy_out(host_outputs_[i], staged_outputs_[i].data(),
                    bytes_of(program_->output_types[i]));
    host_outputs_[i] = nullptr;
  }
}

std::optional<int64_t> Context::kernels_called() const {
  int64_t total = 0;
  for (size_t i = 0; i < program_->calls.size(); ++i) {
    const std::optional<int64_t> some = program_->calls[i]->kernels_called(arguments(i));
    if (!some) return std::nullopt;
    total += *some;
  }
  return total;
}

kernels::Context Context::launching() const {
  kernels::Context kc{};
  kc.pool = queue_ ? queue_ : program_->device().module()->queue();
  kc.threads = 1;
  kc.workspace = scratch_->workspace.data();
  kc.status = reinterpret_cast<kernels::Status*>(state_);
  return kc;
}

void Context::place(uint64_t step, int64_t row) {
  if (!owns_state() || (step == scratch_->step && row == scratch_->row)) return;
  const struct {
    uint64_t step;
    int64_t row;
  } place{step, row};
  static_assert(sizeof place == offsetof(DeviceState, failed_step) - offsetof(DeviceState, step));
  program_->device().copy_in(&state_->step, &place, sizeof place);
  scratch_->step = step;
  scratch_->row = row;
}

void Context::advance(int64_t n) {
  const kernels::Context kc = launching();
  program_->device().module()->advance(&kc, n);
  check_launch("advance");
  if (!recording()) replayed(1, n);
}

void Context::replayed(int64_t steps, int64_t n) {
  scratch_->step += static_cast<uint64_t>(steps);
  scratch_->row += steps * n;
}

void Context::check_launch(const std::string& what) const { program_->device().check(what); }

kernels::Context Context::kernel_context(const RunInfo& info) {
  const Device& device = program_->device();
  if (!device.is_host()) {
    if (owns_state() && !recording()) set_step(info.step);
    kernels::Context kc = launching();
    kc.seed = info.seed;
    kc.step = info.step;
    kc.iteration = info.iteration;
    return kc;
  }
  return {parallel_for, nullptr,   threads_,  scratch_->workspace.data(),
          &status_,     info.seed, info.step, info.iteration};
}

void Context::run_call(size_t call, const RunInfo& info) {
  kernels::Context kc = kernel_context(info);
  if (!own_workspaces_.empty()) kc.workspace = own_workspaces_[call].data();
  steps_[call].kernel(steps_[call].args, &kc);
  if (!program_->device().is_host()) check_launch(program_->calls[call]->label);
  if (status_.code != 0) check_status();
}

bool Context::run(size_t section, const RunInfo& info) {
  const SectionRange& range = program_->sections[section];
  const bool debugging = program_->options.poison || !program_->options.reuse_memory;
  const bool elsewhere = !program_->device().is_host();
  kernels::Context kc = kernel_context(info);
  if (info.poll) asking_ = &info;
  struct Answered {
    const RunInfo** asking;
    ~Answered() { *asking = nullptr; }
  } answered{&asking_};
  for (size_t i = range.begin; i < range.end; ++i) {
    if (info.poll && info.poll(info.poll_data)) return stopped(info);
    if (!own_workspaces_.empty()) kc.workspace = own_workspaces_[i].data();
    steps_[i].kernel(steps_[i].args, &kc);
    if (elsewhere) check_launch(program_->calls[i]->label);
    if (debugging) after_call(i);
  }
  if ((!children_.empty() || !sized_.empty()) && should_stop()) return stopped(info);
  if (status_.code != 0) check_status();
  return true;
}

// What a run that was not finished has met does not count; a device may still be at earlier steps,
// whose errors do.
bool Context::stopped(const RunInfo& info) {
  status_ = {};
  if (!owns_state()) return false;
  DeviceState state;
  program_->device().copy_out(&state, state_, sizeof state);
  if (state.status_code != 0 && state.failed_step == info.step)
    program_->device().fill(state_, 0, sizeof(kernels::Status));
  return false;
}

void Context::check_status() {
  kernels::Status s = status_;
  status_ = {};
  if (s.code == 1)
    throw IndexError(str("index ", s.value, " is out of bounds for an axis of length ", s.limit));
}

void Context::check_red_zones(const std::string& culprit) const {
  if (!red_zones_.intact()) throw std::runtime_error("[" + culprit + "] wrote beside its buffers");
}

void Context::after_call(size_t call) {
  check_red_zones(program_->calls[call]->describe());
  if (program_->options.poison) poison_dead(call);
}

// What no later call may read becomes NaN, so that a wrong plan shows.
void Context::poison_dead(size_t call) {
  const auto& buffers = program_->buffers;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const BufferInfo& b = buffers[i];
    if (b.kind != BufferInfo::temp || b.alias >= 0 || b.last != static_cast<int>(call)) continue;
    program_->device().fill(base_[i], 0xff, b.count.eval(env_) * dtype_size(b.dtype));
  }
}

MemoryUse Context::memory() const {
  MemoryUse use;
  for (const VariablePtr& v : program_->variables) use.variables += v->bytes();
  for (const BufferInfo& b : program_->buffers)
    if (b.kind == BufferInfo::constant) use.constants += static_cast<int64_t>(b.data->bytes.size());
  use.arena = scratch_->arena.size();
  use.workspace = scratch_->workspace.size();
  for (const Memory& own : own_workspaces_) use.workspace += own.size();
  use.arguments = args_.size() + extent_values_.size();
  auto add = [&](const MemoryUse& body) {
    use.arena += body.arena;
    use.workspace += body.workspace;
    use.arguments += body.arguments;
  };
  for (const auto& child : children_) add(child->memory());
  for (const auto& child : sized_) add(child->memory());
  return use;
}

Context* Context::child(const std::shared_ptr<const Program>& body) {
  if (next_child_ == children_.size()) children_.push_back(std::make_unique<Context>(body));
  return children_[next_child_++].get();
}

SizedContexts* Context::sized_child(const std::shared_ptr<const Program>& body) {
  if (next_sized_ == sized_.size()) sized_.push_back(std::make_unique<SizedContexts>(body));
  return sized_[next_sized_++].get();
}

}  // namespace fastnn::runtime
