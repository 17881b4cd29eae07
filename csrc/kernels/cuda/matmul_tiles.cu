// Products by tiles. Element (i, j) is one chain of fma over k = 0 .. K-1, whatever the tile, so
// tiles are chosen by how well they fill the GPU. K goes by in stages of shared memory, of which
// some are on their way while one is worked on.
//
// A stage lies as the matrix does in device memory, so that 16 bytes come at a time: as [row][k]
// where K is contiguous there, padded so that eight rows are in different banks, else as [k][row].
// A thread's rows are far apart in the first case and side by side in the second: in both, threads
// read 16 bytes at once, without conflicts.
#include <limits>

#include "kernels/cuda/matmul_tiles.h"
#include "kernels/cuda/wide.h"

namespace fastnn::kernels::cuda {
namespace {

// Of A the rows, of B the columns. kOwn: a thread's; kStep: values of k that it reads at once.
template <class T, int kRows, int kOwn, int kDepth, int kStep, bool kAlongK>
struct Side {
  static constexpr int kChunk = kWide / sizeof(T);
  static constexpr int kPitch = kAlongK ? kDepth + kChunk : kRows;
  static constexpr int kSize = (kAlongK ? kRows : kDepth) * kPitch;
  static constexpr int kThreadsAlong = kRows / kOwn;
  // Rows that lie side by side in shared memory and belong to one thread.
  static constexpr int kGroup = kAlongK ? 1 : kOwn < kChunk ? kOwn : kChunk;

  // What the device's memory holds of it, as lines of which one is contiguous.
  const T* from;
  int64_t depth, stride;  // of K from the tile's start; between lines
  int rows;               // at most kRows
  bool wide;              // chunks of 16 bytes are aligned

  __device__ Side(const T* first, int64_t all_rows, int64_t all_depth, int64_t distance,
                  bool aligned)
      : from(first),
        depth(all_depth),
        stride(distance),
        rows(all_rows < kRows ? static_cast<int>(all_rows) : kRows),
        wide(aligned) {}

  // Thread t's row of number `own`; those of a group follow each other.
  __device__ static int row(int t, int own) {
    return own / kGroup * kGroup * kThreadsAlong + t * kGroup + own % kGroup;
  }

  // The stage of k0: a thread brings the same part of several lines.
  template <int kCount, int kThreads>
  __device__ void bring(T* to, int64_t k0, int thread) const {
    constexpr int kParts = (kAlongK ? kDepth : kRows) / kCount;
    constexpr int kLines = kAlongK ? kRows : kDepth, kEvery = kThreads / kParts;
    static_assert(kThreads % kParts == 0 && kLines % kEvery == 0);
    const int line = thread / kParts, at = thread % kParts * kCount;
    const int ks = depth - k0 < kDepth ? static_cast<int>(depth - k0) : kDepth;
    const int lines = kAlongK ? rows : ks, length = kAlongK ? ks : rows;
    const int valid = length <= at ? 0 : length - at < kCount ? length - at : kCount;
    const T* source = from + line * stride + at + (kAlongK ? k0 : k0 * stride);
    T* target = to + line * kPitch + at;
    FASTNN_UNROLL
    for (int i = 0; i < kLines; i += kEvery) {
      const bool there = line + i < lines && valid > 0;
      copy_async<kCount * sizeof(T)>(target + i * kPitch, there ? source : from,
                                     there ? valid * static_cast<int>(sizeof(T)) : 0);
      source += kEvery * stride;
    }
  }
  template <int kThreads>
  __device__ void bring(T* to, int64_t k0, int thread) const {
    if (wide)
      bring<kChunk, kThreads>(to, k0, thread);
    else
      bring<1, kThreads>(to, k0, thread);
  }

