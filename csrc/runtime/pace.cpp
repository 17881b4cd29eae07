#include "runtime/pace.h"

#include <algorithm>

namespace fastnn::runtime {
namespace {

// Of a burst. A device is asked how far it is, which costs it nothing but may make the host sleep.
constexpr double kHere = 1e-4, kElsewhere = 5e-3;

double seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

}  // namespace

int64_t Pace::steps() const {
  if (*step_seconds_ <= 0) return 1;
  const bool here = device_.is_host();
  return std::clamp<int64_t>(static_cast<int64_t>((here ? kHere : kElsewhere) / *step_seconds_), 1,
                             here ? 256 : 4096);
}

void Pace::end(int64_t steps) {
  if (device_.is_host()) {
    *step_seconds_ = seconds(Clock::now() - begun_) / static_cast<double>(steps);
    return;
  }
  Mark mark(device_);
  settle();
  last_ = std::move(mark);
  last_begun_ = begun_;
  last_steps_ = steps;
}

void Pace::settle() {
  if (last_steps_ == 0) return;
  last_.wait();
  const Clock::time_point now = Clock::now();
  *step_seconds_ = seconds(now - std::max(done_, last_begun_)) / static_cast<double>(last_steps_);
  done_ = now;
  last_steps_ = 0;
}

}  // namespace fastnn::runtime
