// Max pooling of windows that lie side by side, on rows that are in the caches.
#pragma once
#include "kernels/cpu/simd.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Places of a vector's lanes in their windows, as they are stored.
template <class T>
struct Places {
  using type = typename VectorType<uint8_t, kLanes<T>>::type;

  static FASTNN_INLINE void put(uint8_t* p, vec<Bits<T>> places, int64_t n) {
    const type bytes = __builtin_convertvector(places, type);
    if (n >= kLanes<T>)
      reinterpret_cast<Unaligned<type>*>(p)->v = bytes;
    else
      for (int64_t i = 0; i < n; ++i) p[i] = bytes[i];
  }
  static FASTNN_INLINE vec<Bits<T>> get(const uint8_t* p, int64_t n) {
    type bytes{};
    if (n >= kLanes<T>)
      bytes = reinterpret_cast<const Unaligned<type>*>(p)->v;
    else
      for (int64_t i = 0; i < n; ++i) bytes[i] = p[i];
    return __builtin_convertvector(bytes, vec<Bits<T>>);
  }
};

// The largest so far and its place; a NaN stays.
template <class T>
struct Largest {
  vec<T> value;
  vec<Bits<T>> place;

  FASTNN_INLINE void take(vec<T> x, int64_t where) {
    const vec<Bits<T>> better = (vec<Bits<T>>)((x > value) | (x != x));
    value = select(better, x, value);
    place = select(better, set<Bits<T>>(static_cast<Bits<T>>(where)), place);
  }
};

// Windows of size[0] x size[1]: `rows` by `cols` of them from pixels of y at distances row, pixel.
struct PoolGrid {
  int64_t size[2];
  int64_t rows, cols, channels;
  int64_t row;  // elements from a row of y to the next; pixels are `channels` apart
};

template <class T>
void pool_grid(T* out, uint8_t* index, const T* y, const PoolGrid& p) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t i = 0; i < p.rows; ++i)
    for (int64_t j = 0; j < p.cols; ++j) {
      const T* corner = y + i * p.size[0] * p.row + j * p.size[1] * p.channels;
      T* to = out + (i * p.cols + j) * p.channels;
      uint8_t* place = index ? index + (i * p.cols + j) * p.channels : nullptr;
      for (int64_t c = 0; c < p.channels; c += L) {
        const int64_t n = p.channels - c < L ? p.channels - c : L;
        Largest<T> best = {load_first(corner + c, n), vec<Bits<T>>{}};
        for (int64_t a = 0; a < p.size[0]; ++a)
          for (int64_t b = a == 0; b < p.size[1]; ++b)
            best.take(load_first(corner + a * p.row + b * p.channels + c, n), a * p.size[1] + b);
        store_first(to + c, best.value, n);
        if (place) Places<T>::put(place + c, best.place, n);
      }
    }
}

// The other way: each g at its place, zeros at the others of its window.
template <class T>
void unpool_grid(T* y, const T* g, const uint8_t* index, const PoolGrid& p) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t i = 0; i < p.rows; ++i)
    for (int64_t j = 0; j < p.cols; ++j) {
      T* corner = y + i * p.size[0] * p.row + j * p.size[1] * p.channels;
      const int64_t from = (i * p.cols + j) * p.channels;
      for (int64_t c = 0; c < p.channels; c += L) {
        const int64_t n = p.channels - c < L ? p.channels - c : L;
        const vec<T> x = load_first(g + from + c, n);
        const vec<Bits<T>> places = Places<T>::get(index + from + c, n);
        for (int64_t a = 0; a < p.size[0]; ++a)
          for (int64_t b = 0; b < p.size[1]; ++b) {
            const auto here = set<Bits<T>>(static_cast<Bits<T>>(a * p.size[1] + b));
            store_first(corner + a * p.row + b * p.channels + c,
                        select(places == here, x, zero<T>()), n);
          }
      }
    }
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
