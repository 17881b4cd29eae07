// A few rows of A against a transposed B: turning B costs as much as the product, so it is turned
// in registers, a block of L x L at a time, and never written. The first block ends where a line of
// the cache does: a load that crosses lines takes twice as long. Every element is summed in the
// micro-kernel's order.
//
// What that costs (one row against 784 x 512 floats, AVX-512 of a Zen 5, microseconds): B read as
// it lies 11.5; 32 or 48 rows of it at a time and turned, but not summed, 13 or 14; summed 16.5.
// The chains of fma, of four cycles each, fill the schedulers. Neither huge pages, asking for lines
// ahead, blocks of half the depth nor turned panels kept in the first-level cache take less.
#pragma once
#include "kernels/cpu/matmul_rows.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Vectors of columns at a time: while one waits for its chain of fma, others are turned. More are
// more rows of B than the processor fetches ahead, and accumulators than it has registers.
#if defined(FASTNN_ISA_avx512) || defined(FASTNN_ISA_neon)
template <class T, int Rows>
constexpr int kMostGroups = Rows == 1 && sizeof(T) == 8 ? 3 : 2;
#else
template <class T, int Rows>
constexpr int kMostGroups = Rows > 3 ? 1 : 2;
#endif

// Adds the products of L elements of each of Groups * L rows of B.
template <class T, int Rows, int Groups>
FASTNN_INLINE void turn_block(vec<T> (&acc)[Groups][Rows], const T* b, const RowDistance& rows,
                              const T* from, int64_t lda) {
  constexpr int L = kLanes<T>;
  const T* p = b;
#pragma GCC unroll 4
  for (int g = 0; g < Groups; ++g) {
    vec<T> x[L];
    p = load_whole_rows(x, p, rows);
    transpose<T>(x);
    const T* a = from;
    __asm__("" : "+r"(a));  // else the groups' elements of A are kept in registers, and B is not
#pragma GCC unroll 16
    for (int l = 0; l < L; ++l)
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) acc[g][r] = fma(set<T>(a[r * lda + l]), x[l], acc[g][r]);
  }
}

template <class T, int Rows, int Groups>
FASTNN_INLINE void turn_blocks(vec<T> (&sums)[Groups][Rows], const T* b, int64_t ldb, const T* a,
                               int64_t lda, int64_t depth) {
  vec<T> acc[Groups][Rows];  // a copy, which no call sees, stays in registers
#pragma GCC unroll 4
  for (int g = 0; g < Groups; ++g)
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) acc[g][r] = sums[g][r];
  const RowDistance rows(ldb * static_cast<int64_t>(sizeof(T)));
  for (int64_t k = 0; k < depth; k += kLanes<T>) turn_block(acc, b + k, rows, a + k, lda);
#pragma GCC unroll 4
  for (int g = 0; g < Groups; ++g)
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) sums[g][r] = acc[g][r];
}

// The same where there are n elements, or cols rows.
template <class T, int Rows, int Groups>
__attribute__((noinline)) void turn_part(vec<T> (&acc)[Groups][Rows], const T* b, int64_t ldb,
                                         int64_t cols, const T* a, int64_t lda, int64_t n) {
  constexpr int L = kLanes<T>;
  for (int g = 0; g < Groups; ++g) {
    vec<T> x[L];
    load_rows(x, b + g * L * ldb, ldb, cols - g * L, n);
    transpose<T>(x);
#pragma GCC unroll 16
    for (int l = 0; l < L; ++l) {
      if (l >= n) break;
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) acc[g][r] = fma(set<T>(a[r * lda + l]), x[l], acc[g][r]);
    }
  }
}

