// The one place where NumPy arrays cross into C++ and back.
#pragma once
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

#include "core/dtype.h"

namespace fastnn::bindings {

namespace py = pybind11;

py::dtype numpy_dtype(DType t);
// The same, borrowed: the one object that NumPy's arrays of this dtype share.
PyObject* descr_of(DType t);
bool is_one_of_ours(PyObject* descr);
// TypeError that lists the dtypes fastnn has.
DType dtype_from(py::handle name_or_dtype);
bool has_dtype(py::handle array, DType* out);  // native byte order only

std::vector<int64_t> shape_of(const py::array& a);
py::array new_array(DType t, const int64_t* shape, size_t rank);
py::array new_array(DType t, const std::vector<int64_t>& shape);
py::array new_array(PyObject* descr, int rank, const Py_intptr_t* dims);

py::object numpy_scalar(DType t, const void* data);
bool is_numpy_scalar(py::handle x);

// A C-contiguous, aligned array, and no subclass?
inline bool lies_plain(py::handle x) {
  constexpr int flags = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  return Py_TYPE(x.ptr()) == py::detail::npy_api::get().PyArray_Type_ &&
         (py::detail::array_proxy(x.ptr())->flags & flags) == flags;
}
// One of dtype t?
bool is_plain(py::handle x, DType t);
// A C-contiguous, aligned, native array of dtype t. Numbers of another dtype are converted where
// no meaning is lost by it (floats never to integers); objects, strings, complex numbers and dates
// are a TypeError that starts with `what`.
py::array as_array(py::handle x, DType t, const std::string& what);
// The same with the dtype that the array has, or the nearest that fastnn knows.
py::array as_array(py::handle x, const std::string& what);

}  // namespace fastnn::bindings
