// Partial vectors whose other lanes are not 0, and short loops over registers.
#pragma once
#include "kernels/cpu/simd.h"

// A short loop over chains or vectors, unrolled so that they stay in registers.
#define FASTNN_EACH(i, ...) _Pragma("GCC unroll 16") for (int i = 0; i < (__VA_ARGS__); ++i)

namespace fastnn::kernels::FASTNN_ISA {
namespace {

template <class T>
FASTNN_INLINE vec<T> lane_numbers() {
  vec<T> v{};
  FASTNN_EACH (i, kLanes<T>) v[i] = static_cast<T>(i);
  return v;
}

// p's first n elements, and `fill` in the other lanes.
template <class T>
FASTNN_INLINE vec<T> load_or(const T* p, int64_t n, T fill) {
  return select(lane_numbers<T>() < static_cast<T>(n), load_first(p, n), set<T>(fill));
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
