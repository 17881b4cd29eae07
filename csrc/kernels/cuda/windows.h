// Places of windows, for convolution and pooling.
#pragma once
#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

// A number of three digits: (high * radix of mid + mid) * radix of low + low.
struct Digits {
  int32_t high, mid, low;
};

struct Radix {
  int32_t mid = 1, low = 1;

  __device__ Digits digits(int64_t number) const {
    const int64_t rest = quotient(number, low), high = quotient(rest, mid);
    return {static_cast<int32_t>(high), static_cast<int32_t>(rest - high * mid),
            static_cast<int32_t>(number - rest * low)};
  }
  // a + b, without a division.
  __device__ Digits add(Digits a, Digits b) const {
    Digits sum{a.high + b.high, a.mid + b.mid, a.low + b.low};
    if (sum.low >= low) sum.low -= low, ++sum.mid;
    if (sum.mid >= mid) sum.mid -= mid, ++sum.high;
    return sum;
  }
};

}  // namespace fastnn::kernels::cuda
