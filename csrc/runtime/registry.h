// Which function computes (kernel id, dtype) on this machine.
#pragma once
#include <string>
#include <vector>

#include "core/device.h"
#include "kernels/kernels.h"

namespace fastnn::runtime {

// Every table this build and this CPU have, "reference" first, then from slow to fast.
const std::vector<const kernels::Table*>& available_tables();
const kernels::Table& table_named(const std::string& name);  // std::invalid_argument

// The table kernels are taken from: the fastest, or FASTNN_ISA. An id that it lacks comes from
// the reference table, and plans say so.
const kernels::Table& active_table();
void set_active_table(const std::string& name);

struct Found {
  const kernels::Entry* entry = nullptr;  // null: no kernel for this dtype
  const char* table = "";
};
Found find_kernel(const std::string& id, DType dtype);
// The kernel of a device: on the host as above; elsewhere only the device's own will do.
Found find_kernel(const Device& device, const std::string& id, DType dtype);
// Says that there is none: std::invalid_argument, DeviceError for a device.
[[noreturn]] void throw_no_kernel(const Device& device, const std::string& id, DType dtype);
// For a kernel of the host called outside of a program: all threads, no workspace, no random state.
kernels::Context plain_context(kernels::Status* status);
const kernels::Entry* find_in(const kernels::Table& table, const std::string& id, DType dtype);

}  // namespace fastnn::runtime
