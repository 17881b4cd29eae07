// The op table: each op is stated once, with its arity, attributes, shape rule, gradient rule and
// kernel id. Python names, stubs and the walk of the tests are generated from it.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "graph/node.h"

namespace fastnn::graph {

// How lowering treats the op.
enum class Kind {
  leaf,         // placeholder, variable, constant, parameter
  elementwise,  // a tile kernel, fusible
  view,         // another way to read the same storage
  reduce,
  sum_to_like,
  arg_reduce,
  matmul,
  pairs,
  recurrent,  // a whole recurrent layer
  convolution,
  pooling,
  rows,  // softmax and its kin over the last axis
  cross_entropy,
  concatenate,
  unslice,
  take,
  one_hot,
  image,
  random,
  fill,
  extent,
  loop,
  trees,  // a body over the levels of trees
  optimizer,
};

enum class Differentiable {
  yes,    // grad or compose is set
  zero,   // piecewise constant or not numeric: no gradient flows back
  never,  // asking for it is an error; `why` says why
};

struct AttrSpec {
  std::string name;
  std::string type;  // "int", "float", "bool", "str", "dtype", "ints", "shape", ...
};

struct Op {
  using Infer = std::function<std::vector<Type>(const Values& inputs, const Attrs& attrs)>;
  // Gradients of the inputs from those of the outputs (an empty Value: none).
  using Grad = std::function<Values(const Node& node, const Values& grads)>;
  // The same result from more primitive ops; gives ops with a kernel of their own a gradient.
  using Compose = std::function<Value(const Values& inputs, const Attrs& attrs)>;

  std::string name;
  Kind kind;
  int min_inputs;
  int max_inputs;  // -1: any number
  std::vector<AttrSpec> attrs;
  Infer infer = {};
  Grad grad = {};
  Compose compose = {};
  Differentiable differentiable = Differentiable::yes;
  std::string why = {};
  // Inputs that are taken as they are: a gradient by what they depend on is an error.
  std::vector<size_t> constant_inputs = {};
  std::vector<DType> dtypes = {};  // of the first input
  double flops = 1;                // per output element, for plans and rooflines
  bool second_order = true;        // its gradient is differentiable again
  std::string doc = {};            // one line: the formula
};

using OpTable = std::vector<Op>;
const OpTable& op_table();
const Op& find_op(const std::string& name);  // throws std::invalid_argument

// Families, one file each under ops/.
void add_leaf_ops(OpTable* table);
void add_elementwise_ops(OpTable* table);
void add_activation_ops(OpTable* table);
void add_reduce_ops(OpTable* table);
void add_matmul_ops(OpTable* table);
void add_pairs_ops(OpTable* table);
void add_convolution_ops(OpTable* table);
void add_pooling_ops(OpTable* table);
void add_shape_ops(OpTable* table);
void add_index_ops(OpTable* table);
void add_softmax_ops(OpTable* table);
void add_recurrent_ops(OpTable* table);
void add_image_ops(OpTable* table);
void add_random_ops(OpTable* table);
void add_loop_ops(OpTable* table);
void add_tree_ops(OpTable* table);
void add_optimizer_ops(OpTable* table);

inline const std::vector<DType> kFloats = {DType::f32, DType::f64};
inline const std::vector<DType> kNumbers = {DType::f32, DType::f64, DType::i32, DType::i64};
inline const std::vector<DType> kAll = {DType::f32, DType::f64, DType::i32,
                                        DType::i64, DType::u8,  DType::b8};

}  // namespace fastnn::graph
