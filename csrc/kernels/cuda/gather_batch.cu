// gather_batch: rows of a resident data set, converted on the way; arrays of any dtype, byte order,
// strides and alignment. Where the context has a state, its row is added to the place of each row
// of the batch: so the same launch gathers batch after batch.
#include "kernels/cuda/bodies/gather_batch.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

int64_t size_of(Source s) {
  switch (s) {
    case Source::f64:
    case Source::i64:
    case Source::u64:
      return 8;
    case Source::f32:
    case Source::i32:
    case Source::u32:
      return 4;
    case Source::i16:
    case Source::u16:
    case Source::f16:
      return 2;
    default:
      return 1;
  }
}

template <class T>
void gather_batch(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const GatherBatchArgs*>(args);
  const int64_t size = size_of(a.source);
  bool plain = !a.byteswap &&
               reinterpret_cast<uintptr_t>(a.src) % static_cast<uintptr_t>(size) == 0 &&
               a.row_stride % size == 0;
  int64_t elements = 1;
  for (int d = 0; d < a.rank; ++d) {
    elements *= a.shape[d];
    plain = plain && a.strides[d] % size == 0;
  }
  launch<gather<T>>(ctx, blocks_for(a.n * elements), kThreads, a, state_of(ctx), elements, plain);
}

const Entry kEntries[] = {
    {"gather_batch", DType::f32, gather_batch<float>, nullptr, nullptr},
    {"gather_batch", DType::f64, gather_batch<double>, nullptr, nullptr},
    {"gather_batch", DType::i32, gather_batch<int32_t>, nullptr, nullptr},
    {"gather_batch", DType::i64, gather_batch<int64_t>, nullptr, nullptr},
    {"gather_batch", DType::u8, gather_batch<uint8_t>, nullptr, nullptr},
    {"gather_batch", DType::b8, gather_batch<Bool>, nullptr, nullptr},
};

}  // namespace

const EntryList gather_batch_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