template <class T, int Rows, int Groups>
void turned_columns(const Product<T>& p, const ThinRows<T>& w, int64_t i, int64_t j, int64_t cols) {
  constexpr int L = kLanes<T>;
  vec<T> acc[Groups][Rows];
#pragma GCC unroll 4
  for (int g = 0; g < Groups; ++g)
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) acc[g][r] = zero<T>();
  const T* b = p.b + j * p.ldb + w.k0;
  int64_t k = 0;
  if (lead_of(b) > 0) {
    k = min_of(w.depth, L - lead_of(b));
    turn_part(acc, b, p.ldb, cols, w.a, w.lda, k);
  }
  if (cols == Groups * L) {
    const int64_t whole = (w.depth - k) / L * L;
    turn_blocks(acc, b + k, p.ldb, w.a + k, w.lda, whole);
    k += whole;
  }
  for (; k < w.depth; k += L)
    turn_part(acc, b + k, p.ldb, cols, w.a + k, w.lda, min_of(w.depth - k, L));
#pragma GCC unroll 4
  for (int g = 0; g < Groups; ++g)
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r)
      finish_columns(p, i + r, j + g * L, min_of(cols - g * L, L), acc[g][r], w.first, w.last);
}

// The columns in passes of up to kMostGroups vectors, as even as can be.
struct Passes {
  int64_t count, vectors, extra;  // the first `extra` have one vector more
};
template <class T, int Rows>
Passes passes_of(const Product<T>& p, int64_t cols) {
  // Rows a page apart share few places of the first-level cache.
  const bool apart = p.ldb * static_cast<int64_t>(sizeof(T)) % 4096 == 0;
  const int64_t most = min_of(kMostGroups<T, Rows>, apart ? 2 : 4);
  const int64_t vectors = ceil_div(cols, kLanes<T>), count = ceil_div(vectors, most);
  return {count, vectors / count, vectors % count};
}

template <class T, int Rows>
FASTNN_INLINE int64_t turned_pass(const Product<T>& p, const ThinRows<T>& w, const Passes& passes,
                                  int64_t pass, int64_t i, int64_t j, int64_t j1) {
  constexpr int Most = kMostGroups<T, Rows>;
  const int64_t groups = passes.vectors + (pass < passes.extra);
  const int64_t cols = min_of(j1 - j, groups * kLanes<T>);
  if (groups == 1) turned_columns<T, Rows, 1>(p, w, i, j, cols);
  if constexpr (Most > 1)
    if (groups == 2) turned_columns<T, Rows, 2>(p, w, i, j, cols);
  if constexpr (Most > 2)
    if (groups == 3) turned_columns<T, Rows, 3>(p, w, i, j, cols);
  if constexpr (Most > 3)
    if (groups == 4) turned_columns<T, Rows, 4>(p, w, i, j, cols);
  return cols;
}

template <class T, int Rows>
void turned_rows(const Product<T>& p, int64_t i, int64_t j0, int64_t j1) {
  const int64_t chunks = chunks_of(p).count;
  const Passes passes = passes_of<T, Rows>(p, j1 - j0);
  ThinRows<T> w;
  if (lies_along_k(p, Rows)) {  // then a row of B is read to its end
    for (int64_t j = j0, pass = 0, cols = 0; j < j1; j += cols, ++pass)
      for (int64_t q = 0; q < chunks; ++q) {
        take_chunk(w, p, i, Rows, q);
        cols = turned_pass<T, Rows>(p, w, passes, pass, i, j, j1);
      }
    return;
  }
  for (int64_t q = 0; q < chunks; ++q) {
    take_chunk(w, p, i, Rows, q);
    for (int64_t j = j0, pass = 0; j < j1; ++pass)
      j += turned_pass<T, Rows>(p, w, passes, pass, i, j, j1);
  }
}

// Up to kThinRows rows of C from row i on, columns [j0, j1).
template <class T>
void multiply_turned(const Product<T>& p, int64_t i, int64_t rows, int64_t j0, int64_t j1) {
  if (rows == 1)
    turned_rows<T, 1>(p, i, j0, j1);
  else if (rows == 2)
    turned_rows<T, 2>(p, i, j0, j1);
  else if (rows == 3)
    turned_rows<T, 3>(p, i, j0, j1);
  else
    turned_rows<T, 4>(p, i, j0, j1);
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
