#include "graph/variable.h"

#include <atomic>
#include <cstring>
#include <stdexcept>

#include "core/dim.h"
#include "core/memory.h"

namespace fastnn::graph {
namespace {

std::atomic<uint64_t> g_storage_epoch{1};

std::shared_ptr<char> allocate(int64_t bytes) {
  auto buffer = std::make_shared<Buffer>(bytes);
  return {buffer, static_cast<char*>(buffer->data())};
}

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
      block_(allocate(count_ * dtype_size(dtype))),
      data_(block_.get()) {}

void Variable::make_contiguous(const std::vector<VariablePtr>& variables) {
  int64_t total = 0;
  for (const auto& v : variables) {
    if (v->dtype_ != variables[0]->dtype_)
      throw std::invalid_argument("make_contiguous: expected variables of one dtype, got " +
                                  std::string(dtype_name(variables[0]->dtype_)) + " and " +
                                  dtype_name(v->dtype_));
    total += v->bytes();
  }
  std::shared_ptr<char> block = allocate(total);
  int64_t offset = 0;
  for (const auto& v : variables) {
    char* p = block.get() + offset;
    if (v->bytes() > 0) std::memcpy(p, v->data_, static_cast<size_t>(v->bytes()));
    offset += v->bytes();
    v->data_ = p;
    v->block_ = block;
  }
  g_storage_epoch.fetch_add(1);
}

uint64_t Variable::storage_epoch() { return g_storage_epoch.load(std::memory_order_relaxed); }

}  // namespace fastnn::graph
