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

class Function {
 public:
  // What a call returns: a list of the outputs, the one output there is, or None.
  enum class Returns { list, one, nothing };
  static Returns returns_called(const std::string& name);  // ValueError

  Function(const graph::Values& inputs, const py::list& sections, runtime::Options options);
  ~Function();

  // Returns a new reference; throws.
  PyObject* call(PyObject* const* args, size_t count);

  runtime::Executable executable;
  Returns returns = Returns::list;
  bool scalars = false;  // outputs of no axes come as NumPy's scalars
  uint64_t seed = 0;
  std::atomic<uint64_t> step{0};

 private:
  struct Bound;
  bool fits(PyObject* const* args) const;
  std::unique_ptr<Bound> bind(std::vector<std::vector<int64_t>> shapes);
  PyObject* call_converted(PyObject* const* args);
  PyObject* call_on_device(PyObject* const* args);
  PyObject* run(std::unique_ptr<Bound> bound, PyObject* const* arrays);
  void run_sections(runtime::Context* context);

  std::vector<PyObject*> descrs_;  // of the inputs, borrowed
  std::vector<std::string> names_;
  std::unique_ptr<Bound> ready_;  // of the last call; guarded by the GIL
};

}  // namespace fastnn::bindings