  // values[own][i] for k + i.
  template <int kCount>
  __device__ static void read(const T* stage, int t, int k, T (&values)[kOwn][kCount]) {
    if constexpr (kAlongK) {
      FASTNN_UNROLL
      for (int own = 0; own < kOwn; ++own) {
        const auto pack = load<kCount>(stage + row(t, own) * kPitch + k);
        FASTNN_UNROLL
        for (int i = 0; i < kCount; ++i) values[own][i] = pack.x[i];
      }
    } else {
      FASTNN_UNROLL
      for (int i = 0; i < kCount; ++i) FASTNN_UNROLL
      for (int own = 0; own < kOwn; own += kGroup) {
        const auto pack = load<kGroup>(stage + (k + i) * kPitch + row(t, own));
        FASTNN_UNROLL
        for (int g = 0; g < kGroup; ++g) values[own + g][i] = pack.x[g];
      }
    }
  }
};

// A tile of kM x kN elements, of which a thread has kOwnM x kOwnN.
template <class T_, int kM_, int kN_, int kOwnM_, int kOwnN_, int kDepth_, int kStep_, int kStages_>
struct Shape {
  using T = T_;
  static constexpr int kM = kM_, kN = kN_, kOwnM = kOwnM_, kOwnN = kOwnN_;
  static constexpr int kDepth = kDepth_, kStep = kStep_, kStages = kStages_;
  static constexpr int kColumns = kN / kOwnN;
  static constexpr int kBlock = kM / kOwnM * kColumns;  // threads
  template <bool kTransposed>
  using Left = Side<T, kM, kOwnM, kDepth, kStep, !kTransposed>;
  template <bool kTransposed>
  using Right = Side<T, kN, kOwnN, kDepth, kStep, kTransposed>;
};

struct Tiles {
  Product product;
  unsigned across;  // tiles of a row of them
  bool wide_a, wide_b, wide_c;
};

template <class S, class L, class R>
struct Worker {
  using T = typename S::T;
  T sums[S::kOwnM][S::kOwnN] = {};
  int x, y;

  template <int kCount>
  __device__ void multiply(const T* a, const T* b, int k) {
    T left[S::kOwnM][kCount], right[S::kOwnN][kCount];
    L::template read<kCount>(a, y, k, left);
    R::template read<kCount>(b, x, k, right);
    FASTNN_UNROLL
    for (int i = 0; i < kCount; ++i) FASTNN_UNROLL
    for (int u = 0; u < S::kOwnM; ++u) FASTNN_UNROLL
    for (int v = 0; v < S::kOwnN; ++v)
      sums[u][v] = multiply_add(left[u][i], right[v][i], sums[u][v]);
  }

  __device__ void multiply_stage(const T* a, const T* b, int64_t depth) {
    if (depth >= S::kDepth) {
      FASTNN_UNROLL
      for (int k = 0; k < S::kDepth; k += S::kStep) multiply<S::kStep>(a, b, k);
      return;
    }
    const int last = static_cast<int>(depth);
    int k = 0;
    FASTNN_ONE_BY_ONE
    for (; k + S::kStep <= last; k += S::kStep) multiply<S::kStep>(a, b, k);
    FASTNN_ONE_BY_ONE
    for (; k < last; ++k) multiply<1>(a, b, k);
  }

  // Bias and activation, in registers.
  __device__ void finish(const Product& p, int64_t offset, int64_t i0, int64_t j0) {
    FASTNN_UNROLL
    for (int v = 0; v < S::kOwnN; ++v) {
      const int64_t j = j0 + R::row(x, v);
      if (!p.bias || j >= p.n) continue;
      const T bias = static_cast<const T*>(p.bias)[j];
      FASTNN_UNROLL
      for (int u = 0; u < S::kOwnM; ++u) sums[u][v] = add<T>(sums[u][v], bias, nullptr);
    }
    if (p.epilogue == Epilogue::none) return;
    FASTNN_UNROLL
    for (int u = 0; u < S::kOwnM; ++u) FASTNN_UNROLL
    for (int v = 0; v < S::kOwnN; ++v) {
      const int64_t i = i0 + L::row(y, u), j = j0 + R::row(x, v);
      if (i < p.m && j < p.n) sums[u][v] = activated(p, offset, i, j, sums[u][v]);
    }
  }

