#include "bindings/eager_programs.h"

#include <algorithm>
#include <cstring>

#include "runtime/registry.h"

namespace fastnn::bindings {
namespace {

constexpr size_t kMostPrograms = 256;  // of an operation

bool is_number(PyObject* x) {
  return PyFloat_CheckExact(x) || PyLong_CheckExact(x) || PyBool_Check(x);
}

// Of objects that mix_constant() takes. 1, 1.0 and True are three; so are 0.0 and -0.0 two.
bool same_constant(PyObject* a, PyObject* b) {
  if (a == b) return true;
  if (Py_TYPE(a) != Py_TYPE(b)) return false;
  if (PyFloat_CheckExact(a)) {
    const double x = PyFloat_AS_DOUBLE(a), y = PyFloat_AS_DOUBLE(b);
    return std::memcmp(&x, &y, sizeof x) == 0;
  }
  if (PyTuple_CheckExact(a)) {
    if (PyTuple_GET_SIZE(a) != PyTuple_GET_SIZE(b)) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(a); ++i)
      if (!same_constant(PyTuple_GET_ITEM(a, i), PyTuple_GET_ITEM(b, i))) return false;
    return true;
  }
  if (PySlice_Check(a)) {
    const auto *x = reinterpret_cast<PySliceObject*>(a), *y = reinterpret_cast<PySliceObject*>(b);
    return same_constant(x->start, y->start) && same_constant(x->stop, y->stop) &&
           same_constant(x->step, y->step);
  }
  return PyObject_RichCompareBool(a, b, Py_EQ) == 1;
}

}  // namespace

bool CallArguments::take(const DataPlace& place, PyObject* const* args, Py_ssize_t count,
                         PyObject* names) {
  Py_ssize_t last = place.kind == DataPlace::all ? count : place.first + place.count;
  if (count < last) return false;  // data by name
  names_ = names;
  const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
  mix(reinterpret_cast<uintptr_t>(&runtime::active_table()));
  for (Py_ssize_t i = 0; i < count + named; ++i) {
    if (i < place.first || i >= last) {
      if (!take_constant(args[i])) return false;
    } else if (place.kind != DataPlace::sequence) {
      if (!take_data(args[i])) return false;
    } else {
      if (!PyList_CheckExact(args[i]) && !PyTuple_CheckExact(args[i])) return false;
      sequence_ = py::reinterpret_steal<py::object>(PySequence_Tuple(args[i]));
      if (!sequence_) throw py::error_already_set();
      for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(sequence_.ptr()); ++k)
        if (!take_data(PyTuple_GET_ITEM(sequence_.ptr(), k))) return false;
    }
  }
  for (Py_ssize_t i = 0; i < named; ++i)
    mix(static_cast<uint64_t>(PyObject_Hash(PyTuple_GET_ITEM(names, i))));
  return array_count_ > 0;
}

bool CallArguments::add(PyObject* x, bool is_array) {
  if (item_count_ == kMost) return false;
  items_[item_count_++] = {x, is_array};
  if (is_array) arrays_[array_count_++] = x;
  return true;
}

bool CallArguments::take_data(PyObject* x) {
  using Api = py::detail::npy_api;
  const Api& api = Api::get();
  if (Py_TYPE(x) != api.PyArray_Type_) {
    if (is_number(x)) return take_constant(x);
    const bool numbers = PyList_CheckExact(x) || PyTuple_CheckExact(x) ||
                         PyObject_TypeCheck(x, api.PyArray_Type_) || is_numpy_scalar(x);
    if (!numbers) return false;
    constexpr int kBaseClass = 0x20;  // NPY_ARRAY_ENSUREARRAY
    auto made = py::reinterpret_steal<py::object>(
        api.PyArray_FromAny_(x, nullptr, 0, 0, kBaseClass, nullptr));
    if (!made) {
      PyErr_Clear();  // the general way has words for it
      return false;
    }
    x = made.ptr();
    converted_.push_back(std::move(made));
  }
  const auto* a = py::detail::array_proxy(x);
  if (!is_one_of_ours(a->descr)) return false;
  mix(reinterpret_cast<uintptr_t>(a->descr));
  mix(static_cast<uint64_t>(a->nd));
  for (int d = 0; d < a->nd; ++d) mix(static_cast<uint64_t>(a->dimensions[d]));
  return add(x, true);
}

