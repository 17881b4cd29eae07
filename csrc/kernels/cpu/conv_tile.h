// The micro-kernels of convolution: matmul's tile, summed over segments of the taps of a window.
//
// An element of a convolution is one chain of fma over its taps in their order, from zero, and
// then the bias: the tile it is computed in changes nothing.
#pragma once
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/matmul_product.h"
#include "kernels/cpu/matmul_tile.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// A part of the sum: n elements of k, from an offset in A and a row of B on.
struct Stretch {
  int64_t a, b, n;
};

struct Segments {
  const Stretch* list;
  int64_t count;
};

// The tile's sums: a is [k][row] with k stride sa (TransA), else [row][k] with row stride sa; sa
// counts bytes. b is [k][col] with k stride sb.
template <class T, int Rows, int Vectors, bool Masked, bool TransA>
FASTNN_INLINE void sum_segments(vec<T> (&acc)[Rows][Vectors], const T* a, int64_t sa, const T* b,
                                int64_t sb, const Columns<T, Vectors, Masked>& columns,
                                const Segments& s) {
  FASTNN_EACH (r, Rows)
    FASTNN_EACH (v, Vectors) acc[r][v] = zero<T>();
  for (int64_t i = 0; i < s.count; ++i) {
    RowsOfA<T, Rows, TransA> rows(a + s.list[i].a, sa);
    const T* y = b + s.list[i].b * sb;
    for (int64_t k = s.list[i].n; k > 0; --k, y += sb) {
      vec<T> x[Vectors];
      FASTNN_EACH (v, Vectors) x[v] = columns.get(y, v);
      FASTNN_EACH (r, Rows) {
        const vec<T> z = set<T>(rows[r]);
        FASTNN_EACH (v, Vectors) acc[r][v] = fma(z, x[v], acc[r][v]);
      }
      rows.next();
    }
  }
}

// A tile of a convolution's result: rows of A at distance sa, a packed panel of B.
template <class T>
using ConvTile = void (*)(const T* a, int64_t sa, const T* b, const Segments& s,
                          const TileEnd<T>& end);

template <class T, int Rows, int Vectors>
void conv_tile(const T* a, int64_t sa, const T* b, const Segments& s, const TileEnd<T>& t) {
  // Ask for C now: stores that wait for it would hold up the loads of the next tile.
  if (s.count > 0 && s.count * s.list[0].n >= kPrefetchDepth)
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) {
        __builtin_prefetch(t.c + r * t.ldc + v * kLanes<T>, 1);
        if (t.epilogue == Epilogue::relu_grad)
          __builtin_prefetch(t.aux + r * t.ldaux + v * kLanes<T>);
      }
  vec<T> acc[Rows][Vectors];
  sum_segments<T, Rows, Vectors, false, false>(acc, a, sa, b, Vectors * kLanes<T>, {0}, s);
  const Columns<T, Vectors, true> columns{t.tail};
  if (t.bias) {
    vec<T> x[Vectors];
    FASTNN_EACH (v, Vectors) x[v] = columns.get(t.bias, v);
    FASTNN_EACH (r, Rows)
      FASTNN_EACH (v, Vectors) acc[r][v] = acc[r][v] + x[v];
  }
  if (t.epilogue == Epilogue::relu) {
    FASTNN_EACH (r, Rows)
      FASTNN_EACH (v, Vectors) acc[r][v] = max(zero<T>(), acc[r][v]);
  } else if (t.epilogue == Epilogue::relu_grad) {
    FASTNN_EACH (r, Rows)
      FASTNN_EACH (v, Vectors)
        acc[r][v] = select(columns.get(t.aux + r * t.ldaux, v) > zero<T>(), acc[r][v], zero<T>());
  }
  T* c = t.c;
  FASTNN_EACH (r, Rows) {
    FASTNN_EACH (v, Vectors) columns.put(c, v, acc[r][v]);
    c += t.ldc;
  }
}

// A tile of the gradient to a kernel, added to what stands there or not.
template <class T>
struct WeightEnd {
  T* c;
  int64_t ldc, tail;
  bool accumulate;
};
template <class T>
using WeightTile = void (*)(const T* a, int64_t sa, const T* b, int64_t sb, const Segments& s,
                            const WeightEnd<T>& end);

template <class T, int Rows, int Vectors, bool Masked>
FASTNN_INLINE void end_weights(vec<T> (&acc)[Rows][Vectors],
                               const Columns<T, Vectors, Masked>& columns, const WeightEnd<T>& t) {
  T* c = t.c;
  FASTNN_EACH (r, Rows) {
    FASTNN_EACH (v, Vectors)
      columns.put(c, v, t.accumulate ? columns.get(c, v) + acc[r][v] : acc[r][v]);
    c += t.ldc;
  }
}

