// A recording that one block runs by itself: all of its steps are one launch.
//
// For networks so small that starting kernels is what costs. What the recording's launches read and
// write is copied to shared memory, and back at the end; launches that need nothing of each other
// run side by side, each on warps of its own; between those that do, the block waits for itself.
// The bodies are those of the launches, and so are the bits.
//
// What a step costs is its levels, and those are latency: loads of shared memory some 30 cycles,
// barriers as much, a division by a number of 32 bits 80 (of 64 bits 400), an op of a fused program
// 150, powers in double 2000, rows of the data set 600. So for 11-6-6-1 in batches of ten, with 11
// levels of at most three commands: 700 cycles for the rows, 350 for each of the six with products,
// 300 to 1400 for those with fused programs, 450 for the update: some 6000, or 3.5 us at 1.75 GHz
// (reckoned, not measured).
#pragma once
#include <stdint.h>

#include <memory>
#include <vector>

#include "kernels/cuda/recording.h"

namespace fastnn::kernels::cuda {

class Persistent {
 public:
  // Null where a launch has no body that can be called here, or the work is too much for one block.
  static std::unique_ptr<Persistent> of(const std::vector<Noted>& launches);
  ~Persistent();
  Persistent(const Persistent&) = delete;
  Persistent& operator=(const Persistent&) = delete;

  // False where it fails, as fail() has said.
  bool replay(int64_t times) const;

 private:
  Persistent() = default;

  void* image_ = nullptr;  // on the device: the program
  int32_t head_bytes_ = 0, addresses_ = 0, regions_ = 0, levels_ = 0, warps_ = 0, slow_ = 0,
          joined_ = 0;
  uint32_t slots_ = 0, slot_bytes_ = 0, shared_bytes_ = 0;
};

}  // namespace fastnn::kernels::cuda
