// Matmul on one thread: blocks, packing and the walk over tiles.
#pragma once
#include "kernels/cpu/matmul_narrow.h"
#include "kernels/cpu/matmul_turned.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// A part of C.
struct Block {
  int64_t m0, m1, n0, n1;
};

// Rows of A in one packed block (it fits the second-level cache), columns of B likewise (third).
constexpr int64_t kBlockRows = 168;
template <class T>
constexpr int64_t kBlockCols = 64 * kTileCols<T>;

// Elements of workspace for the block; grows with each of its arguments.
template <class T>
int64_t pack_elements(int64_t m, int64_t n, int64_t k) {
  const int64_t depth = min_of(k, kChunk);
  const int64_t cols = ceil_div(min_of(n, kBlockCols<T>), kTileCols<T>) * kTileCols<T>;
  return depth * cols + depth * min_of(m, kBlockRows) + 2 * kLanes<T>;
}

// Heights of the tiles that cover `rows` rows: the first `extra` are one row higher.
struct Heights {
  int64_t height, extra;
};
inline Heights heights_of(int64_t rows) {
  const int64_t tiles = ceil_div(rows, kTileRows);
  return {rows / tiles, rows % tiles};
}

template <class T>
struct Walk {
  const Product<T>& p;
  bool pack_a, pack_b;
  T* packed_a;
  const T* packed_b;
  int64_t k0, depth;
  bool first, last;  // chunk
};

// All tiles of the rows [i0, i1) and columns [j0, j1).
template <class T>
void walk_tiles(const Walk<T>& w, int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
  const Product<T>& p = w.p;
  const bool rows_adjacent = w.pack_a || p.trans_a;
  constexpr int64_t size = sizeof(T);
  const Heights heights = heights_of(i1 - i0);
  TileEnd<T> t;
  t.ldc = p.ldc;
  t.ldaux = p.ldaux;
  t.accumulate = !w.first;
  t.epilogue = w.last ? p.epilogue : Epilogue::none;
  const bool wide = i1 - i0 <= kWideRows && !w.pack_b;
  int64_t cols;
  for (int64_t j = j0; j < j1; j += cols) {
    const bool wide_here = wide && j1 - j >= kWideCols<T>;
    cols = wide_here ? kWideCols<T> : min_of(j1 - j, kTileCols<T>);
    const TileKernel<T>* kernels =
        wide_here ? wide_kernels<T>(rows_adjacent) : tile_kernels<T>(cols, rows_adjacent);
    const T* b = w.pack_b ? w.packed_b + (j - j0) * w.depth : p.b + w.k0 * p.ldb + j;
    const int64_t sb = w.pack_b ? (cols > kLanes<T> ? 2 : 1) * kLanes<T> : p.ldb;
    t.tail = tail_of<T>(cols);
    t.bias = w.last && p.bias ? p.bias + j : nullptr;
    int64_t rows;
    for (int64_t i = i0, q = 0; i < i1; i += rows, ++q) {
      rows = heights.height + (q < heights.extra);
      t.c = p.c + i * p.ldc + j;
      t.aux = p.aux ? p.aux + i * p.ldaux + j : nullptr;
      if (w.pack_a)
        kernels[rows - 1](w.packed_a + (i - i0) * w.depth, rows * size, b, sb, w.depth, t);
      else
        kernels[rows - 1](p.a + (p.trans_a ? w.k0 * p.lda + i : i * p.lda + w.k0), p.lda * size, b,
                          sb, w.depth, t);
    }
  }
}

// The columns [j0, j1) of a chunk of K.
template <class T>
void pack_b_block(T* out, const Product<T>& p, int64_t k0, int64_t depth, int64_t j0, int64_t j1) {
  for (int64_t j = j0; j < j1; j += kTileCols<T>)
    pack_b_panel(out + (j - j0) * depth, p.trans_b ? p.b + j * p.ldb + k0 : p.b + k0 * p.ldb + j,
                 p.ldb, p.trans_b, min_of(j1 - j, kTileCols<T>), depth);
}

// Where matmul_pack has the columns from j0 on of the chunk at k0: chunk after chunk, panels in
// each.
template <class T>
int64_t packed_offset(const Product<T>& p, int64_t k0, int64_t depth, int64_t j0) {
  return k0 * ceil_div(p.n, kTileCols<T>) * kTileCols<T> + j0 * depth;
}

