// Pooling of windows that lie side by side.
#pragma once
#include "kernels/cpu/lanes.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Bytes widened to a vector's lanes. GCC turns the conversion of bytes from memory into one of
// scalars where there is no intrinsic.
#if defined(FASTNN_ISA_avx512)
FASTNN_INLINE void widen(const uint8_t* p, I32* lanes) {
  *lanes = (I32)_mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128((const __m128i*)p));
}
FASTNN_INLINE void widen(const uint8_t* p, I64* lanes) {
  *lanes = (I64)_mm512_maskz_cvtepu8_epi64(0xff, _mm_loadl_epi64((const __m128i*)p));
}
#elif defined(FASTNN_ISA_avx2)
FASTNN_INLINE void widen(const uint8_t* p, I32* lanes) {
  *lanes = (I32)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p));
}
FASTNN_INLINE void widen(const uint8_t* p, I64* lanes) {
  int32_t four;
  __builtin_memcpy(&four, p, sizeof(four));
  *lanes = (I64)_mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
}
#else
template <class V>
FASTNN_INLINE void widen(const uint8_t* p, V* lanes) {
  FASTNN_EACH (i, static_cast<int>(sizeof(V) / sizeof((*lanes)[0]))) (*lanes)[i] = p[i];
}
#endif

// Places of a vector's lanes in their windows, as they are stored.
template <class T>
struct Places {
  using type = typename VectorType<uint8_t, kLanes<T>>::type;

  static FASTNN_INLINE void put(uint8_t* p, vec<Bits<T>> places, int64_t n) {
    const type bytes = __builtin_convertvector(places, type);
    if (n >= kLanes<T>)
      __builtin_memcpy(p, &bytes, sizeof(bytes));
    else
      for (int64_t i = 0; i < n; ++i) p[i] = bytes[i];
  }
  static FASTNN_INLINE vec<Bits<T>> get(const uint8_t* p, int64_t n) {
    if (n >= kLanes<T>) {
      vec<Bits<T>> lanes;
      widen(p, &lanes);
      return lanes;
    }
    vec<Bits<T>> places{};
    for (int64_t i = 0; i < n; ++i) places[i] = p[i];
    return places;
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
  int64_t row;        // elements from a row of y to the next; pixels are `channels` apart
  int64_t first = 0;  // of the results
};

// One vector of a window's channels; Pair: the window is 2 x 2, the channels all there.
template <class T, bool Pair>
FASTNN_INLINE Largest<T> largest_of(const T* corner, int64_t n, const PoolGrid& p) {
  if constexpr (Pair) {
    const vec<T> x[4] = {load(corner), load(corner + p.channels), load(corner + p.row),
                         load(corner + p.row + p.channels)};
    // A sum is NaN where a term is, and hardly ever elsewhere: then the other form decides.
    const vec<T> sum = (x[0] + x[1]) + (x[2] + x[3]);
    if (!any(sum != sum)) {
      Largest<T> best = {x[0], vec<Bits<T>>{}};
      FASTNN_EACH (q, 4) {
        const auto better = x[q] > best.value;
        best.value = max(x[q], best.value);
        best.place = select(better, set<Bits<T>>(q), best.place);
      }
      return best;
    }
  }
  Largest<T> best = {load_first(corner, n), vec<Bits<T>>{}};
  for (int64_t a = 0; a < p.size[0]; ++a)
    for (int64_t b = 0; b < p.size[1]; ++b)
      best.take(load_first(corner + a * p.row + b * p.channels, n), a * p.size[1] + b);
  return best;
}

// What becomes of one vector of a window's channels.
template <class T>
struct TakeLargest {
  uint8_t* index;  // or null

