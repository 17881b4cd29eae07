// Kernels on images: see kernels.h for what holds for every kernel.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels {

// What lies around an image, for the row a b c d:
enum class Surround : int32_t {
  constant = 0,  // k k k k | a b c d | k k k k
  nearest = 1,   // a a a a | a b c d | d d d d
  reflect = 2,   // d c b a | a b c d | d c b a
  wrap = 3,      // a b c d | a b c d | a b c d
};

// Sizes of an image, and of what is read from it, are below this: pixel numbers stay exact in f32,
// also one period further out.
constexpr int64_t kMaxImageSide = int64_t{1} << 22;

// --- affine_transform (affine.cpp) ------------------------------------------------------------
// Pixel (y, x) of the output is read at (sy, sx) of the input, pixels having their centres at whole
// numbers: sx = (m0 x + m1 y) + m2, sy = (m3 x + m4 y) + m5, each operation rounded to the dtype;
// a coordinate that is NaN or beyond kMaxImageSide counts as that bound. Read is the pixel nearest
// by, half away from zero, or the bilinear mean of the four around, each of which may lie in the
// surround. The four products weight * pixel are added in the order of rows, then columns.
//   affine_transform:      out [n, out_height, out_width, channels], in [n, height, width,
//   channels] affine_transform_grad: out [n, height, width, channels], in [n, out_height,
//   out_width, channels]:
//                          the transpose of what the other does to images (the constant aside);
//                          each image is summed in the order of the pixels read.
// matrices [n, 6], or [1, 6] with matrix_stride 0. height, width >= 1 where anything is read; an
// image has below 2^31 elements. Same bits as the reference on every ISA.
// ids: affine_transform, affine_transform_grad (f32 f64)
struct AffineArgs {
  void* out;
  const void* in;
  const void* matrices;
  int64_t n, height, width, channels;
  int64_t out_height, out_width;
  int64_t matrix_stride;  // 6 or 0
  Surround surround;
  int32_t bilinear;
  double fill;  // Surround::constant
};

}  // namespace fastnn::kernels
