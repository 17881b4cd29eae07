// Matrix products. Element (i, j) is one chain of fma over k = 0 .. K-1 in every kernel here, so a
// row's bits depend neither on M nor on which kernel runs. Large products are cublasLt's where that
// is found (cublas.h).
#include <cmath>
#include <type_traits>

#include "kernels/cuda/bodies/matmul.h"
#include "kernels/cuda/cublas.h"
#include "kernels/cuda/lists.h"
#include "kernels/cuda/matmul_tiles.h"
#include "kernels/cuda/reduce.h"

namespace fastnn::kernels::cuda {
namespace {

// What cublasLt has left to do: bias and activation, in place. A block does rows.
template <class T>
__device__ void finish(const Grid& grid, const Product& p, bool bias, int64_t count) {
  for (int64_t row = grid.block.x; row < count * p.m; row += grid.blocks.x) {
    const int64_t i = row % p.m, offset = offsets_of(p, row / p.m).c;
    T* c = static_cast<T*>(p.c) + offset + i * p.ldc;
    for (int64_t j = grid.thread; j < p.n; j += grid.threads) {
      const T sum = bias ? c[j] + static_cast<const T*>(p.bias)[j] : c[j];
      c[j] = activated(p, offset, i, j, sum);
    }
  }
}

// Those of op(B)'s columns, for the product of the batch whose B is at `offset`.
template <class T>
ReduceArgs sums_of(const MatmulArgs& g, int64_t product, int64_t offset) {
  return column_sums(static_cast<T*>(g.colsum_b) + product * g.n,
                     static_cast<const T*>(g.b) + offset, g.k, g.n, g.trans_b ? 1 : g.ldb,
                     g.trans_b ? g.ldb : 1);
}

template <class T>
void sum_columns(const MatmulArgs& g, int64_t count, const Context* ctx) {
  if constexpr (std::is_floating_point_v<T>) {
    for (int64_t product = 0; product < count; ++product) {
      int64_t offset = 0, rest = product;
      for (int d = g.batch_rank - 1; d >= 0; --d) {
        offset += rest % g.batch_shape[d] * g.batch_b[d];
        rest /= g.batch_shape[d];
      }
      const ReduceArgs sums = sums_of<T>(g, product, offset);
      reduce_sum<T>(&sums, ctx);
    }
  }
}

Product product_of(const MatmulArgs& g, int64_t* count) {
  Product p{};
  p.c = g.c, p.a = g.a, p.b = g.b, p.bias = g.bias, p.aux = g.aux;
  p.m = g.m, p.n = g.n, p.k = g.k;
  p.a_row = g.trans_a ? 1 : g.lda, p.a_k = g.trans_a ? g.lda : 1;
  p.b_k = g.trans_b ? 1 : g.ldb, p.b_col = g.trans_b ? g.ldb : 1;
  p.ldc = g.ldc, p.ldaux = g.ldaux;
  p.epilogue = g.epilogue;
  p.batch_rank = g.batch_rank;
  *count = 1;
  for (int d = 0; d < g.batch_rank; ++d) {
    p.batch_shape[d] = g.batch_shape[d];
    p.batch_a[d] = g.batch_a[d], p.batch_b[d] = g.batch_b[d], p.batch_c[d] = g.batch_c[d];
    *count *= g.batch_shape[d];
  }
  return p;
}

// A thread for each element: the launch is what costs.
bool is_tiny(const Product& p) {
  constexpr int64_t kDepth = 64, kElements = 4096;
  return p.k <= kDepth && p.m * p.n < kElements;
}

template <class T>
void multiply_here(const Product& p, int64_t count, const Context* ctx) {
  constexpr int64_t kMostProducts = 65535;  // of a grid
  if (count * p.m * p.n == 0) return;
  if (is_tiny(p) || count > kMostProducts)
    return launch<product_small<T>>(ctx, blocks_for(count * p.m * p.n), kThreads, p, count);
  multiply_by_tiles<T>(p, count, ctx);
  same_as<product_small<T>>(ctx, p, count);
}

// False where cublasLt does not do it.
template <class T>
bool multiply_there(const MatmulArgs& g, const Product& p, int64_t count, const Context* ctx) {
  if constexpr (std::is_floating_point_v<T>) {
    bool biased = false;
    if (!is_large(g) || !multiply_large<T>(g, ctx, &biased)) return false;
    const bool bias = g.bias && !biased;
    if (bias || g.epilogue != Epilogue::none)
      launch<finish<T>>(ctx, blocks_for(count * g.m, 1), kThreads, p, bias, count);
    return true;
  }
  return false;
}

template <class T>
void matmul(const void* args, const Context* ctx) {
  const auto& g = *static_cast<const MatmulArgs*>(args);
  if (g.epilogue == Epilogue::tile) return fail("an epilogue is relu or none");
  int64_t count;
  const Product p = product_of(g, &count);
  if (!multiply_there<T>(g, p, count, ctx)) multiply_here<T>(p, count, ctx);
  if (g.colsum_b) sum_columns<T>(g, count, ctx);
}

template <class T>
size_t workspace(const void* args, int32_t) {
  const auto& g = *static_cast<const MatmulArgs*>(args);
  const size_t sums = g.colsum_b ? reduce_workspace(sums_of<T>(g, 0, 0)) : 0;
  const size_t product = is_large(g) ? large_workspace() : 0;
  return sums > product ? sums : product;
}

const Entry kEntries[] = {
    {"matmul", DType::f32, matmul<float>, nullptr, workspace<float>},
    {"matmul", DType::f64, matmul<double>, nullptr, workspace<double>},
    {"matmul", DType::i32, matmul<int32_t>, nullptr, nullptr},
    {"matmul", DType::i64, matmul<int64_t>, nullptr, nullptr},
};

}  // namespace

const EntryList matmul_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
