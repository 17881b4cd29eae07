// The short ways for plain arrays: one kernel call without a graph. They return None where the
// arrays are not exactly what the kernel reads, and the general way takes over.
#include <pybind11/stl.h>

#include "bindings/arrays.h"
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

py::object matmul_now(py::handle x, py::handle y, bool ta, bool tb) {
  if (!py::isinstance<py::array>(x) || !py::isinstance<py::array>(y)) return py::none();
  auto a = py::reinterpret_borrow<py::array>(x), b = py::reinterpret_borrow<py::array>(y);
  DType t, u;
  if (a.ndim() != 2 || b.ndim() != 2 || !has_dtype(a, &t) || !is_floating(t) || !has_dtype(b, &u) ||
      t != u)
    return py::none();
  MatmulArgs args{};
  args.m = a.shape(ta ? 1 : 0);
  args.k = a.shape(ta ? 0 : 1);
  args.n = b.shape(tb ? 0 : 1);
  if (args.k != b.shape(tb ? 1 : 0)) return py::none();  // the general way says what is wrong
  constexpr int aligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
  if (!(a.flags() & b.flags() & aligned)) return py::none();
  int64_t item = dtype_size(t);
  if (!as_matrix(a, item, &ta, &args.lda) || !as_matrix(b, item, &tb, &args.ldb)) return py::none();
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
  kernels::Status status{};
  kernels::Context kc = runtime::plain_context(&status);
  constexpr int64_t kSmall = 64 * 64 * 64;
  if (args.m * args.n * args.k <= kSmall) {  // not worth giving up the GIL for
    kc.threads = 1;
    size_t bytes = entry->workspace ? entry->workspace(&args, 1) : 0;
    Buffer workspace(static_cast<int64_t>(bytes), Buffer::Fill::none);
    kc.workspace = workspace.data();
    FpMode mode;
    entry->run(&args, &kc);
    return c;
  }
  {
    WithoutGil unlocked;
    size_t bytes = entry->workspace ? entry->workspace(&args, kc.threads) : 0;
    static thread_local Buffer workspace;
    if (workspace.size() < static_cast<int64_t>(bytes))
      workspace = Buffer(static_cast<int64_t>(bytes), Buffer::Fill::none);
    kc.workspace = workspace.data();
    FpMode mode;
    entry->run(&args, &kc);
  }
  return c;
}

}  // namespace

void register_eager(py::module_& m) {
  m.def("matmul_now", &matmul_now, py::arg("a"), py::arg("b"), py::arg("transpose_a"),
        py::arg("transpose_b"), "The product of two plain matrices, or None for anything else.");
}

}  // namespace fastnn::bindings