  template <bool Pair>
  FASTNN_INLINE void take(T* out, const T* corner, int64_t at, int64_t n, const PoolGrid& p) const {
    const Largest<T> best = largest_of<T, Pair>(corner, n, p);
    store_first(out + at, best.value, n);
    if (index) Places<T>::put(index + at, best.place, n);
  }
};
template <class T>
struct TakeMean {
  template <bool Pair>
  FASTNN_INLINE void take(T* out, const T* corner, int64_t at, int64_t n, const PoolGrid& p) const {
    vec<T> sum = zero<T>();
    for (int64_t a = 0; a < (Pair ? 2 : p.size[0]); ++a)
      for (int64_t b = 0; b < (Pair ? 2 : p.size[1]); ++b)
        sum += load_first(corner + a * p.row + b * p.channels, n);
    store_first(out + at, sum / set<T>(static_cast<T>(p.size[0] * p.size[1])), n);
  }
};

template <class T, bool Pair, class Take>
void pool_windows(const Take& what, T* out, const T* y, const PoolGrid& p) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t i = 0; i < p.rows; ++i)
    for (int64_t j = 0; j < p.cols; ++j) {
      const T* corner = y + i * p.size[0] * p.row + j * p.size[1] * p.channels;
      const int64_t to = p.first + (i * p.cols + j) * p.channels;
      for (int64_t c = 0; c < p.channels; c += L) {
        const int64_t n = Pair || p.channels - c >= L ? L : p.channels - c;
        what.template take<Pair>(out, corner + c, to + c, n, p);
      }
    }
}

template <class T, class Take>
void pool_grid(const Take& what, T* out, const T* y, const PoolGrid& p) {
  if (p.size[0] == 2 && p.size[1] == 2 && p.channels % kLanes<T> == 0)
    pool_windows<T, true>(what, out, y, p);
  else
    pool_windows<T, false>(what, out, y, p);
}

// The other way: each g at its place and zeros at the others of its window, or its share at all.
template <class T>
struct GiveLargest {
  const uint8_t* index;
  struct Shares {
    vec<T> g;
    vec<Bits<T>> places;
    FASTNN_INLINE vec<T> of(int64_t place) const {
      return select(places == set<Bits<T>>(static_cast<Bits<T>>(place)), g, zero<T>());
    }
  };
  FASTNN_INLINE Shares shares(const T* g, int64_t at, int64_t n, const PoolGrid&) const {
    return {load_first(g + at, n), Places<T>::get(index + at, n)};
  }
};
template <class T>
struct GiveMean {
  struct Shares {
    vec<T> g;
    FASTNN_INLINE vec<T> of(int64_t) const { return g; }
  };
  FASTNN_INLINE Shares shares(const T* g, int64_t at, int64_t n, const PoolGrid& p) const {
    return {load_first(g + at, n) / set<T>(static_cast<T>(p.size[0] * p.size[1]))};
  }
};

template <class T, bool Pair, class Give>
void unpool_windows(const Give& what, T* y, const T* g, const PoolGrid& p) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t i = 0; i < p.rows; ++i)
    for (int64_t j = 0; j < p.cols; ++j) {
      T* corner = y + i * p.size[0] * p.row + j * p.size[1] * p.channels;
      const int64_t from = p.first + (i * p.cols + j) * p.channels;
      for (int64_t c = 0; c < p.channels; c += L) {
        const int64_t n = Pair || p.channels - c >= L ? L : p.channels - c;
        const auto shares = what.shares(g, from + c, n, p);
        for (int64_t a = 0; a < (Pair ? 2 : p.size[0]); ++a)
          for (int64_t b = 0; b < (Pair ? 2 : p.size[1]); ++b)
            store_first(corner + c + a * p.row + b * p.channels,
                        shares.of(a * (Pair ? 2 : p.size[1]) + b), n);
      }
    }
}

template <class T, class Give>
void unpool_grid(const Give& what, T* y, const T* g, const PoolGrid& p) {
  if (p.size[0] == 2 && p.size[1] == 2 && p.channels % kLanes<T> == 0)
    unpool_windows<T, true>(what, y, g, p);
  else
    unpool_windows<T, false>(what, y, g, p);
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
