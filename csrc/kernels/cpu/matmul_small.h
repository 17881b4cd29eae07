// The path of small products: no packing, no blocks, no threads. A network of a few dozen neurons
// spends its time here, so there is nothing to set up but the tile's arguments.
#pragma once
#include "kernels/cpu/matmul_sum.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kSmallWork = 64 * 64 * 64;

// One chunk of K, and little enough work; the bounds on m and n keep the product from overflowing.
FASTNN_INLINE bool is_small(const MatmulArgs& g) {
  return g.batch_rank == 0 && g.k <= kChunk && g.m <= 1 << 20 && g.n <= 1 << 20 &&
         g.m * g.n * g.k <= kSmallWork;
}

template <class T>
FASTNN_INLINE void small_tiles(const TileArgs<T>& first, const MatmulArgs& g, int64_t cols) {
  const TileKernel<T>* kernels = tile_kernels<T>(cols, g.trans_a);
  if (g.m <= kTileRows) {
    if (g.m > 0) kernels[g.m - 1](first);
    return;
  }
  const Heights heights = heights_of(g.m);
  TileArgs<T> t = first;
  int64_t rows;
  for (int64_t i = 0, q = 0; i < g.m; i += rows, ++q) {
    rows = heights.height + (q < heights.extra);
    kernels[rows - 1](t);
    t.a += rows * (g.trans_a ? 1 : g.lda);
    t.c += rows * g.ldc;
    if (t.aux) t.aux += rows * g.ldaux;
  }
}

template <class T>
FASTNN_INLINE TileArgs<T> small_tile_args(const MatmulArgs& g) {
  TileArgs<T> t;
  t.a = static_cast<const T*>(g.a);
  t.sa = g.lda * static_cast<int64_t>(sizeof(T));
  t.b = static_cast<const T*>(g.b);
  t.sb = g.ldb;
  t.k = g.k;
  t.c = static_cast<T*>(g.c);
  t.ldc = g.ldc;
  t.bias = static_cast<const T*>(g.bias);
  t.aux = static_cast<const T*>(g.aux);
  t.ldaux = g.ldaux;
  t.accumulate = false;
  t.epilogue = g.epilogue;
  return t;
}

template <class T>
FASTNN_INLINE void next_columns(TileArgs<T>& t) {
  t.c += kTileCols<T>;
  if (t.bias) t.bias += kTileCols<T>;
  if (t.aux) t.aux += kTileCols<T>;
}

template <class T>
FASTNN_INLINE int64_t tail_of(int64_t cols) {
  return cols > kLanes<T> ? cols - kLanes<T> : cols;
}

template <class T>
void small_normal(const MatmulArgs& g, int64_t ldb) {
  TileArgs<T> t = small_tile_args<T>(g);
  t.sb = ldb;
  for (int64_t left = g.n; left > 0; left -= kTileCols<T>) {
    const int64_t cols = min_of(left, kTileCols<T>);
    t.tail = tail_of<T>(cols);
    small_tiles(t, g, cols);
    next_columns(t);
    t.b += kTileCols<T>;
  }
}

// B is turned on the stack, a panel at a time.
template <class T>
__attribute__((noinline)) void small_transposed(const MatmulArgs& g) {
  alignas(64) T panel[kChunk * kTileCols<T>];
  TileArgs<T> t = small_tile_args<T>(g);
  const T* b = t.b;
  t.b = panel;
  for (int64_t left = g.n; left > 0; left -= kTileCols<T>, b += kTileCols<T> * g.ldb) {
    const int64_t cols = min_of(left, kTileCols<T>);
    pack_b_panel(panel, b, g.ldb, true, cols, g.k);
    t.tail = tail_of<T>(cols);
    t.sb = cols > kLanes<T> ? kTileCols<T> : kLanes<T>;
    small_tiles(t, g, cols);
    next_columns(t);
  }
}

template <class T>
void small_extras(const MatmulArgs& g, const Product<T>& p) {
  if (g.colsum_b) sum_chunk(static_cast<T*>(g.colsum_b), p, 0, p.n, 0, p.k, false);
  if (g.epilogue == Epilogue::tile) apply_epilogue_tile(p, 0, p.m, 0, p.n);
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
