// Moving data: copies with any strides, and fills.
#include "kernels/cuda/launch.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

// CopyArgs, axes merged where both arrays walk them as one.
struct Copy {
  const DeviceState* state;
  void* out;
  const void* in;
  int64_t n = 1;
  int32_t rank = 0;
  int64_t shape[kMaxRank], out_strides[kMaxRank], in_strides[kMaxRank];

  explicit Copy(const CopyArgs& a) : out(a.out), in(a.in) {
    for (int d = 0; d < a.rank; ++d) {
      n *= a.shape[d];
      if (a.shape[d] == 1) continue;
      const int last = rank - 1;
      if (rank > 0 && out_strides[last] == a.out_strides[d] * a.shape[d] &&
          in_strides[last] == a.in_strides[d] * a.shape[d]) {
        shape[last] *= a.shape[d];
        out_strides[last] = a.out_strides[d];
        in_strides[last] = a.in_strides[d];
        continue;
      }
      shape[rank] = a.shape[d];
      out_strides[rank] = a.out_strides[d];
      in_strides[rank++] = a.in_strides[d];
    }
  }
};

template <class T>
__device__ void copy_elements(const Grid& grid, const Copy& c) {
  if (spoiled(c.state)) return;
  for (int64_t i = grid.first_index(); i < c.n; i += grid.all_threads()) {
    int64_t to = 0, from = 0, rest = i;
    for (int d = c.rank - 1; d >= 0; --d) {
      const int64_t index = d == 0 ? rest : rest % c.shape[d];
      to += index * c.out_strides[d];
      from += index * c.in_strides[d];
      if (d > 0) rest /= c.shape[d];
    }
    static_cast<T*>(c.out)[to] = static_cast<const T*>(c.in)[from];
  }
}

template <class T>
void copy(const void* args, const Context* ctx) {
  Copy c(*static_cast<const CopyArgs*>(args));
  c.state = state_of(ctx);
  launch<copy_elements<T>>(ctx, blocks_for(c.n), kThreads, c);
}

template <class T>
__device__ void fill_elements(const Grid& grid, T* out, int64_t n, T value) {
  for (int64_t i = grid.first_index(); i < n; i += grid.all_threads()) out[i] = value;
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
