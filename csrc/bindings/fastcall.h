// Functions that Python calls as they are: pybind11's dispatcher takes longer than a small kernel.
#pragma once
#include <pybind11/pybind11.h>

namespace fastnn::bindings {

// What body returns; null with Python's exception where it throws.
template <class Body>
PyObject* with_exceptions(Body body) {
  try {
    return body();
  } catch (pybind11::error_already_set& e) {
    e.restore();
  } catch (...) {
    pybind11::detail::try_translate_exceptions();
  }
  return nullptr;
}

}  // namespace fastnn::bindings
