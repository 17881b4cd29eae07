#pragma once
#include <atomic>

#include "bindings/arrays.h"
#include "runtime/executable.h"

namespace fastnn::bindings {

// (name, outputs, updates): updates are (storage, value) pairs and effects.
runtime::Section section_from(py::handle spec);
std::vector<runtime::Section> sections_from(const py::list& specs);
// Values, or tensors that hold one.
graph::Values values_from(py::handle items);

// The device of this name; the default one for "".
const Device& device_called(const std::string& name);

struct Function {
  Function(const graph::Values& inputs, const py::list& sections, runtime::Options options);
  py::list call(const py::args& args);

  runtime::Executable executable;
  uint64_t seed = 0;
  std::atomic<uint64_t> step{0};
};

}  // namespace fastnn::bindings
