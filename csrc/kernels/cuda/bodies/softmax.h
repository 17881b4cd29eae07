// Rows of softmax and of the cross entropies, with their gradients. A row is one thread's where it
// is short, a warp's, or a block's; sums are in double, in an order that the row's length decides.
#pragma once
#include <cmath>
#include <limits>

#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

constexpr double kLowest = -std::numeric_limits<double>::infinity();

struct Add {
  __device__ static double join(double a, double b) { return a + b; }
};
struct Larger {
  __device__ static double join(double a, double b) { return b > a || b != b ? b : a; }
};

// The threads that share a row, one, a warp or a block: column c is taken by thread c % size.
template <int kSize>
struct Team {
  static constexpr int kShared = kSize > 32 ? kSize * sizeof(double) : 0;
  static __device__ int64_t rows_at_once(const Grid& grid) { return grid.all_threads() / kSize; }
  static __device__ int64_t first_row(const Grid& grid) { return grid.first_index() / kSize; }
  static __device__ int64_t first_col(const Grid& grid) { return grid.thread % kSize; }

  template <class Op>
  static __device__ double join(const Grid& grid, double x) {
    if constexpr (kSize == 32) {
      for (int half = kSize / 2; half > 0; half /= 2)
        x = Op::join(x, __shfl_down_sync(~0u, x, static_cast<unsigned>(half)));
      return __shfl_sync(~0u, x, 0);
    } else if constexpr (kSize > 1) {
      auto* all = static_cast<double*>(grid.shared);
      const int t = static_cast<int>(grid.thread);
      all[t] = x;
      for (int half = kSize / 2; half > 0; half /= 2) {
        grid.sync();
        if (t < half) all[t] = Op::join(all[t], all[t + half]);
      }
      grid.sync();
      x = all[0];
      grid.sync();  // before the next join writes
    }
    return x;
  }
};

// of(c) over the columns of a row, joined.
template <int kSize, class Op, class F>
__device__ double over(const Grid& grid, int64_t cols, double start, F of) {
  double total = start;
  for (int64_t c = Team<kSize>::first_col(grid); c < cols; c += kSize)
    total = Op::join(total, of(c));
  return Team<kSize>::template join<Op>(grid, total);
}

// Of exp(x - shift) over a row. A division in double costs as much as all else of an element.
struct Exponentials {
  double shift, sum, inverse;
};

template <int kSize, class T>
__device__ Exponentials exponentials(const Grid& grid, const T* x, int64_t cols) {
  T most = static_cast<T>(kLowest);
  for (int64_t c = Team<kSize>::first_col(grid); c < cols; c += kSize)
    most = x[c] > most || x[c] != x[c] ? x[c] : most;
  const double shift = Team<kSize>::template join<Larger>(grid, most);
  const double sum = over<kSize, Add>(grid, cols, 0, [&](int64_t c) -> double {
    return std::exp(static_cast<T>(x[c] - static_cast<T>(shift)));
  });
  return {shift, sum, 1 / sum};
}

// out[r, c] = exp(x[r, c] - max) / sum_c exp(x[r, c] - max)
struct Softmax {
  template <int kSize, class T>
  static __device__ void row(const Grid& grid, T* out, const T* x, const T*, int64_t cols) {
    const Exponentials e = exponentials<kSize>(grid, x, cols);
    for (int64_t c = Team<kSize>::first_col(grid); c < cols; c += kSize)
      out[c] = static_cast<T>(std::exp(static_cast<T>(x[c] - static_cast<T>(e.shift))) * e.inverse);
  }
};

// out = (g - sum(g * y)) * y
struct SoftmaxGrad {
  template <int kSize, class T>
  static __device__ void row(const Grid& grid, T* out, const T* g, const T* y, int64_t cols) {
    const double dot = over<kSize, Add>(
        grid, cols, 0, [&](int64_t c) { return static_cast<double>(g[c]) * y[c]; });
    for (int64_t c = Team<kSize>::first_col(grid); c < cols; c += kSize)
      out[c] = static_cast<T>((g[c] - dot) * y[c]);
  }
};

