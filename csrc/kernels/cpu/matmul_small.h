// The path of small products: no packing, no blocks, no threads. A network of a few dozen neurons
// spends its time here, so there is nothing to set up but the tile's arguments.
#pragma once
#include "kernels/cpu/matmul_sum.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kSmallWork = 64 * 64 * 64;
constexpr int64_t kSmallDepth = 256;
static_assert(kSmallDepth <= kChunk, "a small product has one chunk");

// Little enough work; the bounds on m and n keep the product from overflowing.
FASTNN_INLINE bool is_small(const MatmulArgs& g) {
  return g.batch_rank == 0 && g.k <= kSmallDepth && !is_narrow(g.n, g.k) && g.m <= 1 << 20 &&
         g.n <= 1 << 20 && g.m * g.n * g.k <= kSmallWork;
}

// One panel of B, as [k][cols] with k stride sb, from column j on.
template <class T>
FASTNN_INLINE void small_panel(const MatmulArgs& g, const T* b, int64_t sb, int64_t j,
                               int64_t cols) {
  const T* a = static_cast<const T*>(g.a);
  const int64_t sa = g.lda * static_cast<int64_t>(sizeof(T));
  const TileKernel<T>* kernels = tile_kernels<T>(cols, g.trans_a);
  TileEnd<T> end;
  end.c = static_cast<T*>(g.c) + j;
  end.ldc = g.ldc;
  end.tail = tail_of<T>(cols);
  end.bias = g.bias ? static_cast<const T*>(g.bias) + j : nullptr;
  end.aux = static_cast<const T*>(g.aux) + (g.aux ? j : 0);
  end.ldaux = g.ldaux;
  end.accumulate = false;
  end.epilogue = g.epilogue;
  if (g.m <= kTileRows) {
    if (g.m > 0) kernels[g.m - 1](a, sa, b, sb, g.k, end);
    return;
  }
  const Heights heights = heights_of(g.m);
  int64_t rows;
  for (int64_t i = 0, q = 0; i < g.m; i += rows, ++q) {
    rows = heights.height + (q < heights.extra);
    kernels[rows - 1](a, sa, b, sb, g.k, end);
    a += rows * (g.trans_a ? 1 : g.lda);
    end.c += rows * g.ldc;
    if (g.aux) end.aux += rows * g.ldaux;
  }
}

template <class T>
__attribute__((noinline)) void small_normal(const MatmulArgs& g, int64_t ldb) {
  const T* b = static_cast<const T*>(g.b);
  int64_t j = 0;
  do {
    small_panel(g, b + j, ldb, j, min_of(g.n - j, kTileCols<T>));
    j += kTileCols<T>;
  } while (j < g.n);
}

// B is turned on the stack, a panel at a time.
template <class T>
__attribute__((noinline)) void small_transposed(const MatmulArgs& g) {
  alignas(64) T panel[kSmallDepth * kTileCols<T>];
  const T* b = static_cast<const T*>(g.b);
  int64_t j = 0;
  do {
    const int64_t cols = min_of(g.n - j, kTileCols<T>);
    pack_b_panel(panel, b + j * g.ldb, g.ldb, true, cols, g.k);
    small_panel(g, panel, cols > kLanes<T> ? kTileCols<T> : kLanes<T>, j, cols);
    j += kTileCols<T>;
  } while (j < g.n);
}

template <class T>
__attribute__((noinline)) void small_column_sums(const MatmulArgs& g) {
  const T* b = static_cast<const T*>(g.b);
  T* out = static_cast<T*>(g.colsum_b);
  if (g.trans_b) {
    for (int64_t j = 0; j < g.n; ++j) out[j] = sum_row(b + j * g.ldb, g.k);
    return;
  }
  for (int64_t j = 0; j < g.n; j += kLanes<T>) {
    const int64_t cols = min_of(g.n - j, kLanes<T>);
    store_first(out + j, sum_rows(b + j, g.ldb, g.k, cols), cols);
  }
}

// Rows that lie one after the other are one call: a few elements take as long as a vector.
template <class T>
__attribute__((noinline)) void small_epilogue_tile(const MatmulArgs& g) {
  if (g.ldc == g.n && (!g.aux || g.ldaux == g.n)) {
    const void* in[2] = {g.c, g.aux};
    return g.epilogue_tile(g.c, in, g.m * g.n, g.epilogue_params);
  }
  for (int64_t i = 0; i < g.m; ++i) {
    T* c = static_cast<T*>(g.c) + i * g.ldc;
    const void* in[2] = {c, g.aux ? static_cast<const T*>(g.aux) + i * g.ldaux : nullptr};
    g.epilogue_tile(c, in, g.n, g.epilogue_params);
  }
}

template <class T>
FASTNN_INLINE void multiply_small(const MatmulArgs& g) {
  if (g.n == 0) return;
  if (g.colsum_b) small_column_sums<T>(g);
  if (!g.trans_b)
    small_normal<T>(g, g.ldb);
  else if (g.n == 1 || (g.k == 1 && g.ldb == 1))
    small_normal<T>(g, 1);  // what is transposed is one row
  else
    small_transposed<T>(g);
  if (g.epilogue == Epilogue::tile) small_epilogue_tile<T>(g);
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
