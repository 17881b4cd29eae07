// What the reference kernels share: rows of their tables, and loops over strided arrays.
#pragma once
#include <stdint.h>

#include "kernels/kernels.h"

namespace fastnn::kernels::reference {

// A row of a table: a kernel that needs no workspace.
constexpr Entry entry(const char* id, DType dtype, Kernel run) {
  return {id, dtype, run, nullptr, nullptr};
}

// Calls f(offset_a, offset_b) for every index of shape, in C order.
template <class F>
void for_each_index(int rank, const int64_t* shape, const int64_t* strides_a,
                    const int64_t* strides_b, F&& f) {
  int64_t index[kMaxRank] = {};
  int64_t a = 0, b = 0;
  for (int d = 0; d < rank; ++d)
    if (shape[d] == 0) return;
  for (;;) {
    f(a, b);
    int d = rank - 1;
    for (; d >= 0; --d) {
      a += strides_a[d];
      b += strides_b[d];
      if (++index[d] < shape[d]) break;
      a -= strides_a[d] * shape[d];
      b -= strides_b[d] * shape[d];
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

}  // namespace fastnn::kernels::reference
