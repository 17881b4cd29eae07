// A recording that one block runs by itself: all of its steps are one launch.
//
// For networks so small that starting kernels is what costs. What the recording's launches read and
// write is copied to shared memory, and back at the end; what has no room there, the least touched,
// stays where it is. Launches that need nothing of each other run side by side, each on warps of
// its own; between those that do, the block waits for itself. The bodies are those of the launches,
// or ones of the same bits, and so are the bits.
//
// What a step costs is its levels. Few elements: latency, which is loads of shared memory some 30
// cycles, barriers as much, a division by a number of 32 bits 80 (of 64 bits 400), an op of a fused
// program 150, powers in double 2000, rows of the data set 600. Many: what one multiprocessor can
// do, some 60 fma a cycle. Both are reckoned (persistent_touches.h), not measured, and a step that
// would take longer than the graph's launches stays a graph. So 11-6-6-1 in batches of ten takes
// some 6000 cycles, or 3.5 us at 1.75 GHz; 13-64-64-1 in batches of 16 some 18 000; 100-64-1 in
// batches of 32 some 22 000; and 300-128-1 in batches of 32 would take twice as long as its graph.
// A recurrent layer has a warp for each row.
#pragma once
#include <stdint.h>

#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/recording.h"

namespace fastnn::kernels::cuda {

struct PersistentKernel;

class Persistent {
 public:
  // Null, and a reason, where a launch has no body that can be called here, memory is short, or one
  // block would take longer than the launches.
  static std::unique_ptr<Persistent> of(const std::vector<Noted>& launches, std::string* why_not);
  ~Persistent();
  Persistent(const Persistent&) = delete;
  Persistent& operator=(const Persistent&) = delete;

  // Failures go to fail().
  void replay(int64_t times) const;

 private:
  Persistent() = default;

  const PersistentKernel* kernel_ = nullptr;
  void* image_ = nullptr;  // on the device: the program
  int32_t head_bytes_ = 0, addresses_ = 0, regions_ = 0, levels_ = 0, warps_ = 0, slow_ = 0,
          joined_ = 0;
  uint32_t slots_ = 0, slot_bytes_ = 0, shared_bytes_ = 0;
};

}  // namespace fastnn::kernels::cuda
