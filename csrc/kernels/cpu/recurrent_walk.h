// The walk of a recurrent layer over time. Rows are independent, so each thread takes some of them
// through the whole sequence and meets the others only at its end. Its rows go in groups: the
// state's part of a group's blocks is one product, U packed once for all of them, and the cell
// reads it while it is in the nearest cache.
#pragma once
#include "kernels/cpu/matmul_sum.h"
#include "kernels/cpu/recurrent_cells.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Multiply-adds from which on threads pay.
constexpr double kThreadSteps = 1 << 19;
// Bytes of U that stay in the second-level cache while a group's product passes.
constexpr int64_t kNearBytes = 512 << 10;
constexpr int64_t kMostGroup = 12 * kTileRows;

// Distance of rows in the workspace: whole vectors, and one more, so that the rows of a tile do not
// fall on one set of the cache.
template <class T>
constexpr int64_t padded(int64_t n) {
  return (ceil_div(n, kLanes<T>) + 1) * kLanes<T>;
}

// c = a op(U), or c += a op(U), for a few rows of a.
template <class T>
struct StepProduct {
  Product<T> p{};
  T* packed = nullptr;  // null: U is read as it lies

  StepProduct(const void* kernel, int64_t units, int64_t width, bool transposed) {
    p.b = static_cast<const T*>(kernel);
    p.ldb = width;
    p.n = transposed ? units : width;
    p.k = transposed ? width : units;
    p.trans_b = transposed;
    p.epilogue = Epilogue::none;
  }

  int64_t columns() const { return ceil_div(p.n, kTileCols<T>) * kTileCols<T>; }
  static int64_t elements(int64_t n, int64_t k) {
    return ceil_div(n, kTileCols<T>) * kTileCols<T> * k + kLanes<T>;
  }

  void pack(T* space) {
    packed = space;
    pack_b_columns(space, p, 0, p.n);
  }

  void run(const T* a, int64_t lda, T* c, int64_t ldc, int64_t rows, bool add) {
    p.a = a, p.lda = lda;
    p.c = c, p.ldc = ldc;
    p.m = rows;
    each_chunk([&](Walk<T>& w) {
      w.first = w.first && !add;
      walk_tiles(w, 0, rows, 0, p.n);
    });
  }

  template <class F>
  void each_chunk(const F& f) {
    const Chunks chunks = chunks_of(p);
    for (int64_t q = 0; q < chunks.count; ++q) {
      const int64_t k0 = q * chunks.length;
      Walk<T> w{p,
                false,
                packed != nullptr,
                nullptr,
                packed ? packed + k0 * columns() : nullptr,
                k0,
                min_of(chunks.length, p.k - k0),
                q == 0,
                q == chunks.count - 1};
      f(w);
    }
  }
};

// What a call needs of the workspace: U, the states of all rows, a group's blocks for each thread.
template <class T>
struct Space {
  int64_t kernel, state, group, tile;

  Space(int64_t units, int64_t width, int64_t n, int64_t k)
      : kernel(ceil_div(StepProduct<T>::elements(n, k), 64) * 64),
        state(padded<T>(units)),
        group(n * k * static_cast<int64_t>(sizeof(T)) <= kNearBytes ? kTileRows : kMostGroup),
        tile(group * padded<T>(width)) {}
  int64_t elements(int64_t batch, int64_t threads) const {
    return kernel + 2 * batch * state + threads * tile + kLanes<T>;
  }
};

template <class T, class Args>
struct Walker {
  const Args& a;
  StepProduct<T> product;
  Space<T> space;
  T* states;  // h of all rows, then c
  T* tiles;
  int64_t tasks;

  State<T> state(int64_t row) const {
    return {states + row * space.state, states + (a.batch + row) * space.state};
  }
};

template <class T, class Args>
int64_t tasks_of(const Args& a, int64_t width, const Context* ctx) {
  const double work = static_cast<double>(a.batch) * static_cast<double>(a.time) *
                      static_cast<double>(a.units) * static_cast<double>(width);
  return work < kThreadSteps ? 1 : min_of(ctx->threads, a.batch);
}

// The place of step s in time.
template <class Args>
FASTNN_INLINE int64_t time_of(const Args& a, int64_t s) {
  return a.reverse ? a.time - 1 - s : s;
}

template <class T>
FASTNN_INLINE void copy_row(T* out, const T* in, int64_t n) {
  each_column<T>(n, [&](int64_t j, auto at) { at.put(out + j, 0, get_or_zero<T>(at, in, j)); });
}
template <class T>
FASTNN_INLINE void add_row(T* out, const T* in, int64_t n) {
  if (!in) return;
  each_column<T>(
      n, [&](int64_t j, auto at) { at.put(out + j, 0, at.get(out + j, 0) + at.get(in + j, 0)); });
}

// A workspace row in full: lanes past its end are read, and must hold numbers.
template <class T>
FASTNN_INLINE void start_row(T* out, const T* in, int64_t n, int64_t stride) {
  for (int64_t j = 0; j < stride; j += kLanes<T>) store(out + j, zero<T>());
  copy_row(out, in, n);
}

