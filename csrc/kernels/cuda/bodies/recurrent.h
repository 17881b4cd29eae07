// Recurrent layers and their gradients over whole sequences: the formulas of recurrent.h.
//
// Rows need nothing of each other, so a block keeps one or more of them from the first step to the
// last, and nothing is launched in between. States lie in memory of the block's own, for units have
// no limit. A row's sums have one order: over units upwards, and backwards by warps over columns.
#pragma once
#include <cmath>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/math_activations.h"
#include "kernels/recurrent.h"

namespace fastnn::kernels::cuda::recurrent {

constexpr int kLanes = 32;

template <class T>
__device__ const T* at(const void* p, int64_t i) {
  return static_cast<const T*>(p) + i;
}
template <class T>
__device__ T read(const void* p, int64_t i) {
  return p ? static_cast<const T*>(p)[i] : T(0);
}
template <class T>
__device__ void put(void* p, int64_t i, T value) {
  if (p) static_cast<T*>(p)[i] = value;
}

// What a gradient's cell knows of its place: unit j of n, step i of all rows' steps.
struct Place {
  int64_t row, i, j, n;
  int64_t before;  // the step before; -1: none
};

// step: one unit's new state (and *c), from what inputs (x) and state (p) add to its gates, each n
// from the next; saved is what the gradient needs. back: the gradients of x, and of p, from *dh and
// *dc, which become those of the state before, but for what comes through the product.
struct Lstm {
  static constexpr int kBlocks = 4, kSaved = 4;

  template <class T>
  static __device__ T step(const T* x, const T* p, int64_t n, T, T* c, T* saved) {
    const T i = sigmoid(x[0] + p[0], nullptr), f = sigmoid(x[n] + p[n], nullptr);
    const T g = std::tanh(x[2 * n] + p[2 * n]), o = sigmoid(x[3 * n] + p[3 * n], nullptr);
    *c = f * *c + i * g;
    saved[0] = i, saved[1] = f, saved[2] = g, saved[3] = o;
    return o * std::tanh(*c);
  }

  template <class T>
  static __device__ void back(const RecurrentGradArgs& a, const Place& at, T* dh, T* dc, T* dx,
                              T* inner) {
    const T* gates = recurrent::at<T>(a.gates, at.i * 4 * at.n + at.j);
    const T i = gates[0], f = gates[at.n], g = gates[2 * at.n], o = gates[3 * at.n];
    const T old =
        at.before < 0 ? read<T>(a.c0, at.row * at.n + at.j) : read<T>(a.c, at.before * at.n + at.j);
    const T y = std::tanh(*recurrent::at<T>(a.c, at.i * at.n + at.j));
    const T d = *dc + *dh * o * (1 - y * y);
    dx[0] = d * g * i * (1 - i);
    dx[1] = d * old * f * (1 - f);
    dx[2] = d * i * (1 - g * g);
    dx[3] = *dh * y * o * (1 - o);
    for (int k = 0; k < kBlocks; ++k) inner[k] = dx[k];
    *dc = d * f;
    *dh = 0;
  }
};

struct Gru {
  static constexpr int kBlocks = 3, kSaved = 4;

  template <class T>
  static __device__ T step(const T* x, const T* p, int64_t n, T h, T*, T* saved) {
    const T z = sigmoid(x[0] + p[0], nullptr), r = sigmoid(x[n] + p[n], nullptr), s = p[2 * n];
    const T m = std::tanh(x[2 * n] + r * s);
    saved[0] = z, saved[1] = r, saved[2] = m, saved[3] = s;
    return z * h + (1 - z) * m;
  }

  template <class T>
  static __device__ void back(const RecurrentGradArgs& a, const Place& at, T* dh, T*, T* dx,
                              T* inner) {
    const T* gates = recurrent::at<T>(a.gates, at.i * 4 * at.n + at.j);
    const T z = gates[0], r = gates[at.n], m = gates[2 * at.n], s = gates[3 * at.n];
    const T old = *recurrent::at<T>(a.before, at.i * at.n + at.j);
    const T dm = *dh * (1 - z) * (1 - m * m);
    dx[0] = inner[0] = *dh * (old - m) * z * (1 - z);
    dx[1] = inner[1] = dm * s * r * (1 - r);
    dx[2] = dm;
    inner[2] = dm * r;
    *dh *= z;
  }
};

struct SimpleRnn {
  static constexpr int kBlocks = 1, kSaved = 0;

