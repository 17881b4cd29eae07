// Copies with any strides, and fills.
#pragma once
#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

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
      const int64_t index = d == 0 ? rest : take_digit(&rest, c.shape[d]);
      to += index * c.out_strides[d];
      from += index * c.in_strides[d];
    }
    static_cast<T*>(c.out)[to] = static_cast<const T*>(c.in)[from];
  }
}

template <class T>
__device__ void fill_elements(const Grid& grid, T* out, int64_t n, T value) {
  for (int64_t i = grid.first_index(); i < n; i += grid.all_threads()) out[i] = value;
}

}  // namespace fastnn::kernels::cuda
