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

// The lower or upper half of each 16 bytes of x and y, element by element in turn; and the same
// with pairs of elements. Processors do this faster than what crosses 16 bytes.
template <int Upper, class V, int... I>
FASTNN_INLINE V interleave(V x, V y, Lanes<I...>) {
  constexpr int L = sizeof...(I);
  return __builtin_shufflevector(x, y, ((I & ~3) + 2 * Upper + (I & 3) / 2 + (I & 1) * L)...);
}
template <int Upper, class V, int... I>
FASTNN_INLINE V interleave_pairs(V x, V y, Lanes<I...>) {
  constexpr int L = sizeof...(I);
  return __builtin_shufflevector(x, y, ((I & ~2) + 2 * Upper + (I & 2) / 2 * L)...);
}

// Transposes the blocks of 16 bytes by 16 bytes.
template <int Rows>
FASTNN_INLINE void transpose_blocks(F32 (&x)[Rows]) {
  constexpr typename AllLanes<kLanes<float>>::type lanes;
#pragma GCC unroll 4
  for (int i = 0; i < Rows; i += 4) {
    const F32 a = interleave<0>(x[i], x[i + 1], lanes), b = interleave<1>(x[i], x[i + 1], lanes);
    const F32 c = interleave<0>(x[i + 2], x[i + 3], lanes);
    const F32 d = interleave<1>(x[i + 2], x[i + 3], lanes);
    x[i] = interleave_pairs<0>(a, c, lanes);
    x[i + 1] = interleave_pairs<1>(a, c, lanes);
    x[i + 2] = interleave_pairs<0>(b, d, lanes);
    x[i + 3] = interleave_pairs<1>(b, d, lanes);
  }
}
template <int Rows>
FASTNN_INLINE void transpose_blocks(F64 (&x)[Rows]) {
  transpose_step<double, 1>(x);
}

// The even 16 bytes of x and then of y, or the odd ones.
template <int Odd, int Block, class V, int... I>
FASTNN_INLINE V every_other(V x, V y, Lanes<I...>) {
  constexpr int L = sizeof...(I);
  return __builtin_shufflevector(
      x, y, ((I >= L / 2) * L + (I % (L / 2) / Block * 2 + Odd) * Block + I % Block)...);
}

// Transposes the 4 x 4 matrix of 16 bytes each that x, y, z and t are.
template <int Block, class V, class L>
FASTNN_INLINE void transpose_four(V& x, V& y, V& z, V& t, L lanes) {
  const V a = every_other<0, Block>(x, y, lanes), b = every_other<1, Block>(x, y, lanes);
  const V c = every_other<0, Block>(z, t, lanes), d = every_other<1, Block>(z, t, lanes);
  x = every_other<0, Block>(a, c, lanes);
  y = every_other<0, Block>(b, d, lanes);
  z = every_other<1, Block>(a, c, lanes);
  t = every_other<1, Block>(b, d, lanes);
}

// Transposes each Rows x Rows block of Rows vectors: lane q * Rows + i of x[j] goes to lane
// q * Rows + j of x[i].
template <class T, int Rows>
FASTNN_INLINE void transpose(vec<T> (&x)[Rows]) {
  constexpr int Block = 16 / sizeof(T);
  constexpr typename AllLanes<kLanes<T>>::type lanes;
  transpose_blocks(x);
  if constexpr (Rows == 4 * Block) {
#pragma GCC unroll 4
    for (int i = 0; i < Block; ++i)
      transpose_four<Block>(x[i], x[Block + i], x[2 * Block + i], x[3 * Block + i], lanes);
  } else if constexpr (Rows == 2 * Block) {
    transpose_step<T, Block>(x);
  }
}

template <class V, int... I>
FASTNN_INLINE V upper_half(V x, Lanes<I...>) {
  constexpr int L = sizeof...(I);
  return __builtin_shufflevector(x, x, ((I + L / 2) % L)...);
}

