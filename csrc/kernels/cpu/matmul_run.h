// Matmul: the choice of a path, and the split over threads. Neither can change a bit.
#pragma once
#include "kernels/cpu/lists.h"
#include "kernels/cpu/matmul_small.h"
#include "kernels/matmul_pack.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Multiply-adds of floats from which on threads pay: some ten microseconds of one thread's work.
constexpr double kThreadWork = 1 << 20;
// What reading an element of A or B costs at least, in multiply-adds.
constexpr double kReadWork = 4;
// Chunks of K that wait for their turn to be added, per thread.
constexpr int64_t kSlotsPerThread = 16;

template <class T>
struct Job {
  Product<T> p;
  T* colsum;
  T* workspace;
  int64_t part;  // elements of workspace a task
  // split of C: tasks_m by tasks_n blocks
  int64_t tasks_m, tasks_n;
  // split of K: chunks [chunk0, chunk1) into slots
  T* slots;
  int64_t slot, chunk0, chunk1, tasks;
};

// Tiles of C; below two a thread, long sums are split over K instead.
template <class T>
int64_t tiles_of(const Product<T>& p) {
  return ceil_div(p.m, kTileRows) * ceil_div(p.n, kTileCols<T>);
}

template <class T>
void run_block(void* arg, int64_t task) {
  const Job<T>& job = *static_cast<const Job<T>*>(arg);
  const int64_t i = task / job.tasks_n, j = task % job.tasks_n;
  const int64_t panels = ceil_div(job.p.n, kTileCols<T>);
  const Block block = {job.p.m * i / job.tasks_m, job.p.m * (i + 1) / job.tasks_m,
                       panels * j / job.tasks_n * kTileCols<T>,
                       min_of(job.p.n, panels * (j + 1) / job.tasks_n * kTileCols<T>)};
  if (job.colsum && i == 0) sum_columns(job.colsum, job.p, block.n0, block.n1);
  multiply_block(job.p, block, job.workspace + task * job.part);
}

// The grid of blocks with the least work a thread: multiply-adds, and reading and packing A and B
// (if it is not packed), where an element costs about as much as eight multiply-adds.
template <class T>
void choose_grid(Job<T>& job, int64_t threads) {
  double least = 0;
  for (int64_t m = 1; m <= threads; ++m) {
    if (threads % m) continue;
    const int64_t n = threads / m;
    const double rows = static_cast<double>(ceil_div(job.p.m, m));
    const double cols =
        static_cast<double>(ceil_div(ceil_div(job.p.n, kTileCols<T>), n) * kTileCols<T>);
    const double work = rows * cols + 8 * (rows + (job.p.packed_b ? 0 : cols));
    if (m > 1 && work >= least) continue;
    least = work;
    job.tasks_m = m;
    job.tasks_n = n;
  }
}

template <class T>
void run_chunks(void* arg, int64_t task) {
  const Job<T>& job = *static_cast<const Job<T>*>(arg);
  const Chunks chunks = chunks_of(job.p);
  for (int64_t q = job.chunk0 + task; q < job.chunk1; q += job.tasks) {
    const int64_t k0 = q * chunks.length, depth = min_of(chunks.length, job.p.k - k0);
    Product<T> p = job.p;
    p.a += p.trans_a ? k0 * p.lda : k0;
    p.b += p.trans_b ? k0 : k0 * p.ldb;
    p.k = depth;  // narrow or not stays what it was for all of K
    p.c = job.slots + (q - job.chunk0) * job.slot;
    p.ldc = p.n;
    if (p.packed_b) p.packed_b += packed_offset(job.p, k0, depth, 0);
    p.bias = nullptr;
    p.epilogue = Epilogue::none;
    multiply_block(p, Block{0, p.m, 0, p.n}, job.workspace + task * job.part);
    if (job.colsum) sum_chunk(p.c + p.m * p.n, p, 0, p.n, 0, depth, false);
  }
}

// c = c + add (or add), and after the last chunk the bias and the epilogue, as in the tile.
template <class T>
void add_row(const Product<T>& p, int64_t i, const T* add, bool first, bool last) {
  T* c = p.c + i * p.ldc;
  for (int64_t j = 0; j < p.n; j += kLanes<T>) {
    const int64_t cols = min_of(p.n - j, kLanes<T>);
    vec<T> x = load_first(add + j, cols);
    if (!first) x = load_first(c + j, cols) + x;
    if (last && p.bias) x = x + load_first(p.bias + j, cols);
    if (last && p.epilogue == Epilogue::relu) x = max(zero<T>(), x);
    if (last && p.epilogue == Epilogue::relu_grad)
      x = select(load_first(p.aux + i * p.ldaux + j, cols) > zero<T>(), x, zero<T>());
    store_first(c + j, x, cols);
  }
}

