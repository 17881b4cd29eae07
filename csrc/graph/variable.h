// Variables: named storage that outlives every program and may be shared by several.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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
  void* data() const { return data_; }

  // Moves the storage of all variables into one block, in order, keeping their values. Programs
  // notice by storage_epoch and bind again.
  static void make_contiguous(const std::vector<std::shared_ptr<Variable>>& variables);
  static uint64_t storage_epoch();

 private:
  DType dtype_;
  std::vector<int64_t> shape_;
  int64_t count_;
  Role role_;
  std::string name_;
  std::shared_ptr<char> block_;
  char* data_;
};

using VariablePtr = std::shared_ptr<Variable>;

}  // namespace fastnn::graph
