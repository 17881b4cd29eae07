// Images read at transformed places. Every sum is in the reference's order, so the bits are its.
#include <cmath>

#include "kernels/cuda/lists.h"
#include "kernels/cuda/windows.h"
#include "kernels/image.h"

namespace fastnn::kernels::cuda {
namespace {

__device__ int64_t remainder(int64_t a, int64_t period) {
  const int64_t r = a % period;
  return r < 0 ? r + period : r;
}

// The place in a row of `size` pixels that pixel i stands for; -1: the constant.
__device__ int32_t place(int64_t i, int64_t size, Surround surround) {
  int64_t at = i;
  if (surround == Surround::constant) {
    at = i >= 0 && i < size ? i : -1;
  } else if (surround == Surround::nearest) {
    at = i < 0 ? 0 : i < size ? i : size - 1;
  } else if (surround == Surround::wrap) {
    at = remainder(i, size);
  } else {
    const int64_t r = remainder(i, 2 * size);
    at = r < size ? r : 2 * size - 1 - r;
  }
  return static_cast<int32_t>(at);
}

// Up to two pixels of an axis, with their weights.
template <class T>
struct Taps {
  int32_t at[2];
  T weight[2];
};

template <class T>
__device__ Taps<T> taps(T s, int64_t size, const AffineArgs& a) {
  const T limit = kMaxImageSide;
  s = s > -limit ? s : -limit;
  s = s < limit ? s : limit;
  if (!a.bilinear) return {{place(std::llround(s), size, a.surround), -1}, {T(1), T(0)}};
  const T low = std::floor(s), high_weight = s - low;
  const auto i = static_cast<int64_t>(low);
  return {{place(i, size, a.surround), place(i + 1, size, a.surround)},
          {T(1) - high_weight, high_weight}};
}

// What pixel `number` of an image's output is read from.
template <class T>
struct Pixel {
  Taps<T> row, col;

  Pixel() = default;
  __device__ Pixel(const AffineArgs& a, int64_t image, int64_t number) {
    const T* m = static_cast<const T*>(a.matrices) + image * a.matrix_stride;
    const int64_t i = quotient(number, a.out_width);
    const T y = static_cast<T>(i), x = static_cast<T>(number - i * a.out_width);
    row = taps<T>(m[3] * x + m[4] * y + m[5], a.height, a);
    col = taps<T>(m[0] * x + m[1] * y + m[2], a.width, a);
  }
};

template <class T>
__device__ void transform(const Grid& grid, const AffineArgs& a, int64_t n) {
  const T* in = static_cast<const T*>(a.in);
  const int count = a.bilinear ? 2 : 1;
  for (int64_t e = grid.first_index(); e < n; e += grid.all_threads()) {
    const int64_t pixel = quotient(e, a.channels), c = e - pixel * a.channels;
    const int64_t image = quotient(pixel, a.out_height * a.out_width);
    const Pixel<T> p(a, image, pixel - image * a.out_height * a.out_width);
    T sum = 0;
    for (int r = 0; r < count; ++r)
      for (int k = 0; k < count; ++k) {
        const bool inside = p.row.at[r] >= 0 && p.col.at[k] >= 0;
        const int64_t at = (image * a.height + p.row.at[r]) * a.width + p.col.at[k];
        const T value = inside ? in[at * a.channels + c] : static_cast<T>(a.fill);
        const T part = p.row.weight[r] * p.col.weight[k] * value;
        sum = r + k == 0 ? part : sum + part;
      }
    static_cast<T*>(a.out)[e] = sum;
  }
}

// Adds what pixel p, of the gradient g, gives to row h of an image.
template <class T>
__device__ void spread(const AffineArgs& a, T* row, int64_t h, const Pixel<T>& p, const T* g) {
  const int count = a.bilinear ? 2 : 1;
  for (int r = 0; r < count; ++r) {
    if (p.row.at[r] != h) continue;
    for (int k = 0; k < count; ++k) {
      if (p.col.at[k] < 0) continue;
      T* to = row + p.col.at[k] * a.channels;
      for (int64_t c = 0; c < a.channels; ++c) to[c] += p.row.weight[r] * p.col.weight[k] * g[c];
    }
  }
}

// A thread has a row of an image, and adds what pixels read there, in their order. The block finds
// out for all of its rows where kThreads pixels at a time were read.
template <class T>
__device__ void transform_grad(const Grid& grid, const AffineArgs& a, int64_t bands) {
  FASTNN_SHARED(pixels, Pixel<T>[kThreads]);
  const int64_t count = a.out_height * a.out_width;
  const int thread = static_cast<int>(grid.thread);
  for (int64_t b = grid.block.x; b < a.n * bands; b += grid.blocks.x) {
    const int64_t image = b / bands, h = b % bands * kThreads + thread;
    const bool mine = h < a.height;
    T* row = static_cast<T*>(a.out) + (image * a.height + h) * a.width * a.channels;
    for (int64_t i = 0; mine && i < a.width * a.channels; ++i) row[i] = 0;
    for (int64_t first = 0; first < count; first += kThreads) {
      if (first + thread < count) pixels[thread] = Pixel<T>(a, image, first + thread);
      grid.sync();
      const T* g = static_cast<const T*>(a.in) + (image * count + first) * a.channels;
      for (int p = 0; mine && p < kThreads && first + p < count; ++p)
        spread(a, row, h, pixels[p], g + p * a.channels);
      grid.sync();
    }
  }
}

template <class T>
void affine_transform(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const AffineArgs*>(args);
  const int64_t n = a.n * a.out_height * a.out_width * a.channels;
  launch<transform<T>>(ctx, blocks_for(n), kThreads, a, n);
}

template <class T>
void affine_transform_grad(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const AffineArgs*>(args);
  const int64_t bands = (a.height + kThreads - 1) / kThreads;
  launch<transform_grad<T>>(ctx, blocks_for(a.n * bands, 1), kThreads, a, bands);
}

const Entry kEntries[] = {
    {"affine_transform", DType::f32, affine_transform<float>, nullptr, nullptr},
    {"affine_transform", DType::f64, affine_transform<double>, nullptr, nullptr},
    {"affine_transform_grad", DType::f32, affine_transform_grad<float>, nullptr, nullptr},
    {"affine_transform_grad", DType::f64, affine_transform_grad<double>, nullptr, nullptr},
};

}  // namespace

const EntryList affine_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
