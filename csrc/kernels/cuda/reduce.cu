// Reductions over any axes, in an order that the shape alone decides: chunks of a fixed length,
// within a chunk threads that each take every so many elements, then a tree; chunks in a row.
#include <limits>
#include <type_traits>

#include "kernels/cuda/lists.h"
#include "kernels/cuda/math_arithmetic.h"
#include "kernels/cuda/reduce.h"

namespace fastnn::kernels::cuda {
namespace {

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

// kSide threads share a result; kThreads / kSide results a block. The threads of a warp walk along
// the results where these lie side by side in memory (kSide < kThreads), else along the elements.
template <class T, template <class> class Op, int kSide>
__device__ void reduce_chunk(const Grid& grid, const Reduction& r) {
  using O = Op<T>;
  using Total = typename O::Total;
  constexpr int kResults = kThreads / kSide;
  __shared__ Total totals[kSide][kResults];
  const int x = grid.thread % kResults, y = grid.thread / kResults;
  const T* in = static_cast<const T*>(r.in);
  const int64_t first = grid.block.y * r.chunk;
  const int64_t last = first + r.chunk < r.reduced.count ? first + r.chunk : r.reduced.count;
  const int64_t step = static_cast<int64_t>(grid.blocks.x) * kResults;
  for (int64_t block = static_cast<int64_t>(grid.block.x) * kResults; block < r.kept.count;
       block += step) {
    const int64_t result = block + x;
    Total total = O::start;
    if (result < r.kept.count) {
      const T* from = in + r.kept.offset(result, r.kept.in);
      for (int64_t i = first + y; i < last; i += kSide)
        total = O::join(total, O::of(from[r.reduced.offset(i, r.reduced.in)]));
    }
    if constexpr (kSide > 1) {
      totals[y][x] = total;
      for (int half = kSide / 2; half > 0; half /= 2) {
        grid.sync();
        if (y < half) totals[y][x] = O::join(totals[y][x], totals[y + half][x]);
      }
      total = totals[y][x];
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

constexpr int64_t kChunk = 16384, kMostChunks = 256;

int64_t chunk_of(int64_t count) {
  const int64_t even = (count + kMostChunks - 1) / kMostChunks;
  return even > kChunk ? even : kChunk;
}

template <class T, template <class> class Op>
void reduce(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const ReduceArgs*>(args);
  Reduction r{a.out, a.in, ctx->workspace, {}, {}, 0, 0, a.scale};
  for (int d = 0; d < a.rank; ++d)
    (a.reduced[d] ? r.reduced : r.kept).add(a.shape[d], a.in_strides[d], a.out_strides[d]);
  r.chunk = chunk_of(r.reduced.count);
  r.chunks = r.reduced.count == 0 ? 1 : (r.reduced.count + r.chunk - 1) / r.chunk;
  const auto chunks = static_cast<unsigned>(r.chunks);
  auto grid = [&](int side) { return dim3(blocks_for(r.kept.count, kThreads / side), chunks); };
  // Few elements: a thread a result. Results side by side: 32 of them a block. Else a block each.
  const bool side_by_side = r.kept.rank > 0 && r.kept.in[r.kept.rank - 1] == 1;
  if (r.reduced.count <= 32)
    launch<reduce_chunk<T, Op, 1>>(ctx, grid(1), kThreads, r);
  else if (side_by_side)
    launch<reduce_chunk<T, Op, 8>>(ctx, grid(8), kThreads, r);
  else
    launch<reduce_chunk<T, Op, kThreads>>(ctx, grid(kThreads), kThreads, r);
  if (r.chunks > 1) launch<reduce_chunks<T, Op>>(ctx, blocks_for(r.kept.count), kThreads, r);
}

size_t workspace(const void* args, int32_t) {
  const auto& a = *static_cast<const ReduceArgs*>(args);
  int64_t results = 1, count = 1;
  for (int d = 0; d < a.rank; ++d) (a.reduced[d] ? count : results) *= a.shape[d];
  return reduce_workspace(results, count);
}

#define FASTNN_REDUCE(id, dtype, T, Op) {id, DType::dtype, reduce<T, Op>, nullptr, workspace}
#define FASTNN_REDUCE_NUMBERS(id, Op)                                    \
  FASTNN_REDUCE(id, f32, float, Op), FASTNN_REDUCE(id, f64, double, Op), \
      FASTNN_REDUCE(id, i32, int32_t, Op), FASTNN_REDUCE(id, i64, int64_t, Op)

const Entry kEntries[] = {
    FASTNN_REDUCE_NUMBERS("reduce_sum", Sum),      FASTNN_REDUCE_NUMBERS("reduce_prod", Prod),
    FASTNN_REDUCE_NUMBERS("reduce_max", Max),      FASTNN_REDUCE_NUMBERS("reduce_min", Min),
    FASTNN_REDUCE("reduce_max", u8, uint8_t, Max), FASTNN_REDUCE("reduce_min", u8, uint8_t, Min),
    FASTNN_REDUCE("reduce_any", b8, uint8_t, Any), FASTNN_REDUCE("reduce_all", b8, uint8_t, All),
};

}  // namespace

template <class T>
void reduce_sum(const void* args, const Context* ctx) {
  reduce<T, Sum>(args, ctx);
}
template void reduce_sum<float>(const void*, const Context*);
template void reduce_sum<double>(const void*, const Context*);

size_t reduce_workspace(int64_t results, int64_t count) {
  const int64_t chunk = chunk_of(count), chunks = (count + chunk - 1) / chunk;
  return chunks > 1 ? static_cast<size_t>(results * chunks) * sizeof(double) : 0;
}

const EntryList reduce_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
