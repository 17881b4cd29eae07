// Which memory the arguments of a body lead to, and what a result costs, for bodies that a
// persistent program can call. Memory that is not named here stays where it is, and nothing may
// write it: data sets and the order of rows.
#pragma once
#include <algorithm>

#include "kernels/cuda/bodies/elementwise.h"
#include "kernels/cuda/bodies/matmul.h"
#include "kernels/cuda/bodies/move.h"
#include "kernels/cuda/bodies/reduce.h"
#include "kernels/cuda/bodies/take.h"
#include "kernels/cuda/persistent_plan.h"
#include "kernels/cuda/persistent_product.h"

namespace fastnn::kernels::cuda {

// The elements that strides reach, from the first's place on.
struct Reach {
  int64_t low = 0, high = 1;

  Reach& axis(int64_t length, int64_t stride) {
    if (length == 0) high = low;  // and so it stays: nothing is read
    if (high == low) return *this;
    (stride < 0 ? low : high) += (length - 1) * stride;
    return *this;
  }
  Reach& axes(int rank, const int64_t* shape, const int64_t* strides) {
    for (int d = 0; d < rank; ++d) axis(shape[d], strides[d]);
    return *this;
  }
};

template <class P>
void reads(Command* c, P* const& pointer, const Reach& r, int64_t size, double times = 1) {
  c->reads(pointer, r.low * size, r.high * size, times);
}
template <class P>
void writes(Command* c, P* const& pointer, const Reach& r, int64_t size) {
  c->writes(pointer, r.low * size, r.high * size);
}

// What a result costs whose thread issues so many instructions, and waits so long for the first of
// them: four are issued in a cycle.
inline void costs(Command* c, double instructions, double latency) {
  c->alone = latency + 2 * instructions;
  c->each = instructions / 4;
}

// The parts of the state: what spoils, and where the training stands.
constexpr int64_t kClockBegin = offsetof(DeviceState, step);
constexpr int64_t kClockEnd = offsetof(DeviceState, failed_step);
inline void reads_status(Command* c, const DeviceState* const& state) {
  c->reads(state, 0, kClockBegin);
}
inline void reads_clock(Command* c, const DeviceState* const& state) {
  c->reads(state, kClockBegin, kClockEnd);
}
inline void reports(Command* c, DeviceState* const& state) {
  c->writes(state, 0, kClockBegin);
  reads_clock(c, state);
  c->writes(state, kClockEnd, sizeof(DeviceState));
}

template <class T>
void touch_gather(Command* c, const GatherBatchArgs& a, const DeviceState* const& state,
                  int64_t row_elements, bool) {
  c->work = a.n * row_elements;
  costs(c, 50, 600);
  c->writes(a.out, 0, c->work * sizeof(T));
  reads_clock(c, state);
}

template <class T, int kAtOnce>
void touch_gather_rows(Command* c, const GatherBatchArgs& a, const DeviceState* const& state,
                       uint32_t length) {
  const int64_t n = a.n * length;
  c->work = (n + kAtOnce - 1) / kAtOnce;
  costs(c, 40 * kAtOnce, 600);
  c->writes(a.out, 0, n * static_cast<int64_t>(sizeof(T)));
  reads_clock(c, state);
}

template <class T>
void touch_product(Command* c, const Product& p, int64_t count) {
  c->work = count * p.m * p.n;
  costs(c, 100 + 10.0 * static_cast<double>(p.k), 100);
  const int rank = p.batch_rank;
  auto matrix = [&](int64_t rows, int64_t row, int64_t cols, int64_t col, const int64_t* batch) {
    return Reach().axis(rows, row).axis(cols, col).axes(rank, p.batch_shape, batch);
  };
  reads(c, p.a, matrix(p.m, p.a_row, p.k, p.a_k, p.batch_a), sizeof(T));
  reads(c, p.b, matrix(p.k, p.b_k, p.n, p.b_col, p.batch_b), sizeof(T));
  reads(c, p.bias, Reach().axis(p.n, 1), sizeof(T));
  reads(c, p.aux, matrix(p.m, p.ldaux, p.n, 1, p.batch_c), sizeof(T));
  writes(c, p.c, matrix(p.m, p.ldc, p.n, 1, p.batch_c), sizeof(T));
}

template <class T, int kRows, int kCols>
void touch_patches(Command* c, const Patches& p) {
  c->work = int64_t{p.down} * p.across;
  const double turns = p.k + p.latest, issued = instructions(kRows, kCols);
  c->alone = 250 + 30 * kRows * kCols + turns * (8 + issued);
  c->each = 20 + 4 * kRows * kCols + turns * std::max(issued / 4, waits<T, kRows, kCols>(p));
  const auto rows = static_cast<double>(p.down), cols = static_cast<double>(p.across);
  c->launched = std::max(0.0, 10.0 * p.k - 1000);
  reads(c, p.a, Reach().axis(p.m, p.a_row).axis(p.k, p.a_k), sizeof(T), cols);
  reads(c, p.b, Reach().axis(p.k, p.b_k).axis(p.n, p.b_col), sizeof(T), rows);
  reads(c, p.bias, Reach().axis(p.n, 1), sizeof(T), rows);
  reads(c, p.aux, Reach().axis(p.m, p.ldaux).axis(p.n, 1), sizeof(T));
  writes(c, p.c, Reach().axis(p.m, p.ldc).axis(p.n, 1), sizeof(T));
}

inline void touch_fused(Command* c, const Fused& f) {
  c->work = f.n;
  costs(c, 40.0 * f.length, 70.0 * f.length);
  reads_status(c, f.state);
  for (int i = 0; i < kMaxFusedInputs; ++i) {
    Reach reach;
    if (f.access[i] == Access::contiguous) reach.axis(f.n, 1);
    if (f.access[i] == Access::strided) reach.axes(f.rank, f.shape, f.strides[i]);
    reads(c, f.in[i], reach, f.input_size[i]);
  }
  for (int i = 0; i < kMaxFusedOutputs; ++i)
    writes(c, f.out[i], Reach().axis(f.n, 1), f.output_size[i]);
  c->uses_until(f.steps + f.length);
}

template <class T, template <class> class Op, int kSide>
void touch_reduce(Command* c, const Reduction& r) {
  c->work = r.kept.count;
  const auto count = static_cast<double>(std::min(r.reduced.count, r.chunk * r.chunks)) / kSide;
  const int joins = kSide == 1 ? 0 : kSide == 32 ? 5 : 8;
  costs(c, 60 + (r.reduced.rank > 1 ? 100 : 6) * count + 10 * joins, 100 + 40 * joins);
  auto reach = [](const Axes& a, const int64_t* strides) {
    return Reach().axes(a.rank, a.shape, strides).axis(a.count == 0 ? 0 : 1, 0);
  };
  Reach in = reach(r.kept, r.kept.in);
  in.axes(r.reduced.rank, r.reduced.shape, r.reduced.in).axis(r.reduced.count == 0 ? 0 : 1, 0);
  reads(c, r.in, in, sizeof(T));
  writes(c, r.out, reach(r.kept, r.kept.out), sizeof(T));
  if (r.chunks > 1)
    c->writes(r.totals, 0, r.chunks * r.kept.count * int64_t{sizeof(typename Op<T>::Total)});
}

template <class T, template <class> class Op, int kSide>
void touch_totals(Command* c, const Reduction& r) {
  c->work = r.kept.count;
  costs(c, 60 + 6 * static_cast<double>(r.chunks) / kSide, 400);
  c->reads(r.totals, 0, r.chunks * r.kept.count * int64_t{sizeof(typename Op<T>::Total)});
  Reach out = Reach().axes(r.kept.rank, r.kept.shape, r.kept.out);
  writes(c, r.out, out.axis(r.kept.count == 0 ? 0 : 1, 0), sizeof(T));
}

// A row of exponentials, shared by kSize threads.
inline void costs_row(Command* c, int64_t cols, int size) {
  const double own = static_cast<double>((cols + size - 1) / size);
  costs(c, 100 + 60 * own, 300 + 40 * own + (size > 1 ? 300 : 0));
}

template <class T, int kSize>
void touch_rows(Command* c, const RowArgs& a) {
  c->work = a.rows;
  costs_row(c, a.cols, kSize);
  const auto bytes = static_cast<int64_t>(a.rows * a.cols * sizeof(T));
  c->reads(a.in, 0, bytes);
  c->reads(a.in2, 0, bytes);
  c->writes(a.out, 0, bytes);
}

template <class T, bool kSparse, bool kGrad, int kSize>
void touch_loss(Command* c, const CrossEntropyArgs& a, DeviceState* const& state) {
  c->work = a.rows;
  costs_row(c, a.cols, kSize);
  const auto row = static_cast<int64_t>(a.rows * sizeof(T)), all = row * a.cols;
  c->reads(a.x, 0, all);
  c->reads(a.target, 0, kSparse ? a.rows * 8 : all);
  if (kGrad) c->reads(a.g, 0, row);
  c->writes(a.out, 0, kGrad ? all : row);
  if (kSparse)
    reports(c, state);
  else
    reads_status(c, state);
}

template <class T, int kSide>
void touch_best(Command* c, const ArgReduceArgs& a) {
  c->work = a.outer * a.inner;
  const auto own = static_cast<double>((a.n + kSide - 1) / kSide);
  costs(c, (kSide == 1 ? 50 : 250) + 8 * own, kSide == 1 ? 300 : 900);
  c->reads(a.in, 0, c->work * a.n * static_cast<int64_t>(sizeof(T)));
  c->writes(a.out, 0, c->work * 8);
}

template <class T>
void touch_copy(Command* c, const Copy& a) {
  c->work = a.n;
  reads_status(c, a.state);
  const int none = a.n == 0 ? 0 : 1;
  reads(c, a.in, Reach().axes(a.rank, a.shape, a.in_strides).axis(none, 0), sizeof(T));
  writes(c, a.out, Reach().axes(a.rank, a.shape, a.out_strides).axis(none, 0), sizeof(T));
}

template <class T>
void touch_fill(Command* c, T* const& out, int64_t n, T) {
  c->work = n;
  c->writes(out, 0, n * static_cast<int64_t>(sizeof(T)));
}

template <class T>
void touch_zero(Command* c, T* const& out, int64_t n) {
  touch_fill(c, out, n, T(0));
}

// How often an element of so many is met.
inline double part(int64_t met, int64_t of) {
  return of == 0 ? 1 : static_cast<double>(met) / static_cast<double>(of);
}

template <class T, bool kAlong>
void touch_take(Command* c, const TakeArgs& a, DeviceState* const& state) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  c->work = a.outer * a.count * a.inner;
  costs(c, 60, 200);
  const int64_t table = a.outer * a.rows * a.inner;
  c->reads(a.in, 0, table * kSize, part(c->work, table));
  c->reads(a.index, 0, (kAlong ? c->work : a.count) * 8);
  c->writes(a.out, 0, c->work * kSize);
  reports(c, state);
}

