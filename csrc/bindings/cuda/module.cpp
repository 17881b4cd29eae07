// The extension module of a device: hands its functions to the core. Importing it touches no
// driver, so that it imports everywhere; the core asks what is there.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "kernels/cuda/cublas.h"
#include "kernels/cuda/device.h"

namespace {

PyObject* device(PyObject*, PyObject*) {
  const fastnn::DeviceModule* module = &fastnn::kernels::cuda::device_module();
  return PyCapsule_New(const_cast<fastnn::DeviceModule*>(module), nullptr, nullptr);
}

PyObject* traffic(PyObject*, PyObject*) {
  const fastnn::kernels::cuda::Traffic t = fastnn::kernels::cuda::traffic();
  return Py_BuildValue("(LL)", static_cast<long long>(t.in), static_cast<long long>(t.out));
}

PyObject* replays(PyObject*, PyObject*) {
  const fastnn::kernels::cuda::Replays r = fastnn::kernels::cuda::replays();
  return Py_BuildValue("(LLLL)", static_cast<long long>(r.recordings),
                       static_cast<long long>(r.persistent), static_cast<long long>(r.calls),
                       static_cast<long long>(r.times));
}

PyObject* find_cublas(PyObject*, PyObject* folders) {
  const char* text = PyUnicode_AsUTF8(folders);
  if (!text) return nullptr;
  fastnn::kernels::cuda::set_cublas_folders(text);
  Py_RETURN_NONE;
}

PyObject* cublas(PyObject*, PyObject*) {
  bool there = false;
  const char* where = fastnn::kernels::cuda::cublas_description(&there);
  return Py_BuildValue("(Ns)", PyBool_FromLong(there), where);
}

PyObject* set_tf32(PyObject*, PyObject* on) {
  const int truth = PyObject_IsTrue(on);
  if (truth < 0) return nullptr;
  fastnn::kernels::cuda::set_tf32(truth != 0);
  Py_RETURN_NONE;
}

PyObject* set_persistent(PyObject*, PyObject* wanted) {
  const int is = PyObject_IsTrue(wanted);
  return is < 0 ? nullptr : PyBool_FromLong(fastnn::kernels::cuda::set_persistent(is != 0));
}

PyObject* why_not_persistent(PyObject*, PyObject*) {
  return PyUnicode_FromString(fastnn::kernels::cuda::why_not_persistent().c_str());
}

#ifdef FASTNN_EMULATED
PyObject* set_order(PyObject*, PyObject* order) {
  const long long wanted = PyLong_AsLongLong(order);
  if (wanted == -1 && PyErr_Occurred()) return nullptr;
  return PyLong_FromLongLong(fastnn::kernels::cuda::set_order(wanted));
}
#endif

PyObject* copy_rate(PyObject*, PyObject* bytes) {
  const long long size = PyLong_AsLongLong(bytes);
  if (size == -1 && PyErr_Occurred()) return nullptr;
  const double rate = fastnn::kernels::cuda::copy_rate(size);
  if (rate > 0) return PyFloat_FromDouble(rate);
  PyErr_Format(PyExc_MemoryError, "expected room for two arrays of %lld bytes", size);
  return nullptr;
}

PyMethodDef methods[] = {
    {"device", device, METH_NOARGS, "What fastnn._core.add_device takes."},
    {"traffic", traffic, METH_NOARGS, "Bytes copied so far, from the host and to it."},
    {"replays", replays, METH_NOARGS,
     "So far: steps recorded, those of them that are persistent, calls that replayed them, steps "
     "run "
     "by these."},
    {"find_cublas", find_cublas, METH_O, "Folders to look for cublasLt in, one a line."},
    {"cublas", cublas, METH_NOARGS, "Whether cublasLt is there; where, or why not. Loads it."},
    {"set_tf32", set_tf32, METH_O, "Whether large products of float32 may use TF32."},
    {"set_persistent", set_persistent, METH_O,
     "Whether steps recorded from now on may be persistent; returns what it was."},
    {"why_not_persistent", why_not_persistent, METH_NOARGS,
     "Why the step that was recorded last is not persistent; empty where it is."},
#ifdef FASTNN_EMULATED
    {"set_order", set_order, METH_O,
     "In which order the emulator's threads take turns: 0 forward, -1 backward, else any that the "
     "number stands for. Returns what it was."},
#endif
    {"copy_rate", copy_rate, METH_O,
     "Bytes a second, read and written, of copies of so many bytes within the device's memory."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "_cuda",
    "fastnn's kernels for NVIDIA GPUs.",
    -1,
    methods,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace

PyMODINIT_FUNC PyInit__cuda() { return PyModule_Create(&definition); }
