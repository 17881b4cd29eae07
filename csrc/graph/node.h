// The computational graph: immutable nodes that share their inputs.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/dim.h"
#include "core/dtype.h"
#include "graph/variable.h"

namespace fastnn::graph {

struct Op;
struct Node;
struct SubGraph;
using NodePtr = std::shared_ptr<Node>;

constexpr size_t kMaxRank = 8;  // what kernels' arguments have room for

struct Type {
  DType dtype;
  Shape shape;
  std::string str() const { return std::string(dtype_name(dtype)) + shape_str(shape); }
};

// One output of a node.
struct Value {
  NodePtr node;
  int32_t index = 0;
  const Type& type() const;
  const Shape& shape() const { return type().shape; }
  DType dtype() const { return type().dtype; }
  int rank() const { return static_cast<int>(type().shape.size()); }
  explicit operator bool() const { return node != nullptr; }
  bool operator==(const Value& o) const { return node == o.node && index == o.index; }
  bool operator<(const Value& o) const {
    return node.get() != o.node.get() ? node.get() < o.node.get() : index < o.index;
  }
};

using Values = std::vector<Value>;

// The data of a constant: C order, any dtype.
struct ConstantData {
  Type type;
  std::vector<char> bytes;
};

using Attr = std::variant<bool, int64_t, double, std::string, DType, std::vector<int64_t>,
                          std::vector<double>, Shape, VariablePtr, std::vector<VariablePtr>,
                          std::shared_ptr<const ConstantData>, std::shared_ptr<const SubGraph>>;

class Attrs {
 public:
  Attrs() = default;
  Attrs(std::initializer_list<std::pair<const std::string, Attr>> items) : items_(items) {}
  template <class T>
  const T& get(const std::string& key) const {
    return std::get<T>(items_.at(key));
  }
  bool has(const std::string& key) const { return items_.count(key) != 0; }
  void set(const std::string& key, Attr value) { items_[key] = std::move(value); }
  const std::map<std::string, Attr>& items() const { return items_; }

 private:
  std::map<std::string, Attr> items_;
};

struct Node : std::enable_shared_from_this<Node> {
  const Op* op = nullptr;
  Values inputs;
  Attrs attrs;
  std::vector<Type> outputs;
  uint64_t id = 0;  // in order of creation, so inputs have smaller ids than their users
  std::string name;

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();  // iterative: a chain of a million nodes must not overflow the stack
};

inline const Type& Value::type() const { return node->outputs[static_cast<size_t>(index)]; }

// The body of a Loop: outputs as functions of parameter leaves (op "parameter").
struct SubGraph {
  Values parameters;
  Values outputs;
};

// Nodes reachable from the roots, inputs before users.
std::vector<NodePtr> topological_order(const Values& roots);

bool attrs_equal(const Attrs& a, const Attrs& b);
std::string attr_str(const Attr& a);

}  // namespace fastnn::graph
