// Random numbers, and checks and reading of arrays, outside of any graph.
#include <pybind11/stl.h>
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "bindings/register.h"
#include "core/error.h"
#include "core/fpmode.h"
#include "core/memory.h"
#include "runtime/registry.h"

namespace fastnn::bindings {
namespace {

const kernels::Entry& need(const std::string& id, DType t) {
  runtime::Found f = runtime::find_kernel(id, t);
  if (!f.entry) throw TypeError("there is no kernel '" + id + "' for " + dtype_name(t));
  return *f.entry;
}

void run(const kernels::Entry& entry, const void* args, kernels::Context* context) {
  size_t bytes = entry.workspace ? entry.workspace(args, context->threads) : 0;
  Buffer workspace(static_cast<int64_t>(bytes));
  context->workspace = workspace.data();
  WithoutGil unlocked;
  FpMode mode;
  entry.run(args, context);
}

py::array random(const std::string& kind, const std::vector<int64_t>& shape, py::handle dtype,
                 uint64_t seed, uint64_t stream, double a, double b) {
  DType t = dtype_from(dtype);
  const kernels::Entry& entry = need("random_" + kind, t);
  checked_size(shape.data(), static_cast<int>(shape.size()), dtype_size(t));
  py::array out = new_array(t, shape);
  union {
    float f;
    double d;
    int64_t i;
  } pa{}, pb{};
  if (t == DType::f64) {
    pa.d = a;
    pb.d = b;
  } else if (t == DType::i64) {
    pa.i = static_cast<int64_t>(a);
    pb.i = static_cast<int64_t>(b);
  } else {
    pa.f = static_cast<float>(a);
    pb.f = static_cast<float>(b);
  }
  kernels::RandomArgs args{out.mutable_data(), out.size(), stream, 0, &pa, &pb};
  kernels::Status status{};
  kernels::Context context = runtime::plain_context(&status);
  context.seed = seed;
  run(entry, &args, &context);
  return out;
}

int64_t first_nonfinite(py::handle x) {
  py::array a = as_array(x, "array");
  DType t{};
  has_dtype(a, &t);
  if (!is_floating(t)) return -1;
  int64_t found = -1;
  kernels::FiniteArgs args{&found, a.data(), a.size()};
  kernels::Status status{};
  kernels::Context context = runtime::plain_context(&status);
  run(need("first_nonfinite", t), &args, &context);
  return found;
}

// Waits, with the GIL released, until the memory of a contiguous array is there: in a file that is
// mapped, until it is read. False where the system does not do it, or the file has become shorter.
bool populate(const py::array& a) {
#if defined(__linux__)
  constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ, of Linux 5.14
  if (!(a.flags() & py::array::c_style)) throw ValueError("expected a contiguous array");
  if (a.nbytes() == 0) return true;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<uintptr_t>(a.data());
  const uintptr_t first = start / page * page;
  const size_t bytes = start + static_cast<size_t>(a.nbytes()) - first;
  WithoutGil unlocked;
  return madvise(reinterpret_cast<void*>(first), bytes, kPopulateRead) == 0;
#else
  (void)a;
  return false;
#endif
}

}  // namespace

void register_random(py::module_& m) {
  m.def("random", &random, py::arg("kind"), py::arg("shape"), py::arg("dtype"), py::arg("seed"),
        py::arg("stream"), py::arg("a"), py::arg("b"),
        "Philox numbers: kind is uniform, normal, truncated_normal, bernoulli or integer.");
  m.def("first_nonfinite", &first_nonfinite, py::arg("array"),
        "The flat index of the first NaN or infinity, or -1.");
  m.def("populate", &populate, py::arg("array"),
        "Waits until the memory of a contiguous array is there; False where it cannot.");
}

}  // namespace fastnn::bindings
