// Rows by their numbers, and one-hot rows.
#pragma once
#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

// A negative index counts from the end; -1 and a report where it is out of range.
__device__ inline int64_t row_of(int64_t index, int64_t rows, DeviceState* state) {
  const int64_t row = index < 0 ? index + rows : index;
  if (row >= 0 && row < rows) return row;
  report_index(state, index, rows);
  return -1;
}

// out[o, i, j] = table[o, index[i], j]; kAlong: table[o, index[o, i, j], j]
template <class T, bool kAlong>
__device__ void take_elements(const Grid& grid, const TakeArgs& a, DeviceState* state) {
  const T* table = static_cast<const T*>(a.in);
  const int64_t n = a.outer * a.count * a.inner;
  for (int64_t e = grid.first_index(); e < n; e += grid.all_threads()) {
    const int64_t place = quotient(e, a.inner), j = e - place * a.inner;
    const int64_t o = quotient(place, a.count), i = place - o * a.count;
    const int64_t row = row_of(a.index[kAlong ? e : i], a.rows, state);
    static_cast<T*>(a.out)[e] = row < 0 ? T(0) : table[(o * a.rows + row) * a.inner + j];
  }
}

template <class T>
__device__ void zero_elements(const Grid& grid, T* out, int64_t n) {
  for (int64_t i = grid.first_index(); i < n; i += grid.all_threads()) out[i] = 0;
}

// out[o, index[o, i, j], j] += g[o, i, j], a thread for each (o, j).
template <class T>
__device__ void add_along(const Grid& grid, const TakeArgs& a, DeviceState* state) {
  for (int64_t column = grid.first_index(); column < a.outer * a.inner;
       column += grid.all_threads()) {
    const int64_t o = quotient(column, a.inner), j = column - o * a.inner;
    for (int64_t i = 0; i < a.count; ++i) {
      const int64_t at = (o * a.count + i) * a.inner + j;
      const int64_t row = row_of(a.index[at], a.rows, state);
      if (row < 0) continue;
      static_cast<T*>(a.out)[(o * a.rows + row) * a.inner + j] += static_cast<const T*>(a.in)[at];
    }
  }
}

// Row above place: no two keys are equal, so what sorts them is the same in any order. What is no
// place, or names no row, is last.
using Key = unsigned long long;
constexpr Key kNone = ~Key{0};
constexpr int64_t kTile = 2048;  // keys that a block sorts

__device__ inline void make_keys(const Grid& grid, const TakeArgs& a, Key* keys, int64_t size,
                                 DeviceState* state) {
  for (int64_t i = grid.first_index(); i < size; i += grid.all_threads()) {
    const int64_t row = i < a.count ? row_of(a.index[i], a.rows, state) : -1;
    keys[i] = row < 0 ? kNone : static_cast<Key>(row) << 32 | static_cast<Key>(i);
  }
}

__device__ inline void order(Key* low, Key* high, bool upwards) {
  const Key a = *low, b = *high;
  if ((a > b) != upwards) return;
  *low = b;
  *high = a;
}

// The lower one of pair p, whose members are `apart` (a power of two) from each other.
__device__ inline int64_t lower_of(int64_t p, int64_t apart) { return 2 * p - (p & (apart - 1)); }

// Bitonic sort (Batcher 1968): runs of `run` keys, upwards and downwards in turn, from those half
// as long. This launch orders the pairs `apart`.
__device__ inline void order_pairs(const Grid& grid, Key* keys, int64_t size, int64_t run,
                                   int64_t apart) {
  for (int64_t p = grid.first_index(); p < size / 2; p += grid.all_threads()) {
    const int64_t low = lower_of(p, apart);
    order(keys + low, keys + low + apart, (low & run) == 0);
  }
}

// Everything that stays within a tile: the runs from first_run to last_run, each from the pairs
// half a run apart, or half a tile where a run is longer.
__device__ inline void order_tiles(const Grid& grid, Key* keys, int64_t tile, int64_t first_run,
                                   int64_t last_run) {
  auto* own = static_cast<Key*>(grid.shared);
  const int64_t start = grid.block.x * tile;
  for (int64_t i = grid.thread; i < tile; i += grid.threads) own[i] = keys[start + i];
  for (int64_t run = first_run; run <= last_run; run *= 2)
    for (int64_t apart = run < tile ? run / 2 : tile / 2; apart > 0; apart /= 2) {
      grid.sync();
      for (int64_t p = grid.thread; p < tile / 2; p += grid.threads) {
        const int64_t low = lower_of(p, apart);
        order(own + low, own + low + apart, ((start + low) & run) == 0);
      }
    }
  grid.sync();
  for (int64_t i = grid.thread; i < tile; i += grid.threads) keys[start + i] = own[i];
}

// out[o, row, j] = the sum of g[o, i, j] over the row's places i, upwards. A thread for each place
// and j; that of a row's first place works.
template <class T>
__device__ void add_rows(const Grid& grid, const TakeArgs& a, const Key* keys) {
  const T* g = static_cast<const T*>(a.in);
  const int64_t n = a.outer * a.count * a.inner;
  for (int64_t e = grid.first_index(); e < n; e += grid.all_threads()) {
    const int64_t place = quotient(e, a.inner), j = e - place * a.inner;
    const int64_t o = quotient(place, a.count), p = place - o * a.count;
    const Key key = keys[p];
    if (key == kNone || (p > 0 && keys[p - 1] >> 32 == key >> 32)) continue;
    T sum = 0;
    for (int64_t q = p; q < a.count && keys[q] >> 32 == key >> 32; ++q) {
      const auto i = static_cast<int64_t>(keys[q] & 0xffffffff);
      sum += g[(o * a.count + i) * a.inner + j];
    }
    const auto row = static_cast<int64_t>(key >> 32);
    static_cast<T*>(a.out)[(o * a.rows + row) * a.inner + j] = sum;
  }
}

// out[i, c] = c == index[i]
template <class T>
__device__ void one_hot_elements(const Grid& grid, const OneHotArgs& a) {
  for (int64_t e = grid.first_index(); e < a.count * a.classes; e += grid.all_threads()) {
    const int64_t i = quotient(e, a.classes), c = e - i * a.classes;
    static_cast<T*>(a.out)[e] = T(c == a.index[i]);
  }
}

}  // namespace fastnn::kernels::cuda
