// Arrays in the memory of a device: fastnn's own, and those of libraries that speak DLPack or the
// CUDA array interface. Neither way copies.
#pragma once
#include <memory>
#include <optional>

#include "bindings/arrays.h"
#include "core/device.h"
#include "runtime/columns.h"

namespace fastnn::bindings {

struct DeviceArray {
  const Device* device;
  kernels::Source source;               // the dtype
  std::vector<int64_t> shape, strides;  // strides in bytes
  char* data;
  std::shared_ptr<void> owner;  // keeps the memory

  int64_t item() const;
  int64_t size() const;
  bool is_contiguous() const;
};

kernels::Source source_of(const py::dtype& dtype);
// Numbers of dtype t, in rows without gaps.
DeviceArray device_array(const Device& device, DType t, std::vector<int64_t> shape, void* data,
                         std::shared_ptr<void> owner);
DeviceArray new_device_array(const Device& device, DType t, std::vector<int64_t> shape);
bool lies_on_device(py::handle x);
// An array that lies on a device; nothing for all else. What was queued for its contents comes
// before what is launched from now on.
std::optional<DeviceArray> device_array_from(py::handle x);
// Where a program of dtype t on that device can read it, without a copy. TypeError or ValueError
// that start with `what` for another dtype, device or layout.
const void* plain_data(const DeviceArray& a, const Device& device, DType t,
                       const std::string& what);

}  // namespace fastnn::bindings
