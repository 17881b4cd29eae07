// Errors, versions, threads, and the choice of kernels.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/register.h"
#include "core/cpu.h"
#include "core/device.h"
#include "core/error.h"
#include "core/thread_pool.h"
#include "runtime/registry.h"

namespace fastnn::bindings {

namespace py = pybind11;

void register_errors(py::module_& m) {
  py::register_local_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const TypeError& e) {
      PyErr_SetString(PyExc_TypeError, e.what());
    }
  });
  py::register_local_exception<DeviceError>(m, "DeviceError", PyExc_RuntimeError);
}

void register_config(py::module_& m) {
  m.attr("__version__") = FASTNN_VERSION;
#if defined(__clang__)
  m.attr("compiler") = "Clang " __clang_version__;
#else
  m.attr("compiler") = "GCC " __VERSION__;
#endif
  m.def("num_threads", &num_threads);
  m.def("set_num_threads", &set_num_threads, py::arg("n"));
  m.def("running_workers", &running_workers);
  m.def("available_cpus", &available_cpus);
  m.def("supported_isas", &supported_isas);
  m.def(
      "add_device",
      [](const py::capsule& module) { add_device(module.get_pointer<const DeviceModule>()); },
      py::arg("module"));
  m.def("default_device", [] { return std::string(default_device().name()); });
  m.def(
      "set_default_device", [](const std::string& name) { set_default_device(device_named(name)); },
      py::arg("name"));
  m.def(
      "device_description",
      [](const std::string& name) { return device_named(name).description(); }, py::arg("name"));
  m.def(
      "device_kernels",
      [](const std::string& name) {
        std::vector<std::pair<std::string, std::string>> kernels;
        const Device& device = device_named(name);
        const kernels::Table& table =
            device.is_host() ? runtime::active_table() : *device.module()->table;
        for (int32_t i = 0; i < table.size; ++i)
          for (int32_t k = 0; k < table.lists[i].size; ++k)
            kernels.emplace_back(table.lists[i].entries[k].id,
                                 dtype_name(table.lists[i].entries[k].dtype));
        return kernels;
      },
      py::arg("name"), "(id, dtype) of every kernel of a device.");
  m.def("kernel_tables", [] {
    std::vector<std::string> names;
    for (const auto* t : runtime::available_tables()) names.push_back(t->name);
    return names;
  });
  m.def("active_table", [] { return std::string(runtime::active_table().name); });
  m.def("set_active_table", &runtime::set_active_table, py::arg("name"));
}

}  // namespace fastnn::bindings
