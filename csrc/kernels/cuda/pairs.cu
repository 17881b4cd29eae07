// Products of pairs of a row's elements. A row's pairs are n runs, of n, n - 1, ..., 1 elements.
#include <cmath>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/lists.h"
#include "kernels/pairs.h"

namespace fastnn::kernels::cuda {
namespace {

constexpr int kAcross = 32, kDown = kThreads / kAcross;

// Where the pair (i, i) stands among a row's.
__device__ int64_t run_of(int64_t i, int64_t n) { return i * n - i * (i - 1) / 2; }

// A block for each row, the threads of a warp along a run.
template <class T>
__device__ void pairs_of_rows(const Grid& grid, const PairsArgs& a) {
  const int64_t n = a.n;
  for (int64_t r = grid.block.x; r < a.rows; r += grid.blocks.x) {
    const T* x = static_cast<const T*>(a.x) + r * n;
    T* out = static_cast<T*>(a.out) + r * run_of(n, n);
    for (int64_t i = grid.thread / kAcross; i < n; i += kDown)
      for (int64_t j = i + grid.thread % kAcross; j < n; j += kAcross)
        out[run_of(i, n) + j - i] = x[i] * x[j];
  }
}

// out[r, k] = sum_j g[r, p(k, j)] x[r, j], with (k, k) twice; j upwards.
template <class T>
__device__ void pairs_gradient(const Grid& grid, const PairsArgs& a) {
  const int64_t n = a.n;
  for (int64_t e = grid.first_index(); e < a.rows * n; e += grid.all_threads()) {
    const int64_t r = e / n, k = e - r * n;
    const T* x = static_cast<const T*>(a.x) + r * n;
    const T* g = static_cast<const T*>(a.g) + r * run_of(n, n);
    double sum = 0;
    for (int64_t j = 0; j < k; ++j)
      sum = std::fma(static_cast<double>(g[run_of(j, n) + k - j]), static_cast<double>(x[j]), sum);
    const T* own = g + run_of(k, n) - k;
    sum = std::fma(2.0 * own[k], static_cast<double>(x[k]), sum);
    for (int64_t j = k + 1; j < n; ++j)
      sum = std::fma(static_cast<double>(own[j]), static_cast<double>(x[j]), sum);
    static_cast<T*>(a.out)[e] = static_cast<T>(sum);
  }
}

template <class T>
void pairs(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const PairsArgs*>(args);
  launch<pairs_of_rows<T>>(ctx, blocks_for(a.rows, 1), kThreads, a);
}

template <class T>
void pairs_grad(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const PairsArgs*>(args);
  launch<pairs_gradient<T>>(ctx, blocks_for(a.rows * a.n), kThreads, a);
}

const Entry kEntries[] = {
    {"pairs", DType::f32, pairs<float>, nullptr, nullptr},
    {"pairs", DType::f64, pairs<double>, nullptr, nullptr},
    {"pairs_grad", DType::f32, pairs_grad<float>, nullptr, nullptr},
    {"pairs_grad", DType::f64, pairs_grad<double>, nullptr, nullptr},
};

}  // namespace

const EntryList pairs_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
