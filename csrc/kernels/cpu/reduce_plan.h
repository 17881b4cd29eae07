// What a reduction over any axes comes down to: rows or columns, inside loops over the other axes.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Nested loops over axes with two strides each, the last axis the fastest.
struct Loops {
  int rank = 0;
  int64_t total = 1;
  int64_t n[kMaxRank], a[kMaxRank], b[kMaxRank];

  void add(int64_t count, int64_t stride_a, int64_t stride_b) {
    n[rank] = count;
    a[rank] = stride_a;
    b[rank++] = stride_b;
    total *= count;
  }
  void offsets(int64_t i, int64_t* to_a, int64_t* to_b) const {
    *to_a = *to_b = 0;
    for (int d = rank - 1; d >= 0; --d) {
      const int64_t at = d > 0 ? i % n[d] : i;
      if (d > 0) i /= n[d];
      *to_a += at * a[d];
      *to_b += at * b[d];
    }
  }
};

// For every index of `outer` (strides in, out), the results are:
//   rows:     one, of n elements `stride` apart, for every index of `repeat`
//   columns:  n contiguous ones, of `depth` rows `stride` apart, for every index of `repeat`
struct ReducePlan {
  bool columns = false;
  Loops outer, repeat;
  int64_t n = 1, stride = 1, depth = 1;
};

struct ReduceAxis {
  int64_t n, in, out;
  bool reduced;
};

// Axes of one element dropped, and neighbours merged where they step as one.
inline __attribute__((always_inline)) int merge_axes(const ReduceArgs& a, ReduceAxis* axes) {
  int rank = 0;
  for (int d = 0; d < a.rank; ++d) {
    const ReduceAxis axis = {a.shape[d], a.in_strides[d], a.out_strides[d], a.reduced[d] != 0};
    if (axis.n == 1) continue;
    ReduceAxis* last = axes + rank - 1;
    if (rank > 0 && last->reduced == axis.reduced && last->in == axis.in * axis.n &&
        (axis.reduced || last->out == axis.out * axis.n))
      *last = {last->n * axis.n, axis.in, axis.out, axis.reduced};
    else
      axes[rank++] = axis;
  }
  return rank;
}

inline __attribute__((always_inline)) ReducePlan plan_reduce(const ReduceArgs& a) {
  ReduceAxis axes[kMaxRank];
  const int rank = merge_axes(a, axes);
  ReducePlan plan;
  int inner = -1, last_reduced = -1;
  for (int d = 0; d < rank; ++d) {
    if (axes[d].reduced) last_reduced = d;
    if (axes[d].in == 1 && (axes[d].reduced || axes[d].out == 1)) inner = d;
  }
  plan.columns = inner >= 0 && !axes[inner].reduced;
  if (inner < 0) inner = last_reduced;
  if (inner >= 0) {
    plan.n = axes[inner].n;
    plan.stride = axes[inner].in;
  }
  if (plan.columns && last_reduced >= 0) {
    plan.depth = axes[last_reduced].n;
    plan.stride = axes[last_reduced].in;
  }
  for (int d = 0; d < rank; ++d) {
    if (d == inner || (plan.columns && d == last_reduced)) continue;
    Loops& loops = axes[d].reduced ? plan.repeat : plan.outer;
    loops.add(axes[d].n, axes[d].in, axes[d].out);
  }
  return plan;
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
