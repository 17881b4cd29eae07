// Products of pairs of a row's elements. Plain data only: see kernels.h for the conventions.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels {

// pairs: out[r, p(i, j)] = x[r, i] x[r, j] for i <= j < n, where p counts the pairs in the order
// (0, 0), (0, 1), ..., (0, n-1), (1, 1), ...: x^T V x is a product with what out holds, at half the
// price, V's two elements for a pair added up before.
// pairs_grad: out[r, k] = sum_j g[r, p(k, j)] x[r, j], p of either order, the pair (k, k) counted
// twice: the gradient of x from that of the pairs.
// ids: pairs, pairs_grad (f32, f64). Errors: half an ULP; n * eps * sum |g| |x|. The order of a sum
// depends on n alone.
struct PairsArgs {
  void* out;      // [rows, n (n + 1) / 2]; the gradient [rows, n]
  const void* x;  // [rows, n]
  const void* g;  // the gradient's: [rows, n (n + 1) / 2]
  int64_t rows, n;
};

}  // namespace fastnn::kernels
