// The first place of an extreme value, where NaN counts as extreme. Of two candidates one is better
// whatever their order, so any way of comparing gives the same place.
#pragma once
#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

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
    const int64_t o = quotient(r, a.inner);
    const T* x = static_cast<const T*>(a.in) + o * a.n * a.inner + (r - o * a.inner);
    Candidate<T> best{x[0], 0};
    for (int64_t i = 1; i < a.n; ++i) {
      const Candidate<T> next{x[i * a.inner], i};
      if (better<T, kMax>(next, best)) best = next;
    }
    static_cast<int64_t*>(a.out)[r] = best.place;
  }
}

template <class T>
constexpr int kBestShared = kThreads * (sizeof(int64_t) + sizeof(T));

// A block for each result.
template <class T, bool kMax>
__device__ void best_by_block(const Grid& grid, const ArgReduceArgs& a) {
  auto* places = static_cast<int64_t*>(grid.shared);
  auto* values = reinterpret_cast<T*>(places + kThreads);
  const int t = grid.thread;
  for (int64_t r = grid.block.x; r < a.outer * a.inner; r += grid.blocks.x) {
    const int64_t o = quotient(r, a.inner);
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

}  // namespace fastnn::kernels::cuda
