#pragma once
#include <string>

#include "core/device_module.h"

namespace fastnn::kernels::cuda {

// What the core is given. Asking for it touches no driver.
const DeviceModule& device_module();

// Bytes copied from the host and to it, by all threads since the module was loaded.
struct Traffic {
  int64_t in, out;
};
Traffic traffic();

// Steps that were recorded, and those of them that one launch runs many times over; calls that
// replayed recordings, and how often these ran by them.
struct Replays {
  int64_t recordings, persistent, calls, times;
};
Replays replays();

// Of the step that was recorded last: why it is none of the persistent ones; empty where it is.
std::string why_not_persistent();

// Whether steps that are recorded from now on may be persistent; returns what it was.
bool set_persistent(bool wanted);

// Bytes a second, read and written, of the driver's copies of so many bytes within the device's
// memory, one after the other; negative where there is not so much memory.
double copy_rate(int64_t bytes);

#ifdef FASTNN_EMULATED
// In which order threads take turns (emulated/emulator.h); returns what it was.
int64_t set_order(int64_t order);
#endif

}  // namespace fastnn::kernels::cuda
