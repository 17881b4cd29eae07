// The type of operations: what Python calls, and where its programs are kept.
#include <pybind11/stl.h>
#include <structmember.h>

#include <cstddef>
#include <optional>

#include "bindings/eager_programs.h"
#include "bindings/fastcall.h"
#include "bindings/function.h"
#include "bindings/register.h"
#include "core/error.h"

namespace fastnn::bindings {
namespace {

struct Operation {
  PyObject_HEAD vectorcallfunc call;
  PyObject* general;   // computes for any arguments
  PyObject* compiled;  // makes the Function for arrays
  PyObject *dict, *weak_references;
  DataPlace place;
  EagerPrograms* programs;
};

Operation* as_operation(PyObject* self) { return reinterpret_cast<Operation*>(self); }

PyObject* call(PyObject* self, PyObject* const* args, size_t flags, PyObject* names) {
  Operation* op = as_operation(self);
  const Py_ssize_t count = PyVectorcall_NARGS(flags);
  return with_exceptions([&] {
    CallArguments arguments;
    if (!arguments.take(op->place, args, count, names))
      return PyObject_Vectorcall(op->general, args, static_cast<size_t>(count), names);
    py::object function = op->programs->find(arguments);
    if (!function) {
      std::vector<PyObject*> given(args, args + count + (names ? PyTuple_GET_SIZE(names) : 0));
      if (arguments.sequence())
        given[static_cast<size_t>(op->place.first)] = arguments.sequence().ptr();
      function = py::reinterpret_steal<py::object>(
          PyObject_Vectorcall(op->compiled, given.data(), static_cast<size_t>(count), names));
      if (!function) throw py::error_already_set();
      if (!py::isinstance<Function>(function))
        throw TypeError("compiled: expected it to return a Function");
      op->programs->add(arguments, function);
    }
    return object_of<Function>(function.ptr())->call(arguments.arrays(), arguments.array_count());
  });
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Operation* op = as_operation(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(op->general);
  Py_VISIT(op->compiled);
  Py_VISIT(op->dict);
  return 0;
}

int clear(PyObject* self) {
  Operation* op = as_operation(self);
  Py_CLEAR(op->general);
  Py_CLEAR(op->compiled);
  Py_CLEAR(op->dict);
  return 0;
}

void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  if (as_operation(self)->weak_references) PyObject_ClearWeakRefs(self);
  clear(self);
  delete as_operation(self)->programs;
  type->tp_free(self);
  Py_DECREF(type);
}

// As functions do, which inspect and pydoc know them by.
PyObject* bind(PyObject* self, PyObject* owner, PyObject*) {
  return owner ? PyMethod_New(self, owner) : Py_NewRef(self);
}

// By its name: pickled and copied as functions are.
PyObject* reduce(PyObject* self, PyObject*) { return PyObject_GetAttrString(self, "__qualname__"); }

PyObject* represent(PyObject* self) {
  PyObject* name = PyObject_GetAttrString(self, "__qualname__");
  if (!name) {
    PyErr_Clear();
    return PyBaseObject_Type.tp_repr(self);
  }
  PyObject* text = PyUnicode_FromFormat("<operation %U>", name);
  Py_DECREF(name);
  return text;
}

PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, "__reduce__($self, /)\n--\n\nThe operation's name."},
    {},
};

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Operation, call), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(Operation, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Operation, weak_references), READONLY, nullptr},
    {},
};

PyGetSetDef attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {},
};

template <class Slot>
PyType_Slot slot(int id, Slot* function) {
  return {id, reinterpret_cast<void*>(function)};
}

PyTypeObject* make_type() {
  PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("An operation on tensors or arrays, called like a function.")},
      slot(Py_tp_dealloc, deallocate),
      slot(Py_tp_call, PyVectorcall_Call),
      slot(Py_tp_traverse, traverse),
      slot(Py_tp_clear, clear),
      slot(Py_tp_descr_get, bind),
      slot(Py_tp_repr, represent),
      slot(Py_tp_methods, methods),
      slot(Py_tp_members, members),
      slot(Py_tp_getset, attributes),
      {0, nullptr},
  };
  PyType_Spec spec = {"fastnn._core.Operation", sizeof(Operation), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                          Py_TPFLAGS_DISALLOW_INSTANTIATION,
                      slots};
  PyObject* type = PyType_FromSpec(&spec);
  if (!type) throw py::error_already_set();
  return reinterpret_cast<PyTypeObject*>(type);
}

py::object make(const py::function& general, const py::function& compiled, Py_ssize_t first,
                std::optional<Py_ssize_t> tensors) {
  static PyTypeObject* const type = make_type();
  auto made = py::reinterpret_steal<py::object>(type->tp_alloc(type, 0));
  if (!made) throw py::error_already_set();
  Operation* op = as_operation(made.ptr());
  op->call = call;
  op->general = general.inc_ref().ptr();
  op->compiled = compiled.inc_ref().ptr();
  op->place = !tensors       ? DataPlace{DataPlace::all, first, 0}
              : *tensors < 0 ? DataPlace{DataPlace::sequence, first, 1}
                             : DataPlace{DataPlace::counted, first, *tensors};
  op->programs = new EagerPrograms;
  return made;
}

}  // namespace

void register_eager_operation(py::module_& m) {
  m.def("operation", &make, py::arg("general"), py::arg("compiled"), py::arg("first") = 0,
        py::arg("tensors") = std::optional<Py_ssize_t>(1),
        "Calls general(...), or on arrays the Function that compiled(...) made for such.\n\n"
        "The data are `tensors` arguments from `first` on; -1: a sequence there, None: all.");
}

}  // namespace fastnn::bindings