// The columns [j0, j1) of all chunks, each at its packed_offset.
template <class T>
void pack_b_columns(T* out, const Product<T>& p, int64_t j0, int64_t j1) {
  const Chunks chunks = chunks_of(p);
  for (int64_t k0 = 0; k0 < p.k; k0 += chunks.length) {
    const int64_t depth = min_of(chunks.length, p.k - k0);
    pack_b_block(out + packed_offset(p, k0, depth, j0), p, k0, depth, j0, j1);
  }
}

template <class T>
void pack_a_block(const Walk<T>& w, int64_t i0, int64_t i1) {
  const Product<T>& p = w.p;
  const Heights heights = heights_of(i1 - i0);
  int64_t rows;
  for (int64_t i = i0, q = 0; i < i1; i += rows, ++q) {
    rows = heights.height + (q < heights.extra);
    pack_a_panel(w.packed_a + (i - i0) * w.depth,
                 p.trans_a ? p.a + w.k0 * p.lda + i : p.a + i * p.lda + w.k0, p.lda, p.trans_a,
                 rows, w.depth);
  }
}

template <class T>
void apply_epilogue_tile(const Product<T>& p, int64_t i0, int64_t i1, int64_t j0, int64_t j1) {
  const bool whole = j0 == 0 && j1 == p.ldc && (!p.aux || j1 == p.ldaux);
  if (whole) {  // rows that lie one after the other
    T* c = p.c + i0 * p.ldc;
    const void* in[2] = {c, p.aux ? p.aux + i0 * p.ldaux : nullptr};
    return p.epilogue_tile(c, in, (i1 - i0) * p.ldc, p.epilogue_params);
  }
  for (int64_t i = i0; i < i1; ++i) {
    T* c = p.c + i * p.ldc + j0;
    const void* in[2] = {c, p.aux ? p.aux + i * p.ldaux + j0 : nullptr};
    p.epilogue_tile(c, in, j1 - j0, p.epilogue_params);
  }
}

// A few rows: multiply_turned or multiply_rows. The latter's sums wait for each other where the
// columns are few.
template <class T>
bool is_thin(const Product<T>& p, int64_t m, int64_t n) {
  return m <= kThinRows && !p.packed_b && (p.trans_b || n >= kThinCols<T>);
}

template <class T>
void multiply_block(const Product<T>& p, const Block& block, T* workspace) {
  const int64_t m = block.m1 - block.m0, n = block.n1 - block.n0;
  if (m <= 0 || n <= 0) return;
  if (p.narrow || is_thin(p, m, n)) {
    if (p.narrow)
      multiply_narrow(p, block.m0, block.m1);
    else if (p.trans_b)
      multiply_turned(p, block.m0, m, block.n0, block.n1);
    else
      multiply_rows(p, block.m0, m, block.n0, block.n1);
    if (p.epilogue == Epilogue::tile)
      apply_epilogue_tile(p, block.m0, block.m1, block.n0, block.n1);
    return;
  }
  const Chunks chunks = chunks_of(p);
  Walk<T> w{p, false, false, nullptr, nullptr, 0, 0, false, false};
  // Packing pays when a panel is read several times; a transposed B has to be turned anyway.
  w.pack_b = p.packed_b || p.trans_b || m > 4 * kTileRows;
  w.pack_a = m > kTileRows && n > 4 * kTileCols<T>;
  w.packed_a = workspace;
  T* const panels = workspace + min_of(p.k, kChunk) * min_of(m, kBlockRows) + kLanes<T>;
  const int64_t row_blocks = ceil_div(m, kBlockRows);
  const int64_t block_rows = ceil_div(m, row_blocks);
  for (int64_t j0 = block.n0; j0 < block.n1; j0 += kBlockCols<T>) {
    const int64_t j1 = min_of(j0 + kBlockCols<T>, block.n1);
    for (int64_t q = 0; q < chunks.count; ++q) {
      w.k0 = q * chunks.length;
      w.depth = min_of(chunks.length, p.k - w.k0);
      w.first = q == 0;
      w.last = q == chunks.count - 1;
      w.packed_b = p.packed_b ? p.packed_b + packed_offset(p, w.k0, w.depth, j0) : panels;
      if (w.pack_b && !p.packed_b) pack_b_block(panels, p, w.k0, w.depth, j0, j1);
      for (int64_t i0 = block.m0; i0 < block.m1; i0 += block_rows) {
        const int64_t i1 = min_of(i0 + block_rows, block.m1);
        if (w.pack_a) pack_a_block(w, i0, i1);
        walk_tiles(w, i0, i1, j0, j1);
        if (w.last && p.epilogue == Epilogue::tile) apply_epilogue_tile(p, i0, i1, j0, j1);
      }
    }
  }
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
