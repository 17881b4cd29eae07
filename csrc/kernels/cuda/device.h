#pragma once
#include "core/device_module.h"

namespace fastnn::kernels::cuda {

// What the core is given. Asking for it touches no driver.
const DeviceModule& device_module();

}  // namespace fastnn::kernels::cuda
