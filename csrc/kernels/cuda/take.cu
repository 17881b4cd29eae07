// Rows by their numbers, the gradients of that, and one-hot rows.
//
// A table's gradient adds rows in the order of their numbers' places, as the CPU does: the places
// are sorted by row, and one thread adds up what one element of a row gets.
#include "kernels/cuda/launch.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

// A negative index counts from the end; -1 and a report where it is out of range.
__device__ int64_t row_of(int64_t index, int64_t rows, DeviceState* state) {
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
    const int64_t place = e / a.inner, j = e - place * a.inner;
    const int64_t o = place / a.count, i = place - o * a.count;
    const int64_t row = row_of(a.index[kAlong ? e : i], a.rows, state);
    static_cast<T*>(a.out)[e] = row < 0 ? T(0) : table[(o * a.rows + row) * a.inner + j];
  }
}

template <class T, bool kAlong>
void take(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  launch<take_elements<T, kAlong>>(ctx, blocks_for(a.outer * a.count * a.inner), kThreads, a,
                                   state_of(ctx));
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
    const int64_t o = column / a.inner, j = column - o * a.inner;
    for (int64_t i = 0; i < a.count; ++i) {
      const int64_t at = (o * a.count + i) * a.inner + j;
      const int64_t row = row_of(a.index[at], a.rows, state);
      if (row < 0) continue;
      static_cast<T*>(a.out)[(o * a.rows + row) * a.inner + j] += static_cast<const T*>(a.in)[at];
    }
  }
}

template <class T>
void take_along_grad(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  const int64_t n = a.outer * a.rows * a.inner;
  launch<zero_elements<T>>(ctx, blocks_for(n), kThreads, static_cast<T*>(a.out), n);
  launch<add_along<T>>(ctx, blocks_for(a.outer * a.inner), kThreads, a, state_of(ctx));
}

// --- sorting places by row

// Row above place: no two keys are equal, so what sorts them is the same in any order. What is no
// place, or names no row, is last.
using Key = unsigned long long;
constexpr Key kNone = ~Key{0};
constexpr int64_t kTile = 2048;  // keys that a block sorts

int64_t power_of_two(int64_t n) {
  int64_t size = 2;
  while (size < n) size *= 2;
  return size;
}

__device__ void make_keys(const Grid& grid, const TakeArgs& a, Key* keys, int64_t size,
                          DeviceState* state) {
  for (int64_t i = grid.first_index(); i < size; i += grid.all_threads()) {
    const int64_t row = i < a.count ? row_of(a.index[i], a.rows, state) : -1;
    keys[i] = row < 0 ? kNone : static_cast<Key>(row) << 32 | static_cast<Key>(i);
  }
}

__device__ void order(Key* low, Key* high, bool upwards) {
  const Key a = *low, b = *high;
  if ((a > b) != upwards) return;
  *low = b;
  *high = a;
}

// The lower one of pair p, whose members are `apart` (a power of two) from each other.
__device__ int64_t lower_of(int64_t p, int64_t apart) { return 2 * p - (p & (apart - 1)); }

// Bitonic sort (Batcher 1968): runs of `run` keys, upwards and downwards in turn, from those half
// as long. This launch orders the pairs `apart`.
__device__ void order_pairs(const Grid& grid, Key* keys, int64_t size, int64_t run, int64_t apart) {
  for (int64_t p = grid.first_index(); p < size / 2; p += grid.all_threads()) {
    const int64_t low = lower_of(p, apart);
    order(keys + low, keys + low + apart, (low & run) == 0);
  }
}

