// A few rows of A against a transposed B: turning B costs as much as the product, so it is turned
// in registers, a block of L x L at a time, and never written. The first block ends where a line of
// the cache does: a load that crosses lines takes twice as long. Every element is summed in the
// micro-kernel's order.
#pragma once
#include "kernels/cpu/matmul_pack.h"
#include "kernels/cpu/matmul_product.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int kTurnedRows = 3;

// One chunk of K: its rows of A side by side, and where B's start.
template <class T>
struct TurnedChunk {
  T a[kTurnedRows][kChunk];
  const T* b;  // element (k, j) at b[j * ldb + k]
  int64_t ldb, depth;
  int64_t head;  // elements of B's first row before the next line of the cache
  bool first, last;
};

template <class T>
void finish_columns(const Product<T>& p, int64_t i, int64_t j, int64_t cols, vec<T> x, bool first,
                    bool last) {
  T* c = p.c + i * p.ldc + j;
  if (!first) x = load_first(c, cols) + x;
  if (last && p.bias) x = x + load_first(p.bias + j, cols);
  if (last && p.epilogue == Epilogue::relu) x = max(zero<T>(), x);
  if (last && p.epilogue == Epilogue::relu_grad)
    x = select(load_first(p.aux + i * p.ldaux + j, cols) > zero<T>(), x, zero<T>());
  store_first(c, x, cols);
}

// Up to Groups vectors of columns: while one waits for its chain of fma, another is turned.
template <class T, int Rows, int Groups>
void turned_columns(const Product<T>& p, const TurnedChunk<T>& w, int64_t i, int64_t j,
                    int64_t cols) {
  constexpr int L = kLanes<T>;
  vec<T> acc[Groups][Rows];
#pragma GCC unroll 4
  for (int g = 0; g < Groups; ++g)
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) acc[g][r] = zero<T>();
  const T* b = w.b + j * w.ldb;
  int64_t n = min_of(w.depth, w.head);
  for (int64_t k = 0; k < w.depth; k += n, n = min_of(w.depth - k, L)) {
#pragma GCC unroll 4
    for (int g = 0; g < Groups; ++g) {
      vec<T> x[L];
      load_rows(x, b + g * L * w.ldb + k, w.ldb, cols - g * L, n);
      transpose<T>(x);
#pragma GCC unroll 16
      for (int l = 0; l < L; ++l) {
        if (l >= n) break;
#pragma GCC unroll 4
        for (int r = 0; r < Rows; ++r) acc[g][r] = fma(set<T>(w.a[r][k + l]), x[l], acc[g][r]);
      }
    }
  }
#pragma GCC unroll 4
  for (int g = 0; g < Groups; ++g)
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r)
      finish_columns(p, i + r, j + g * L, min_of(cols - g * L, L), acc[g][r], w.first, w.last);
}

template <class T, int Rows>
void turned_rows(const Product<T>& p, const TurnedChunk<T>& w, int64_t i, int64_t j0, int64_t j1) {
  constexpr int L = kLanes<T>;
  for (int64_t j = j0; j < j1; j += 2 * L) {
    if (j1 - j > L)
      turned_columns<T, Rows, 2>(p, w, i, j, j1 - j);
    else
      turned_columns<T, Rows, 1>(p, w, i, j, j1 - j);
  }
}

// Rows [i, i + rows) of C, columns [j0, j1).
template <class T>
void multiply_turned(const Product<T>& p, int64_t i, int64_t rows, int64_t j0, int64_t j1) {
  constexpr int64_t L = kLanes<T>;
  const Chunks chunks = chunks_of(p);
  TurnedChunk<T> w;
  w.ldb = p.ldb;
  for (int64_t q = 0; q < chunks.count; ++q) {
    const int64_t k0 = q * chunks.length;
    w.depth = min_of(chunks.length, p.k - k0);
    w.b = p.b + k0;
    w.head = L - static_cast<int64_t>(reinterpret_cast<uintptr_t>(w.b) / sizeof(T) % L);
    w.first = q == 0, w.last = q == chunks.count - 1;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t k = 0; k < w.depth; ++k)
        w.a[r][k] = p.trans_a ? p.a[(k0 + k) * p.lda + i + r] : p.a[(i + r) * p.lda + k0 + k];
    if (rows == 1)
      turned_rows<T, 1>(p, w, i, j0, j1);
    else if (rows == 2)
      turned_rows<T, 2>(p, w, i, j0, j1);
    else
      turned_rows<T, 3>(p, w, i, j0, j1);
  }
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
