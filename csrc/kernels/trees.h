// Rows of a level's children, and what these rows get from the level. Plain data only: see
// kernels.h for the conventions.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels {

// tree_children: left[i, :] = nodes[left_index[i], :], and right likewise, for i < count.
// ids: tree_children (f32, f64). Indices are in range: whoever calls has looked.
struct TreeChildrenArgs {
  void *left, *right;  // [count, width]
  const void* nodes;   // [.., width]
  const int64_t *left_index, *right_index;
  int64_t count, width;
};

// tree_children_grad: nodes[left_index[i], :] += left[i, :], i upwards, then the right ones
// likewise (never atomics: the bits are fixed). No row of nodes is one of left or right. ids:
// tree_children_grad (f32, f64). Errors: half an ULP for each addition.
struct TreeChildrenGradArgs {
  void* nodes;               // [.., width]
  const void *left, *right;  // [count, width]
  const int64_t *left_index, *right_index;
  int64_t count, width;
  int32_t distinct;  // 1: no number comes twice in the two indices together
};

}  // namespace fastnn::kernels
