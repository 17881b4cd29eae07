#include "graph/op.h"

#include <stdexcept>
#include <unordered_map>

namespace fastnn::graph {

const OpTable& op_table() {
  static const OpTable* table = [] {
    auto* t = new OpTable;
    add_leaf_ops(t);
    add_elementwise_ops(t);
    add_activation_ops(t);
    add_reduce_ops(t);
    add_matmul_ops(t);
    add_pairs_ops(t);
    add_convolution_ops(t);
    add_pooling_ops(t);
    add_shape_ops(t);
    add_index_ops(t);
    add_softmax_ops(t);
    add_recurrent_ops(t);
    add_image_ops(t);
    add_random_ops(t);
    add_loop_ops(t);
    add_tree_ops(t);
    add_optimizer_ops(t);
    return t;
  }();
  return *table;
}

const Op& find_op(const std::string& name) {
  static const auto* index = [] {
    auto* m = new std::unordered_map<std::string, const Op*>;
    for (const Op& op : op_table()) m->emplace(op.name, &op);
    return m;
  }();
  auto it = index->find(name);
  if (it == index->end()) throw std::invalid_argument("there is no op named '" + name + "'");
  return *it->second;
}

}  // namespace fastnn::graph
