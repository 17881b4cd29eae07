#include "core/recording.h"

#include "core/error.h"

namespace fastnn {
namespace {

void require(bool done, const Device& device, const char* what) {
  if (done) return;
  const char* why = device.module()->error();
  throw DeviceError(str("[", device.name(), "] ", what, ": ", why ? why : "failed"));
}

}  // namespace

Recording::Recording(const Device& device)
    : device_(&device), recording_(device.module()->begin_recording()) {
  require(recording_, device, "recording");
}

void Recording::end() {
  require(device_->module()->end_recording(recording_), *device_, "recording");
}

void Recording::replay(int64_t times) const {
  require(device_->module()->replay(recording_, times), *device_, "replaying");
}

Pinned::Pinned(const Device& device, int64_t bytes) : device_(&device) {
  if (bytes == 0) return;
  data_ = device.module()->allocate_pinned(bytes);
  require(data_, device, "asking for memory to copy from");
}

Mark::Mark(const Device& device) : device_(&device), mark_(device.module()->mark()) {
  require(mark_, device, "marking a place in the queue");
}

bool Mark::reach() { return !mark_ || device_->module()->wait(std::exchange(mark_, nullptr)); }

void Mark::wait() {
  if (!reach()) require(false, *device_, "waiting for kernels");
}

}  // namespace fastnn
