// Where a training step's time goes: each kernel call alone, the gathering, and the rest.
#pragma once
#include <string>
#include <vector>

#include "runtime/trainer.h"

namespace fastnn::runtime {

struct CallTime {
  std::string section, kernel, table;
  double seconds, flops, bytes;
};

struct StepProfile {
  std::vector<CallTime> calls;
  double gather_seconds = 0;
  double step_seconds = 0;  // of whole steps, as fit runs them
  int64_t batch = 0;
  int64_t arena_bytes = 0;
};

// What this machine reaches with the active kernels on one thread: operations a second on
// registers, and bytes a second of copies (read + written) that fit L1, L2, and neither.
struct MachinePeak {
  double flops_f32, flops_f64;
  double bytes_l1, bytes_l2, bytes_memory;
};

MachinePeak measure_peak();

}  // namespace fastnn::runtime
