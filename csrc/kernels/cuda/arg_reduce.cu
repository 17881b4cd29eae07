// argmax and argmin: the first place of the extreme value, where NaN counts as extreme. Of two
// candidates one is better whatever their order, so any way of comparing gives the same place.
#include "kernels/cuda/bodies/arg_reduce.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

constexpr int64_t kShort = 32;

template <class T, bool kMax>
void arg_reduce(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const ArgReduceArgs*>(args);
  const int64_t results = a.outer * a.inner;
  if (a.n <= kShort || a.inner >= kShort)
    launch<best_by_thread<T, kMax>>(ctx, blocks_for(results), kThreads, a);
  else
    launch<best_by_block<T, kMax>, kThreads, kBestShared<T>>(ctx, blocks_for(results, 1), kThreads,
                                                             a);
}

#define FASTNN_ARG_REDUCE(id, max)                                   \
  {id, DType::f32, arg_reduce<float, max>, nullptr, nullptr},        \
      {id, DType::f64, arg_reduce<double, max>, nullptr, nullptr},   \
      {id, DType::i32, arg_reduce<int32_t, max>, nullptr, nullptr},  \
      {id, DType::i64, arg_reduce<int64_t, max>, nullptr, nullptr},  \
      {id, DType::u8, arg_reduce<uint8_t, max>, nullptr, nullptr}, { \
    id, DType::b8, arg_reduce<uint8_t, max>, nullptr, nullptr        \
  }

const Entry kEntries[] = {FASTNN_ARG_REDUCE("argmax", true), FASTNN_ARG_REDUCE("argmin", false)};

}  // namespace

const EntryList arg_reduce_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
