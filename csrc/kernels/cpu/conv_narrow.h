// Convolutions with up to four columns (a grey or coloured image comes out): a vector of columns
// would leave most lanes idle, so the sum is dealt out to the lanes instead. Lane l has the
// elements l, l + L, ... of each stretch; the lanes are folded half by half.
#pragma once
#include "kernels/cpu/conv_tile.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int kNarrowColumns = 4;
constexpr int kNarrowPixels = 4;  // of a tile

template <class T>
FASTNN_INLINE T narrow_end(T x, const TileEnd<T>& t, int r, int j) {
  if (t.bias) x = x + t.bias[j];
  if (t.epilogue == Epilogue::relu) return x < 0 ? T(0) : x;
  if (t.epilogue == Epilogue::relu_grad) return t.aux[r * t.ldaux + j] > 0 ? x : T(0);
  return x;
}

// k: [column][tap and depth], columns at distance sk.
template <class T, int Rows, int Cols>
void narrow_tile(const T* a, int64_t sa, const T* k, int64_t sk, const Segments& s,
                 const TileEnd<T>& t) {
  constexpr int64_t L = kLanes<T>;
  vec<T> acc[Rows][Cols];
  FASTNN_EACH (r, Rows)
    FASTNN_EACH (j, Cols) acc[r][j] = zero<T>();
  for (int64_t i = 0; i < s.count; ++i) {
    const T* x = a + s.list[i].a;
    const T* y = k + s.list[i].b;
    int64_t n = s.list[i].n;
    for (; n >= L; n -= L, x += L, y += L)
      FASTNN_EACH (r, Rows) {
        const vec<T> z = load(x + r * sa);
        FASTNN_EACH (j, Cols) acc[r][j] = fma(z, load(y + j * sk), acc[r][j]);
      }
    if (n > 0)
      FASTNN_EACH (r, Rows) {
        const vec<T> z = load_first(x + r * sa, n);
        FASTNN_EACH (j, Cols) acc[r][j] = fma(z, load_first(y + j * sk, n), acc[r][j]);
      }
  }
  FASTNN_EACH (r, Rows)
    FASTNN_EACH (j, Cols)
      t.c[r * t.ldc + j] = narrow_end(static_cast<T>(reduce_add(acc[r][j])), t, r, j);
}

template <class T, int Cols>
void narrow_pixels(const T* a, int64_t sa, int64_t rows, const T* k, int64_t sk, const Segments& s,
                   TileEnd<T> end) {
  int64_t step;
  for (; rows > 0; rows -= step) {
    step = rows >= kNarrowPixels ? kNarrowPixels : 1;
    if (step > 1)
      narrow_tile<T, kNarrowPixels, Cols>(a, sa, k, sk, s, end);
    else
      narrow_tile<T, 1, Cols>(a, sa, k, sk, s, end);
    a += step * sa;
    end.c += step * end.ldc;
    if (end.aux) end.aux += step * end.ldaux;
  }
}

// Pixels of a result at distance sa in what is read, all their columns.
template <class T>
void narrow_line(const T* a, int64_t sa, int64_t rows, const T* k, int64_t sk, const Segments& s,
                 int64_t cols, const TileEnd<T>& end) {
  if (cols == 1)
    narrow_pixels<T, 1>(a, sa, rows, k, sk, s, end);
  else if (cols == 2)
    narrow_pixels<T, 2>(a, sa, rows, k, sk, s, end);
  else if (cols == 3)
    narrow_pixels<T, 3>(a, sa, rows, k, sk, s, end);
  else
    narrow_pixels<T, 4>(a, sa, rows, k, sk, s, end);
}

// The gradient to such a kernel, the other way round: a vector holds elements of x that lie
// together, and each column has a chain of them.
#if defined(FASTNN_ISA_avx512) || defined(FASTNN_ISA_neon)
constexpr int kNarrowVectors = 6;
#else
constexpr int kNarrowVectors = 3;
#endif

// n elements of x from a on, for each k at distance sa; b: [k][column] at distance sb.
template <class T, int Cols, bool Full>
void narrow_weights(const T* a, int64_t sa, const T* b, int64_t sb, int64_t n, const Segments& s,
                    const WeightEnd<T>& t) {
  constexpr int64_t L = kLanes<T>;
  constexpr int V = kNarrowVectors;
  vec<T> acc[Cols][V];
  FASTNN_EACH (j, Cols)
    FASTNN_EACH (v, V) acc[j][v] = zero<T>();
  int64_t part[V];
  FASTNN_EACH (v, V) part[v] = n < v * L ? 0 : min_of(n - v * L, L);
  for (int64_t i = 0; i < s.count; ++i) {
    const T* x = a + s.list[i].a;
    const T* y = b + s.list[i].b * sb;
    for (int64_t k = s.list[i].n; k > 0; --k, x += sa, y += sb) {
      vec<T> z[V];
      FASTNN_EACH (v, V)
        z[v] = Full ? load(x + v * L) : load_first(x + (part[v] ? v * L : 0), part[v]);
      FASTNN_EACH (j, Cols) {
        const vec<T> g = set<T>(y[j]);
        FASTNN_EACH (v, V) acc[j][v] = fma(g, z[v], acc[j][v]);
      }
    }
  }
  FASTNN_EACH (j, Cols) {
    T sums[V * L];
    FASTNN_EACH (v, V) store(sums + v * L, acc[j][v]);
    for (int64_t e = 0; e < n; ++e) {
      T& to = t.c[e * t.ldc + j];
      to = t.accumulate ? to + sums[e] : sums[e];
    }
  }
}

template <class T>
using NarrowWeights = void (*)(const T* a, int64_t sa, const T* b, int64_t sb, int64_t n,
                               const Segments& s, const WeightEnd<T>& end);

template <class T>
FASTNN_INLINE NarrowWeights<T> narrow_weights_of(int64_t cols, bool full) {
  static constexpr NarrowWeights<T> of[2][kNarrowColumns] = {
      {narrow_weights<T, 1, false>, narrow_weights<T, 2, false>, narrow_weights<T, 3, false>,
       narrow_weights<T, 4, false>},
      {narrow_weights<T, 1, true>, narrow_weights<T, 2, true>, narrow_weights<T, 3, true>,
       narrow_weights<T, 4, true>}};
  return of[full][cols - 1];
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