template <class T, int Rows, int Vectors, bool Masked>
void weight_tile(const T* a, int64_t sa, const T* b, int64_t sb, const Segments& s,
                 const WeightEnd<T>& t) {
  vec<T> acc[Rows][Vectors];
  const Columns<T, Vectors, Masked> columns{t.tail};
  sum_segments<T, Rows, Vectors, Masked, true>(acc, a, sa, b, sb, columns, s);
  end_weights(acc, columns, t);
}

// Rows of A that do not lie together: row r at offset rows[r]. Few of them, so that several k share
// the offsets.
#if defined(FASTNN_ISA_avx512) || defined(FASTNN_ISA_neon)
constexpr int kScatteredRows = 9;
#else
constexpr int kScatteredRows = 3;
#endif
template <class T>
using ScatteredTile = void (*)(const T* a, int64_t sa, const int64_t* rows, const T* b, int64_t sb,
                               const Segments& s, const WeightEnd<T>& end);

template <class T, int Rows, int Vectors, bool Masked>
void scattered_tile(const T* a, int64_t sa, const int64_t* rows, const T* b, int64_t sb,
                    const Segments& s, const WeightEnd<T>& t) {
  constexpr int kUnroll = 2;
  vec<T> acc[Rows][Vectors];
  const Columns<T, Vectors, Masked> columns{t.tail};
  FASTNN_EACH (r, Rows)
    FASTNN_EACH (v, Vectors) acc[r][v] = zero<T>();
  for (int64_t i = 0; i < s.count; ++i) {
    const T* x = a + s.list[i].a;
    const T* y = b + s.list[i].b * sb;
    int64_t k = s.list[i].n;
    for (; k >= kUnroll; k -= kUnroll, x += kUnroll * sa, y += kUnroll * sb) {
      vec<T> g[kUnroll][Vectors];
      FASTNN_EACH (u, kUnroll)
        FASTNN_EACH (v, Vectors) g[u][v] = columns.get(y + u * sb, v);
      FASTNN_EACH (r, Rows) {
        const T* z = x + rows[r];
        FASTNN_EACH (u, kUnroll)
          FASTNN_EACH (v, Vectors) acc[r][v] = fma(set<T>(z[u * sa]), g[u][v], acc[r][v]);
      }
    }
    for (; k > 0; --k, x += sa, y += sb) {
      vec<T> g[Vectors];
      FASTNN_EACH (v, Vectors) g[v] = columns.get(y, v);
      FASTNN_EACH (r, Rows) {
        const vec<T> z = set<T>(x[rows[r]]);
        FASTNN_EACH (v, Vectors) acc[r][v] = fma(z, g[v], acc[r][v]);
      }
    }
  }
  end_weights(acc, columns, t);
}

// --- tables by height: of[rows - 1]; entries above the highest repeat it

template <class T, int Vectors>
struct ConvTiles {
  template <int Rows>
  static constexpr ConvTile<T> one = conv_tile<T, (Rows < kTileRows ? Rows : kTileRows), Vectors>;
  static constexpr ConvTile<T> of[14] = {one<1>,  one<2>,  one<3>,  one<4>, one<5>,
                                         one<6>,  one<7>,  one<8>,  one<9>, one<10>,
                                         one<11>, one<12>, one<13>, one<14>};
};

template <class T, int Vectors, bool Masked>
struct WeightTiles {
  template <int Rows>
  static constexpr WeightTile<T> one =
      weight_tile<T, (Rows < kTileRows ? Rows : kTileRows), Vectors, Masked>;
  static constexpr WeightTile<T> of[14] = {one<1>,  one<2>,  one<3>,  one<4>, one<5>,
                                           one<6>,  one<7>,  one<8>,  one<9>, one<10>,
                                           one<11>, one<12>, one<13>, one<14>};
  template <int Rows>
  static constexpr ScatteredTile<T> few =
      scattered_tile<T, (Rows < kScatteredRows ? Rows : kScatteredRows), Vectors, Masked>;
  static constexpr ScatteredTile<T> scattered[9] = {few<1>, few<2>, few<3>, few<4>, few<5>,
                                                    few<6>, few<7>, few<8>, few<9>};
};

template <class T>
FASTNN_INLINE const ConvTile<T>* conv_tiles(int64_t cols) {
  return cols > kLanes<T> ? ConvTiles<T, 2>::of : ConvTiles<T, 1>::of;
}

template <class T>
FASTNN_INLINE const WeightTile<T>* weight_tiles(int64_t cols) {
  if (cols > kLanes<T>)
    return cols % kLanes<T> ? WeightTiles<T, 2, true>::of : WeightTiles<T, 2, false>::of;
  return cols % kLanes<T> ? WeightTiles<T, 1, true>::of : WeightTiles<T, 1, false>::of;
}

template <class T>
FASTNN_INLINE const ScatteredTile<T>* scattered_tiles(int64_t cols) {
  if (cols > kLanes<T>)
    return cols % kLanes<T> ? WeightTiles<T, 2, true>::scattered
                            : WeightTiles<T, 2, false>::scattered;
  return cols % kLanes<T> ? WeightTiles<T, 1, true>::scattered
                          : WeightTiles<T, 1, false>::scattered;
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
