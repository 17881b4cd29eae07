#include <pybind11/stl.h>

#include "bindings/device_array.h"
#include "bindings/register.h"
#include "core/error.h"
#include "graph/build.h"

namespace fastnn::bindings {

using graph::Value;
using graph::Variable;
using graph::VariablePtr;

void register_variable(py::module_& m) {
  py::class_<Variable, VariablePtr>(m, "Storage", "The storage of a variable.")
      .def(py::init([](py::handle dtype, std::vector<int64_t> shape, const std::string& role,
                       std::string name) {
             return std::make_shared<Variable>(dtype_from(dtype), std::move(shape),
                                               graph::role_from_name(role), std::move(name));
           }),
           py::arg("dtype"), py::arg("shape"), py::arg("role"), py::arg("name"))
      .def_property_readonly("dtype", [](const Variable& v) { return dtype_name(v.dtype()); })
      .def_property_readonly("shape",
                             [](const Variable& v) { return py::tuple(py::cast(v.shape())); })
      .def_property_readonly("role", [](const Variable& v) { return graph::role_name(v.role()); })
      .def_property("name", &Variable::name, &Variable::set_name)
      .def_property_readonly("device", [](const Variable& v) { return v.device().name(); })
      .def("value", [](const VariablePtr& v) { return graph::variable(v); })
      .def("get",
           [](const Variable& v) {
             py::array a = new_array(v.dtype(), v.shape());
             v.read(a.mutable_data(), 0, v.bytes());
             return a;
           })
      .def(
          "on_device",
          [](const Variable& v) {
            if (v.device().is_host())
              throw ValueError("[" + v.name() + "] lies in the processor's memory");
            return device_array(v.device(), v.dtype(), v.shape(), v.data(), v.memory());
          },
          "The numbers where they lie, on a device.")
      .def(
          "set",
          [](Variable& v, py::handle x) {
            py::array a = as_array(x, v.dtype(), v.name());
            if (shape_of(a) != v.shape())
              throw ValueError(str("[", v.name(), "] expected shape ", str_tuple(v.shape()),
                                   ", got ", str_tuple(shape_of(a))));
            v.write(a.data(), 0, v.bytes());
          },
          py::arg("value"))
      .def(
          "set_bytes",
          [](Variable& v, int64_t start, const py::buffer& bytes) {
            py::buffer_info info = bytes.request();
            int64_t n = static_cast<int64_t>(info.size * info.itemsize);
            if (info.ndim != 1 || start < 0 || n > v.bytes() - start)
              throw ValueError(str("[", v.name(), "] expected at most ", v.bytes() - start,
                                   " bytes at ", start, ", got ", n));
            v.write(info.ptr, start, n);
          },
          py::arg("start"), py::arg("bytes"),
          "Replaces a part of the numbers, as they lie in memory.");
  m.def("make_contiguous", &Variable::make_contiguous, py::arg("variables"));
}

}  // namespace fastnn::bindings
