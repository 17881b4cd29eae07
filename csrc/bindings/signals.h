// Ctrl-C while the GIL is released.
#pragma once
#include <pybind11/pybind11.h>

#include <chrono>

#include "bindings/gil.h"

namespace fastnn::bindings {

// Between kernels of long steps: has the user pressed Ctrl-C?
struct SignalPoll {
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  bool raised = false;

  static bool call(void* self) {
    auto* poll = static_cast<SignalPoll*>(self);
    if (poll->raised) return true;
    auto now = std::chrono::steady_clock::now();
    if (now - poll->last < std::chrono::milliseconds(50)) return false;
    poll->last = now;
    WithGil gil;
    poll->raised = PyErr_CheckSignals() != 0;
    return poll->raised;
  }
};

}  // namespace fastnn::bindings
