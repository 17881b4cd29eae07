// Reductions over any axes, in an order that the shape alone decides: chunks of a fixed length,
// within a chunk threads that each take every so many elements, then a tree; chunks in a row.
#pragma once
#include <limits>
#include <type_traits>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/math_arithmetic.h"

namespace fastnn::kernels::cuda {

// What is gathered up (wider than T for sums of floats), the start, how two of it become one.
template <class T>
struct Sum {
  using Total = std::conditional_t<std::is_floating_point_v<T>, double, wrapping_t<T>>;
  static constexpr Total start = 0;
  __device__ static Total of(T x) { return static_cast<Total>(x); }
  __device__ static Total join(Total a, Total b) { return a + b; }
};
template <class T>
struct Prod {
  using Total = typename Sum<T>::Total;
  static constexpr Total start = 1;
  __device__ static Total of(T x) { return static_cast<Total>(x); }
  __device__ static Total join(Total a, Total b) { return a * b; }
};
template <class T>
struct Max {
  using Total = T;
  using Limits = std::numeric_limits<T>;
  static constexpr T start = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  __device__ static T of(T x) { return x; }
  __device__ static T join(T a, T b) { return b > a || b != b ? b : a; }
};
template <class T>
struct Min {
  using Total = T;
  using Limits = std::numeric_limits<T>;
  static constexpr T start = Limits::has_infinity ? Limits::infinity() : Limits::max();
  __device__ static T of(T x) { return x; }
  __device__ static T join(T a, T b) { return b < a || b != b ? b : a; }
};
template <class T>
struct Any {
  using Total = uint8_t;
  static constexpr uint8_t start = 0;
  __device__ static uint8_t of(T x) { return x != 0; }
  __device__ static uint8_t join(uint8_t a, uint8_t b) { return a | b; }
};
template <class T>
struct All {
  using Total = uint8_t;
  static constexpr uint8_t start = 1;
  __device__ static uint8_t of(T x) { return x != 0; }
  __device__ static uint8_t join(uint8_t a, uint8_t b) { return a & b; }
};

struct Axes {
  int32_t rank = 0;
  int64_t count = 1;
  int64_t shape[kMaxRank], in[kMaxRank], out[kMaxRank];

  // Axes of length 1 walk nothing; the last one goes on where this one begins?
  void add(int64_t length, int64_t in_stride, int64_t out_stride) {
    count *= length;
    if (length == 1) return;
    if (rank > 0 && in[rank - 1] == in_stride * length && out[rank - 1] == out_stride * length) {
      shape[rank - 1] *= length;
      in[rank - 1] = in_stride;
      out[rank - 1] = out_stride;
      return;
    }
    shape[rank] = length;
    in[rank] = in_stride;
    out[rank++] = out_stride;
  }
  __device__ int64_t offset(int64_t i, const int64_t* strides) const {
    if (rank == 1) return i * strides[0];
    int64_t at = 0;
    for (int d = rank - 1; d >= 0; --d) {
      at += i % shape[d] * strides[d];
      i /= shape[d];
    }
    return at;
  }
};

struct Reduction {
  void* out;
  const void* in;
  void* totals;  // [chunks, kept.count], where there are several chunks
  Axes kept, reduced;
  int64_t chunk, chunks;
  double scale;
};

template <class T, template <class> class Op>
__device__ void finish(const Reduction& r, int64_t result, typename Op<T>::Total total) {
  T* out = static_cast<T*>(r.out) + r.kept.offset(result, r.kept.out);
  if constexpr (std::is_floating_point_v<T>)
    *out = static_cast<T>(r.scale * total);
  else
    *out = static_cast<T>(total);
}

// What kThreads threads share.
template <class T, template <class> class Op, int kSide>
constexpr int kReduceShared = kSide == 1 ? 0 : kThreads * sizeof(typename Op<T>::Total);

// kSide threads share a result; kThreads / kSide results a block. The threads of a warp walk along
// the results where these lie side by side in memory (kSide < kThreads), else along the elements.
template <class T, template <class> class Op, int kSide>
__device__ void reduce_chunk(const Grid& grid, const Reduction& r) {
  using O = Op<T>;
  using Total = typename O::Total;
  // As many as there are threads where each has a result.
  const int results = kSide == 1 ? static_cast<int>(grid.threads) : kThreads / kSide;
  const int x = static_cast<int>(grid.thread) % results;
  const int y = static_cast<int>(grid.thread) / results;
  auto* totals = static_cast<Total*>(grid.shared) + grid.thread;
  const T* in = static_cast<const T*>(r.in);
  const int64_t first = grid.block.y * r.chunk;
  const int64_t last = first + r.chunk < r.reduced.count ? first + r.chunk : r.reduced.count;
  const int64_t step = static_cast<int64_t>(grid.blocks.x) * results;
  for (int64_t block = static_cast<int64_t>(grid.block.x) * results; block < r.kept.count;
       block += step) {
    const int64_t result = block + x;
    Total total = O::start;
    if (result < r.kept.count) {
      const T* from = in + r.kept.offset(result, r.kept.in);
      for (int64_t i = first + y; i < last; i += kSide)
        total = O::join(total, O::of(from[r.reduced.offset(i, r.reduced.in)]));
    }
    if constexpr (kSide > 1) {
      *totals = total;
      for (int half = kSide / 2; half > 0; half /= 2) {
        grid.sync();
        if (y < half) *totals = O::join(*totals, totals[half * results]);
      }
      total = *totals;
      grid.sync();  // before the next round writes
    }
    if (y != 0 || result >= r.kept.count) continue;
    if (r.chunks == 1)
      finish<T, Op>(r, result, total);
    else
      static_cast<Total*>(r.totals)[grid.block.y * r.kept.count + result] = total;
  }
}

template <class T, template <class> class Op>
__device__ void reduce_chunks(const Grid& grid, const Reduction& r) {
  using O = Op<T>;
  const auto* totals = static_cast<const typename O::Total*>(r.totals);
  for (int64_t i = grid.first_index(); i < r.kept.count; i += grid.all_threads()) {
    auto total = totals[i];
    for (int64_t c = 1; c < r.chunks; ++c) total = O::join(total, totals[c * r.kept.count + i]);
    finish<T, Op>(r, i, total);
  }
}

}  // namespace fastnn::kernels::cuda
