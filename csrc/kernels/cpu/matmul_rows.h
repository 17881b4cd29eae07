// A few rows of A against a B that lies along n: the time is that of reading B. It is read as it
// lies, a few whole rows of it at a time, which is what caches fetch ahead; the sums stay in the
// first-level cache meanwhile. Every element is summed in the micro-kernel's order.
#pragma once
#include "kernels/cpu/matmul_pack.h"
#include "kernels/cpu/matmul_product.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int kThinRows = 4;
template <class T>
constexpr int64_t kThinCols = 8 * kLanes<T>;
// Columns whose sums are kept.
constexpr int64_t kSumCols = 1024;

// Rows of B at a time, each with a register for its element of each row of A. Two keep up with the
// caches where A has one row; with more rows there is more to do for a vector of B.
#if defined(FASTNN_ISA_avx512) || defined(FASTNN_ISA_neon)
template <int Rows>
constexpr int kRowsOfB = Rows == 1 ? 2 : 4;
#else
template <int Rows>
constexpr int kRowsOfB = 2;
#endif

// One chunk of K: element (r, k) of its rows of A is a[r * lda + k].
template <class T>
struct ThinRows {
  const T* a;
  int64_t lda, k0, depth;
  bool first, last;
  T copy[kThinRows][kChunk];  // of rows that do not lie along k
};

template <class T>
FASTNN_INLINE bool lies_along_k(const Product<T>& p, int64_t rows) {
  return !p.trans_a || (rows == 1 && p.lda == 1);
}

template <class T>
void take_chunk(ThinRows<T>& w, const Product<T>& p, int64_t i, int64_t rows, int64_t q) {
  const Chunks chunks = chunks_of(p);
  w.k0 = q * chunks.length;
  w.depth = min_of(chunks.length, p.k - w.k0);
  w.first = q == 0, w.last = q == chunks.count - 1;
  if (lies_along_k(p, rows)) {
    w.a = p.a + (p.trans_a ? i : i * p.lda) + w.k0;
    w.lda = p.lda;
    return;
  }
  for (int64_t k = 0; k < w.depth; ++k)
    for (int64_t r = 0; r < rows; ++r) w.copy[r][k] = p.a[(w.k0 + k) * p.lda + i + r];
  w.a = w.copy[0];
  w.lda = kChunk;
}

// What ends an element's chunk, as in the micro-kernel.
template <class T>
FASTNN_INLINE void finish_columns(const Product<T>& p, int64_t i, int64_t j, int64_t cols, vec<T> x,
                                  bool first, bool last) {
  T* c = p.c + i * p.ldc + j;
  if (!first) x = load_first(c, cols) + x;
  if (last && p.bias) x = x + load_first(p.bias + j, cols);
  if (last && p.epilogue == Epilogue::relu) x = max(zero<T>(), x);
  if (last && p.epilogue == Epilogue::relu_grad)
    x = select(load_first(p.aux + i * p.ldaux + j, cols) > zero<T>(), x, zero<T>());
  store_first(c, x, cols);
}

// The sums of some columns: those of the `head` columns before the next line of the cache have a
// vector of their own, so that no other vector of B crosses lines. Lanes that are no column's hold
// anything.
template <class T, int Rows>
struct Sums {
  alignas(64) T of[Rows][kSumCols + kLanes<T>];
  int64_t head, cols;
};

// Adds the products of n columns, at most a vector, of Depth rows of B.
template <bool Whole, class T, int Rows, int Depth>
FASTNN_INLINE void add_vector(Sums<T, Rows>& sums, int64_t at, const vec<T> (&y)[Rows][Depth],
                              const T* b, int64_t ldb, int64_t n) {
  vec<T> acc[Rows];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) acc[r] = load(sums.of[r] + at);
#pragma GCC unroll 4
  for (int d = 0; d < Depth; ++d) {
    const vec<T> x = Whole ? load(b + d * ldb) : load_first(b + d * ldb, n);
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) acc[r] = fma(y[r][d], x, acc[r]);
  }
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) store(sums.of[r] + at, acc[r]);
}

// Adds the products of Depth rows of B, from row k of the chunk on, to all sums.
template <class T, int Rows, int Depth>
FASTNN_INLINE void add_rows(Sums<T, Rows>& sums, const ThinRows<T>& w, int64_t k, const T* b,
                            int64_t ldb) {
  constexpr int64_t L = kLanes<T>;
  vec<T> y[Rows][Depth];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int d = 0; d < Depth; ++d) y[r][d] = set<T>(w.a[r * w.lda + k + d]);
  if (sums.head > 0) add_vector<false>(sums, 0, y, b, ldb, sums.head);
  b += sums.head;
  const int64_t n = sums.cols - sums.head;
  int64_t j = 0;
  for (; j + L <= n; j += L) add_vector<true>(sums, L + j, y, b + j, ldb, L);
  if (j < n) add_vector<false>(sums, L + j, y, b + j, ldb, n - j);
}

template <class T, int Rows>
void read_rows(const Product<T>& p, const ThinRows<T>& w, int64_t i, int64_t j, int64_t cols) {
  constexpr int64_t L = kLanes<T>;
  constexpr int Depth = kRowsOfB<Rows>;
  const T* b = p.b + w.k0 * p.ldb + j;
  Sums<T, Rows> sums;
  sums.cols = cols;
  const bool alike = p.ldb % L == 0 && cols > 2 * L;  // all rows start at one place of a line
  sums.head = alike && lead_of(b) > 0 ? L - lead_of(b) : 0;
  for (int r = 0; r < Rows; ++r)
    for (int64_t q = 0; q < L + cols; q += L) store(sums.of[r] + q, zero<T>());
  int64_t k = 0;
  for (; k + Depth <= w.depth; k += Depth)
    add_rows<T, Rows, Depth>(sums, w, k, b + k * p.ldb, p.ldb);
  for (; k < w.depth; ++k) add_rows<T, Rows, 1>(sums, w, k, b + k * p.ldb, p.ldb);
  for (int r = 0; r < Rows; ++r) {
    if (sums.head > 0) finish_columns(p, i + r, j, sums.head, load(sums.of[r]), w.first, w.last);
    for (int64_t q = sums.head; q < cols; q += L)
      finish_columns(p, i + r, j + q, min_of(cols - q, L), load(sums.of[r] + L + q - sums.head),
                     w.first, w.last);
  }
}

// Up to kThinRows rows of C from row i on, columns [j0, j1).
template <class T>
void multiply_rows(const Product<T>& p, int64_t i, int64_t rows, int64_t j0, int64_t j1) {
  using Reader = void (*)(const Product<T>&, const ThinRows<T>&, int64_t, int64_t, int64_t);
  static constexpr Reader readers[kThinRows] = {read_rows<T, 1>, read_rows<T, 2>, read_rows<T, 3>,
                                                read_rows<T, 4>};
  const int64_t chunks = chunks_of(p).count;
  ThinRows<T> w;
  for (int64_t q = 0; q < chunks; ++q) {
    take_chunk(w, p, i, rows, q);
    for (int64_t j = j0; j < j1; j += kSumCols)
      readers[rows - 1](p, w, i, j, min_of(j1 - j, kSumCols));
  }
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
