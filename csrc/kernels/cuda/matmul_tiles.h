// Products by tiles that blocks keep in shared memory and registers.
#pragma once
#include "kernels/cuda/bodies/matmul.h"

namespace fastnn::kernels::cuda {

// f32, f64, i32, i64; any strides of which one in A and one in B is 1. For up to 65535 products.
template <class T>
void multiply_by_tiles(const Product& product, int64_t count, const Context* ctx);

}  // namespace fastnn::kernels::cuda