template <class T>
void multiply_split_k(Job<T>& job, const Context* ctx) {
  const Product<T>& p = job.p;
  const int64_t count = chunks_of(p).count, wave = kSlotsPerThread * ctx->threads;
  job.slot = (p.m + 1) * p.n;
  job.slots = job.workspace + ctx->threads * job.part;
  for (int64_t q0 = 0; q0 < count; q0 += wave) {
    job.chunk0 = q0;
    job.chunk1 = min_of(q0 + wave, count);
    job.tasks = min_of(ctx->threads, job.chunk1 - job.chunk0);
    ctx->parallel_for(ctx->pool, job.tasks, run_chunks<T>, &job);
    for (int64_t q = q0; q < job.chunk1; ++q) {
      const T* slot = job.slots + (q - q0) * job.slot;
      for (int64_t i = 0; i < p.m; ++i) add_row(p, i, slot + i * p.n, q == 0, q == count - 1);
      if (!job.colsum) continue;
      for (int64_t j = 0; j < p.n; ++j)
        job.colsum[j] = q == 0 ? slot[p.m * p.n + j] : job.colsum[j] + slot[p.m * p.n + j];
    }
  }
  if (p.epilogue == Epilogue::tile) apply_epilogue_tile(p, 0, p.m, 0, p.n);
}

// In multiply-adds of floats; those of a vector's idle lanes take time as well.
template <class T>
double work_of(int64_t m, int64_t n, int64_t k) {
  const int64_t cols = is_narrow(n, k) ? n : ceil_div(n, kLanes<T>) * kLanes<T>;
  const double rows = static_cast<double>(m), depth = static_cast<double>(k);
  const double made = rows * static_cast<double>(cols) * depth;
  const double read = (rows + static_cast<double>(n)) * depth;
  return (made + kReadWork * read) * sizeof(T) / sizeof(float);
}

template <class T>
int64_t part_elements(int64_t m, int64_t n, int64_t k) {
  return ceil_div(pack_elements<T>(m, n, k), 64) * 64;
}

template <class T>
void multiply(const Product<T>& p, T* colsum, const Context* ctx) {
  Job<T> job{};
  job.p = p;
  job.colsum = colsum;
  job.workspace = static_cast<T*>(ctx->workspace);
  job.part = part_elements<T>(p.m, p.n, p.k);
  job.tasks_m = job.tasks_n = 1;
  if (ctx->threads == 1 || work_of<T>(p.m, p.n, p.k) <= kThreadWork) return run_block<T>(&job, 0);
  if (tiles_of(p) < 2 * ctx->threads && chunks_of(p).count > 1) return multiply_split_k(job, ctx);
  choose_grid(job, ctx->threads);
  ctx->parallel_for(ctx->pool, job.tasks_m * job.tasks_n, run_block<T>, &job);
}

template <class T>
struct BatchJob {
  const MatmulArgs& g;
  const Context* ctx;
  int64_t count, tasks, part;
};

// The product at a place of the batch.
template <class T>
MatmulArgs product_at(const MatmulArgs& g, int64_t index) {
  MatmulArgs one = g;
  one.batch_rank = 0;
  int64_t a = 0, b = 0, c = 0, rest = index;
  for (int d = g.batch_rank - 1; d >= 0; --d) {
    const int64_t i = rest % g.batch_shape[d];
    rest /= g.batch_shape[d];
    a += i * g.batch_a[d], b += i * g.batch_b[d], c += i * g.batch_c[d];
  }
  one.a = static_cast<const T*>(g.a) + a;
  one.b = static_cast<const T*>(g.b) + b;
  one.c = static_cast<T*>(g.c) + c;
  if (g.aux) one.aux = static_cast<const T*>(g.aux) + c;
  if (g.colsum_b) one.colsum_b = static_cast<T*>(g.colsum_b) + index * g.n;
  return one;
}

template <class T>
void multiply_one(const MatmulArgs& g, const Context* ctx) {
  if (is_small(g)) return multiply_small<T>(g);
  multiply(product_of<T>(g), static_cast<T*>(g.colsum_b), ctx);
}