template <class T, class Cell>
void forward_step(const RecurrentArgs& a, int64_t row, int64_t t, const T* p, const State<T>& s) {
  const int64_t n = a.units, i = row * a.time + t;
  if (!a.mask || a.mask[i]) return Cell::forward(a, i, p, s);
  if (a.before) copy_row(row_at<T>(a.before, n * i), static_cast<const T*>(s.h), n);
  if (a.h) copy_row(row_at<T>(a.h, n * i), static_cast<const T*>(s.h), n);
  if (Cell::kHasCell && a.c) copy_row(row_at<T>(a.c, n * i), static_cast<const T*>(s.c), n);
  if (Cell::kSaved && a.gates)
    copy_row<T>(row_at<T>(a.gates, Cell::kSaved * n * i), nullptr, Cell::kSaved * n);
}

template <class T, class Cell>
void forward_rows(void* arg, int64_t task) {
  const auto& w = *static_cast<const Walker<T, RecurrentArgs>*>(arg);
  const RecurrentArgs& a = w.a;
  const int64_t r0 = a.batch * task / w.tasks, r1 = a.batch * (task + 1) / w.tasks;
  const int64_t n = a.units, ld = padded<T>(Cell::kBlocks * n);
  T* tile = w.tiles + task * w.space.tile;
  StepProduct<T> product = w.product;
  for (int64_t r = r0; r < r1; ++r) {
    start_row(w.state(r).h, row_at<T>(a.h0, n * r), n, w.space.state);
    if (Cell::kHasCell) start_row(w.state(r).c, row_at<T>(a.c0, n * r), n, w.space.state);
  }
  const int64_t groups = ceil_div(r1 - r0, w.space.group);
  for (int64_t s = 0; s < a.time; ++s)
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t i0 = r0 + (r1 - r0) * g / groups, i1 = r0 + (r1 - r0) * (g + 1) / groups;
      product.run(w.state(i0).h, w.space.state, tile, ld, i1 - i0, false);
      for (int64_t r = i0; r < i1; ++r)
        forward_step<T, Cell>(a, r, time_of(a, s), tile + (r - i0) * ld, w.state(r));
    }
}

template <class T, class Cell>
void backward_step(const RecurrentGradArgs& a, int64_t row, int64_t s, T* d,
                   const State<T>& state) {
  const int64_t n = a.units, t = time_of(a, s), i = row * a.time + t;
  if (Cell::kHasCell) add_row(state.c, row_at<T>(a.dc, n * i), n);
  if (!a.mask || a.mask[i]) {
    const int64_t before = row * a.time + (a.reverse ? t + 1 : t - 1);
    const T* old = s == 0 ? row_at<T>(a.c0, n * row) : row_at<T>(a.c, n * before);
    return Cell::backward(a, i, old, d, state);
  }
  add_row(state.h, row_at<T>(a.dh, n * i), n);
  const int64_t width = Cell::kBlocks * n;
  copy_row<T>(d, nullptr, width);
  copy_row<T>(row_at<T>(a.dx, width * i), nullptr, width);
  if (a.dinner) copy_row<T>(row_at<T>(a.dinner, width * i), nullptr, width);
}

template <class T, class Cell>
void backward_rows(void* arg, int64_t task) {
  const auto& w = *static_cast<const Walker<T, RecurrentGradArgs>*>(arg);
  const RecurrentGradArgs& a = w.a;
  const int64_t r0 = a.batch * task / w.tasks, r1 = a.batch * (task + 1) / w.tasks;
  const int64_t n = a.units, ld = padded<T>(Cell::kBlocks * n);
  T* tile = w.tiles + task * w.space.tile;
  StepProduct<T> product = w.product;
  for (int64_t r = r0; r < r1; ++r) {
    start_row<T>(w.state(r).h, nullptr, n, w.space.state);
    if (Cell::kHasCell) start_row<T>(w.state(r).c, nullptr, n, w.space.state);
  }
  const int64_t groups = ceil_div(r1 - r0, w.space.group);
  for (int64_t s = a.time - 1; s >= 0; --s)
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t i0 = r0 + (r1 - r0) * g / groups, i1 = r0 + (r1 - r0) * (g + 1) / groups;
      for (int64_t r = i0; r < i1; ++r)
        backward_step<T, Cell>(a, r, s, tile + (r - i0) * ld, w.state(r));
      product.run(tile, ld, w.state(i0).h, w.space.state, i1 - i0, true);
    }
  for (int64_t r = r0; r < r1; ++r) {
    const State<T> s = w.state(r);
    if (a.dh0) copy_row(row_at<T>(a.dh0, n * r), static_cast<const T*>(s.h), n);
    if (Cell::kHasCell && a.dc0) copy_row(row_at<T>(a.dc0, n * r), static_cast<const T*>(s.c), n);
  }
}

// U is packed where a thread has more than a few rows, and reads it more than a few times.
template <class T, class Args>
void walk(const Args& a, int64_t width, bool transposed, const Context* ctx,
          void (*rows)(void*, int64_t)) {
  if (a.batch == 0) return;
  StepProduct<T> product(a.kernel, a.units, width, transposed);
  const Space<T> space(a.units, width, product.p.n, product.p.k);
  T* memory = static_cast<T*>(ctx->workspace);
  const int64_t tasks = tasks_of<T>(a, width, ctx);
  if (transposed || (a.batch > kWideRows * tasks && a.batch * a.time > 4 * kTileRows))
    product.pack(memory);
  Walker<T, Args> w{a,
                    product,
                    space,
                    memory + space.kernel,
                    memory + space.kernel + 2 * a.batch * space.state,
                    tasks};
  if (tasks == 1) return rows(&w, 0);
  ctx->parallel_for(ctx->pool, tasks, rows, &w);
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
