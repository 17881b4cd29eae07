// Softmax over rows and the cross entropies, with their gradients: the specification.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/reference/lists.h"
#include "kernels/reference/loops.h"
#include "kernels/status.h"

namespace fastnn::kernels::reference {
namespace {

template <class T>
double largest(const T* x, int64_t n) {
  double best = -std::numeric_limits<double>::infinity();
  for (int64_t c = 0; c < n; ++c)
    if (x[c] > best || x[c] != x[c]) best = x[c];
  return best;
}

template <class T>
double sum_exp(const T* x, int64_t n, double shift) {
  double sum = 0;
  for (int64_t c = 0; c < n; ++c) sum += std::exp(x[c] - shift);
  return sum;
}

template <class T>
double log_sum_exp(const T* x, int64_t n) {
  const double shift = largest(x, n);
  return shift + std::log(sum_exp(x, n, shift));
}

// out[r, c] = exp(x[r, c] - max) / sum_c exp(x[r, c] - max)
template <class T>
void softmax(const void* p, const Context*) {
  const auto& a = *static_cast<const RowArgs*>(p);
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* x = static_cast<const T*>(a.in) + r * a.cols;
    T* out = static_cast<T*>(a.out) + r * a.cols;
    const double shift = largest(x, a.cols), sum = sum_exp(x, a.cols, shift);
    for (int64_t c = 0; c < a.cols; ++c) out[c] = static_cast<T>(std::exp(x[c] - shift) / sum);
  }
}

// out = (g - sum(g * y)) * y
template <class T>
void softmax_grad(const void* p, const Context*) {
  const auto& a = *static_cast<const RowArgs*>(p);
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* g = static_cast<const T*>(a.in) + r * a.cols;
    const T* y = static_cast<const T*>(a.in2) + r * a.cols;
    T* out = static_cast<T*>(a.out) + r * a.cols;
    double dot = 0;
    for (int64_t c = 0; c < a.cols; ++c) dot += double{g[c]} * y[c];
    for (int64_t c = 0; c < a.cols; ++c) out[c] = static_cast<T>((g[c] - dot) * y[c]);
  }
}

// out = (x - max) - log(sum(exp(x - max)))
template <class T>
void log_softmax(const void* p, const Context*) {
  const auto& a = *static_cast<const RowArgs*>(p);
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* x = static_cast<const T*>(a.in) + r * a.cols;
    T* out = static_cast<T*>(a.out) + r * a.cols;
    const double shift = largest(x, a.cols), log_sum = std::log(sum_exp(x, a.cols, shift));
    for (int64_t c = 0; c < a.cols; ++c) out[c] = static_cast<T>((x[c] - shift) - log_sum);
  }
}

// out = g - exp(y) * sum(g)
template <class T>
void log_softmax_grad(const void* p, const Context*) {
  const auto& a = *static_cast<const RowArgs*>(p);
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* g = static_cast<const T*>(a.in) + r * a.cols;
    const T* y = static_cast<const T*>(a.in2) + r * a.cols;
    T* out = static_cast<T*>(a.out) + r * a.cols;
    double sum = 0;
    for (int64_t c = 0; c < a.cols; ++c) sum += g[c];
    for (int64_t c = 0; c < a.cols; ++c)
      out[c] = static_cast<T>(g[c] - std::exp(double{y[c]}) * sum);
  }
}

// loss[r] = sum_c t[r, c] * (logsumexp(x[r]) - x[r, c])
template <class T>
void softmax_cross_entropy(const void* p, const Context*) {
  const auto& a = *static_cast<const CrossEntropyArgs*>(p);
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* x = static_cast<const T*>(a.x) + r * a.cols;
    const T* t = static_cast<const T*>(a.target) + r * a.cols;
    const double lse = log_sum_exp(x, a.cols);
    double loss = 0;
    for (int64_t c = 0; c < a.cols; ++c) loss += t[c] * (lse - x[c]);
    static_cast<T*>(a.out)[r] = static_cast<T>(loss);
  }
}

// out = g[r] * (softmax(x) * sum(t) - t)
template <class T>
void softmax_cross_entropy_grad(const void* p, const Context*) {
  const auto& a = *static_cast<const CrossEntropyArgs*>(p);
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* x = static_cast<const T*>(a.x) + r * a.cols;
    const T* t = static_cast<const T*>(a.target) + r * a.cols;
    const double g = static_cast<const T*>(a.g)[r];
    T* out = static_cast<T*>(a.out) + r * a.cols;
    const double shift = largest(x, a.cols), sum = sum_exp(x, a.cols, shift);
    double total = 0;
    for (int64_t c = 0; c < a.cols; ++c) total += t[c];
    for (int64_t c = 0; c < a.cols; ++c)
      out[c] = static_cast<T>(g * (std::exp(x[c] - shift) / sum * total - t[c]));
  }
}

// The label of row r, or -1 and a report where it is out of range.
int64_t label_of(const CrossEntropyArgs& a, int64_t r, const Context* ctx) {
  const int64_t label = static_cast<const int64_t*>(a.target)[r];
  if (label >= 0 && label < a.cols) return label;
  report_index(ctx, label, a.cols);
  return -1;
}

// loss[r] = logsumexp(x[r]) - x[r, label[r]]; 0 where the label is out of range
template <class T>
void sparse_softmax_cross_entropy(const void* p, const Context* ctx) {
  const auto& a = *static_cast<const CrossEntropyArgs*>(p);
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* x = static_cast<const T*>(a.x) + r * a.cols;
    const int64_t label = label_of(a, r, ctx);
    static_cast<T*>(a.out)[r] =
        label < 0 ? T(0) : static_cast<T>(log_sum_exp(x, a.cols) - x[label]);
  }
}

// out = g[r] * (softmax(x) - one_hot(label)); 0 where the label is out of range
template <class T>
void sparse_softmax_cross_entropy_grad(const void* p, const Context* ctx) {
  const auto& a = *static_cast<const CrossEntropyArgs*>(p);
  for (int64_t r = 0; r < a.rows; ++r) {
    const T* x = static_cast<const T*>(a.x) + r * a.cols;
    const double g = static_cast<const T*>(a.g)[r];
    T* out = static_cast<T*>(a.out) + r * a.cols;
    const int64_t label = label_of(a, r, ctx);
    if (label < 0) {
      std::fill(out, out + a.cols, T(0));
      continue;
    }
    const double shift = largest(x, a.cols), sum = sum_exp(x, a.cols, shift);
    for (int64_t c = 0; c < a.cols; ++c)
      out[c] = static_cast<T>(g * (std::exp(x[c] - shift) / sum - (c == label)));
  }
}

#define FASTNN_FLOATS(kernel) \
  entry(#kernel, DType::f32, kernel<float>), entry(#kernel, DType::f64, kernel<double>)

const Entry kEntries[] = {
    FASTNN_FLOATS(softmax),
    FASTNN_FLOATS(softmax_grad),
    FASTNN_FLOATS(log_softmax),
    FASTNN_FLOATS(log_softmax_grad),
    FASTNN_FLOATS(softmax_cross_entropy),
    FASTNN_FLOATS(softmax_cross_entropy_grad),
    FASTNN_FLOATS(sparse_softmax_cross_entropy),
    FASTNN_FLOATS(sparse_softmax_cross_entropy_grad),
};

}  // namespace

const EntryList softmax_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::reference
