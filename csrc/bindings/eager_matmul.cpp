// Products of plain matrices: one kernel call without a graph. Where arrays are not exactly what
// the kernel reads, the general way takes over, a Python function.
#include "bindings/arrays.h"
#include "bindings/fastcall.h"
#include "bindings/gil.h"
#include "bindings/register.h"
#include "core/fpmode.h"
#include "core/memory.h"
#include "runtime/registry.h"

namespace fastnn::bindings {
namespace {

using kernels::Entry;
using kernels::MatmulArgs;

// The active table's entry, looked up once per table.
struct Cached {
  const char* id;
  DType dtype;
  const kernels::Table* table = nullptr;
  const Entry* entry = nullptr;
  const Entry* get() {
    const kernels::Table* now = &runtime::active_table();
    if (now != table) {
      entry = runtime::find_kernel(id, dtype).entry;
      table = now;
    }
    return entry;
  }
};

// A matrix as the kernel reads it: unit stride along one axis. False where it has none.
bool as_matrix(const py::array& x, int64_t item, bool* transposed, int64_t* leading) {
  int64_t rows = x.shape(0), cols = x.shape(1);
  int64_t s0 = x.strides(0), s1 = x.strides(1);
  if ((s1 == item || cols == 1) && s0 >= item * cols && s0 % item == 0) {
    *leading = s0 / item;
    return true;
  }
  if ((s0 == item || rows == 1) && s1 >= item * rows && s1 % item == 0) {
    *transposed = !*transposed;
    *leading = s1 / item;
    return true;
  }
  return false;
}

// On all threads if threads is 0.
void run(const Entry& entry, const MatmulArgs& args, int32_t threads) {
  static thread_local Buffer workspace;
  kernels::Status status{};
  kernels::Context kc = runtime::plain_context(&status);
  if (threads > 0) kc.threads = threads;
  const size_t bytes = entry.workspace ? entry.workspace(&args, kc.threads) : 0;
  if (workspace.size() < static_cast<int64_t>(bytes))
    workspace = Buffer(static_cast<int64_t>(bytes), Buffer::Fill::none);
  kc.workspace = workspace.data();
  FpMode mode;
  entry.run(&args, &kc);
}

// Null without an exception where the general way has to do it, and to say what is wrong.
PyObject* short_way(PyObject* x, PyObject* y, bool ta, bool tb) {
  if (!py::isinstance<py::array>(x) || !py::isinstance<py::array>(y)) return nullptr;
  auto a = py::reinterpret_borrow<py::array>(x), b = py::reinterpret_borrow<py::array>(y);
  DType t, u;
  if (a.ndim() != 2 || b.ndim() != 2 || !has_dtype(a, &t) || !is_floating(t) || !has_dtype(b, &u) ||
      t != u)
    return nullptr;
  MatmulArgs args{};
  args.m = a.shape(ta ? 1 : 0);
  args.k = a.shape(ta ? 0 : 1);
  args.n = b.shape(tb ? 0 : 1);
  if (args.k != b.shape(tb ? 1 : 0)) return nullptr;
  constexpr int aligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  if (!(a.flags() & b.flags() & aligned)) return nullptr;
  int64_t item = dtype_size(t);
  if (!as_matrix(a, item, &ta, &args.lda) || !as_matrix(b, item, &tb, &args.ldb)) return nullptr;
  static Cached f32{"matmul", DType::f32}, f64{"matmul", DType::f64};
  const Entry* entry = (t == DType::f32 ? f32 : f64).get();
  const int64_t shape[] = {args.m, args.n};
  py::array c = new_array(t, shape, 2);
  args.a = a.data();
  args.b = b.data();
  args.c = c.mutable_data();
  args.ldc = args.n;
  args.trans_a = ta;
  args.trans_b = tb;
  constexpr int64_t kSmall = 64 * 64 * 64;
  if (args.m * args.n * args.k <= kSmall) {  // not worth giving up the GIL for
    run(*entry, args, 1);
  } else {
    WithoutGil unlocked;
    run(*entry, args, 0);
  }
  return c.release().ptr();
}

// (a, b, transpose_a, transpose_b).
PyObject* matmul(PyObject* general, PyObject* const* args, Py_ssize_t count) {
  return with_exceptions([&] {
    if (count == 4 && PyBool_Check(args[2]) && PyBool_Check(args[3]))
      if (PyObject* c = short_way(args[0], args[1], args[2] == Py_True, args[3] == Py_True))
        return c;
    return PyObject_Vectorcall(general, args, static_cast<size_t>(count), nullptr);
  });
}

}  // namespace

void register_eager_matmul(py::module_& m) {
  m.def(
      "eager_matmul",
      [](const py::object& general) {
        static PyMethodDef method = {
            "matmul", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(matmul)),
            METH_FASTCALL, "The product of two matrices."};
        return py::reinterpret_steal<py::object>(PyCFunction_New(&method, general.ptr()));
      },
      py::arg("general"),
      "A function like `general` that takes the short way to the kernel for plain matrices.");
}

}  // namespace fastnn::bindings