template <class T>
void run_products(void* arg, int64_t task) {
  const BatchJob<T>& job = *static_cast<const BatchJob<T>*>(arg);
  Context own = *job.ctx;
  own.threads = 1;
  own.workspace = static_cast<T*>(job.ctx->workspace) + task * job.part;
  const int64_t end = job.count * (task + 1) / job.tasks;
  for (int64_t q = job.count * task / job.tasks; q < end; ++q)
    multiply_one<T>(product_at<T>(job.g, q), &own);
}

template <class T>
void multiply_batch(const MatmulArgs& g, const Context* ctx) {
  int64_t count = 1;
  for (int d = 0; d < g.batch_rank; ++d) count *= g.batch_shape[d];
  const double work = static_cast<double>(count) * work_of<T>(g.m, g.n, g.k);
  if (ctx->threads > 1 && work > kThreadWork && count >= ctx->threads) {
    BatchJob<T> job = {g, ctx, count, ctx->threads, part_elements<T>(g.m, g.n, g.k)};
    return ctx->parallel_for(ctx->pool, job.tasks, run_products<T>, &job);
  }
  for (int64_t q = 0; q < count; ++q) multiply_one<T>(product_at<T>(g, q), ctx);
}

template <class T>
__attribute__((noinline)) void multiply_large(const MatmulArgs& g, const Context* ctx) {
  if (g.batch_rank > 0) return multiply_batch<T>(g, ctx);
  multiply(product_of<T>(g), static_cast<T*>(g.colsum_b), ctx);
}

template <class T>
void matmul(const void* args, const Context* ctx) {
  const MatmulArgs& g = *static_cast<const MatmulArgs*>(args);
  if (is_small(g)) return multiply_small<T>(g);
  multiply_large<T>(g, ctx);
}

template <class T>
void run_pack(void* arg, int64_t task) {
  const Job<T>& job = *static_cast<const Job<T>*>(arg);
  const Product<T>& p = job.p;
  const int64_t panels = ceil_div(p.n, kTileCols<T>);
  pack_b_columns(job.slots, p, panels * task / job.tasks * kTileCols<T>,
                 min_of(p.n, panels * (task + 1) / job.tasks * kTileCols<T>));
}

template <class T>
void matmul_pack(const void* args, const Context* ctx) {
  const MatmulPackArgs& g = *static_cast<const MatmulPackArgs*>(args);
  Job<T> job{};
  job.p.b = static_cast<const T*>(g.b);
  job.p.n = g.n, job.p.k = g.k, job.p.ldb = g.ldb, job.p.trans_b = g.trans_b != 0;
  job.p.narrow = is_narrow(g.n, g.k);
  job.slots = static_cast<T*>(g.out);
  job.tasks = ctx->threads;
  static_assert(kPackedCols % kTileCols<T> == 0, "room for whole panels");
  if (job.tasks == 1 || 8.0 * static_cast<double>(g.n) * static_cast<double>(g.k) <= kThreadWork) {
    job.tasks = 1;
    return run_pack<T>(&job, 0);
  }
  ctx->parallel_for(ctx->pool, job.tasks, run_pack<T>, &job);
}

template <class T>
void matmul_packed(const void* args, const Context* ctx) {
  const PackedMatmulArgs& a = *static_cast<const PackedMatmulArgs*>(args);
  const MatmulArgs& g = *a.product;
  if (is_small(g)) return multiply_small<T>(g);
  Product<T> p = product_of<T>(g);
  p.packed_b = static_cast<const T*>(a.b);
  multiply(p, static_cast<T*>(g.colsum_b), ctx);
}

// Grows with m, n, k and threads, so that a plan made for the largest extents serves all.
template <class T>
size_t workspace(const void* args, int32_t threads) {
  const MatmulArgs& g = *static_cast<const MatmulArgs*>(args);
  int64_t elements = threads * part_elements<T>(g.m, g.n, g.k);
  if (threads > 1 && g.k > kChunk) {
    const int64_t tiles = 2 * threads, cols = min_of(g.n, tiles * kTileCols<T>);
    const int64_t slot = min_of(g.m, tiles * kTileRows) * cols + cols;
    elements += min_of(ceil_div(g.k, kChunk), kSlotsPerThread * threads) *
                min_of(slot, tiles * kTileRows * kTileCols<T> + cols);
  }
  return static_cast<size_t>(elements) * sizeof(T);
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
