// Where memory is and kernels run: this processor, or a device whose module was loaded.
#pragma once
#include <string>
#include <vector>

#include "core/device_module.h"
#include "core/memory.h"

namespace fastnn {

// All functions that can fail throw DeviceError. On the host they are what memcpy and its kin are.
class Device {
 public:
  explicit Device(const DeviceModule* module) : module_(module) {}

  bool is_host() const { return !module_; }
  const char* name() const { return module_ ? module_->name : "cpu"; }
  const DeviceModule* module() const { return module_; }
  std::string description() const;

  int64_t free_memory() const;
  void copy_in(void* to, const void* from, int64_t bytes) const;
  void copy_out(void* to, const void* from, int64_t bytes) const;
  void copy(void* to, const void* from, int64_t bytes) const;
  void fill(void* to, uint8_t byte, int64_t bytes) const;
  void synchronise() const;
  // What is launched from now on comes after what another library has put on its stream.
  void wait_for(void* stream) const;
  // Throws what a kernel (`what`) has met while it was launched.
  void check(const std::string& what) const;

 private:
  void require(bool done, const char* what) const;

  const DeviceModule* module_;  // null: the host
};

const Device& host();
// std::invalid_argument for a name that is unknown, DeviceError for one that is not loaded.
const Device& device_named(const std::string& name);
// Makes a device known. DeviceError where the module is not of this build, or finds no device.
const Device& add_device(const DeviceModule* module);
// Where programs are compiled for that name no device.
const Device& default_device();
void set_default_device(const Device& device);

// Zeroed memory of a device. std::bad_alloc where the host has none left, DeviceError elsewhere.
class Memory {
 public:
  Memory() = default;
  Memory(const Device& device, int64_t bytes);
  ~Memory() { release(); }
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    swap(other);
    return *this;
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  const Device& device() const { return *device_; }
  void* data() const { return data_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }
  int64_t size() const { return size_; }

 private:
  void swap(Memory& other) noexcept;
  void release();

  const Device* device_ = &host();
  Buffer buffer_;  // the host's
  void* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace fastnn
