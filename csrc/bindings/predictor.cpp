// The Predictor.
#include "runtime/predictor.h"

#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/columns.h"
#include "bindings/fastcall.h"
#include "bindings/gil.h"
#include "bindings/register.h"
#include "bindings/signals.h"
#include "core/error.h"

namespace fastnn::bindings {
namespace {

using runtime::Column;
using runtime::Guard;
using runtime::Predictor;
using runtime::Program;

class PyPredictor {
 public:
  PyPredictor(std::shared_ptr<const Program> program, std::shared_ptr<Guard> guard, uint64_t seed)
      : predictor_(std::move(program), std::move(guard), seed) {}

  const Predictor& predictor() const { return predictor_; }
  py::object run(const Arrays& arrays, int64_t batch, bool check_finite);
  py::object call(const Arrays& arrays) {
    const int64_t rows = rows_of(arrays);
    return run(arrays, std::max<int64_t>(rows, 1), false);
  }
  py::object run_single(PyObject* x, int64_t most);

 private:
  struct Rows;
  bool take(PyObject* x, Rows* rows) const;

  Predictor predictor_;
  std::unique_ptr<Predictor::Single> ready_;  // of the last call; guarded by the GIL
};

// None where check_finite is set and a row holds a NaN or an infinity. The results lie where the
// arrays do.
py::object PyPredictor::run(const Arrays& arrays, int64_t batch, bool check_finite) {
  if (batch < 1) throw ValueError(str("batch_size: expected at least 1, got ", batch));
  std::vector<Column> columns = columns_of(arrays);
  int64_t rows = columns.empty() ? 0 : columns[0].rows;
  const Device* where = &host();
  for (const Column& c : columns)
    if (!c.device->is_host()) where = c.device;
  const Program& p = predictor_.program();
  std::vector<std::vector<int64_t>> shapes = predictor_.output_shapes(columns, rows);
  py::list out;
  std::vector<void*> pointers;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const DType t = p.output_types[i].dtype;
    if (where->is_host()) {
      py::array made = new_array(t, shapes[i]);
      pointers.push_back(made.mutable_data());
      out.append(std::move(made));
    } else {
      DeviceArray made = new_device_array(*where, t, shapes[i]);
      pointers.push_back(made.data);
      out.append(std::move(made));
    }
  }
  SignalPoll poll;
  bool finite = true;
  {
    WithoutGil unlocked;
    predictor_.run(columns, batch, pointers, *where, check_finite ? &finite : nullptr,
                   &SignalPoll::call, &poll);
  }
  if (poll.raised) throw py::error_already_set();
  if (!finite) return py::none();
  return std::move(out);
}

struct PyPredictor::Rows {
  const void* data;
  int64_t count, elements;
  std::vector<float> narrowed;
};

// Rows that lie as the program reads them, or a few of float64 where it reads float32.
bool PyPredictor::take(PyObject* x, Rows* rows) const {
  constexpr int flags = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  constexpr int64_t kFew = 4096;
  const Program& p = predictor_.program();
  if (!py::isinstance<py::array>(x) || p.input_types.size() != 1 || p.output_types.size() != 1)
    return false;
  const auto* a = py::detail::array_proxy(x);
  const Shape& want = p.input_types[0].shape;
  if ((a->flags & flags) != flags || static_cast<size_t>(a->nd) != want.size() || a->nd == 0 ||
      a->dimensions[0] == 0)
    return false;
  rows->count = rows->elements = a->dimensions[0];
  for (int d = 1; d < a->nd; ++d) {
    const Dim& length = want[static_cast<size_t>(d)];
    if (!length.is_number() || length.number() != a->dimensions[d]) return false;
    rows->elements *= a->dimensions[d];
  }
  rows->data = a->data;
  DType have;
  const DType wanted = p.input_types[0].dtype;
  if (!has_dtype(x, &have)) return false;
  if (have == wanted) return true;
  if (have != DType::f64 || wanted != DType::f32 || rows->elements > kFew) return false;
  const auto* wide = reinterpret_cast<const double*>(a->data);
  rows->narrowed.resize(static_cast<size_t>(rows->elements));
  std::transform(wide, wide + rows->elements, rows->narrowed.begin(),
                 [](double v) { return static_cast<float>(v); });
  rows->data = rows->narrowed.data();
  return true;
}

// None where there is more to it than one array in and one out.
py::object PyPredictor::run_single(PyObject* x, int64_t most) {
  Rows rows;
  if (!take(x, &rows) || rows.count > most) return py::none();
  std::unique_ptr<Predictor::Single> single = std::move(ready_);
  if (single && single->rows != rows.count) predictor_.give_back(std::move(single));
  if (!single) single = predictor_.take_single(rows.count);
  py::array out = new_array(predictor_.program().output_types[0].dtype, single->shape);
  void* to = py::detail::array_proxy(out.ptr())->data;
  Predictor::Done done = Predictor::Done::busy;
  if (single->brief) done = predictor_.run(single.get(), rows.data, rows.elements, to, false);
  if (done == Predictor::Done::busy) {
    WithoutGil unlocked;
    done = predictor_.run(single.get(), rows.data, rows.elements, to, true);
  }
  if (!ready_)
    ready_ = std::move(single);
  else  // another thread's call was done in the meantime
    predictor_.give_back(std::move(single));
  return done == Predictor::Done::yes ? py::object(std::move(out)) : py::none();
}

PyObject* call_single(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  return with_exceptions([&]() -> PyObject* {
    if (count < 1 || count > 2) throw TypeError(str("expected 1 or 2 arguments, got ", count));
    const Py_ssize_t most = count == 2 ? PyLong_AsSsize_t(args[1]) : PY_SSIZE_T_MAX;
    if (most == -1 && PyErr_Occurred()) throw py::error_already_set();
    return object_of<PyPredictor>(self)->run_single(args[0], most).release().ptr();
  });
}

}  // namespace

void register_predictor(py::module_& m) {
  py::class_<PyPredictor>(m, "Predictor", "Runs a program over rows, from any thread.")
      .def(py::init(
               [](const std::shared_ptr<Program>& p, std::shared_ptr<Guard> guard, uint64_t seed) {
                 return std::make_unique<PyPredictor>(p, std::move(guard), seed);
               }),
           py::arg("program"), py::arg("guard") = nullptr, py::arg("seed") = 0)
      .def("__call__", &PyPredictor::call, py::arg("columns"))
      .def("run", &PyPredictor::run, py::arg("columns"), py::arg("batch_size"),
           py::arg("check_finite") = false)
      .def_property_readonly("keeps_state",
                             [](const PyPredictor& p) { return p.predictor().keeps_state(); })
      .def_property_readonly(
          "fast",
          [](const py::object& self) {
            static PyMethodDef method = {
                "fast", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call_single)),
                METH_FASTCALL, nullptr};
            return py::reinterpret_steal<py::object>(PyCFunction_New(&method, self.ptr()));
          },
          "fast(x, most=...): one array's predictions.\n\nNone where there is more to it, as "
          "for more rows than `most`, and for NaN.");
}

}  // namespace fastnn::bindings
