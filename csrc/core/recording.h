// What a device is at while the host goes on: launches that were noted to be run again, places in
// its queue, memory that it copies from.
#pragma once
#include "core/device.h"

namespace fastnn {

// Launches that are given queue() are noted instead of run, from the start until end(): of the
// thread that made it, which may do nothing else with the device meanwhile. All functions but the
// destructor throw DeviceError.
class Recording {
 public:
  explicit Recording(const Device& device);
  ~Recording() { device_->module()->release_recording(recording_); }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  void* queue() const { return device_->module()->recording_queue(recording_); }
  void end();
  void replay(int64_t times) const;

 private:
  const Device* device_;
  void* recording_;
};

// A place in a device's queue: behind all that was launched when it was made.
class Mark {
 public:
  Mark() = default;
  explicit Mark(const Device& device);
  ~Mark() { reach(); }
  Mark(Mark&& other) noexcept { *this = std::move(other); }
  Mark& operator=(Mark&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(mark_, other.mark_);
    return *this;
  }
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;

  // Comes back once the device has come there; DeviceError where it cannot. Once is enough.
  void wait();

 private:
  bool reach();

  const Device* device_ = nullptr;
  void* mark_ = nullptr;
};

// Memory of the host from where a device copies by itself.
class Pinned {
 public:
  Pinned() = default;
  Pinned(const Device& device, int64_t bytes);
  ~Pinned() {
    if (data_) device_->module()->release_pinned(data_);
  }
  Pinned(Pinned&& other) noexcept { *this = std::move(other); }
  Pinned& operator=(Pinned&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    return *this;
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  void* data() const { return data_; }

 private:
  const Device* device_ = nullptr;
  void* data_ = nullptr;
};

}  // namespace fastnn
