// Rows by their numbers, the gradients of that, and one-hot rows.
//
// A table's gradient adds rows in the order of their numbers' places, as the CPU does: the places
// are sorted by row, and one thread adds up what one element of a row gets.
#include "kernels/cuda/bodies/take.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

template <class T, bool kAlong>
void take(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  launch<take_elements<T, kAlong>>(ctx, blocks_for(a.outer * a.count * a.inner), kThreads, a,
                                   state_of(ctx));
}

template <class T>
void take_along_grad(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  const int64_t n = a.outer * a.rows * a.inner;
  launch<zero_elements<T>>(ctx, blocks_for(n), kThreads, static_cast<T*>(a.out), n);
  launch<add_along<T>>(ctx, blocks_for(a.outer * a.inner), kThreads, a, state_of(ctx));
}

// --- sorting places by row

int64_t power_of_two(int64_t n) {
  int64_t size = 2;
  while (size < n) size *= 2;
  return size;
}

void sort(Key* keys, int64_t size, const Context* ctx) {
  const int64_t tile = size < kTile ? size : kTile;
  const auto tiles = static_cast<unsigned>(size / tile);
  launch<order_tiles, kThreads, kTile * sizeof(Key)>(ctx, tiles, kThreads, keys, tile, 2, tile);
  for (int64_t run = 2 * tile; run <= size; run *= 2) {
    for (int64_t apart = run / 2; apart >= tile; apart /= 2)
      launch<order_pairs>(ctx, blocks_for(size / 2), kThreads, keys, size, run, apart);
    launch<order_tiles, kThreads, kTile * sizeof(Key)>(ctx, tiles, kThreads, keys, tile, run, run);
  }
}

// Rows that no index names stay as they were.
template <class T>
void take_grad_rows(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  if (a.count == 0) return;
  constexpr int64_t kMost = int64_t{1} << 31;
  if (a.rows > kMost || a.count > kMost) return fail("tables have at most 2^31 rows");
  auto* keys = static_cast<Key*>(ctx->workspace);
  const int64_t size = power_of_two(a.count);
  launch<make_keys>(ctx, blocks_for(size), kThreads, a, keys, size, state_of(ctx));
  sort(keys, size, ctx);
  launch<add_rows<T>>(ctx, blocks_for(a.outer * a.count * a.inner), kThreads, a, keys);
}

template <class T>
void take_grad(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  const int64_t n = a.outer * a.rows * a.inner;
  launch<zero_elements<T>>(ctx, blocks_for(n), kThreads, static_cast<T*>(a.out), n);
  take_grad_rows<T>(args, ctx);
}

size_t workspace(const void* args, int32_t) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  return static_cast<size_t>(power_of_two(a.count)) * sizeof(Key);
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
    {"take_grad_rows", DType::f32, take_grad_rows<float>, nullptr, workspace},
    {"take_grad_rows", DType::f64, take_grad_rows<double>, nullptr, workspace},
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
