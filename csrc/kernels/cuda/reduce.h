// Sums, for the kernels that end in one.
#pragma once
#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

// reduce_sum of ReduceArgs, f32 or f64.
template <class T>
void reduce_sum(const void* args, const Context* ctx);

// The sums of a matrix's columns.
inline ReduceArgs column_sums(void* out, const void* in, int64_t rows, int64_t columns,
                              int64_t row_stride, int64_t column_stride) {
  ReduceArgs r{};
  r.out = out, r.in = in;
  r.rank = 2;
  r.shape[0] = rows, r.shape[1] = columns;
  r.in_strides[0] = row_stride, r.in_strides[1] = column_stride;
  r.out_strides[1] = 1;
  r.reduced[0] = 1;
  r.scale = 1;
  return r;
}

// Bytes that a reduction needs.
size_t reduce_workspace(const ReduceArgs& args);

}  // namespace fastnn::kernels::cuda
