// Products of pairs of a row's elements: the specification.
#include "kernels/pairs.h"

#include <vector>

#include "kernels/reference/lists.h"
#include "kernels/reference/loops.h"

namespace fastnn::kernels::reference {
namespace {

template <class T>
void pairs(const void* p, const Context*) {
  const auto& a = *static_cast<const PairsArgs*>(p);
  const T* x = static_cast<const T*>(a.x);
  T* out = static_cast<T*>(a.out);
  for (int64_t r = 0; r < a.rows; ++r, x += a.n)
    for (int64_t i = 0; i < a.n; ++i)
      for (int64_t j = i; j < a.n; ++j) *out++ = x[i] * x[j];
}

template <class T>
void pairs_grad(const void* p, const Context*) {
  const auto& a = *static_cast<const PairsArgs*>(p);
  const T *x = static_cast<const T*>(a.x), *g = static_cast<const T*>(a.g);
  T* out = static_cast<T*>(a.out);
  for (int64_t r = 0; r < a.rows; ++r, x += a.n, out += a.n) {
    std::vector<double> sums(static_cast<size_t>(a.n), 0.0);
    for (int64_t i = 0; i < a.n; ++i)
      for (int64_t j = i; j < a.n; ++j, ++g) {
        sums[static_cast<size_t>(i)] += static_cast<double>(*g) * x[j];
        sums[static_cast<size_t>(j)] += static_cast<double>(*g) * x[i];
      }
    for (int64_t i = 0; i < a.n; ++i) out[i] = static_cast<T>(sums[static_cast<size_t>(i)]);
  }
}

const Entry kEntries[] = {
    entry("pairs", DType::f32, pairs<float>),
    entry("pairs", DType::f64, pairs<double>),
    entry("pairs_grad", DType::f32, pairs_grad<float>),
    entry("pairs_grad", DType::f64, pairs_grad<double>),
};

}  // namespace

const EntryList pairs_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::reference