// out = (x - max) - log(sum(exp(x - max)))
struct LogSoftmax {
  template <int kSize, class T>
  static __device__ void row(const Grid& grid, T* out, const T* x, const T*, int64_t cols) {
    const Exponentials e = exponentials<kSize>(grid, x, cols);
    const double log_sum = std::log(e.sum);
    for (int64_t c = Team<kSize>::first_col(grid); c < cols; c += kSize)
      out[c] = static_cast<T>((x[c] - e.shift) - log_sum);
  }
};

// out = g - exp(y) * sum(g)
struct LogSoftmaxGrad {
  template <int kSize, class T>
  static __device__ void row(const Grid& grid, T* out, const T* g, const T* y, int64_t cols) {
    const double sum = over<kSize, Add>(grid, cols, 0, [&](int64_t c) -> double { return g[c]; });
    for (int64_t c = Team<kSize>::first_col(grid); c < cols; c += kSize)
      out[c] = static_cast<T>(g[c] - std::exp(static_cast<double>(y[c])) * sum);
  }
};

template <class T, class Op, int kSize>
__device__ void rows_kernel(const Grid& grid, const RowArgs& a) {
  for (int64_t r = Team<kSize>::first_row(grid); r < a.rows; r += Team<kSize>::rows_at_once(grid))
    Op::template row<kSize>(grid, static_cast<T*>(a.out) + r * a.cols,
                            static_cast<const T*>(a.in) + r * a.cols,
                            a.in2 ? static_cast<const T*>(a.in2) + r * a.cols : nullptr, a.cols);
}

// A row's loss or gradient, from its targets or its label.
template <bool kSparse, bool kGrad>
struct CrossEntropy {
  // The label of row r, or -1 and a report where it is out of range.
  static __device__ int64_t label_of(const CrossEntropyArgs& a, int64_t r, DeviceState* state) {
    const int64_t label = static_cast<const int64_t*>(a.target)[r];
    if (label >= 0 && label < a.cols) return label;
    report_index(state, label, a.cols);
    return -1;
  }

  template <int kSize, class T>
  static __device__ void row(const Grid& grid, const CrossEntropyArgs& a, int64_t r,
                             DeviceState* state) {
    const T* x = static_cast<const T*>(a.x) + r * a.cols;
    const T* t = kSparse ? nullptr : static_cast<const T*>(a.target) + r * a.cols;
    const int64_t label = kSparse ? label_of(a, r, state) : 0;
    const Exponentials e = exponentials<kSize>(grid, x, a.cols);
    if constexpr (kGrad) {
      const double g = static_cast<const T*>(a.g)[r];
      const double total =
          kSparse ? 1
                  : over<kSize, Add>(grid, a.cols, 0, [&](int64_t c) -> double { return t[c]; });
      T* out = static_cast<T*>(a.out) + r * a.cols;
      for (int64_t c = Team<kSize>::first_col(grid); c < a.cols; c += kSize) {
        const double y = std::exp(static_cast<T>(x[c] - static_cast<T>(e.shift))) * e.inverse;
        const double wanted = kSparse ? static_cast<double>(c == label) : static_cast<double>(t[c]);
        out[c] = label < 0 ? T(0) : static_cast<T>(g * (y * total - wanted));
      }
    } else {
      const double log_sum = e.shift + std::log(e.sum);
      const double loss = kSparse ? (label < 0 ? 0 : log_sum - x[label])
                                  : over<kSize, Add>(grid, a.cols, 0, [&](int64_t c) {
                                      return t[c] * (log_sum - x[c]);
                                    });
      if (Team<kSize>::first_col(grid) == 0) static_cast<T*>(a.out)[r] = static_cast<T>(loss);
    }
  }
};

template <class T, class Loss, int kSize>
__device__ void loss_kernel(const Grid& grid, const CrossEntropyArgs& a, DeviceState* state) {
  for (int64_t r = Team<kSize>::first_row(grid); r < a.rows; r += Team<kSize>::rows_at_once(grid))
    Loss::template row<kSize, T>(grid, a, r, state);
}

}  // namespace fastnn::kernels::cuda
