// Softmax over rows and the cross entropies, with their gradients. Formulas: reference/softmax.cpp.
#include <string.h>

#include "kernels/cpu/lists.h"
#include "kernels/cpu/softmax_row.h"
#include "kernels/status.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kThreadsFrom = 32768, kTaskElements = 8192;

template <class T>
void softmax(const RowArgs& a, int64_t r, const Context*) {
  const int64_t n = a.cols;
  const T* x = static_cast<const T*>(a.in) + r * n;
  T* out = static_cast<T*>(a.out) + r * n;
  softmax_row<T>(out, x, n, 1, [&](int64_t i, auto at, vec<T> y) { at.store_at(out + i, y); });
}

template <class T>
void softmax_grad(const RowArgs& a, int64_t r, const Context*) {
  const int64_t n = a.cols;
  const T* g = static_cast<const T*>(a.in) + r * n;
  const T* y = static_cast<const T*>(a.in2) + r * n;
  T* out = static_cast<T*>(a.out) + r * n;
  const T dot = static_cast<T>(sum_vectors<T>(
      n, [&](int64_t i, auto at) { return at.load_at(g + i, 0) * at.load_at(y + i, 0); }));
  each_vector<T>(n, [&](int64_t i, auto at) {
    at.store_at(out + i, (at.load_at(g + i, 0) - set<T>(dot)) * at.load_at(y + i, 0));
  });
}

template <class T>
void log_softmax(const RowArgs& a, int64_t r, const Context*) {
  const int64_t n = a.cols;
  const T* x = static_cast<const T*>(a.in) + r * n;
  T* out = static_cast<T*>(a.out) + r * n;
  const RowShift<T> shift = row_shift(x, n);
  const vec<T> largest = set<T>(shift.max);
  const vec<T> log_sum =
      set<T>(static_cast<T>(shift.log_sum(exp_row<T, false>(nullptr, x, n, shift))));
  each_vector<T>(n, [&](int64_t i, auto at) {
    at.store_at(out + i, (at.load_at(x + i, 0) - largest) - log_sum);
  });
}

template <class T>
void log_softmax_grad(const RowArgs& a, int64_t r, const Context*) {
  const int64_t n = a.cols;
  const T* g = static_cast<const T*>(a.in) + r * n;
  const T* y = static_cast<const T*>(a.in2) + r * n;
  T* out = static_cast<T*>(a.out) + r * n;
  const T sum =
      static_cast<T>(sum_vectors<T>(n, [&](int64_t i, auto at) { return at.load_at(g + i, 0); }));
  each_vector<T>(n, [&](int64_t i, auto at) {
    at.store_at(out + i, at.load_at(g + i, 0) - exp<T>(at.load_at(y + i, 0)) * set<T>(sum));
  });
}

template <class T>
void softmax_cross_entropy(const CrossEntropyArgs& a, int64_t r, const Context*) {
  const int64_t n = a.cols;
  const T* x = static_cast<const T*>(a.x) + r * n;
  const T* t = static_cast<const T*>(a.target) + r * n;
  const RowShift<T> shift = row_shift(x, n);
  const vec<T> largest = set<T>(shift.max);
  const vec<T> log_sum =
      set<T>(static_cast<T>(shift.log_sum(exp_row<T, false>(nullptr, x, n, shift))));
  // log_sum - (x - max), not (log_sum + max) - x: large logits would cancel.
  const double loss = sum_vectors<T>(n, [&](int64_t i, auto at) {
    return at.load_at(t + i, 0) * (log_sum - (at.load_at(x + i, 0) - largest));
  });
  static_cast<T*>(a.out)[r] = static_cast<T>(n > 0 ? loss : 0);
}

template <class T>
void softmax_cross_entropy_grad(const CrossEntropyArgs& a, int64_t r, const Context*) {
  const int64_t n = a.cols;
  const T* x = static_cast<const T*>(a.x) + r * n;
  const T* t = static_cast<const T*>(a.target) + r * n;
  const T g = static_cast<const T*>(a.g)[r];
  T* out = static_cast<T*>(a.out) + r * n;
  const double total = sum_vectors<T>(n, [&](int64_t i, auto at) { return at.load_at(t + i, 0); });
  softmax_row<T>(out, x, n, total, [&](int64_t i, auto at, vec<T> y) {
    at.store_at(out + i, set<T>(g) * (y - at.load_at(t + i, 0)));
  });
}

