// Sums, for the kernels that end in one.
#pragma once
#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

// reduce_sum of ReduceArgs, f32 or f64.
template <class T>
void reduce_sum(const void* args, const Context* ctx);

// Bytes that a reduction of `count` elements to each of `results` needs.
size_t reduce_workspace(int64_t results, int64_t count);

}  // namespace fastnn::kernels::cuda
