// Column sums of op(B), the bias gradient that goes with a weight gradient. Their order: four
// interleaved chains a chunk of K, the chunks added in order.
#pragma once
#include "kernels/cpu/matmul_block.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

template <class T>
FASTNN_INLINE vec<T> sum_rows(const T* b, int64_t ldb, int64_t depth, int64_t cols) {
  vec<T> s0 = zero<T>(), s1 = zero<T>(), s2 = zero<T>(), s3 = zero<T>();
  for (; depth >= 4; depth -= 4, b += 4 * ldb) {
    s0 += load_first(b, cols);
    s1 += load_first(b + ldb, cols);
    s2 += load_first(b + 2 * ldb, cols);
    s3 += load_first(b + 3 * ldb, cols);
  }
  if (depth > 0) s0 += load_first(b, cols);
  if (depth > 1) s1 += load_first(b + ldb, cols);
  if (depth > 2) s2 += load_first(b + 2 * ldb, cols);
  return (s0 + s1) + (s2 + s3);
}

template <class T>
FASTNN_INLINE T sum_row(const T* b, int64_t depth) {
  T s[4] = {};
  for (int64_t k = 0; k < depth; ++k) s[k % 4] += b[k];
  return (s[0] + s[1]) + (s[2] + s[3]);
}

// out[j] = the sum of the columns [j0, j1) over one chunk, or what stands there and that sum.
template <class T>
void sum_chunk(T* out, const Product<T>& p, int64_t j0, int64_t j1, int64_t k0, int64_t depth,
               bool accumulate) {
  if (p.trans_b) {
    for (int64_t j = j0; j < j1; ++j) {
      const T sum = sum_row(p.b + j * p.ldb + k0, depth);
      out[j] = accumulate ? out[j] + sum : sum;
    }
    return;
  }
  for (int64_t j = j0; j < j1; j += kLanes<T>) {
    const int64_t cols = min_of(j1 - j, kLanes<T>);
    const vec<T> sum = sum_rows(p.b + k0 * p.ldb + j, p.ldb, depth, cols);
    store_first(out + j, accumulate ? load_first(out + j, cols) + sum : sum, cols);
  }
}

template <class T>
void sum_columns(T* out, const Product<T>& p, int64_t j0, int64_t j1) {
  const Chunks chunks = chunks_of(p);
  for (int64_t q = 0; q < chunks.count; ++q) {
    const int64_t k0 = q * chunks.length;
    sum_chunk(out, p, j0, j1, k0, min_of(chunks.length, p.k - k0), q > 0);
  }
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
