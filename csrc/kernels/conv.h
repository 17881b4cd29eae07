// Kernels of convolution: their arguments, as kernels.h has it for the others. Channels come last.
//
//   x [batch, in[0], in[1], channels], k [kernel[0], kernel[1], channels / groups, filters]
//   y [batch, out[0], out[1], filters]
//   y[n, i, j, f] = sum over p, q, c of x[n, i', j', c0 + c] k[p, q, c, f]
//   i' = i * stride[0] - before[0] + p * dilation[0], j' likewise; outside of x: nothing is added
//
// A filter f sees the channels of its group, of which c0 is the first. One spatial axis is the
// second of two, the first having length 1.
//
// Bits: each element of y, and of the gradient to x, is a sum in an order that follows from its
// place, so it depends neither on the batch nor on the threads. The gradient to k is summed in
// chunks of the batch that follow from the shapes.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels {

struct ConvShape {
  int64_t batch, channels, filters, groups;
  int64_t in[2], kernel[2], out[2];
  int64_t stride[2], dilation[2];
  int64_t before[2];  // padding in front
};

// ids (f32, f64):
// conv: out = epilogue(y + bias); a = x, b = k; bias [filters], aux like y.
// conv_input_grad: out = epilogue(dx + bias); a = dy, b = k; bias [channels], aux like x.
// conv_kernel_grad: out = dk; a = x, b = dy; colsum [filters], where set, receives the sum of dy
//   over all but its last axis.
// Workspace: the kernel packed, rows of x with their padding, partial sums of dk.
// Error: K * eps * sum |a||b|, K the number of products in a sum. What padding adds to dk is 0
// times dy: NaN where dy is not finite.
//
// Fused pooling: where pool[0] > 0, conv writes the largest of each pool[0] x pool[1] window of
// what it would have written (windows side by side, what is left over at the ends is dropped), and
// to index, where set, its place in the window (see max_pool in pool.h). conv_kernel_grad then
// takes for dy the gradient that max_pool_grad makes of b, the gradient of those results.
struct ConvArgs {
  void* out;
  void* colsum;
  uint8_t* index;
  const void* a;
  const void* b;
  const void* bias;
  const void* aux;
  const uint8_t* places;  // of conv_kernel_grad with pooling: the index that conv wrote
  ConvShape shape;
  int64_t pool[2];
  Epilogue epilogue;
  Tile epilogue_tile;
  const double* epilogue_params;
};

}  // namespace fastnn::kernels
