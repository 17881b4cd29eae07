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

// What the threads of a block share.
template <class T, template <class> class Op, int kSide>
constexpr int kReduceShared =
    kSide == 1 || kSide == 32 ? 0 : kThreads * sizeof(typename Op<T>::Total);

// How kSide threads share a result: one thread, a warp, a block, or other numbers where results lie
// side by side in memory. There, the threads of a warp walk along the results, else along the
// elements. Blocks have kThreads where they share memory.
template <int kSide>
struct Sharing {
  static constexpr bool kWarp = kSide == 32;
  int results, result, part;  // at once, and which of them; which of kSide

  __device__ explicit Sharing(const Grid& grid)
      : results(static_cast<int>(grid.threads) / kSide),
        result(static_cast<int>(kWarp ? grid.thread / kSide : grid.thread % results)),
        part(static_cast<int>(kWarp ? grid.thread % kSide : grid.thread / results)) {}

  // A tree over the parts, for the thread of part 0.
  template <class Op, class Total>
  __device__ Total join(const Grid& grid, Total total) const {
    if constexpr (kWarp) {
      for (int half = kSide / 2; half > 0; half /= 2)
        total = Op::join(total, __shfl_down_sync(~0u, total, static_cast<unsigned>(half)));
    } else if constexpr (kSide > 1) {
      auto* totals = static_cast<Total*>(grid.shared) + grid.thread;
      *totals = total;
      for (int half = kSide / 2; half > 0; half /= 2) {
        grid.sync();
        if (part < half) *totals = Op::join(*totals, totals[half * results]);
      }
      total = *totals;
      grid.sync();  // before the next round writes
    }
    return total;
  }
};

// of(at(i)) of every kSide-th i, joined in their order; four are loaded before the first is needed.
template <class Op, int kSide, class Total, class At, class Of>
__device__ Total gathered(Total total, int64_t first, int64_t last, At at, Of of) {
  int64_t i = first;
  for (; i + 3 * kSide < last; i += 4 * kSide) {
    const auto a = at(i), b = at(i + kSide), c = at(i + 2 * kSide), d = at(i + 3 * kSide);
    total = Op::join(Op::join(Op::join(Op::join(total, of(a)), of(b)), of(c)), of(d));
  }
  for (; i < last; i += kSide) total = Op::join(total, of(at(i)));
  return total;
}

template <class T, template <class> class Op, int kSide>
__device__ typename Op<T>::Total gathered_chunk(const Axes& axes, const T* from, int64_t first,
                                                int64_t last) {
  using O = Op<T>;
  const typename O::Total start = O::start;
  auto of = [](T x) { return O::of(x); };
  if (axes.rank > 1) {  // the rare case stays out of the loop of the other
    auto total = start;
    for (int64_t i = first; i < last; i += kSide)
      total = O::join(total, of(from[axes.offset(i, axes.in)]));
    return total;
  }
  const int64_t stride = axes.rank == 1 ? axes.in[0] : 0;
  return gathered<O, kSide>(start, first, last, [&](int64_t i) { return from[i * stride]; }, of);
}

template <class T, template <class> class Op, int kSide>
__device__ void reduce_chunk(const Grid& grid, const Reduction& r) {
  using O = Op<T>;
  using Total = typename O::Total;
  const Sharing<kSide> own(grid);
  const T* in = static_cast<const T*>(r.in);
  const int64_t first = grid.block.y * r.chunk;
  const int64_t last = first + r.chunk < r.reduced.count ? first + r.chunk : r.reduced.count;
  const int64_t step = static_cast<int64_t>(grid.blocks.x) * own.results;
  for (int64_t block = static_cast<int64_t>(grid.block.x) * own.results; block < r.kept.count;
       block += step) {
    const int64_t result = block + own.result;
    Total total = O::start;
    if (result < r.kept.count) {
      const T* from = in + r.kept.offset(result, r.kept.in);
      total = gathered_chunk<T, Op, kSide>(r.reduced, from, first + own.part, last);
    }
    total = own.template join<O>(grid, total);
    if (own.part != 0 || result >= r.kept.count) continue;
    if (r.chunks == 1)
      finish<T, Op>(r, result, total);
    else
      static_cast<Total*>(r.totals)[grid.block.y * r.kept.count + result] = total;
  }
}

// The chunks' totals lie side by side.
template <class T, template <class> class Op, int kSide>
__device__ void reduce_chunks(const Grid& grid, const Reduction& r) {
  using O = Op<T>;
  using Total = typename O::Total;
  const Sharing<kSide> own(grid);
  const auto* totals = static_cast<const Total*>(r.totals);
  const int64_t step = static_cast<int64_t>(grid.blocks.x) * own.results;
  for (int64_t block = static_cast<int64_t>(grid.block.x) * own.results; block < r.kept.count;
       block += step) {
    const int64_t i = block + own.result;
    Total total = O::start;
    if (i < r.kept.count)
      total = gathered<O, kSide>(
          total, own.part, r.chunks, [&](int64_t c) { return totals[c * r.kept.count + i]; },
          [](Total x) { return x; });
    total = own.template join<O>(grid, total);
    if (own.part == 0 && i < r.kept.count) finish<T, Op>(r, i, total);
  }
}

}  // namespace fastnn::kernels::cuda
