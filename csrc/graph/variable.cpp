#include "graph/variable.h"

#include <atomic>
#include <stdexcept>

#include "core/dim.h"

namespace fastnn::graph {
namespace {

std::atomic<uint64_t> g_storage_epoch{1};
std::atomic<uint64_t> g_values_epoch{1};

}  // namespace

const char* role_name(Role role) {
  static const char* const names[] = {"parameter", "state", "hyperparameter", "metric", "counter"};
  return names[static_cast<int>(role)];
}

Role role_from_name(const std::string& name) {
  for (Role r : {Role::parameter, Role::state, Role::hyperparameter, Role::metric, Role::counter})
    if (name == role_name(r)) return r;
  throw std::invalid_argument(
      "role: expected 'parameter', 'state', 'hyperparameter', 'metric' or 'counter', got '" + name +
      "'");
}

Variable::Variable(DType dtype, std::vector<int64_t> shape, Role role, std::string name)
    : dtype_(dtype),
      shape_(std::move(shape)),
      count_(checked_count(shape_, "variable")),
      role_(role),
      name_(std::move(name)),
      block_(std::make_shared<Block>()) {
  block_->memory = std::make_shared<Memory>(host(), count_ * dtype_size(dtype));
}

void Variable::move_to(const Device& device) {
  if (&this->device() == &device) return;
  const Memory& here = *block_->memory;
  auto moved = std::make_shared<Memory>(device, here.size());
  if (device.is_host())
    this->device().copy_out(moved->data(), here.data(), here.size());
  else if (this->device().is_host())
    device.copy_in(moved->data(), here.data(), here.size());
  else
    throw std::invalid_argument("a variable moves between devices by way of the cpu");
  block_->memory = std::move(moved);
  g_storage_epoch.fetch_add(1);
}

void Variable::read(void* to, int64_t start, int64_t bytes) const {
  device().copy_out(to, static_cast<const char*>(data()) + start, bytes);
}

void Variable::write(const void* from, int64_t start, int64_t bytes) {
  values_change();
  device().copy_in(static_cast<char*>(data()) + start, from, bytes);
  values_change();
}

void Variable::make_contiguous(const std::vector<VariablePtr>& variables) {
  int64_t total = 0;
  for (const auto& v : variables) {
    if (v->dtype_ != variables[0]->dtype_)
      throw std::invalid_argument("make_contiguous: expected variables of one dtype, got " +
                                  std::string(dtype_name(variables[0]->dtype_)) + " and " +
                                  dtype_name(v->dtype_));
    total += v->bytes();
  }
  if (variables.empty()) return;
  const Device& device = variables[0]->device();
  auto block = std::make_shared<Block>();
  block->memory = std::make_shared<Memory>(device, total);
  int64_t offset = 0;
  for (const auto& v : variables) {
    v->move_to(device);
    device.copy(block->memory->as<char>() + offset, v->data(), v->bytes());
    v->block_ = block;
    v->offset_ = offset;
    offset += v->bytes();
  }
  g_storage_epoch.fetch_add(1);
}

void Variable::values_change() { g_values_epoch.fetch_add(1, std::memory_order_acq_rel); }

uint64_t Variable::values_epoch() { return g_values_epoch.load(std::memory_order_acquire); }

uint64_t Variable::storage_epoch() { return g_storage_epoch.load(std::memory_order_relaxed); }

}  // namespace fastnn::graph