  template <class T>
  static __device__ T step(const T* x, const T* p, int64_t, T, T*, T*) {
    return std::tanh(x[0] + p[0]);
  }

  template <class T>
  static __device__ void back(const RecurrentGradArgs& a, const Place& at, T* dh, T*, T* dx,
                              T* inner) {
    const T h = *recurrent::at<T>(a.h, at.i * at.n + at.j);
    dx[0] = inner[0] = *dh * (1 - h * h);
    *dh = 0;
  }
};

// The arrays of a block's rows: state (or its gradient), memory (lstm's c), and what the state
// adds.
template <class T, int kRows>
struct Own {
  T *h, *c, *p;
  __device__ Own(const Grid& grid, void* space, int64_t n, int64_t width)
      : h(static_cast<T*>(space) + grid.block.x * kRows * (2 * n + width)),
        c(h + kRows * n),
        p(c + kRows * n) {}
};

// The blocks' rows in turn: body(first, rows) for each kRows or fewer that are one block's.
template <int kRows, class Body>
__device__ void for_rows(const Grid& grid, int64_t batch, const Body& body) {
  for (int64_t first = static_cast<int64_t>(grid.block.x) * kRows; first < batch;
       first += static_cast<int64_t>(grid.blocks.x) * kRows) {
    grid.sync();
    body(first, batch - first < kRows ? batch - first : kRows);
  }
}

// p[r, :] = h[r, :] U + bias
template <class T, int kRows>
__device__ void add_state(const Grid& grid, const RecurrentArgs& a, const Own<T, kRows>& own,
                          int64_t width) {
  const T* kernel = at<T>(a.kernel, 0);
  for (int64_t col = grid.thread; col < width; col += grid.threads) {
    T sums[kRows] = {};
    for (int64_t k = 0; k < a.units; ++k) {
      const T u = kernel[k * width + col];
      for (int r = 0; r < kRows; ++r) sums[r] = std::fma(own.h[r * a.units + k], u, sums[r]);
    }
    for (int r = 0; r < kRows; ++r) own.p[r * width + col] = sums[r] + read<T>(a.bias, col);
  }
}

template <class T, class Cell, int kRows>
__device__ void take_step(const Grid& grid, const RecurrentArgs& a, const Own<T, kRows>& own,
                          int64_t first, int64_t rows, int64_t t) {
  const int64_t n = a.units, width = Cell::kBlocks * n;
  for (int64_t e = grid.thread; e < rows * n; e += grid.threads) {
    const int64_t r = e / n, j = e - r * n, i = (first + r) * a.time + t;
    put(a.before, i * n + j, own.h[e]);
    T saved[Cell::kSaved + 1] = {};
    if (!a.mask || a.mask[i])
      own.h[e] = Cell::step(at<T>(a.x, i * width + j), own.p + r * width + j, n, own.h[e],
                            own.c + e, saved);
    put(a.h, i * n + j, own.h[e]);
    put(a.c, i * n + j, own.c[e]);
    for (int k = 0; k < Cell::kSaved; ++k) put(a.gates, i * Cell::kSaved * n + k * n + j, saved[k]);
  }
}

template <class T, class Cell, int kRows>
__device__ void forward(const Grid& grid, const RecurrentArgs& a, void* space) {
  const int64_t n = a.units, width = Cell::kBlocks * n;
  const Own<T, kRows> own(grid, space, n, width);
  for_rows<kRows>(grid, a.batch, [&](int64_t first, int64_t rows) {
    for (int64_t e = grid.thread; e < kRows * n; e += grid.threads) {
      own.h[e] = e < rows * n ? read<T>(a.h0, first * n + e) : T(0);
      own.c[e] = e < rows * n ? read<T>(a.c0, first * n + e) : T(0);
    }
    for (int64_t s = 0; s < a.time; ++s) {
      grid.sync();
      add_state(grid, a, own, width);
      grid.sync();
      take_step<T, Cell>(grid, a, own, first, rows, a.reverse ? a.time - 1 - s : s);
    }
  });
}

template <class T, class Cell, int kRows>
__device__ void take_step_back(const Grid& grid, const RecurrentGradArgs& a,
                               const Own<T, kRows>& own, int64_t first, int64_t rows, int64_t s) {
  constexpr int kBlocks = Cell::kBlocks;
  const int64_t n = a.units, t = a.reverse ? a.time - 1 - s : s;
  for (int64_t e = grid.thread; e < rows * n; e += grid.threads) {
    const int64_t r = e / n, j = e - r * n, i = (first + r) * a.time + t;
    const Place place{first + r, i, j, n, s == 0 ? -1 : a.reverse ? i + 1 : i - 1};
    T dh = own.h[e] + read<T>(a.dh, i * n + j), dc = own.c[e] + read<T>(a.dc, i * n + j);
    T dx[kBlocks] = {}, inner[kBlocks] = {};
    if (!a.mask || a.mask[i]) Cell::back(a, place, &dh, &dc, dx, inner);
    for (int k = 0; k < kBlocks; ++k) {
      put(a.dx, i * kBlocks * n + k * n + j, dx[k]);
      put(a.dinner, i * kBlocks * n + k * n + j, inner[k]);
    }
    own.h[e] = dh;
    own.c[e] = dc;
  }
}

// dh[r, k] += sum_j inner[r, j] U[k, j]: a warp for each k, and where there is one row for several,
// so that their trees go side by side.
template <class T, int kRows>
__device__ void add_product_back(const Grid& grid, const RecurrentGradArgs& a,
                                 const Own<T, kRows>& own, const T* inner, int64_t rows,
                                 int64_t width) {
  constexpr int kUnits = kRows == 1 ? 4 : 1;
  const int64_t lane = grid.thread % kLanes, step = grid.threads / kLanes * kUnits;
  for (int64_t k = grid.thread / kLanes * kUnits; k < a.units; k += step) {
    T sums[kUnits][kRows] = {};
    for (int64_t col = lane; col < width; col += kLanes)
      for (int v = 0; v < kUnits; ++v) {
        const int64_t unit = k + v < a.units ? k + v : k;
        const T u = recurrent::at<T>(a.kernel, unit * width)[col];
        for (int r = 0; r < kRows; ++r)
          if (r < rows) sums[v][r] = std::fma(inner[r * a.time * width + col], u, sums[v][r]);
      }
    for (int half = kLanes / 2; half > 0; half /= 2)
      for (int v = 0; v < kUnits; ++v)
        for (int r = 0; r < kRows; ++r) sums[v][r] += __shfl_xor_sync(~0u, sums[v][r], half);
    for (int v = 0; v < kUnits; ++v)
      for (int r = 0; r < kRows; ++r)
        if (lane == 0 && k + v < a.units) own.h[r * a.units + k + v] += sums[v][r];
  }
}

template <class T, class Cell, int kRows>
__device__ void backward(const Grid& grid, const RecurrentGradArgs& a, void* space) {
  const int64_t n = a.units, width = Cell::kBlocks * n;
  const Own<T, kRows> own(grid, space, n, width);
  for_rows<kRows>(grid, a.batch, [&](int64_t first, int64_t rows) {
    for (int64_t e = grid.thread; e < kRows * n; e += grid.threads) own.h[e] = own.c[e] = 0;
    for (int64_t s = a.time - 1; s >= 0; --s) {
      grid.sync();
      take_step_back<T, Cell>(grid, a, own, first, rows, s);
      grid.sync();
      const int64_t t = a.reverse ? a.time - 1 - s : s;
      const T* inner = at<T>(a.dinner ? a.dinner : a.dx, (first * a.time + t) * width);
      add_product_back(grid, a, own, inner, rows, width);
    }
    grid.sync();
    for (int64_t e = grid.thread; e < rows * n; e += grid.threads) {
      put(a.dh0, first * n + e, own.h[e]);
      put(a.dc0, first * n + e, own.c[e]);
    }
  });
}

}  // namespace fastnn::kernels::cuda::recurrent