bool CallArguments::take_constant(PyObject* x) { return mix_constant(x) && add(x, false); }

// What cannot change and tells all by its value.
bool CallArguments::mix_constant(PyObject* x) {
  if (x == Py_None || x == Py_Ellipsis || PyBool_Check(x)) {
    mix(reinterpret_cast<uintptr_t>(x));
  } else if (PyLong_CheckExact(x) || PyFloat_CheckExact(x) || PyUnicode_CheckExact(x)) {
    mix(static_cast<uint64_t>(PyObject_Hash(x)));
  } else if (PyTuple_CheckExact(x)) {
    mix(static_cast<uint64_t>(PyTuple_GET_SIZE(x)));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(x); ++i)
      if (!mix_constant(PyTuple_GET_ITEM(x, i))) return false;
  } else if (PySlice_Check(x)) {
    const auto* s = reinterpret_cast<PySliceObject*>(x);
    return mix_constant(s->start) && mix_constant(s->stop) && mix_constant(s->step);
  } else {
    return false;
  }
  return true;
}

bool EagerPrograms::matches(const Entry& entry, const CallArguments& arguments) {
  const size_t named =
      arguments.names_ ? static_cast<size_t>(PyTuple_GET_SIZE(arguments.names_)) : 0;
  if (entry.table != &runtime::active_table() || entry.items.size() != arguments.item_count_ ||
      entry.names.size() != named)
    return false;
  for (size_t i = 0; i < named; ++i)
    if (!same_constant(entry.names[i].ptr(),
                       PyTuple_GET_ITEM(arguments.names_, static_cast<Py_ssize_t>(i))))
      return false;
  for (size_t i = 0; i < entry.items.size(); ++i) {
    const Item& want = entry.items[i];
    const CallArguments::Item& have = arguments.items_[i];
    if (want.is_array != have.is_array) return false;
    if (!want.is_array) {
      if (!same_constant(want.object.ptr(), have.object)) return false;
      continue;
    }
    const auto* a = py::detail::array_proxy(have.object);
    if (a->descr != want.object.ptr() || static_cast<size_t>(a->nd) != want.shape.size() ||
        !std::equal(want.shape.begin(), want.shape.end(), a->dimensions))
      return false;
  }
  return true;
}

py::object EagerPrograms::find(const CallArguments& arguments) const {
  const auto found = entries_.find(arguments.hash());
  if (found == entries_.end() || !matches(found->second, arguments)) return {};
  return found->second.function;
}

void EagerPrograms::add(const CallArguments& arguments, py::object function) {
  if (entries_.size() >= kMostPrograms) entries_.clear();
  Entry entry;
  entry.table = &runtime::active_table();
  entry.function = std::move(function);
  for (size_t i = 0; i < arguments.item_count_; ++i) {
    const CallArguments::Item& item = arguments.items_[i];
    if (!item.is_array) {
      entry.items.push_back({py::reinterpret_borrow<py::object>(item.object), false, {}});
      continue;
    }
    const auto* a = py::detail::array_proxy(item.object);
    entry.items.push_back({py::reinterpret_borrow<py::object>(a->descr),
                           true,
                           {a->dimensions, a->dimensions + a->nd}});
  }
  for (Py_ssize_t i = 0; arguments.names_ && i < PyTuple_GET_SIZE(arguments.names_); ++i)
    entry.names.push_back(
        py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(arguments.names_, i)));
  std::swap(entries_[arguments.hash()], entry);
}

}  // namespace fastnn::bindings
