// Images read at transformed places: the specification.
#include <algorithm>
#include <cmath>

#include "kernels/image.h"
#include "kernels/reference/lists.h"
#include "kernels/reference/loops.h"

namespace fastnn::kernels::reference {
namespace {

// The place in a row of `size` pixels that pixel i stands for; -1: the constant.
int64_t place(int64_t i, int64_t size, Surround surround) {
  const auto remainder = [](int64_t a, int64_t b) { return (a % b + b) % b; };
  switch (surround) {
    case Surround::constant:
      return i >= 0 && i < size ? i : -1;
    case Surround::nearest:
      return std::min(std::max(i, int64_t{0}), size - 1);
    case Surround::reflect: {
      const int64_t r = remainder(i, 2 * size);
      return r < size ? r : 2 * size - 1 - r;
    }
    case Surround::wrap:
      return remainder(i, size);
  }
  return -1;
}

// Up to two pixels of an axis, with their weights.
template <class T>
struct Taps {
  int count;
  int64_t at[2];
  T weight[2];
};

template <class T>
Taps<T> taps(T s, int64_t size, const AffineArgs& a) {
  const T limit = kMaxImageSide;
  s = s > -limit ? s : -limit;
  s = s < limit ? s : limit;
  if (!a.bilinear) return {1, {place(std::llround(s), size, a.surround), -1}, {T(1), T(0)}};
  const T low = std::floor(s), high_weight = s - low;
  const auto i = static_cast<int64_t>(low);
  return {2,
          {place(i, size, a.surround), place(i + 1, size, a.surround)},
          {T(1) - high_weight, high_weight}};
}

// f(image, output pixel, rows' taps, columns' taps) for every output pixel, in order.
template <class T, class F>
void for_each_pixel(const AffineArgs& a, F&& f) {
  for (int64_t i = 0; i < a.n; ++i) {
    const T* m = static_cast<const T*>(a.matrices) + i * a.matrix_stride;
    for (int64_t y = 0; y < a.out_height; ++y)
      for (int64_t x = 0; x < a.out_width; ++x) {
        const T tx = static_cast<T>(x), ty = static_cast<T>(y);
        f(i, (i * a.out_height + y) * a.out_width + x,
          taps<T>(m[3] * tx + m[4] * ty + m[5], a.height, a),
          taps<T>(m[0] * tx + m[1] * ty + m[2], a.width, a));
      }
  }
}

template <class T>
void affine_transform(const void* p, const Context*) {
  const auto& a = *static_cast<const AffineArgs*>(p);
  const T* in = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  for_each_pixel<T>(a, [&](int64_t image, int64_t pixel, const Taps<T>& row, const Taps<T>& col) {
    for (int64_t c = 0; c < a.channels; ++c) {
      T sum = 0;
      for (int r = 0; r < row.count; ++r)
        for (int k = 0; k < col.count; ++k) {
          const bool inside = row.at[r] >= 0 && col.at[k] >= 0;
          const int64_t at = (image * a.height + row.at[r]) * a.width + col.at[k];
          const T value = inside ? in[at * a.channels + c] : static_cast<T>(a.fill);
          const T part = row.weight[r] * col.weight[k] * value;
          sum = r + k == 0 ? part : sum + part;
        }
      out[pixel * a.channels + c] = sum;
    }
  });
}

template <class T>
void affine_transform_grad(const void* p, const Context*) {
  const auto& a = *static_cast<const AffineArgs*>(p);
  const T* g = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  std::fill(out, out + a.n * a.height * a.width * a.channels, T(0));
  for_each_pixel<T>(a, [&](int64_t image, int64_t pixel, const Taps<T>& row, const Taps<T>& col) {
    for (int r = 0; r < row.count; ++r)
      for (int k = 0; k < col.count; ++k) {
        if (row.at[r] < 0 || col.at[k] < 0) continue;
        const int64_t at = (image * a.height + row.at[r]) * a.width + col.at[k];
        for (int64_t c = 0; c < a.channels; ++c)
          out[at * a.channels + c] += row.weight[r] * col.weight[k] * g[pixel * a.channels + c];
      }
  });
}

const Entry kEntries[] = {
    entry("affine_transform", DType::f32, affine_transform<float>),
    entry("affine_transform", DType::f64, affine_transform<double>),
    entry("affine_transform_grad", DType::f32, affine_transform_grad<float>),
    entry("affine_transform_grad", DType::f64, affine_transform_grad<double>),
};

}  // namespace

const EntryList affine_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::reference
