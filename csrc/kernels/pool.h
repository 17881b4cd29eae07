// Kernels of pooling: their arguments, as kernels.h has it for the others. Channels come last.
//
//   x [batch, in[0], in[1], channels], y [batch, out[0], out[1], channels]
//   window (i, j) of an image begins at (i * stride[0] - before[0], j * stride[1] - before[1]);
//   what of it lies outside of x does not count, and every window has an element inside.
//
// One spatial axis is the second of two, the first having length 1.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels {

struct PoolShape {
  int64_t batch, channels;
  int64_t in[2], size[2], out[2];
  int64_t stride[2];
  int64_t before[2];  // padding in front
};

// ids (f32, f64):
// max_pool: out = the largest element; index, where set, its place in the window, row by row, the
//   first of equals. NaN where there is one; its place is that of the last.
// max_pool_grad: out (like x) = in (like y) added at those places, windows in their order.
// max_pool_take: out (like y) = the elements of in (like x) at those places.
// average_pool: out = the mean of the elements inside x.
// average_pool_grad: out (like x) = the sum over the windows that hold the element of in / count.
struct PoolArgs {
  void* out;
  void* index;  // max_pool writes it
  const void* in;
  const void* places;  // max_pool_grad, max_pool_take: what max_pool wrote
  int32_t wide;        // places are i32 instead of u8: windows of more than 256
  PoolShape shape;
};

}  // namespace fastnn::kernels
