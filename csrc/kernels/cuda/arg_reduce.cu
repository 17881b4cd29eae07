// argmax and argmin: the first place of the extreme value, where NaN counts as extreme. Of two
// candidates one is better whatever their order, so any way of comparing gives the same place.
#include "kernels/cuda/launch.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

constexpr int64_t kShort = 32;

template <class T>
struct Candidate {
  T value;
  int64_t place;
};

template <class T, bool kMax>
__device__ bool better(Candidate<T> a, Candidate<T> b) {
  const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
  if (a_nan != b_nan) return a_nan;
  if (a_nan || a.value == b.value) return a.place < b.place;
  return kMax ? a.value > b.value : a.value < b.value;
}

// A thread for each result: neighbours read neighbours where inner > 1.
template <class T, bool kMax>
__device__ void best_by_thread(const Grid& grid, const ArgReduceArgs& a) {
  for (int64_t r = grid.first_index(); r < a.outer * a.inner; r += grid.all_threads()) {
    const int64_t o = r / a.inner;
    const T* x = static_cast<const T*>(a.in) + o * a.n * a.inner + (r - o * a.inner);
    Candidate<T> best{x[0], 0};
    for (int64_t i = 1; i < a.n; ++i) {
      const Candidate<T> next{x[i * a.inner], i};
      if (better<T, kMax>(next, best)) best = next;
    }
    static_cast<int64_t*>(a.out)[r] = best.place;
  }
}

// A block for each result.
template <class T, bool kMax>
__device__ void best_by_block(const Grid& grid, const ArgReduceArgs& a) {
  __shared__ T values[kThreads];
  __shared__ int64_t places[kThreads];
  const int t = grid.thread;
  for (int64_t r = grid.block.x; r < a.outer * a.inner; r += grid.blocks.x) {
    const int64_t o = r / a.inner;
    const T* x = static_cast<const T*>(a.in) + o * a.n * a.inner + (r - o * a.inner);
    Candidate<T> best{x[0], 0};
    for (int64_t i = t; i < a.n; i += kThreads) {
      const Candidate<T> next{x[i * a.inner], i};
      if (better<T, kMax>(next, best)) best = next;
    }
    values[t] = best.value;
    places[t] = best.place;
    for (int half = kThreads / 2; half > 0; half /= 2) {
      grid.sync();
      if (t >= half) continue;
      const Candidate<T> next{values[t + half], places[t + half]};
      if (better<T, kMax>(next, best)) best = next;
      values[t] = best.value;
      places[t] = best.place;
    }
    grid.sync();  // before the next round writes
    if (t == 0) static_cast<int64_t*>(a.out)[r] = best.place;
  }
}

template <class T, bool kMax>
void arg_reduce(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const ArgReduceArgs*>(args);
  const int64_t results = a.outer * a.inner;
  if (a.n <= kShort || a.inner >= kShort)
    launch<best_by_thread<T, kMax>>(ctx, blocks_for(results), kThreads, a);
  else
    launch<best_by_block<T, kMax>>(ctx, blocks_for(results, 1), kThreads, a);
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
