#include "core/device.h"

#include <string.h>

#include <atomic>
#include <deque>
#include <mutex>

#include "core/error.h"

namespace fastnn {
namespace {

struct Known {
  std::mutex mutex;
  std::deque<Device> loaded;  // addresses stay
};

Known& known() {
  static auto* devices = new Known;  // modules outlive static objects
  return *devices;
}

std::atomic<const Device*>& chosen() {
  static std::atomic<const Device*> device{&host()};
  return device;
}

using Copy = bool (*DeviceModule::*)(void* to, const void* from, int64_t bytes);

bool copied(const Device& device, Copy copy, void* to, const void* from, int64_t bytes) {
  if (bytes == 0) return true;
  if (!device.is_host()) return (device.module()->*copy)(to, from, bytes);
  memcpy(to, from, static_cast<size_t>(bytes));
  return true;
}

}  // namespace

const Device& host() {
  static const Device device(nullptr);
  return device;
}

const Device& device_named(const std::string& name) {
  if (name == host().name()) return host();
  std::lock_guard<std::mutex> lock(known().mutex);
  for (const Device& device : known().loaded)
    if (name == device.name()) return device;
  if (name == "cuda") throw DeviceError("the device 'cuda' is not loaded: see fastnn.set_device");
  throw ValueError("device: expected 'cpu' or 'cuda', got '" + name + "'");
}

const Device& add_device(const DeviceModule* module) {
  if (module->version != DeviceModule::kVersion)
    throw DeviceError(str("the module of the device is of another build: expected version ",
                          DeviceModule::kVersion, ", got ", module->version));
  const Device device(module);
  device.description();  // throws where there is none
  std::lock_guard<std::mutex> lock(known().mutex);
  for (const Device& loaded : known().loaded)
    if (loaded.module() == module) return loaded;
  known().loaded.push_back(device);
  return known().loaded.back();
}

const Device& default_device() { return *chosen().load(); }
void set_default_device(const Device& device) { chosen().store(&device); }

void Device::require(bool done, const char* what) const {
  if (done) return;
  const char* why = module_->error();
  throw DeviceError(str("[", name(), "] ", what, ": ", why ? why : "failed"));
}

std::string Device::description() const {
  if (is_host()) return "this processor";
  const char* text = module_->describe();
  if (text) return text;
  const char* why = module_->error();
  throw DeviceError(why ? why : str("no device '", name(), "' is there"));
}

int64_t Device::free_memory() const {
  int64_t bytes = INT64_MAX;
  if (!is_host()) require(module_->free_memory(&bytes), "asking for the free memory");
  return bytes;
}

void Device::copy_in(void* to, const void* from, int64_t bytes) const {
  require(copied(*this, &DeviceModule::copy_in, to, from, bytes), "copying to the device");
}

void Device::copy_out(void* to, const void* from, int64_t bytes) const {
  require(copied(*this, &DeviceModule::copy_out, to, from, bytes), "copying from the device");
}

void Device::copy(void* to, const void* from, int64_t bytes) const {
  require(copied(*this, &DeviceModule::copy, to, from, bytes), "copying");
}

void Device::fill(void* to, uint8_t byte, int64_t bytes) const {
  if (bytes == 0) return;
  if (is_host())
    memset(to, byte, static_cast<size_t>(bytes));
  else
    require(module_->fill(to, byte, bytes), "filling memory");
}

void Device::synchronise() const {
  if (!is_host()) require(module_->synchronise(), "waiting for kernels");
}

void Device::wait_for(void* stream) const {
  if (!is_host()) require(module_->wait_for(stream), "waiting for another library's stream");
}

void Device::check(const std::string& what) const {
  if (is_host()) return;
  if (const char* why = module_->error()) throw DeviceError("[" + what + "] " + why);
}

Memory::Memory(const Device& device, int64_t bytes) : device_(&device), size_(bytes) {
  if (device.is_host()) {
    buffer_ = Buffer(bytes);
    data_ = buffer_.data();
    return;
  }
  if (bytes < 0) throw SizeError(str("a buffer cannot have ", bytes, " bytes"));
  if (bytes == 0) return;
  data_ = device.module()->allocate(bytes);
  if (!data_) {
    const char* why = device.module()->error();
    throw DeviceError(str("[", device.name(), "] asked for ", bytes, " bytes: ", why ? why : ""));
  }
  try {
    device.fill(data_, 0, bytes);
  } catch (...) {
    release();
    throw;
  }
}

void Memory::swap(Memory& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(buffer_, other.buffer_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
}

void Memory::release() {
  if (data_ && !device_->is_host()) device_->module()->release(data_);
  data_ = nullptr;
}

}  // namespace fastnn