// The addresses of rows, eight to a pointer, in the forms that instructions have. Left to itself
// the compiler keeps a pointer for every row, most of them in memory.
struct RowDistance {
  int64_t once, thrice, five, seven;  // in bytes

  FASTNN_INLINE explicit RowDistance(int64_t bytes)
      : once(bytes), thrice(3 * bytes), five(5 * bytes), seven(7 * bytes) {
    __asm__("" : "+r"(once), "+r"(thrice), "+r"(five), "+r"(seven));
  }
  FASTNN_INLINE const char* at(const char* p, int i) const {
    return i == 3   ? p + thrice
           : i == 5 ? p + five
           : i == 6 ? p + 2 * thrice
           : i == 7 ? p + seven
                    : p + i * once;
  }
};

// The first vector of each of Rows rows; returns where the next row is.
template <class T, int Rows>
FASTNN_INLINE const T* load_whole_rows(vec<T> (&x)[Rows], const T* src, const RowDistance& rows) {
  const char* p = reinterpret_cast<const char*>(src);
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    x[i] = load(reinterpret_cast<const T*>(rows.at(p, i % 8)));
    if (i % 8 == 7 || i == Rows - 1) {
      p += (i % 8 + 1) * rows.once;
      __asm__("" : "+r"(p));
    }
  }
  return reinterpret_cast<const T*>(p);
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

// Elements between the start of a line of the cache and p. (Lines are at least vectors.) A vector
// that crosses lines takes twice as long to load.
template <class T>
FASTNN_INLINE int64_t lead_of(const T* p) {
  return static_cast<int64_t>(reinterpret_cast<uintptr_t>(p) / sizeof(T) % kLanes<T>);
}

template <class T, int Rows>
FASTNN_INLINE void store_transposed(T* out, int64_t so, vec<T> (&x)[Rows], int64_t n) {
  constexpr int L = kLanes<T>;
  transpose<T>(x);
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
    if (i < n) store(out + i * so, x[i]);
  if constexpr (Rows < L) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i)
      if (i + Rows < n)
        store(out + (i + Rows) * so, upper_half(x[i], typename AllLanes<L>::type()));
  }
}

// The columns [k, k + n) of Rows rows, of which `rows` are there.
template <class T, int Rows>
__attribute__((noinline)) void pack_part(T* out, int64_t so, const T* src, int64_t ld, int64_t rows,
                                         int64_t n) {
  vec<T> x[Rows];
  load_rows(x, src, ld, rows, n);
  store_transposed(out, so, x, n);
}

template <class T, int Rows>
FASTNN_INLINE void pack_turned(T* out, int64_t so, const T* src, int64_t ld, int64_t rows,
                               int64_t depth) {
  constexpr int L = kLanes<T>;
  int64_t k = 0;
  if (rows >= Rows) {
    if (lead_of(src) > 0 && depth >= 4 * L) {
      k = L - lead_of(src);
      pack_part<T, Rows>(out, so, src, ld, rows, k);
    }
    const RowDistance distance(ld * static_cast<int64_t>(sizeof(T)));
    for (; k + L <= depth; k += L) {
      vec<T> x[Rows];
      load_whole_rows(x, src + k, distance);
      store_transposed(out + k * so, so, x, L);
    }
  }
  for (; k < depth; k += L)
    pack_part<T, Rows>(out + k * so, so, src + k, ld, rows, depth - k < L ? depth - k : L);
}

// out[k * so + j] = src[j * ld + k] for j < rows (at most one vector) and k < depth. Writes whole
// vectors: zeros, or anything finite or not from the source, follow each row's end.
template <class T>
FASTNN_INLINE void pack_transposed(T* out, int64_t so, const T* src, int64_t ld, int64_t rows,
                                   int64_t depth) {
  constexpr int L = kLanes<T>;
  if (L > 4 && rows <= L / 2)
    pack_turned<T, L / 2>(out, so, src, ld, rows, depth);
  else
    pack_turned<T, L>(out, so, src, ld, rows, depth);
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
