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

// What an instance of a class of pybind11's holds; null where its __init__ was not called. A cast
// would look the class up each time.
template <class T>
T* object_of(PyObject* self) {
  return static_cast<T*>(
      reinterpret_cast<pybind11::detail::instance*>(self)->get_value_and_holder().value_ptr());
}

}  // namespace fastnn::bindings