// The label of row r, or -1 and a report where it is out of range.
FASTNN_INLINE int64_t label_of(const CrossEntropyArgs& a, int64_t r, const Context* ctx) {
  const int64_t label = static_cast<const int64_t*>(a.target)[r];
  if (label >= 0 && label < a.cols) return label;
  report_index(ctx, label, a.cols);
  return -1;
}

template <class T>
void sparse_softmax_cross_entropy(const CrossEntropyArgs& a, int64_t r, const Context* ctx) {
  const T* x = static_cast<const T*>(a.x) + r * a.cols;
  T* out = static_cast<T*>(a.out) + r;
  const int64_t label = label_of(a, r, ctx);
  if (label < 0) {
    *out = 0;
    return;
  }
  const RowShift<T> shift = row_shift(x, a.cols);
  const double sum = exp_row<T, false>(nullptr, x, a.cols, shift);
  *out = static_cast<T>(shift.log_sum(sum) - (static_cast<double>(x[label]) - shift.max));
}

template <class T>
void sparse_softmax_cross_entropy_grad(const CrossEntropyArgs& a, int64_t r, const Context* ctx) {
  const int64_t n = a.cols;
  const T* x = static_cast<const T*>(a.x) + r * n;
  const T g = static_cast<const T*>(a.g)[r];
  T* out = static_cast<T*>(a.out) + r * n;
  const int64_t label = label_of(a, r, ctx);
  if (label < 0) {
    memset(out, 0, static_cast<size_t>(n) * sizeof(T));
    return;
  }
  softmax_row<T>(out, x, n, 1, [&](int64_t i, auto at, vec<T> y) {
    const vec<T> one_hot =
        select(lane_numbers<T>() == static_cast<T>(label - i), set<T>(1), zero<T>());
    at.store_at(out + i, set<T>(g) * (y - one_hot));
  });
}

template <class Args>
struct Call {
  const Args* args;
  const Context* ctx;
  int64_t rows_per_task;
};

template <class Args, void (*kRow)(const Args&, int64_t, const Context*)>
void task(void* arg, int64_t i) {
  const Call<Args>& c = *static_cast<const Call<Args>*>(arg);
  const int64_t first = i * c.rows_per_task, end = first + c.rows_per_task;
  for (int64_t r = first; r < (end < c.args->rows ? end : c.args->rows); ++r)
    kRow(*c.args, r, c.ctx);
}

template <class Args, void (*kRow)(const Args&, int64_t, const Context*)>
void rows(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const Args*>(args);
  if (ctx->threads > 1 && a.rows > 1 && a.rows * a.cols >= kThreadsFrom) {
    Call<Args> c = {&a, ctx, kTaskElements / a.cols + 1};
    const int64_t tasks = (a.rows + c.rows_per_task - 1) / c.rows_per_task;
    return ctx->parallel_for(ctx->pool, tasks, task<Args, kRow>, &c);
  }
  for (int64_t r = 0; r < a.rows; ++r) kRow(a, r, ctx);
}

#define FASTNN_ROWS(kernel, Args)                                       \
  {#kernel, DType::f32, rows<Args, kernel<float>>, nullptr, nullptr}, { \
    #kernel, DType::f64, rows<Args, kernel<double>>, nullptr, nullptr   \
  }

const Entry kEntries[] = {
    FASTNN_ROWS(softmax, RowArgs),
    FASTNN_ROWS(softmax_grad, RowArgs),
    FASTNN_ROWS(log_softmax, RowArgs),
    FASTNN_ROWS(log_softmax_grad, RowArgs),
    FASTNN_ROWS(softmax_cross_entropy, CrossEntropyArgs),
    FASTNN_ROWS(softmax_cross_entropy_grad, CrossEntropyArgs),
    FASTNN_ROWS(sparse_softmax_cross_entropy, CrossEntropyArgs),
    FASTNN_ROWS(sparse_softmax_cross_entropy_grad, CrossEntropyArgs),
};

}  // namespace

const EntryList softmax_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