inline void touch_make_keys(Command* c, const TakeArgs& a, Key* const& keys, int64_t size,
                            DeviceState* const& state) {
  c->work = size;
  c->reads(a.index, 0, a.count * 8);
  c->writes(keys, 0, size * 8);
  reports(c, state);
}

inline void touch_order(Command* c, Key* const& keys, int64_t tile, int64_t, int64_t) {
  c->work = tile;
  double steps = 0;  // from runs of 2 to those of the tile: 1 + 2 + ... + log2(tile)
  for (int64_t run = 2, deep = 1; run <= tile; run *= 2, ++deep) steps += static_cast<double>(deep);
  costs(c, 20 * steps, 60 * steps);
  c->writes(keys, 0, tile * 8);
}

template <class T>
void touch_add_rows(Command* c, const TakeArgs& a, const Key* const& keys) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  c->work = a.outer * a.count * a.inner;
  c->reads(a.in, 0, c->work * kSize);
  costs(c, 80, 300);
  c->reads(keys, 0, a.count * 8);
  const int64_t table = a.outer * a.rows * a.inner;
  c->writes(a.out, 0, table * kSize, part(c->work, table));
}

template <class T>
void touch_one_hot(Command* c, const OneHotArgs& a) {
  c->work = a.count * a.classes;
  c->reads(a.index, 0, a.count * 8);
  c->writes(a.out, 0, c->work * static_cast<int64_t>(sizeof(T)));
}

}  // namespace fastnn::kernels::cuda
