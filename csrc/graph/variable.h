// Variables: named storage that outlives every program and may be shared by several.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/device.h"
#include "core/dtype.h"

namespace fastnn::graph {

enum class Role { parameter, state, hyperparameter, metric, counter };

const char* role_name(Role role);
Role role_from_name(const std::string& name);

class Variable {
 public:
  // Throws std::invalid_argument when the shape's product overflows, std::bad_alloc when memory
  // does not suffice. The storage is zeroed.
  Variable(DType dtype, std::vector<int64_t> shape, Role role, std::string name);

  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  int64_t count() const { return count_; }
  int64_t bytes() const { return count_ * dtype_size(dtype_); }
  Role role() const { return role_; }
  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

  // In the memory of device().
  void* data() const { return block_->memory->as<char>() + offset_; }
  const Device& device() const { return block_->memory->device(); }
  // Lives as long as someone holds it, also where the storage moves on.
  std::shared_ptr<Memory> memory() const { return block_->memory; }
  // Moves the storage to a device, with all variables that share its block. Programs notice by
  // storage_epoch and bind again.
  void move_to(const Device& device);
  // Copies bytes of the storage to or from the host, wherever it is.
  void read(void* to, int64_t start, int64_t bytes) const;
  void write(const void* from, int64_t start, int64_t bytes);

  // Moves the storage of all variables into one block, in order, keeping their values; it is where
  // the first one's was.
  static void make_contiguous(const std::vector<std::shared_ptr<Variable>>& variables);
  static uint64_t storage_epoch();

  // Whoever writes numbers of variables that others may be reading says so, before and after:
  // copies that a run made of them are old then.
  static void values_change();
  static uint64_t values_epoch();

 private:
  DType dtype_;
  std::vector<int64_t> shape_;
  int64_t count_;
  Role role_;
  std::string name_;
  struct Block {
    std::shared_ptr<Memory> memory;
  };
  std::shared_ptr<Block> block_;  // of several
  int64_t offset_ = 0;
};

using VariablePtr = std::shared_ptr<Variable>;

}  // namespace fastnn::graph
