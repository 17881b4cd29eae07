// How many steps a Trainer runs between two looks at the clock, and how far it goes ahead of a
// device.
#pragma once
#include <chrono>

#include "core/recording.h"

namespace fastnn::runtime {

// Steps come in bursts. On a device at most two are queued: while it is at one, the next is
// launched; so it never waits, and nor does who presses Ctrl-C.
class Pace {
 public:
  // step_seconds: how long steps take, roughly; 0: not known. Kept up to date.
  Pace(const Device& device, double* step_seconds) : device_(device), step_seconds_(step_seconds) {}

  int64_t steps() const;  // of the next burst
  void begin() { begun_ = Clock::now(); }
  void end(int64_t steps);
  // Waits for the last burst.
  void settle();

 private:
  using Clock = std::chrono::steady_clock;

  const Device& device_;
  double* step_seconds_;
  Clock::time_point begun_;
  // On a device: the burst before, and when the one before that was done.
  Mark last_;
  Clock::time_point last_begun_, done_ = Clock::now();
  int64_t last_steps_ = 0;
};

}  // namespace fastnn::runtime
