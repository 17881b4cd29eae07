// What the module of a device hands over: plain functions, so that it shares no C++ library with
// the core that uses it. The GPU's work is in order, as if there were one queue: a copy to the
// host waits for what was launched before it, and launches return at once.
#pragma once
#include <stdint.h>

namespace fastnn {

namespace kernels {
struct Context;
struct Table;
}  // namespace kernels

// What kernels on a device read and write beside their arguments. Lies in the device's memory and
// begins with the kernels::Status that their Context points to.
struct DeviceState {
  int32_t status_code;
  int64_t status_value, status_limit;
  // Where a training stands. What varies from step to step is read from here, so that a recorded
  // step can be replayed; DeviceModule::advance goes on.
  uint64_t step;  // of the run: of random numbers
  int64_t row;    // of the pass: the batch's first, in the order of the pass
  // Where the status was met.
  uint64_t failed_step;
  int64_t failed_row;
};

// How a failure is said: the functions that return a bool or a pointer give false or null, kernels
// return as ever; error() then gives its text and forgets it. Failures belong to a thread.
struct DeviceModule {
  // Grows with every change of this struct, of DeviceState or of a kernel's arguments.
  static constexpr int32_t kVersion = 4;

  int32_t version;
  const char* name;  // "cuda"
  const kernels::Table* table;
  // Says what is there ("NVIDIA H100 80GB HBM3"), or null: no driver, no device.
  const char* (*describe)();
  void* (*allocate)(int64_t bytes);
  void (*release)(void* p);
  // Of the host, from where the device copies by itself: such a copy_in comes back at once, and the
  // memory has to stay as it is until a mark() behind it is reached.
  void* (*allocate_pinned)(int64_t bytes);
  void (*release_pinned)(void* p);
  bool (*free_memory)(int64_t* bytes);
  bool (*copy_in)(void* to, const void* from, int64_t bytes);   // from the host
  bool (*copy_out)(void* to, const void* from, int64_t bytes);  // to the host; waits
  bool (*copy)(void* to, const void* from, int64_t bytes);
  bool (*fill)(void* to, uint8_t byte, int64_t bytes);
  bool (*synchronise)();
  bool (*wait_for)(void* stream);  // of another library: what is on it now comes before the rest
  void* (*queue)();                // what kernels get as Context::pool
  void* (*stream)();               // the same for other libraries: a cudaStream_t
  // An event behind what is queued now; wait() comes back once it has happened, and ends it.
  void* (*mark)();
  bool (*wait)(void* mark);
  // Launches of this thread that are given the recording's queue are noted and not run, until
  // end_recording(); there may be nothing else: no memory is allocated, freed, filled or copied.
  void* (*begin_recording)();                 // a recording, null on failure
  void* (*recording_queue)(void* recording);  // what kernels get as Context::pool meanwhile
  bool (*end_recording)(void* recording);     // false: it can only be released
  // Queues the launches of a recording, in their order, `times` times over.
  bool (*replay)(void* recording, int64_t times);
  void (*release_recording)(void* recording);
  // A launch, last of a step: the state's step is one further, its row n.
  void (*advance)(const kernels::Context* context, int64_t n);
  const char* (*error)();  // null: none since the last call
};

}  // namespace fastnn
