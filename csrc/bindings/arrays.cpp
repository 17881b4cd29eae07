#include "bindings/arrays.h"

#include <algorithm>

#include "bindings/device_array.h"
#include "core/error.h"

namespace fastnn::bindings {
namespace {

constexpr DType kTypes[] = {DType::f32, DType::f64, DType::i32, DType::i64, DType::u8, DType::b8};

py::array to_numpy(py::handle x, const std::string& what) {
  if (py::isinstance<py::array>(x)) return py::reinterpret_borrow<py::array>(x);
  if (py::isinstance<DeviceArray>(x) || (!py::hasattr(x, "__array__") && lies_on_device(x)))
    throw TypeError(what +
                    ": expected an array in the processor's memory, got one on cuda: compile for "
                    "device=\"cuda\", or copy it first");
  py::array a = py::module_::import("numpy").attr("asarray")(x);
  if (a.dtype().kind() == 'O')
    throw TypeError(what + ": expected numbers in rows of equal length, got " +
                    std::string(py::str(py::type::of(x).attr("__name__"))));
  return a;
}

py::array converted(const py::array& a, const py::dtype& dtype) {
  using Api = py::detail::npy_api;
  constexpr int flags = py::array::c_style | py::array::forcecast | Api::NPY_ARRAY_ALIGNED_;
  PyObject* made =
      Api::get().PyArray_FromAny_(a.ptr(), dtype.inc_ref().ptr(), 0, 0, flags, nullptr);
  if (!made) throw py::error_already_set();
  return py::reinterpret_steal<py::array>(made);
}

template <class T>
void copy_rows(T* to, const char* from, const Py_intptr_t* shape, const Py_intptr_t* strides,
               int rank) {
  if (rank == 1) {
    for (Py_intptr_t i = 0; i < shape[0]; ++i)
      to[i] = *reinterpret_cast<const T*>(from + i * strides[0]);
    return;
  }
  Py_intptr_t row = 1;
  for (int d = 1; d < rank; ++d) row *= shape[d];
  for (Py_intptr_t i = 0; i < shape[0]; ++i)
    copy_rows(to + i * row, from + i * strides[0], shape + 1, strides + 1, rank - 1);
}

// A few elements with strides: NumPy takes longer to set its copy up than to add two such arrays.
py::array copied(const py::array& a, DType t) {
  const auto* from = py::detail::array_proxy(a.ptr());
  py::array made = new_array(descr_of(t), from->nd, from->dimensions);
  char* to = py::detail::array_proxy(made.ptr())->data;
  auto copy = [&](auto* items) {
    copy_rows(items, from->data, from->dimensions, from->strides, from->nd);
  };
  switch (dtype_size(t)) {
    case 1:
      copy(reinterpret_cast<uint8_t*>(to));
      break;
    case 4:
      copy(reinterpret_cast<uint32_t*>(to));
      break;
    default:
      copy(reinterpret_cast<uint64_t*>(to));
  }
  return made;
}

// What pybind11 does not name, by its place in NumPy's table, which never changes.
void* numpy_api(int place) {
  static void** const table = [] {
    py::object capsule = py::detail::import_numpy_core_submodule("multiarray").attr("_ARRAY_API");
    return static_cast<void**>(PyCapsule_GetPointer(capsule.ptr(), nullptr));
  }();
  return table[place];
}

// NumPy never frees them.
struct Descrs {
  PyObject* of[std::size(kTypes)];
  Descrs() {
    using Api = py::detail::npy_api;
    constexpr int numbers[] = {Api::NPY_FLOAT_, Api::NPY_DOUBLE_, Api::NPY_INT32_,
                               Api::NPY_INT64_, Api::NPY_UBYTE_,  Api::NPY_BOOL_};
    for (DType t : kTypes)
      of[static_cast<int>(t)] = py::dtype(numbers[static_cast<int>(t)]).release().ptr();
  }
};

const Descrs& descrs() {
  static const Descrs all;
  return all;
}

// Another object of the same dtype: C's long long where long has 64 bits, say.
bool is_like_ours(const py::dtype& d, DType* out) {
  char order = d.byteorder();
  bool native = order == '=' || order == '|';
  char kind = d.kind();
  auto size = d.itemsize();
  for (DType t : kTypes) {
    char want = t == DType::b8 ? 'b' : t == DType::u8 ? 'u' : is_floating(t) ? 'f' : 'i';
    if (native && kind == want && size == dtype_size(t)) {
      *out = t;
      return true;
    }
  }
  return false;
}

}  // namespace

PyObject* descr_of(DType t) { return descrs().of[static_cast<int>(t)]; }

bool is_one_of_ours(PyObject* descr) {
  const auto& known = descrs().of;
  return std::find(std::begin(known), std::end(known), descr) != std::end(known);
}

py::dtype numpy_dtype(DType t) { return py::reinterpret_borrow<py::dtype>(descr_of(t)); }

bool has_dtype(py::handle array, DType* out) {
  PyObject* d = py::detail::array_proxy(array.ptr())->descr;
  const Descrs& known = descrs();
  for (DType t : kTypes)
    if (d == known.of[static_cast<int>(t)]) {
      *out = t;
      return true;
    }
  return is_like_ours(py::reinterpret_borrow<py::dtype>(d), out);
}

DType dtype_from(py::handle x) {
  py::dtype d = py::dtype::from_args(py::reinterpret_borrow<py::object>(x));
  DType t;
  py::array probe(d, std::vector<py::ssize_t>{0});
  if (has_dtype(probe, &t)) return t;
  throw TypeError("dtype: expected float32, float64, int32, int64, uint8 or bool, got " +
                  std::string(py::str(d)));
}

std::vector<int64_t> shape_of(const py::array& a) { return {a.shape(), a.shape() + a.ndim()}; }

// Not py::array's constructor: it works out strides in vectors of its own, and a small product
// spends a third of its time there.
py::array new_array(DType t, const int64_t* shape, size_t rank) {
  constexpr size_t kMostAxes = 32;
  Py_intptr_t dims[kMostAxes];
  if (rank > kMostAxes) throw ValueError(str("expected at most ", kMostAxes, " axes, got ", rank));
  std::copy(shape, shape + rank, dims);
  return new_array(descr_of(t), static_cast<int>(rank), dims);
}

py::array new_array(PyObject* descr, int rank, const Py_intptr_t* dims) {
  auto& api = py::detail::npy_api::get();
  Py_INCREF(descr);
  PyObject* made =
      api.PyArray_NewFromDescr_(api.PyArray_Type_, descr, rank, dims, nullptr, nullptr, 0, nullptr);
  if (!made) throw py::error_already_set();
  return py::reinterpret_steal<py::array>(made);
}

py::array new_array(DType t, const std::vector<int64_t>& shape) {
  return new_array(t, shape.data(), shape.size());
}

py::object numpy_scalar(DType t, const void* data) {
  using Make = PyObject* (*)(const void* data, PyObject* descr, PyObject* base);
  static const auto make = reinterpret_cast<Make>(numpy_api(60));
  PyObject* made = make(data, descr_of(t), nullptr);
  if (!made) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(made);
}

bool is_numpy_scalar(py::handle x) {
  static const auto generic = static_cast<PyTypeObject*>(numpy_api(10));
  return PyObject_TypeCheck(x.ptr(), generic);
}

bool is_plain(py::handle x, DType t) {
  DType have;
  return lies_plain(x) && has_dtype(x, &have) && have == t;
}

py::array as_array(py::handle x, DType t, const std::string& what) {
  if (is_plain(x, t)) return py::reinterpret_borrow<py::array>(x);
  py::array a = to_numpy(x, what);
  constexpr py::ssize_t kFew = 1024;
  DType have;
  if (has_dtype(a, &have) && have == t && a.ndim() > 0 && a.size() <= kFew &&
      (a.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_))
    return copied(a, t);
  char kind = a.dtype().kind();
  bool fits = is_floating(t)   ? (kind == 'f' || kind == 'i' || kind == 'u' || kind == 'b')
              : t == DType::b8 ? kind == 'b'
                               : (kind == 'i' || kind == 'u' || kind == 'b');
  if (!fits)
    throw TypeError(str(what, ": expected numbers that fit ", dtype_name(t), ", got dtype ",
                        std::string(py::str(a.dtype()))));
  return converted(a, numpy_dtype(t));
}

py::array as_array(py::handle x, const std::string& what) {
  py::array a = to_numpy(x, what);
  DType have;
  if (has_dtype(a, &have)) return as_array(a, have, what);
  switch (a.dtype().kind()) {
    case 'f':
      return converted(a, numpy_dtype(a.itemsize() <= 4 ? DType::f32 : DType::f64));
    case 'i':
      return converted(a, numpy_dtype(a.itemsize() < 8 ? DType::i32 : DType::i64));
    case 'u':
      return converted(a, numpy_dtype(a.itemsize() == 1   ? DType::u8
                                      : a.itemsize() == 2 ? DType::i32
                                                          : DType::i64));
    default:
      throw TypeError(what + ": expected numbers, got dtype " + std::string(py::str(a.dtype())));
  }
}

}  // namespace fastnn::bindings
