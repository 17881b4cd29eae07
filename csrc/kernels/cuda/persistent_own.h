// Bodies of persistent programs alone, each with the bits of the one that a launch has.
#pragma once
#include "kernels/cuda/bodies/gather_batch.h"
#include "kernels/cuda/bodies/reduce.h"
#include "kernels/cuda/bodies/row_updates.h"
#include "kernels/cuda/wide.h"

namespace fastnn::kernels::cuda {

// gather, where a row's elements lie side by side: a thread waits for kAtOnce of them at once.
template <class T, class S, int kAtOnce>
__device__ void gather_plain(const Grid& grid, const GatherBatchArgs& a, uint32_t length,
                             int64_t first) {
  const auto n = static_cast<uint32_t>(a.n) * length;
  for (uint32_t e = grid.thread; e < n; e += kAtOnce * grid.threads) {
    int64_t rows[kAtOnce];
    uint32_t rest[kAtOnce];
    S values[kAtOnce];
    FASTNN_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      const uint32_t each = e + static_cast<uint32_t>(u) * grid.threads;
      const uint32_t at = each < n ? each : e, row = at / length;
      rest[u] = at - row * length;
      rows[u] = a.rows ? a.rows[first + row] : a.first_row + first + row;
    }
    FASTNN_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      const char* from = static_cast<const char*>(a.src) + rows[u] * a.row_stride;
      values[u] = reinterpret_cast<const S*>(from)[rest[u]];
    }
    FASTNN_UNROLL
    for (int u = 0; u < kAtOnce; ++u) {
      const uint32_t at = e + static_cast<uint32_t>(u) * grid.threads;
      if (at < n) static_cast<T*>(a.out)[at] = static_cast<T>(values[u]);
    }
  }
}

template <class T, int kAtOnce>
__device__ void gather_rows(const Grid& grid, const GatherBatchArgs& a, const DeviceState* state,
                            uint32_t length) {
  const int64_t first = state ? state->row : 0;
  if (a.source == Source::f32)
    gather_plain<T, float, kAtOnce>(grid, a, length, first);
  else
    gather_plain<T, double, kAtOnce>(grid, a, length, first);
}

// update_rows, of rules that cost nothing to make: each thread has its own.
template <class T, template <class> class Rule>
__device__ void update_rows_alone(const Grid& grid, const RowUpdateArgs& a, const int* owners,
                                  DeviceState* device) {
  if (spoiled(device)) return;
  const OptimizerArgs& o = a.optimizer;
  update_owned<T, Rule>(grid, a, owners,
                        Rule<T>(o.hyper, static_cast<double>(*o.step + 1), o.state));
}

// A launch has rows of blocks for the chunks.
template <class T, template <class> class Op, int kSide>
__device__ void reduce_all_chunks(const Grid& grid, const Reduction& r) {
  Grid own = grid;
  for (int64_t chunk = 0; chunk < r.chunks; ++chunk) {
    own.block.y = static_cast<unsigned>(chunk);
    reduce_chunk<T, Op, kSide>(own, r);
  }
}

}  // namespace fastnn::kernels::cuda
