// Images read at transformed places, a vector of neighbouring output pixels at a time. Only
// operations of one rounding, so that the reference has the same bits; no fma.
#include <string.h>

#include "kernels/cpu/lists.h"
#include "kernels/cpu/simd.h"
#include "kernels/image.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kThreadsFrom = 8192, kTaskPixels = 4096;

FASTNN_INLINE int64_t at_most(int64_t n, int64_t limit) { return n < limit ? n : limit; }

template <class T>
FASTNN_INLINE vec<T> lane_numbers() {
  static constexpr T kNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return load(kNumbers);
}

// Pixels of one axis. `inside` is 0 where the constant is read; `at` is then 0.
template <class T>
struct Places {
  vec<T> at;
  vec<Bits<T>> inside;
};

// i - period * floor(i / period). Exact: all are whole numbers of at most 2^24, and a quotient that
// rounding took over a whole number is mended.
template <class T>
FASTNN_INLINE vec<T> remainder(vec<T> i, T period) {
  vec<T> r = i - set<T>(period) * floor(i / set<T>(period));
  r = select(r < zero<T>(), r + set<T>(period), r);
  return select(r >= set<T>(period), r - set<T>(period), r);
}

template <class T>
FASTNN_INLINE Places<T> places(vec<T> i, int64_t size, Surround surround) {
  const T n = static_cast<T>(size);
  const vec<Bits<T>> all = zero<T>() == zero<T>();
  if (surround == Surround::constant) {
    const vec<Bits<T>> inside = (i >= zero<T>()) & (i < set<T>(n));
    return {select(inside, i, zero<T>()), inside};
  }
  if (surround == Surround::nearest) return {min(max(i, zero<T>()), set<T>(n - 1)), all};
  if (surround == Surround::wrap) return {remainder<T>(i, n), all};
  const vec<T> r = remainder<T>(i, 2 * n);
  return {select(r < set<T>(n), r, set<T>(2 * n - 1) - r), all};
}

// Half away from zero. The fraction is exact, unlike s + 0.5.
template <class T>
FASTNN_INLINE vec<T> nearest(vec<T> s) {
  const vec<T> low = floor(abs(s));
  const vec<T> up = select(abs(s) - low >= set<T>(T(0.5)), low + set<T>(1), low);
  return copysign(up, s);
}

// The pixels that a vector of output pixels is read from: one, or four.
template <class T>
struct Taps {
  vec<Bits<T>> at[4];  // element of channel 0
  vec<Bits<T>> inside[4];
  vec<T> weight[4];
  int count;
};

template <class T>
FASTNN_INLINE vec<T> clamped(vec<T> s) {
  const vec<T> limit = set<T>(static_cast<T>(kMaxImageSide));
  return min(max(s, -limit), limit);  // max gives its second where s is NaN
}

template <class T>
FASTNN_INLINE Taps<T> taps(vec<T> sy, vec<T> sx, const AffineArgs& a) {
  Taps<T> t;
  const vec<Bits<T>> row = vec<Bits<T>>{} + static_cast<Bits<T>>(a.width * a.channels),
                     col = vec<Bits<T>>{} + static_cast<Bits<T>>(a.channels);
  if (!a.bilinear) {
    const Places<T> y = places<T>(nearest<T>(sy), a.height, a.surround),
                    x = places<T>(nearest<T>(sx), a.width, a.surround);
    t.count = 1;
    t.at[0] = to_int(y.at) * row + to_int(x.at) * col;
    t.inside[0] = y.inside & x.inside;
    t.weight[0] = set<T>(1);
    return t;
  }
  const vec<T> low_y = floor(sy), low_x = floor(sx), one = set<T>(1);
  const Places<T> y[2] = {places<T>(low_y, a.height, a.surround),
                          places<T>(low_y + one, a.height, a.surround)};
  const Places<T> x[2] = {places<T>(low_x, a.width, a.surround),
                          places<T>(low_x + one, a.width, a.surround)};
  const vec<T> wy[2] = {one - (sy - low_y), sy - low_y}, wx[2] = {one - (sx - low_x), sx - low_x};
  t.count = 4;
  for (int k = 0; k < 4; ++k) {
    t.at[k] = to_int(y[k / 2].at) * row + to_int(x[k % 2].at) * col;
    t.inside[k] = y[k / 2].inside & x[k % 2].inside;
    t.weight[k] = wy[k / 2] * wx[k % 2];
  }
  return t;
}

// The same, lane by lane.
template <class T>
struct Lanes {
  Bits<T> at[4][kLanes<T>];
  Bits<T> inside[4][kLanes<T>];
  T weight[4][kLanes<T>];

  FASTNN_INLINE explicit Lanes(const Taps<T>& t) {
    for (int k = 0; k < t.count; ++k) {
      store(at[k], t.at[k]);
      store(inside[k], t.inside[k]);
      store(weight[k], t.weight[k]);
    }
  }
};

// body(taps, first column, columns) for the pixels of row y of an image's output.
template <class T, class F>
FASTNN_INLINE void for_each_vector(const AffineArgs& a, const T* m, int64_t y, F&& body) {
  const T ty = static_cast<T>(y);
  const vec<T> row_x = set<T>(m[1] * ty), row_y = set<T>(m[4] * ty);
  for (int64_t x = 0; x < a.out_width; x += kLanes<T>) {
    const vec<T> tx = lane_numbers<T>() + set<T>(static_cast<T>(x));
    const vec<T> sx = (set<T>(m[0]) * tx + row_x) + set<T>(m[2]),
                 sy = (set<T>(m[3]) * tx + row_y) + set<T>(m[5]);
    body(taps<T>(clamped<T>(sy), clamped<T>(sx), a), x, at_most(kLanes<T>, a.out_width - x));
  }
}

