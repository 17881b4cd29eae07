// Rows of a level's children: the specification.
#include "kernels/trees.h"

#include <cstring>

#include "kernels/reference/lists.h"
#include "kernels/reference/loops.h"

namespace fastnn::kernels::reference {
namespace {

template <class T>
void tree_children(const void* p, const Context*) {
  const auto& a = *static_cast<const TreeChildrenArgs*>(p);
  const T* nodes = static_cast<const T*>(a.nodes);
  auto take = [&](void* to, const int64_t* index) {
    const auto bytes = static_cast<size_t>(a.width) * sizeof(T);
    for (int64_t i = 0; i < a.count; ++i)
      std::memcpy(static_cast<T*>(to) + i * a.width, nodes + index[i] * a.width, bytes);
  };
  take(a.left, a.left_index);
  take(a.right, a.right_index);
}

template <class T>
void tree_children_grad(const void* p, const Context*) {
  const auto& a = *static_cast<const TreeChildrenGradArgs*>(p);
  auto add = [&](const void* from, const int64_t* index) {
    const T* g = static_cast<const T*>(from);
    for (int64_t i = 0; i < a.count; ++i, g += a.width) {
      T* sum = static_cast<T*>(a.nodes) + index[i] * a.width;
      for (int64_t j = 0; j < a.width; ++j) sum[j] += g[j];
    }
  };
  add(a.left, a.left_index);
  add(a.right, a.right_index);
}

const Entry kEntries[] = {
    entry("tree_children", DType::f32, tree_children<float>),
    entry("tree_children", DType::f64, tree_children<double>),
    entry("tree_children_grad", DType::f32, tree_children_grad<float>),
    entry("tree_children_grad", DType::f64, tree_children_grad<double>),
};

}  // namespace

const EntryList trees_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::reference
