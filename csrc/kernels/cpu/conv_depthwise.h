// Depthwise convolution: every channel is a group, so a vector holds neighbouring filters (or, of
// the gradient to the input, channels) of one pixel, and there is no product of matrices.
#pragma once
#include "kernels/cpu/conv_tile.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int kDepthwiseRows = 8;     // pixels of a tile
constexpr int kDepthwiseVectors = 4;  // of filters, in the gradient to the kernel

// What the lanes of a vector read: neighbours, or elements at an index each.
template <class T, bool Plain, bool Masked>
struct Reader {
  Columns<T, 1, Masked> columns;
  vec<Bits<T>> index;

  FASTNN_INLINE vec<T> get(const T* p) const {
    return Plain ? columns.get(p, 0) : gather(p, index);
  }
};

// Lane l reads element (first + l) * step / share of what begins there; lanes from n on the first.
template <class T>
vec<Bits<T>> lane_index(int64_t first, int64_t step, int64_t share, int64_t n) {
  vec<Bits<T>> index{};
  for (int64_t l = 0; l < n; ++l) index[l] = static_cast<Bits<T>>((first + l) * step / share);
  return index;
}

// Pixels of a result at distance sa in what is read; k: [tap][column], taps at distance sk.
template <class T, int Rows, bool Plain, bool Masked>
void depthwise_tile(const T* a, int64_t sa, const T* k, int64_t sk, const Segments& s,
                    const Reader<T, Plain, Masked>& reader, const TileEnd<T>& t) {
  vec<T> acc[Rows];
  FASTNN_EACH (r, Rows) acc[r] = zero<T>();
  for (int64_t i = 0; i < s.count; ++i)
    for (int64_t j = 0; j < s.list[i].n; ++j) {
      const vec<T> y = reader.columns.get(k + (s.list[i].b + j) * sk, 0);
      const T* x = a + s.list[i].a + j;
      FASTNN_EACH (r, Rows) acc[r] = fma(reader.get(x + r * sa), y, acc[r]);
    }
  const vec<T> bias = t.bias ? reader.columns.get(t.bias, 0) : zero<T>();
  FASTNN_EACH (r, Rows) {
    vec<T> x = t.bias ? acc[r] + bias : acc[r];
    if (t.epilogue == Epilogue::relu) x = max(zero<T>(), x);
    if (t.epilogue == Epilogue::relu_grad)
      x = select(reader.columns.get(t.aux + r * t.ldaux, 0) > zero<T>(), x, zero<T>());
    reader.columns.put(t.c + r * t.ldc, 0, x);
  }
}

// `rows` pixels and one vector of columns.
template <class T, bool Plain, bool Masked>
void depthwise_pixels(const T* a, int64_t sa, int64_t rows, const T* k, int64_t sk,
                      const Segments& s, const Reader<T, Plain, Masked>& reader, TileEnd<T> end) {
  int64_t step;
  for (; rows > 0; rows -= step) {
    step = rows >= kDepthwiseRows ? kDepthwiseRows : 1;
    if (step > 1)
      depthwise_tile<T, kDepthwiseRows, Plain, Masked>(a, sa, k, sk, s, reader, end);
    else
      depthwise_tile<T, 1, Plain, Masked>(a, sa, k, sk, s, reader, end);
    a += step * sa;
    end.c += step * end.ldc;
    if (end.aux) end.aux += step * end.ldaux;
  }
}

// The same for any vector of columns: n of them, that read neighbours or by an index.
template <class T>
void depthwise_line(const T* a, int64_t sa, int64_t rows, const T* k, int64_t sk, const Segments& s,
                    bool plain, vec<Bits<T>> index, const TileEnd<T>& end) {
  const bool masked = end.tail < kLanes<T>;
  if (plain && !masked)
    depthwise_pixels<T, true, false>(a, sa, rows, k, sk, s, {{end.tail}, index}, end);
  else if (plain)
    depthwise_pixels<T, true, true>(a, sa, rows, k, sk, s, {{end.tail}, index}, end);
  else
    depthwise_pixels<T, false, true>(a, sa, rows, k, sk, s, {{end.tail}, index}, end);
}

// The sum of x dy over the pixels of segments, for Vectors vectors of filters; even and odd pixels
// of a row are chains of their own.
template <class T, int Vectors, bool Plain, bool Masked>
void depthwise_products(T* dk, const T* x, int64_t sx, const T* y, int64_t sy, const Segments& s,
                        const Reader<T, Plain, Masked>& reader, bool accumulate) {
  static_assert(Plain || Vectors == 1, "an index is for one vector");
  constexpr int64_t L = kLanes<T>;
  vec<T> acc[2][Vectors];
  FASTNN_EACH (u, 2)
    FASTNN_EACH (v, Vectors) acc[u][v] = zero<T>();
  for (int64_t i = 0; i < s.count; ++i) {
    const T* a = x + s.list[i].a;
    const T* b = y + s.list[i].b * sy;
    int64_t j = s.list[i].n;
    for (; j >= 2; j -= 2, a += 2 * sx, b += 2 * sy)
      FASTNN_EACH (u, 2)
        FASTNN_EACH (v, Vectors)
          acc[u][v] = fma(reader.get(a + u * sx + v * L), reader.columns.get(b + u * sy + v * L, 0),
                          acc[u][v]);
    if (j > 0)
      FASTNN_EACH (v, Vectors)
        acc[0][v] = fma(reader.get(a + v * L), reader.columns.get(b + v * L, 0), acc[0][v]);
  }
  FASTNN_EACH (v, Vectors) {
    const vec<T> sum = acc[0][v] + acc[1][v];
    T* to = dk + v * L;
    reader.columns.put(to, 0, accumulate ? reader.columns.get(to, 0) + sum : sum);
  }
}

// One tap's row of dk; `share` filters of each channel.
template <class T>
void depthwise_tap(T* dk, const T* x, int64_t sx, const T* y, int64_t filters, int64_t share,
                   const Segments& s, bool accumulate) {
  constexpr int64_t L = kLanes<T>, Wide = kDepthwiseVectors * L;
  int64_t step;
  for (int64_t f = 0; f < filters; f += step) {
    const int64_t n = min_of(filters - f, L);
    step = L;
    if (share > 1) {
      depthwise_products<T, 1, false, true>(dk + f, x + f / share, sx, y + f, filters, s,
                                            {{n}, lane_index<T>(f % share, 1, share, n)},
                                            accumulate);
    } else if (filters - f >= Wide) {
      step = Wide;
      depthwise_products<T, kDepthwiseVectors, true, false>(dk + f, x + f, sx, y + f, filters, s,
                                                            {{L}, vec<Bits<T>>{}}, accumulate);
    } else {
      depthwise_products<T, 1, true, true>(dk + f, x + f, sx, y + f, filters, s,
                                           {{n}, vec<Bits<T>>{}}, accumulate);
    }
  }
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
