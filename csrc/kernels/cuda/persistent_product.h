// Products within one multiprocessor: a thread has a patch of elements, so that what it reads of
// shared memory serves several fma. An element is one chain of fma over k = 0 .. K-1, as
// everywhere.
//
// A patch's columns are as far apart as there are patches side by side, so that threads that follow
// each other read what lies side by side. Where they do not (B is transposed, or has one column),
// threads would wait for each other's banks: so some are late by a few k, which are in other banks.
#pragma once
#include <algorithm>
#include <set>
#include <vector>

#include "kernels/cuda/bodies/matmul.h"
#include "kernels/cuda/wide.h"

namespace fastnn::kernels::cuda {

template <class T>
constexpr int32_t kBanks = 128 / sizeof(T);  // of shared memory, that give a T at once

struct Patches {
  void* c;
  const void *a, *b, *bias, *aux;
  int32_t m, n, k, a_row, a_k, b_k, b_col, ldc, ldaux;
  Epilogue epilogue;
  int32_t down, across;  // patches
  int32_t latest, same;  // k that a thread is late by, at most; threads in a row that are as late
};

// Of a warp's threads.
template <class T>
__host__ __device__ int32_t late(uint32_t thread, int32_t same) {
  return static_cast<int32_t>(thread) % kBanks<T> / same;
}

template <class T, int kRows, int kCols>
struct Patch {
  int32_t high, low;                 // the place of its first element
  int32_t at_a[kRows], at_b[kCols];  // of k
  T sums[kRows][kCols] = {};

  // Past the end of the matrix it has the last row or column again.
  __device__ Patch(const Patches& p, uint32_t number)
      : high(static_cast<int32_t>(number / static_cast<uint32_t>(p.across))),
        low(static_cast<int32_t>(number) - high * p.across) {
    FASTNN_UNROLL
    for (int r = 0; r < kRows; ++r) at_a[r] = (row(p, r) < p.m ? row(p, r) : p.m - 1) * p.a_row;
    FASTNN_UNROLL
    for (int v = 0; v < kCols; ++v) at_b[v] = (col(p, v) < p.n ? col(p, v) : p.n - 1) * p.b_col;
  }
  __device__ int32_t row(const Patches& p, int r) const { return high + r * p.down; }
  __device__ int32_t col(const Patches& p, int v) const { return low + v * p.across; }

  __device__ void step(const Patches& p, const T* a, const T* b) {
    T left[kRows], right[kCols];
    FASTNN_UNROLL
    for (int r = 0; r < kRows; ++r) {
      left[r] = a[at_a[r]];
      at_a[r] += p.a_k;
    }
    FASTNN_UNROLL
    for (int v = 0; v < kCols; ++v) {
      right[v] = b[at_b[v]];
      at_b[v] += p.b_k;
    }
    FASTNN_UNROLL
    for (int r = 0; r < kRows; ++r) FASTNN_UNROLL
    for (int v = 0; v < kCols; ++v) sums[r][v] = multiply_add(left[r], right[v], sums[r][v]);
  }

  // Turn t of all threads is k = t - late here.
  __device__ void multiply(const Patches& p, int32_t late) {
    const T* a = static_cast<const T*>(p.a);
    const T* b = static_cast<const T*>(p.b);
    int32_t t = 0;
    FASTNN_ONE_BY_ONE
    for (; t < p.latest; ++t)
      if (t >= late && t < p.k + late) step(p, a, b);
    for (; t < p.k; ++t) step(p, a, b);
    FASTNN_ONE_BY_ONE
    for (; t < p.k + late; ++t) step(p, a, b);
  }

  __device__ void write(const Patches& p) const {
    FASTNN_UNROLL
    for (int r = 0; r < kRows; ++r) FASTNN_UNROLL
    for (int v = 0; v < kCols; ++v)
      if (row(p, r) < p.m && col(p, v) < p.n) store(p, 0, row(p, r), col(p, v), sums[r][v]);
  }
};

template <class T, int kRows, int kCols>
__device__ void product_patches(const Grid& grid, const Patches& p) {
  const auto count = static_cast<uint32_t>(p.down * p.across);
  for (uint32_t number = grid.thread; number < count; number += grid.threads) {
    Patch<T, kRows, kCols> patch(p, number);
    patch.multiply(p, late<T>(number, p.same));
    patch.write(p);
  }
}

// --- on the host

// How many of these elements lie in one bank, at most; equal ones are read at once.
template <class T>
int32_t in_a_bank(const std::vector<int32_t>& places) {
  std::set<int32_t> of_bank[kBanks<T>];
  size_t most = 0;
  for (int32_t place : places) {
    std::set<int32_t>& bank = of_bank[(place % kBanks<T> + kBanks<T>) % kBanks<T>];
    bank.insert(place);
    most = std::max(most, bank.size());
  }
  return static_cast<int32_t>(most);
}

// Cycles in which shared memory serves a warp's turn. The first warp stands for all.
template <class T, int kRows, int kCols>
double waits(const Patches& p) {
  std::vector<int32_t> of_a, of_b;
  for (int32_t t = 0; t < std::min(kBanks<T>, p.down * p.across); ++t) {
    const int32_t k = -late<T>(static_cast<uint32_t>(t), p.same);
    of_a.push_back(t / p.across * p.a_row + k * p.a_k);
    of_b.push_back(t % p.across * p.b_col + k * p.b_k);
  }
  return (kRows * in_a_bank<T>(of_a) + kCols * in_a_bank<T>(of_b)) * (32.0 / kBanks<T>);
}

// Of a warp in a turn.
constexpr double instructions(int rows, int cols) { return rows * cols + 2 * (rows + cols); }

template <class T, int kRows, int kCols>
Patches patches_of(const Product& g) {
  auto i32 = [](int64_t x) { return static_cast<int32_t>(x); };
  Patches p{g.c,
            g.a,
            g.b,
            g.bias,
            g.aux,
            i32(g.m),
            i32(g.n),
            i32(g.k),
            i32(g.a_row),
            i32(g.a_k),
            i32(g.b_k),
            i32(g.b_col),
            i32(g.ldc),
            i32(g.ldaux),
            g.epilogue,
            i32((g.m + kRows - 1) / kRows),
            i32((g.n + kCols - 1) / kCols),
            0,
            kBanks<T>};
  Patches best = p;
  auto cycles = [](const Patches& q) {
    return (q.k + q.latest) * std::max(waits<T, kRows, kCols>(q), instructions(kRows, kCols) / 4);
  };
  for (int32_t groups = 2; groups <= kBanks<T>; groups *= 2) {
    p.latest = groups - 1, p.same = kBanks<T> / groups;
    if (cycles(p) < cycles(best)) best = p;
  }
  return best;
}

}  // namespace fastnn::kernels::cuda
