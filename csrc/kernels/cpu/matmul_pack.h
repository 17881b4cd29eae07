// Packing for matmul: panels of A and B in the order in which the micro-kernel reads them.
#pragma once
#include "kernels/cpu/matmul_tile.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

template <int... I>
struct Lanes {};
template <int L>
struct AllLanes;
template <>
struct AllLanes<2> {
  using type = Lanes<0, 1>;
};
template <>
struct AllLanes<4> {
  using type = Lanes<0, 1, 2, 3>;
};
template <>
struct AllLanes<8> {
  using type = Lanes<0, 1, 2, 3, 4, 5, 6, 7>;
};
template <>
struct AllLanes<16> {
  using type = Lanes<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>;
};

// Exchanges the off-diagonal S x S blocks of the rows x and y.
template <int S, class V, int... I>
FASTNN_INLINE void exchange(V& x, V& y, Lanes<I...>) {
  constexpr int L = sizeof...(I);
  const V low = __builtin_shufflevector(x, y, ((I & S) == 0 ? I : L + I - S)...);
  y = __builtin_shufflevector(x, y, ((I & S) == 0 ? I + S : L + I)...);
  x = low;
}

template <class T, int S, int Rows>
FASTNN_INLINE void transpose_step(vec<T> (&x)[Rows]) {
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
    if ((i & S) == 0) exchange<S>(x[i], x[i + S], typename AllLanes<kLanes<T>>::type());
}

// Transposes each Rows x Rows block of Rows vectors: lane q * Rows + i of x[j] goes to lane
// q * Rows + j of x[i].
template <class T, int Rows>
FASTNN_INLINE void transpose(vec<T> (&x)[Rows]) {
  if constexpr (Rows > 8) transpose_step<T, 8>(x);
  if constexpr (Rows > 4) transpose_step<T, 4>(x);
  if constexpr (Rows > 2) transpose_step<T, 2>(x);
  transpose_step<T, 1>(x);
}

template <class V, int... I>
FASTNN_INLINE V upper_half(V x, Lanes<I...>) {
  constexpr int L = sizeof...(I);
  return __builtin_shufflevector(x, x, ((I + L / 2) % L)...);
}

// Rows of src at distance ld, as vectors; the rows from `rows` on are zero.
template <class T, int Rows>
FASTNN_INLINE void load_rows(vec<T> (&x)[Rows], const T* src, int64_t ld, int64_t rows,
                             int64_t cols) {
  if (rows >= Rows && cols >= kLanes<T>) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) x[i] = load(src + i * ld);
    return;
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) x[i] = i < rows ? load_first(src + i * ld, cols) : zero<T>();
}

// out[k * so + j] = src[j * ld + k] for j < rows (at most one vector) and k < depth. Writes whole
// vectors: zeros, or anything finite or not from the source, follow each row's end.
template <class T>
FASTNN_INLINE void pack_transposed(T* out, int64_t so, const T* src, int64_t ld, int64_t rows,
                                   int64_t depth) {
  constexpr int L = kLanes<T>;
  if (L > 4 && rows <= L / 2) {
    for (int64_t k = 0; k < depth; k += L) {
      const int64_t n = depth - k < L ? depth - k : L;
      vec<T> x[L / 2];
      load_rows(x, src + k, ld, rows, n);
      transpose<T>(x);
      T* o = out + k * so;
#pragma GCC unroll 16
      for (int i = 0; i < L / 2; ++i)
        if (i < n) store(o + i * so, x[i]);
#pragma GCC unroll 16
      for (int i = 0; i < L / 2; ++i)
        if (i + L / 2 < n)
          store(o + (i + L / 2) * so, upper_half(x[i], typename AllLanes<L>::type()));
    }
    return;
  }
  for (int64_t k = 0; k < depth; k += L) {
    const int64_t n = depth - k < L ? depth - k : L;
    vec<T> x[L];
    load_rows(x, src + k, ld, rows, n);
    transpose<T>(x);
    T* o = out + k * so;
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i)
      if (i < n) store(o + i * so, x[i]);
  }
}

// The panel [depth][vectors * L] of op(B)'s columns, for the micro-kernel. b points at the
// panel's first element.
template <class T>
void pack_b_panel(T* out, const T* b, int64_t ldb, bool trans_b, int64_t cols, int64_t depth) {
  constexpr int L = kLanes<T>;
  const int64_t width = cols > L ? 2 * L : L;
  if (trans_b) {
    pack_transposed(out, width, b, ldb, cols < L ? cols : L, depth);
    if (cols > L) pack_transposed(out + L, width, b + L * ldb, ldb, cols - L, depth);
    return;
  }
  if (cols == 2 * L) {
    for (int64_t k = 0; k < depth; ++k, out += 2 * L, b += ldb) {
      const vec<T> x = load(b), y = load(b + L);
      store(out, x);
      store(out + L, y);
    }
    return;
  }
  for (int64_t k = 0; k < depth; ++k, out += width, b += ldb) {
    store(out, load_first(b, cols < L ? cols : L));
    if (cols > L) store(out + L, load_first(b + L, cols - L));
  }
}

// The panel [depth][rows] of A for the micro-kernel's trans_a form. May write one vector past
// its end.
template <class T>
void pack_a_panel(T* out, const T* a, int64_t lda, bool trans_a, int64_t rows, int64_t depth) {
  constexpr int L = kLanes<T>;
  if (trans_a) {
    for (int64_t k = 0; k < depth; ++k, out += rows, a += lda)
      for (int64_t i = 0; i < rows; i += L) {
        const int64_t n = rows - i < L ? rows - i : L;
        store(out + i, load_first(a + i, n));
      }
    return;
  }
  constexpr int Parts = (kTileRows + L - 1) / L;
  for (int64_t k = 0; k < depth; k += L) {
    const int64_t n = depth - k < L ? depth - k : L;
    vec<T> x[Parts][L];
#pragma GCC unroll 4
    for (int q = 0; q < Parts; ++q) {
      load_rows(x[q], a + q * L * lda + k, lda, rows - q * L, n);
      transpose<T>(x[q]);
    }
    // Ascending addresses: what a vector writes past its row is overwritten by the next.
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i) {
      if (i >= n) break;
#pragma GCC unroll 4
      for (int q = 0; q < Parts; ++q)
        if (q * L < rows) store(out + (k + i) * rows + q * L, x[q][i]);
    }
  }
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
