// Matmul: the choice of a path, and the split over threads.
#pragma once
#include "kernels/cpu/lists.h"
#include "kernels/cpu/matmul_block.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Multiply-adds from which on threads pay.
constexpr double kThreadWork = 64.0 * 64 * 64;

// out[j] = sum over k of op(B)[k, j] for the columns [j0, j1): four interleaved chains a chunk.
template <class T>
void column_sums(T* out, const Product<T>& p, int64_t j0, int64_t j1) {
  constexpr int L = kLanes<T>;
  const Chunks chunks = chunks_of(p.k);
  for (int64_t j = j0; j < j1; j += L) {
    const int64_t cols = min_of(j1 - j, L);
    vec<T> total = zero<T>();
    for (int64_t k0 = 0; k0 < p.k; k0 += chunks.length) {
      const int64_t depth = min_of(chunks.length, p.k - k0);
      const T* b = p.b + k0 * p.ldb + j;
      vec<T> sum[4] = {};
      int64_t k = 0;
      for (; k + 4 <= depth; k += 4, b += 4 * p.ldb)
#pragma GCC unroll 4
        for (int q = 0; q < 4; ++q) sum[q] += load_first(b + q * p.ldb, cols);
      for (; k < depth; ++k, b += p.ldb) sum[0] += load_first(b, cols);
      const vec<T> chunk = (sum[0] + sum[1]) + (sum[2] + sum[3]);
      total = k0 == 0 ? chunk : total + chunk;
    }
    store_first(out + j, total, cols);
  }
}

// The same for a transposed B: its columns are rows, summed in the same order.
template <class T>
void column_sums_transposed(T* out, const Product<T>& p, int64_t j0, int64_t j1) {
  const Chunks chunks = chunks_of(p.k);
  for (int64_t j = j0; j < j1; ++j) {
    T total = 0;
    for (int64_t k0 = 0; k0 < p.k; k0 += chunks.length) {
      const int64_t depth = min_of(chunks.length, p.k - k0);
      const T* b = p.b + j * p.ldb + k0;
      T sum[4] = {};
      int64_t k = 0;
      for (; k + 4 <= depth; k += 4)
        for (int q = 0; q < 4; ++q) sum[q] += b[k + q];
      for (; k < depth; ++k) sum[0] += b[k];
      const T chunk = (sum[0] + sum[1]) + (sum[2] + sum[3]);
      total = k0 == 0 ? chunk : total + chunk;
    }
    out[j] = total;
  }
}

template <class T>
void sum_columns(T* out, const Product<T>& p, int64_t j0, int64_t j1) {
  p.trans_b ? column_sums_transposed(out, p, j0, j1) : column_sums(out, p, j0, j1);
}

template <class T>
Product<T> product_of(const MatmulArgs& g, int64_t c0, int64_t a0, int64_t b0) {
  Product<T> p;
  p.c = static_cast<T*>(g.c) + c0;
  p.a = static_cast<const T*>(g.a) + a0;
  p.b = static_cast<const T*>(g.b) + b0;
  p.bias = static_cast<const T*>(g.bias);
  p.aux = g.aux ? static_cast<const T*>(g.aux) + c0 : nullptr;
  p.m = g.m, p.n = g.n, p.k = g.k;
  p.lda = g.lda, p.ldb = g.ldb, p.ldc = g.ldc, p.ldaux = g.ldaux;
  p.trans_a = g.trans_a != 0, p.trans_b = g.trans_b != 0;
  p.epilogue = g.epilogue;
  p.epilogue_tile = g.epilogue_tile;
  p.epilogue_params = g.epilogue_params;
  // A transposed B whose columns lie together is an ordinary one.
  if (p.trans_b && (p.n == 1 || (p.k == 1 && p.ldb == 1))) {
    p.trans_b = false;
    p.ldb = 1;
  }
  return p;
}

template <class T>
void matmul(const void* args, const Context* ctx) {
  const MatmulArgs& g = *static_cast<const MatmulArgs*>(args);
  int64_t count = 1;
  for (int d = 0; d < g.batch_rank; ++d) count *= g.batch_shape[d];
  for (int64_t q = 0; q < count; ++q) {
    int64_t a = 0, b = 0, c = 0, rest = q;
    for (int d = g.batch_rank - 1; d >= 0; --d) {
      const int64_t i = rest % g.batch_shape[d];
      rest /= g.batch_shape[d];
      a += i * g.batch_a[d], b += i * g.batch_b[d], c += i * g.batch_c[d];
    }
    const Product<T> p = product_of<T>(g, c, a, b);
    if (g.colsum_b) sum_columns(static_cast<T*>(g.colsum_b) + q * p.n, p, 0, p.n);
    multiply_block(p, Block{0, p.m, 0, p.n}, static_cast<T*>(ctx->workspace));
  }
}

template <class T>
size_t workspace(const void* args, int32_t threads) {
  const MatmulArgs& g = *static_cast<const MatmulArgs*>(args);
  return static_cast<size_t>(threads * pack_elements<T>(g.m, g.n, g.k)) * sizeof(T);
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
