// Moving data: copies with any strides, and fills.
#include "kernels/cuda/bodies/move.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

template <class T>
void copy(const void* args, const Context* ctx) {
  Copy c(*static_cast<const CopyArgs*>(args));
  c.state = state_of(ctx);
  launch<copy_elements<T>>(ctx, blocks_for(c.n), kThreads, c);
}

template <class T>
void fill(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const FillArgs*>(args);
  launch<fill_elements<T>>(ctx, blocks_for(a.n), kThreads, static_cast<T*>(a.out), a.n,
                           static_cast<T>(a.value));
}

void fill_bool(const void* args, const Context* ctx) {
  FillArgs a = *static_cast<const FillArgs*>(args);
  a.value = a.value != 0;
  fill<uint8_t>(&a, ctx);
}

// Elements are moved, not looked at: their size is all that counts.
#define FASTNN_ALL(id, kernel)                              \
  {id, DType::f32, kernel<uint32_t>, nullptr, nullptr},     \
      {id, DType::f64, kernel<uint64_t>, nullptr, nullptr}, \
      {id, DType::i32, kernel<uint32_t>, nullptr, nullptr}, \
      {id, DType::i64, kernel<uint64_t>, nullptr, nullptr}, \
      {id, DType::u8, kernel<uint8_t>, nullptr, nullptr}, { \
    id, DType::b8, kernel<uint8_t>, nullptr, nullptr        \
  }

const Entry kEntries[] = {
    FASTNN_ALL("copy", copy),
    {"fill", DType::f32, fill<float>, nullptr, nullptr},
    {"fill", DType::f64, fill<double>, nullptr, nullptr},
    {"fill", DType::i32, fill<int32_t>, nullptr, nullptr},
    {"fill", DType::i64, fill<int64_t>, nullptr, nullptr},
    {"fill", DType::u8, fill<uint8_t>, nullptr, nullptr},
    {"fill", DType::b8, fill_bool, nullptr, nullptr},
};

}  // namespace

const EntryList move_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
