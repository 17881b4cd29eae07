#include "bindings/columns.h"

#include "core/error.h"

namespace fastnn::bindings {

using runtime::Column;

namespace {

Column column_of(const py::array& a) {
  if (a.ndim() < 1) throw ValueError("expected arrays of shape (rows, ...), got a scalar");
  Column c;
  c.data = a.data();
  c.source = source_of(a.dtype());
  char order = a.dtype().byteorder();
  c.byteswap = order == '>';  // fastnn runs on little-endian machines
  c.rows = a.shape(0);
  c.row_stride = a.strides(0);
  for (py::ssize_t d = 1; d < a.ndim(); ++d) {
    c.shape.push_back(a.shape(d));
    c.strides.push_back(a.strides(d));
  }
  return c;
}

Column column_of(const DeviceArray& a) {
  if (a.shape.empty()) throw ValueError("expected arrays of shape (rows, ...), got a scalar");
  Column c;
  c.data = a.data;
  c.device = a.device;
  c.source = a.source;
  c.rows = a.shape[0];
  c.row_stride = a.strides[0];
  c.shape.assign(a.shape.begin() + 1, a.shape.end());
  c.strides.assign(a.strides.begin() + 1, a.strides.end());
  return c;
}

}  // namespace

std::vector<Column> columns_of(const Arrays& arrays) {
  std::vector<Column> columns;
  for (const py::object& a : arrays) {
    if (py::isinstance<py::array>(a))
      columns.push_back(column_of(py::reinterpret_borrow<py::array>(a)));
    else if (py::isinstance<DeviceArray>(a))
      columns.push_back(column_of(a.cast<const DeviceArray&>()));
    else
      throw TypeError("expected arrays, got " +
                      std::string(py::str(py::type::of(a).attr("__name__"))));
  }
  return columns;
}

int64_t rows_of(const Arrays& arrays) {
  if (arrays.empty()) return 1;
  if (py::isinstance<DeviceArray>(arrays[0])) {
    const auto& shape = arrays[0].cast<const DeviceArray&>().shape;
    return shape.empty() ? 1 : shape[0];
  }
  const auto a = arrays[0].cast<py::array>();
  return a.ndim() < 1 ? 1 : a.shape(0);
}

}  // namespace fastnn::bindings