  // kCount of a row at once; 1: those that are in the matrix.
  template <int kCount>
  __device__ void write(const Product& p, int64_t offset, int64_t i0, int64_t j0) const {
    FASTNN_UNROLL
    for (int u = 0; u < S::kOwnM; ++u) FASTNN_UNROLL
    for (int v = 0; v < S::kOwnN; v += kCount) {
      const int64_t i = i0 + L::row(y, u), j = j0 + R::row(x, v);
      if (kCount == 1 && (i >= p.m || j >= p.n)) continue;
      Pack<T, kCount> out;
      FASTNN_UNROLL
      for (int g = 0; g < kCount; ++g) out.x[g] = sums[u][v + g];
      store(static_cast<T*>(p.c) + offset + i * p.ldc + j, out);
    }
  }
};

template <class S, bool kTransA, bool kTransB>
__device__ void product_tile(const Grid& grid, const Tiles& tiles) {
  using T = typename S::T;
  using L = typename S::template Left<kTransA>;
  using R = typename S::template Right<kTransB>;
  FASTNN_SHARED(stages, T[S::kStages][L::kSize + R::kSize]);
  const Product& p = tiles.product;
  const Offsets o = offsets_of(p, grid.block.z);
  const unsigned down = grid.block.x / tiles.across, along = grid.block.x - down * tiles.across;
  const int64_t i0 = int64_t{down} * S::kM, j0 = int64_t{along} * S::kN;
  const int thread = static_cast<int>(grid.thread);
  const L a(static_cast<const T*>(p.a) + o.a + i0 * p.a_row, p.m - i0, p.k,
            kTransA ? p.a_k : p.a_row, tiles.wide_a);
  const R b(static_cast<const T*>(p.b) + o.b + j0 * p.b_col, p.n - j0, p.k,
            kTransB ? p.b_col : p.b_k, tiles.wide_b);
  Worker<S, L, R> worker;
  worker.x = thread % S::kColumns, worker.y = thread / S::kColumns;
  // A stage is brought kAhead stages before it is worked on.
  constexpr int kAhead = S::kStages - 1;
  int coming = 0, here = 0;
  FASTNN_ONE_BY_ONE
  for (int64_t k0 = -kAhead * S::kDepth; k0 < p.k; k0 += S::kDepth) {
    if (k0 >= 0) {
      wait_for_groups<kAhead - 1>();
      grid.sync();  // this stage is there, and all are done with the one before
    }
    const int64_t next = k0 + kAhead * S::kDepth;
    if (next < p.k) {
      a.template bring<S::kBlock>(stages[coming], next, thread);
      b.template bring<S::kBlock>(stages[coming] + L::kSize, next, thread);
    }
    end_group();
    coming = coming == kAhead ? 0 : coming + 1;
    if (k0 < 0) continue;
    worker.multiply_stage(stages[here], stages[here] + L::kSize, p.k - k0);
    here = here == kAhead ? 0 : here + 1;
  }
  worker.finish(p, o.c, i0, j0);
  if (tiles.wide_c && i0 + S::kM <= p.m && j0 + S::kN <= p.n)
    worker.template write<R::kGroup>(p, o.c, i0, j0);
  else
    worker.template write<1>(p, o.c, i0, j0);
}

#ifdef FASTNN_EMULATED
int64_t multiprocessors() { return 4; }  // so that tests of some hundred rows meet every tile
#else
int64_t multiprocessors() {
  static const int64_t count = [] {
    int found = 0;
    const cudaError_t error = cudaDeviceGetAttribute(&found, cudaDevAttrMultiProcessorCount, 0);
    return error == cudaSuccess && found > 0 ? found : 1;
  }();
  return count;
}
#endif

// What a launch costs, in elements of the busiest multiprocessor: `speed` is the part of its peak
// that a tile of the shape reaches there.
template <class S>
double cost(const Product& p, int64_t count, double speed) {
  const int64_t blocks = (p.m + S::kM - 1) / S::kM * ((p.n + S::kN - 1) / S::kN) * count;
  const int64_t rounds = (blocks + multiprocessors() - 1) / multiprocessors();
  return static_cast<double>(rounds) * S::kM * S::kN / speed;
}

template <class S>
void launch_tiles(Tiles tiles, int64_t count, const Context* ctx) {
  const Product& p = tiles.product;
  tiles.across = static_cast<unsigned>((p.n + S::kN - 1) / S::kN);
  const auto down = static_cast<unsigned>((p.m + S::kM - 1) / S::kM);
  const dim3 blocks(down * tiles.across, 1, static_cast<unsigned>(count));
  const bool trans_a = p.a_k != 1, trans_b = p.b_k == 1;
  if (!trans_a && !trans_b)
    launch<product_tile<S, false, false>, S::kBlock>(ctx, blocks, S::kBlock, tiles);
  else if (!trans_a)
    launch<product_tile<S, false, true>, S::kBlock>(ctx, blocks, S::kBlock, tiles);
  else if (!trans_b)
    launch<product_tile<S, true, false>, S::kBlock>(ctx, blocks, S::kBlock, tiles);
  else
    launch<product_tile<S, true, true>, S::kBlock>(ctx, blocks, S::kBlock, tiles);
}

// Whether all lines of all products of the batch begin at a multiple of 16 bytes.
template <class T>
bool all_wide(const Product& p, const void* first, int64_t stride, const int64_t* batch) {
  int64_t distances = stride * static_cast<int64_t>(sizeof(T));
  for (int d = 0; d < p.batch_rank; ++d) distances |= batch[d] * static_cast<int64_t>(sizeof(T));
  return reinterpret_cast<uintptr_t>(first) % kWide == 0 && distances % kWide == 0;
}

// The speeds are estimates from instructions issued: 1 for what only waits for its fma.
template <class T>
void choose(const Tiles& tiles, int64_t count, const Context* ctx) {
  constexpr int kDepth = 64 / sizeof(T), kStep = kWide / sizeof(T);
  using Latency = Shape<T, 16, 32, 2, 2, 2 * kDepth, kStep, 4>;
  using Small = Shape<T, 32, 64, 4, 4, kDepth, kStep, 4>;
  using Medium = Shape<T, 64, 64, 4, 4, kDepth, kStep, 3>;
  const Product& p = tiles.product;
  const double latency = cost<Latency>(p, count, 0.5), small = cost<Small>(p, count, 0.75);
  const double medium = cost<Medium>(p, count, 0.8);
  if constexpr (std::is_same_v<T, float>) {
    using Large = Shape<float, 128, 128, 8, 8, 8, 2, 4>;
    const double large = cost<Large>(p, count, 0.9);
    if (large < latency && large < small && large < medium)
      return launch_tiles<Large>(tiles, count, ctx);
  }
  if (medium < latency && medium < small)
    launch_tiles<Medium>(tiles, count, ctx);
  else if (small < latency)
    launch_tiles<Small>(tiles, count, ctx);
  else
    launch_tiles<Latency>(tiles, count, ctx);
}

}  // namespace

template <class T>
void multiply_by_tiles(const Product& p, int64_t count, const Context* ctx) {
  Tiles tiles{p, 0, false, false, false};
  tiles.wide_a = all_wide<T>(p, p.a, p.a_k == 1 ? p.a_row : p.a_k, p.batch_a);
  tiles.wide_b = all_wide<T>(p, p.b, p.b_k == 1 ? p.b_col : p.b_k, p.batch_b);
  tiles.wide_c = all_wide<T>(p, p.c, p.ldc, p.batch_c);
  if constexpr (std::is_floating_point_v<T>)
    choose<T>(tiles, count, ctx);
  else
    launch_tiles<Shape<T, 32, 64, 4, 4, 64 / sizeof(T), kWide / sizeof(T), 3>>(tiles, count, ctx);
}
template void multiply_by_tiles<float>(const Product&, int64_t, const Context*);
template void multiply_by_tiles<double>(const Product&, int64_t, const Context*);
template void multiply_by_tiles<int32_t>(const Product&, int64_t, const Context*);
template void multiply_by_tiles<int64_t>(const Product&, int64_t, const Context*);

}  // namespace fastnn::kernels::cuda
