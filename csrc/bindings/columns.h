// Arrays as the columns that programs read by rows.
#pragma once
#include "bindings/device_array.h"
#include "runtime/columns.h"

namespace fastnn::bindings {

// Of NumPy, or of a device.
using Arrays = std::vector<py::object>;

// TypeError where something is no array, ValueError where one has no rows.
std::vector<runtime::Column> columns_of(const Arrays& arrays);
// The rows of the first array; one where there is none.
int64_t rows_of(const Arrays& arrays);

}  // namespace fastnn::bindings
