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

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
