// Rows of a level's children, and what these rows get from the level. A level is small: one launch
// does both sides.
#include "kernels/cuda/launch.h"
#include "kernels/cuda/lists.h"
#include "kernels/trees.h"

namespace fastnn::kernels::cuda {
namespace {

template <class T>
__device__ void take_children(const Grid& grid, const TreeChildrenArgs& a) {
  const int64_t side = a.count * a.width;
  for (int64_t e = grid.first_index(); e < 2 * side; e += grid.all_threads()) {
    const bool right = e >= side;
    const int64_t at = right ? e - side : e, i = at / a.width;
    const int64_t child = (right ? a.right_index : a.left_index)[i];
    static_cast<T*>(right ? a.right : a.left)[at] =
        static_cast<const T*>(a.nodes)[child * a.width + at - i * a.width];
  }
}

template <class T>
void tree_children(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TreeChildrenArgs*>(args);
  launch<take_children<T>>(ctx, blocks_for(2 * a.count * a.width), kThreads, a);
}

// Where each child has one parent, as in a tree: a thread for each element of its sum.
template <class T>
__device__ void add_to_each(const Grid& grid, const TreeChildrenGradArgs& a) {
  const int64_t side = a.count * a.width;
  for (int64_t e = grid.first_index(); e < 2 * side; e += grid.all_threads()) {
    const bool right = e >= side;
    const int64_t at = right ? e - side : e, i = at / a.width;
    const int64_t child = (right ? a.right_index : a.left_index)[i];
    static_cast<T*>(a.nodes)[child * a.width + at - i * a.width] +=
        static_cast<const T*>(right ? a.right : a.left)[at];
  }
}

// Where one may have several: a thread for each column adds in the order of the parents.
template <class T>
__device__ void add_in_order(const Grid& grid, const TreeChildrenGradArgs& a) {
  for (int64_t j = grid.first_index(); j < a.width; j += grid.all_threads())
    for (int side = 0; side < 2; ++side) {
      const int64_t* index = side ? a.right_index : a.left_index;
      const T* g = static_cast<const T*>(side ? a.right : a.left);
      for (int64_t i = 0; i < a.count; ++i)
        static_cast<T*>(a.nodes)[index[i] * a.width + j] += g[i * a.width + j];
    }
}

template <class T>
void tree_children_grad(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TreeChildrenGradArgs*>(args);
  if (a.distinct)
    launch<add_to_each<T>>(ctx, blocks_for(2 * a.count * a.width), kThreads, a);
  else
    launch<add_in_order<T>>(ctx, blocks_for(a.width), kThreads, a);
}

const Entry kEntries[] = {
    {"tree_children", DType::f32, tree_children<float>, nullptr, nullptr},
    {"tree_children", DType::f64, tree_children<double>, nullptr, nullptr},
    {"tree_children_grad", DType::f32, tree_children_grad<float>, nullptr, nullptr},
    {"tree_children_grad", DType::f64, tree_children_grad<double>, nullptr, nullptr},
};

}  // namespace

const EntryList trees_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