// Everything that stays within a tile: the runs from first_run to last_run, each from the pairs
// half a run apart, or half a tile where a run is longer.
__device__ void order_tiles(const Grid& grid, Key* keys, int64_t tile, int64_t first_run,
                            int64_t last_run) {
  __shared__ Key own[kTile];
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

void sort(Key* keys, int64_t size, const Context* ctx) {
  const int64_t tile = size < kTile ? size : kTile;
  const auto tiles = static_cast<unsigned>(size / tile);
  launch<order_tiles>(ctx, tiles, kThreads, keys, tile, 2, tile);
  for (int64_t run = 2 * tile; run <= size; run *= 2) {
    for (int64_t apart = run / 2; apart >= tile; apart /= 2)
      launch<order_pairs>(ctx, blocks_for(size / 2), kThreads, keys, size, run, apart);
    launch<order_tiles>(ctx, tiles, kThreads, keys, tile, run, run);
  }
}

// out[o, row, j] = the sum of g[o, i, j] over the row's places i, upwards. A thread for each place
// and j; that of a row's first place works.
template <class T>
__device__ void add_rows(const Grid& grid, const TakeArgs& a, const Key* keys) {
  const T* g = static_cast<const T*>(a.in);
  const int64_t n = a.outer * a.count * a.inner;
  for (int64_t e = grid.first_index(); e < n; e += grid.all_threads()) {
    const int64_t place = e / a.inner, j = e - place * a.inner;
    const int64_t o = place / a.count, p = place - o * a.count;
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

template <class T>
void take_grad(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  const int64_t n = a.outer * a.rows * a.inner;
  launch<zero_elements<T>>(ctx, blocks_for(n), kThreads, static_cast<T*>(a.out), n);
  if (a.count == 0) return;
  constexpr int64_t kMost = int64_t{1} << 31;
  if (a.rows > kMost || a.count > kMost) return fail("tables have at most 2^31 rows");
  auto* keys = static_cast<Key*>(ctx->workspace);
  const int64_t size = power_of_two(a.count);
  launch<make_keys>(ctx, blocks_for(size), kThreads, a, keys, size, state_of(ctx));
  sort(keys, size, ctx);
  launch<add_rows<T>>(ctx, blocks_for(a.outer * a.count * a.inner), kThreads, a, keys);
}

size_t workspace(const void* args, int32_t) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  return static_cast<size_t>(power_of_two(a.count)) * sizeof(Key);
}

// out[i, c] = c == index[i]
template <class T>
__device__ void one_hot_elements(const Grid& grid, const OneHotArgs& a) {
  for (int64_t e = grid.first_index(); e < a.count * a.classes; e += grid.all_threads()) {
    const int64_t i = e / a.classes, c = e - i * a.classes;
    static_cast<T*>(a.out)[e] = T(c == a.index[i]);
  }
}

template <class T>
void one_hot(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const OneHotArgs*>(args);
  launch<one_hot_elements<T>>(ctx, blocks_for(a.count * a.classes), kThreads, a);
}

// Elements are moved, not looked at: their size is all that counts.
#define FASTNN_TAKE(id, along)                                   \
  {id, DType::f32, take<uint32_t, along>, nullptr, nullptr},     \
      {id, DType::f64, take<uint64_t, along>, nullptr, nullptr}, \
      {id, DType::i32, take<uint32_t, along>, nullptr, nullptr}, \
      {id, DType::i64, take<uint64_t, along>, nullptr, nullptr}, \
      {id, DType::u8, take<uint8_t, along>, nullptr, nullptr}, { \
    id, DType::b8, take<uint8_t, along>, nullptr, nullptr        \
  }

const Entry kEntries[] = {
    FASTNN_TAKE("take", false),
    FASTNN_TAKE("take_along", true),
    {"take_grad", DType::f32, take_grad<float>, nullptr, workspace},
    {"take_grad", DType::f64, take_grad<double>, nullptr, workspace},
    {"take_along_grad", DType::f32, take_along_grad<float>, nullptr, nullptr},
    {"take_along_grad", DType::f64, take_along_grad<double>, nullptr, nullptr},
    {"one_hot", DType::f32, one_hot<float>, nullptr, nullptr},
    {"one_hot", DType::f64, one_hot<double>, nullptr, nullptr},
    {"one_hot", DType::i32, one_hot<int32_t>, nullptr, nullptr},
    {"one_hot", DType::i64, one_hot<int64_t>, nullptr, nullptr},
    {"one_hot", DType::u8, one_hot<uint8_t>, nullptr, nullptr},
    {"one_hot", DType::b8, one_hot<uint8_t>, nullptr, nullptr},
};

}  // namespace

const EntryList take_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
