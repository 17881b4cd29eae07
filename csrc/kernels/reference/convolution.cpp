// Convolution and its gradients: the specification.
#include "kernels/conv.h"
#include "kernels/reference/lists.h"

namespace fastnn::kernels::reference {
namespace {

// Calls f(x offset, k offset, y offset) for every product of the sums.
template <class F>
void each_product(const ConvShape& s, F f) {
  const int64_t depth = s.channels / s.groups, width = s.filters / s.groups;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t i = 0; i < s.out[0]; ++i)
      for (int64_t j = 0; j < s.out[1]; ++j)
        for (int64_t p = 0; p < s.kernel[0]; ++p)
          for (int64_t q = 0; q < s.kernel[1]; ++q) {
            const int64_t h = i * s.stride[0] - s.before[0] + p * s.dilation[0];
            const int64_t w = j * s.stride[1] - s.before[1] + q * s.dilation[1];
            if (h < 0 || h >= s.in[0] || w < 0 || w >= s.in[1]) continue;
            const int64_t x = ((n * s.in[0] + h) * s.in[1] + w) * s.channels;
            const int64_t y = ((n * s.out[0] + i) * s.out[1] + j) * s.filters;
            const int64_t k = (p * s.kernel[1] + q) * depth;
            for (int64_t c = 0; c < depth; ++c)
              for (int64_t o = 0; o < s.filters; ++o)
                f(x + o / width * depth + c, (k + c) * s.filters + o, y + o);
          }
}

template <class T>
void zero(T* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = 0;
}

template <class T>
void finish(const ConvArgs& g, T* out, int64_t rows, int64_t cols) {
  const T* bias = static_cast<const T*>(g.bias);
  const T* aux = static_cast<const T*>(g.aux);
  for (int64_t i = 0; i < rows * cols; ++i) {
    if (bias) out[i] += bias[i % cols];
    if (g.epilogue == Epilogue::relu) out[i] = out[i] < 0 ? T(0) : out[i];
    if (g.epilogue == Epilogue::relu_grad) out[i] = aux[i] > 0 ? out[i] : T(0);
  }
  const void* in[2] = {out, aux};
  if (g.epilogue == Epilogue::tile) g.epilogue_tile(out, in, rows * cols, g.epilogue_params);
}

// Elements of y, pooled or not.
struct Pooled {
  int64_t rows, cols;  // windows of an image
  explicit Pooled(const ConvArgs& g)
      : rows(g.pool[0] > 0 ? g.shape.out[0] / g.pool[0] : 0),
        cols(g.pool[0] > 0 ? g.shape.out[1] / g.pool[1] : 0) {}
};

template <class T>
void pool(const ConvArgs& g, T* out, const T* y) {
  const ConvShape& s = g.shape;
  const Pooled p(g);
  for (int64_t o = 0; o < s.batch * p.rows * p.cols * s.filters; ++o) {
    const int64_t f = o % s.filters, w = o / s.filters;
    const int64_t j = w % p.cols * g.pool[1], i = w / p.cols % p.rows * g.pool[0];
    const int64_t n = w / p.cols / p.rows;
    T best = 0;
    uint8_t place = 0;
    for (int64_t q = 0; q < g.pool[0] * g.pool[1]; ++q) {
      const int64_t h = i + q / g.pool[1], v = j + q % g.pool[1];
      const T x = y[((n * s.out[0] + h) * s.out[1] + v) * s.filters + f];
      if (q > 0 && !(x > best) && x == x) continue;
      best = x;
      place = static_cast<uint8_t>(q);
    }
    out[o] = best;
    if (g.index) g.index[o] = place;
  }
}

template <class T>
void conv(const void* args, const Context* ctx) {
  const ConvArgs& g = *static_cast<const ConvArgs*>(args);
  const ConvShape& s = g.shape;
  const int64_t rows = s.batch * s.out[0] * s.out[1];
  T* y = static_cast<T*>(g.pool[0] > 0 ? ctx->workspace : g.out);
  const T* x = static_cast<const T*>(g.a);
  const T* k = static_cast<const T*>(g.b);
  zero(y, rows * s.filters);
  each_product(s, [&](int64_t xi, int64_t ki, int64_t yi) { y[yi] += x[xi] * k[ki]; });
  finish(g, y, rows, s.filters);
  if (g.pool[0] > 0) pool(g, static_cast<T*>(g.out), y);
}

template <class T>
void input_grad(const void* args, const Context*) {
  const ConvArgs& g = *static_cast<const ConvArgs*>(args);
  const ConvShape& s = g.shape;
  const int64_t rows = s.batch * s.in[0] * s.in[1];
  T* dx = static_cast<T*>(g.out);
  const T* dy = static_cast<const T*>(g.a);
  const T* k = static_cast<const T*>(g.b);
  zero(dx, rows * s.channels);
  each_product(s, [&](int64_t xi, int64_t ki, int64_t yi) { dx[xi] += dy[yi] * k[ki]; });
  finish(g, dx, rows, s.channels);
}

// The gradient of what was pooled.
template <class T>
void unpool(const ConvArgs& g, T* dy) {
  const ConvShape& s = g.shape;
  const Pooled p(g);
  const T* pooled = static_cast<const T*>(g.b);
  zero(dy, s.batch * s.out[0] * s.out[1] * s.filters);
  for (int64_t o = 0; o < s.batch * p.rows * p.cols * s.filters; ++o) {
    const int64_t f = o % s.filters, w = o / s.filters;
    const int64_t i = w / p.cols % p.rows * g.pool[0] + g.places[o] / g.pool[1];
    const int64_t j = w % p.cols * g.pool[1] + g.places[o] % g.pool[1];
    const int64_t n = w / p.cols / p.rows;
    dy[((n * s.out[0] + i) * s.out[1] + j) * s.filters + f] = pooled[o];
  }
}

template <class T>
void kernel_grad(const void* args, const Context* ctx) {
  const ConvArgs& g = *static_cast<const ConvArgs*>(args);
  const ConvShape& s = g.shape;
  const int64_t rows = s.batch * s.out[0] * s.out[1];
  T* dk = static_cast<T*>(g.out);
  const T* x = static_cast<const T*>(g.a);
  const T* dy = static_cast<const T*>(g.b);
  if (g.pool[0] > 0) {
    unpool(g, static_cast<T*>(ctx->workspace));
    dy = static_cast<const T*>(ctx->workspace);
  }
  zero(dk, s.kernel[0] * s.kernel[1] * (s.channels / s.groups) * s.filters);
  each_product(s, [&](int64_t xi, int64_t ki, int64_t yi) { dk[ki] += x[xi] * dy[yi]; });
  if (!g.colsum) return;
  T* sums = static_cast<T*>(g.colsum);
  zero(sums, s.filters);
  for (int64_t i = 0; i < rows * s.filters; ++i) sums[i % s.filters] += dy[i];
}

// Results before pooling.
template <class T>
size_t workspace(const void* args, int32_t) {
  const ConvArgs& g = *static_cast<const ConvArgs*>(args);
  if (g.pool[0] == 0) return 0;
  const ConvShape& s = g.shape;
  return static_cast<size_t>(s.batch * s.out[0] * s.out[1] * s.filters) * sizeof(T);
}

const Entry entries[] = {
    {"conv", DType::f32, conv<float>, nullptr, workspace<float>},
    {"conv", DType::f64, conv<double>, nullptr, workspace<double>},
    {"conv_input_grad", DType::f32, input_grad<float>, nullptr, nullptr},
    {"conv_input_grad", DType::f64, input_grad<double>, nullptr, nullptr},
    {"conv_kernel_grad", DType::f32, kernel_grad<float>, nullptr, workspace<float>},
    {"conv_kernel_grad", DType::f64, kernel_grad<double>, nullptr, workspace<double>},
};

}  // namespace

const EntryList convolution_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::reference
