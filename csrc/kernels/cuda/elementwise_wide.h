// Fused elementwise programs over many elements: four a thread at once.
#pragma once
#include "kernels/cuda/bodies/elementwise.h"

namespace fastnn::kernels::cuda {

// Whether launch_wide does it: there are enough elements, registers and indices of 32 bits.
bool is_wide(const Fused& f);
// all_float: every step is one of float32 alone.
void launch_wide(const Fused& f, bool all_float, const Context* ctx);

}  // namespace fastnn::kernels::cuda
