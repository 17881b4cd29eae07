#pragma once
#include "core/device_module.h"

namespace fastnn::kernels::cuda {

// What the core is given. Asking for it touches no driver.
const DeviceModule& device_module();

// Bytes copied from the host and to it, by all threads since the module was loaded.
struct Traffic {
  int64_t in, out;
};
Traffic traffic();

// Steps that were recorded, calls that replayed recordings, and how often these ran by them.
struct Replays {
  int64_t recordings, calls, times;
};
Replays replays();

}  // namespace fastnn::kernels::cuda
