// Products with up to four columns and a long K: a chain per element would leave most lanes idle,
// so K is dealt out to the lanes. Lane l sums the k = l, l + L, ... of a chunk, the lanes are
// folded half by half, the chunks added in order; whatever M and the transposes are.
#pragma once
#include "kernels/cpu/matmul_pack.h"
#include "kernels/cpu/matmul_product.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

template <class T>
void finish_element(const Product<T>& p, int64_t i, int64_t j, T x, bool first, bool last) {
  T& c = p.c[i * p.ldc + j];
  if (!first) x = c + x;
  if (last && p.bias) x = x + p.bias[j];
  if (last && p.epilogue == Epilogue::relu) x = x < 0 ? T(0) : x;
  if (last && p.epilogue == Epilogue::relu_grad) x = p.aux[i * p.ldaux + j] > 0 ? x : T(0);
  c = x;
}

// One chunk of op(B): element (k, j) is at b[k * step + j * ld].
template <class T>
struct NarrowB {
  const T* b;
  int64_t step, ld;
};

// Rows of A against N columns of B, both running along k.
template <class T, int Rows, int N>
FASTNN_INLINE void narrow_rows(const Product<T>& p, const T* a, const NarrowB<T>& b, int64_t depth,
                               int64_t i, bool first, bool last) {
  constexpr int L = kLanes<T>;
  vec<T> acc[Rows][N];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j) acc[r][j] = zero<T>();
  int64_t k = 0;
  for (; k + L <= depth; k += L)
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const vec<T> x = load(a + r * p.lda + k);
#pragma GCC unroll 4
      for (int j = 0; j < N; ++j) acc[r][j] = fma(x, load(b.b + j * b.ld + k), acc[r][j]);
    }
  if (k < depth)
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const vec<T> x = load_first(a + r * p.lda + k, depth - k);
#pragma GCC unroll 4
      for (int j = 0; j < N; ++j)
        acc[r][j] = fma(x, load_first(b.b + j * b.ld + k, depth - k), acc[r][j]);
    }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < N; ++j)
      finish_element(p, i + r, j, static_cast<T>(reduce_add(acc[r][j])), first, last);
}

template <class T, int N>
void narrow_normal(const Product<T>& p, const NarrowB<T>& b, int64_t i0, int64_t i1, int64_t k0,
                   int64_t depth, bool first, bool last) {
  constexpr int Rows = N == 1 ? 8 : N == 2 ? 4 : 2;
  const T* a = p.a + k0;
  int64_t i = i0;
  for (; i + Rows <= i1; i += Rows)
    narrow_rows<T, Rows, N>(p, a + i * p.lda, b, depth, i, first, last);
  for (; i < i1; ++i) narrow_rows<T, 1, N>(p, a + i * p.lda, b, depth, i, first, last);
}

// A transposed A: a vector holds the rows, and each lane of the other form is an accumulator.
template <class T>
void narrow_transposed(const Product<T>& p, const NarrowB<T>& b, int64_t i0, int64_t i1, int64_t k0,
                       int64_t depth, bool first, bool last) {
  constexpr int L = kLanes<T>;
  for (int64_t i = i0; i < i1; i += L) {
    const int64_t rows = i1 - i < L ? i1 - i : L;
    for (int64_t j = 0; j < p.n; ++j) {
      const T* a = p.a + k0 * p.lda + i;
      const T* y = b.b + j * b.ld;
      vec<T> acc[L];
#pragma GCC unroll 16
      for (int l = 0; l < L; ++l) acc[l] = zero<T>();
      int64_t k = 0;
      for (; k + L <= depth; k += L, a += L * p.lda, y += L * b.step)
#pragma GCC unroll 16
        for (int l = 0; l < L; ++l)
          acc[l] = fma(load_first(a + l * p.lda, rows), set<T>(y[l * b.step]), acc[l]);
      // Past the end the other form adds zero, which tells +0 from -0.
      if (k < depth)
#pragma GCC unroll 16
        for (int l = 0; l < L; ++l) {
          const bool in = k + l < depth;
          acc[l] = fma(load_first(a + (in ? l * p.lda : 0), in ? rows : 0),
                       set<T>(in ? y[l * b.step] : T(0)), acc[l]);
        }
#pragma GCC unroll 4
      for (int half = L / 2; half > 0; half /= 2)
#pragma GCC unroll 8
        for (int l = 0; l < half; ++l) acc[l] = acc[l] + acc[l + half];
      T x[L];
      store(x, acc[0]);
      for (int64_t r = 0; r < rows; ++r) finish_element(p, i + r, j, x[r], first, last);
    }
  }
}

// The columns of a chunk, each in one piece.
template <class T>
NarrowB<T> narrow_columns(const Product<T>& p, int64_t k0, int64_t depth, T* space) {
  if (p.trans_b) return {p.b + k0, 1, p.ldb};
  const NarrowB<T> b = {p.b + k0 * p.ldb, p.ldb, 1};
  if (p.trans_a || (p.n == 1 && p.ldb == 1)) return b;
  for (int64_t k = 0; k < depth; ++k)
    for (int64_t j = 0; j < p.n; ++j) space[j * depth + k] = b.b[k * p.ldb + j];
  return {space, 1, depth};
}

template <class T>
void multiply_narrow(const Product<T>& p, int64_t i0, int64_t i1) {
  T space[kNarrowCols * kNarrowChunk];
  const Chunks chunks = chunks_of(p);
  for (int64_t q = 0; q < chunks.count; ++q) {
    const int64_t k0 = q * chunks.length, depth = min_of(chunks.length, p.k - k0);
    const bool first = q == 0, last = q == chunks.count - 1;
    const NarrowB<T> b = narrow_columns(p, k0, depth, space);
    if (p.trans_a)
      narrow_transposed(p, b, i0, i1, k0, depth, first, last);
    else if (p.n == 1)
      narrow_normal<T, 1>(p, b, i0, i1, k0, depth, first, last);
    else if (p.n == 2)
      narrow_normal<T, 2>(p, b, i0, i1, k0, depth, first, last);
    else if (p.n == 3)
      narrow_normal<T, 3>(p, b, i0, i1, k0, depth, first, last);
    else
      narrow_normal<T, 4>(p, b, i0, i1, k0, depth, first, last);
  }
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