template <class T>
FASTNN_INLINE vec<T> read_pixels(const T* image, const Taps<T>& t, vec<T> fill) {
  vec<T> sum = t.weight[0] * select(t.inside[0], gather(image, t.at[0]), fill);
  for (int k = 1; k < t.count; ++k)
    sum += t.weight[k] * select(t.inside[k], gather(image, t.at[k]), fill);
  return sum;
}

// One channel of neighbouring pixels at a time: they lie apart in the output.
template <class T>
FASTNN_INLINE void read_channels(T* out, const T* image, const Taps<T>& t, int64_t columns,
                                 int64_t channels, vec<T> fill) {
  T pixels[kLanes<T>];
  for (int64_t c = 0; c < channels; ++c) {
    store(pixels, read_pixels<T>(image + c, t, fill));
    for (int64_t l = 0; l < columns; ++l) out[l * channels + c] = pixels[l];
  }
}

// Rows [first, last) of the output's n * out_height.
template <class T>
void transform_rows(const AffineArgs& a, int64_t first, int64_t last) {
  const T fill = static_cast<T>(a.fill);
  for (int64_t r = first; r < last; ++r) {
    const int64_t i = r / a.out_height;
    const T* image = static_cast<const T*>(a.in) + i * a.height * a.width * a.channels;
    T* out = static_cast<T*>(a.out) + r * a.out_width * a.channels;
    for_each_vector<T>(a, static_cast<const T*>(a.matrices) + i * a.matrix_stride, r % a.out_height,
                       [&](const Taps<T>& t, int64_t x, int64_t columns) {
                         if (a.channels == 1) {
                           const vec<T> pixels = read_pixels<T>(image, t, set<T>(fill));
                           if (columns == kLanes<T>)
                             store(out + x, pixels);
                           else
                             store_first(out + x, pixels, columns);
                           return;
                         }
                         read_channels<T>(out + x * a.channels, image, t, columns, a.channels,
                                          set<T>(fill));
                       });
  }
}

// Images [first, last): pixels of one image may meet, so an image is one thread's.
template <class T>
void spread_images(const AffineArgs& a, int64_t first, int64_t last) {
  const int64_t size = a.height * a.width * a.channels;
  for (int64_t i = first; i < last; ++i) {
    T* image = static_cast<T*>(a.out) + i * size;
    memset(image, 0, static_cast<size_t>(size) * sizeof(T));
    for (int64_t y = 0; y < a.out_height; ++y) {
      const T* g = static_cast<const T*>(a.in) + (i * a.out_height + y) * a.out_width * a.channels;
      for_each_vector<T>(a, static_cast<const T*>(a.matrices) + i * a.matrix_stride, y,
                         [&](const Taps<T>& t, int64_t x, int64_t columns) {
                           const Lanes<T> lanes(t);
                           for (int64_t l = 0; l < columns; ++l)
                             for (int k = 0; k < t.count; ++k) {
                               if (!lanes.inside[k][l]) continue;
                               T* to = image + lanes.at[k][l];
                               const T* from = g + (x + l) * a.channels;
                               for (int64_t c = 0; c < a.channels; ++c)
                                 to[c] += lanes.weight[k][l] * from[c];
                             }
                         });
    }
  }
}

struct Call {
  const AffineArgs* args;
  int64_t per_task, total;
  void (*run)(const AffineArgs& a, int64_t first, int64_t last);
};

void task(void* arg, int64_t i) {
  const Call& c = *static_cast<const Call*>(arg);
  c.run(*c.args, i * c.per_task, at_most((i + 1) * c.per_task, c.total));
}

void run(Call c, int64_t pixels, const Context* ctx) {
  if (ctx->threads > 1 && pixels >= kThreadsFrom && c.total > c.per_task)
    ctx->parallel_for(ctx->pool, (c.total + c.per_task - 1) / c.per_task, task, &c);
  else
    c.run(*c.args, 0, c.total);
}

template <class T>
void affine_transform(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const AffineArgs*>(args);
  const int64_t rows = a.n * a.out_height, row = a.out_width * a.channels;
  if (rows * row == 0) return;
  run({&a, kTaskPixels / row + 1, rows, transform_rows<T>}, rows * row, ctx);
}

template <class T>
void affine_transform_grad(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const AffineArgs*>(args);
  if (a.n == 0) return;
  const int64_t image = a.out_height * a.out_width * a.channels;
  run({&a, kTaskPixels / (image + 1) + 1, a.n, spread_images<T>}, a.n * image, ctx);
}

const Entry kEntries[] = {
    {"affine_transform", DType::f32, affine_transform<float>, nullptr, nullptr},
    {"affine_transform", DType::f64, affine_transform<double>, nullptr, nullptr},
    {"affine_transform_grad", DType::f32, affine_transform_grad<float>, nullptr, nullptr},
    {"affine_transform_grad", DType::f64, affine_transform_grad<double>, nullptr, nullptr},
};

}  // namespace

const EntryList affine_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
