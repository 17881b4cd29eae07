// The end of a step.
#pragma once
#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

__device__ inline void advance_state(const Grid& grid, DeviceState* state, int64_t n) {
  if (grid.first_index() != 0) return;
  state->step += 1;
  state->row += n;
}

}  // namespace fastnn::kernels::cuda
