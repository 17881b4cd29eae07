// The hook for tests and benchmarks of matmul: any table's kernel, on NumPy arrays as they lie.
#include <pybind11/stl.h>

#include <chrono>
#include <cstring>
#include <optional>

#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "bindings/register.h"
#include "core/error.h"
#include "core/fpmode.h"
#include "core/memory.h"
#include "core/thread_pool.h"
#include "kernels/matmul_pack.h"
#include "runtime/registry.h"

namespace fastnn::bindings {
namespace {

// A matrix, or a batch of them, whose rows lie anywhere and whose columns lie together.
struct Matrix {
  int64_t rows, cols, ld;
  std::vector<int64_t> shape, strides;  // of the batch, in elements
};

Matrix matrix_of(const py::array& x, DType dtype, const char* name) {
  DType t;
  if (!has_dtype(x, &t) || t != dtype || x.ndim() < 2 || x.ndim() > 2 + kernels::kMaxRank)
    throw ValueError(str(name, ": expected a matrix or a batch of them, of ", dtype_name(dtype)));
  const int64_t item = x.itemsize(), batch = x.ndim() - 2;
  Matrix m{x.shape(batch), x.shape(batch + 1), x.strides(batch) / item, {}, {}};
  if (x.size() == 0)
    m.ld = m.cols;  // NumPy's strides mean nothing here
  else if (m.cols > 1 && x.strides(batch + 1) != item)
    throw ValueError(str(name, ": expected columns that lie together"));
  for (int64_t d = 0; d < batch; ++d) {
    m.shape.push_back(x.shape(d));
    m.strides.push_back(x.strides(d) / item);
  }
  return m;
}

const void* vector_of(const std::optional<py::array>& x, DType dtype, int64_t size,
                      const char* name) {
  if (!x) return nullptr;
  DType t;
  if (!has_dtype(*x, &t) || t != dtype || !(x->flags() & py::array::c_style) || x->size() != size)
    throw ValueError(str(name, ": expected ", size, " contiguous ", dtype_name(dtype)));
  return x->data();
}

kernels::Epilogue epilogue_from(const std::string& name) {
  if (name == "none") return kernels::Epilogue::none;
  if (name == "relu") return kernels::Epilogue::relu;
  if (name == "relu_grad") return kernels::Epilogue::relu_grad;
  return kernels::Epilogue::tile;
}

void set_batch(kernels::MatmulArgs& g, const Matrix& c, const Matrix& a, const Matrix& b) {
  if (a.shape != c.shape || b.shape != c.shape)
    throw ValueError("expected the same batch shape of c, a and b (strides of 0 broadcast)");
  g.batch_rank = static_cast<int32_t>(c.shape.size());
  for (size_t d = 0; d < c.shape.size(); ++d) {
    g.batch_shape[d] = c.shape[d];
    g.batch_a[d] = a.strides[d], g.batch_b[d] = b.strides[d], g.batch_c[d] = c.strides[d];
  }
}

// Runs the kernel `repeat` times and returns the seconds that took.
double run(const kernels::Entry& entry, const void* args, const kernels::MatmulArgs& g, int threads,
           int64_t repeat) {
  constexpr int64_t kGuard = 64;
  const int64_t bytes =
      entry.workspace ? static_cast<int64_t>(entry.workspace(&g, threads)) : int64_t{0};
  Buffer workspace(bytes + kGuard);
  std::memset(workspace.data(), 0xff, static_cast<size_t>(bytes + kGuard));
  kernels::Status status{};
  const kernels::Context context = {parallel_for, nullptr, threads, workspace.data(),
                                    &status,      0,       0,       0};
  std::chrono::duration<double> seconds{};
  {
    WithoutGil unlocked;
    FpMode mode;
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < repeat; ++i) entry.run(args, &context);
    seconds = std::chrono::steady_clock::now() - start;
  }
  for (int64_t i = 0; i < kGuard; ++i)
    if (workspace.as<uint8_t>()[bytes + i] != 0xff)
      throw std::runtime_error("matmul wrote past the workspace it asked for");
  return seconds.count();
}

// op(B) as the table packs it, between bytes that it must leave alone.
Buffer packed_b(const kernels::Table& table, DType dtype, const kernels::MatmulArgs& g,
                int threads) {
  constexpr int64_t kGuard = 64;
  const kernels::Entry* entry = runtime::find_in(table, "matmul_pack", dtype);
  if (!entry) throw ValueError(str("the table has no matmul_pack of ", dtype_name(dtype)));
  const int64_t bytes = align_up(g.n, kernels::kPackedCols) * g.k * dtype_size(dtype);
  Buffer out(bytes + kGuard);
  std::memset(out.data(), 0xff, static_cast<size_t>(out.size()));
  const kernels::MatmulPackArgs args = {out.data(), g.b, g.n, g.k, g.ldb, g.trans_b};
  kernels::Context context{};
  context.parallel_for = parallel_for;
  context.threads = threads;
  entry->run(&args, &context);
  for (int64_t i = 0; i < kGuard; ++i)
    if (out.as<uint8_t>()[bytes + i] != 0xff)
      throw std::runtime_error("matmul_pack wrote past its result");
  return out;
}

double matmul(const std::string& table, py::array c, const py::array& a, const py::array& b,
              bool trans_a, bool trans_b, const std::optional<py::array>& bias,
              const std::optional<py::array>& aux, const std::string& epilogue,
              const std::optional<py::array>& colsum_b, int threads, int64_t repeat, bool packed) {
  DType dtype;
  if (!has_dtype(c, &dtype)) throw ValueError("c: expected one of fastnn's dtypes");
  const Matrix mc = matrix_of(c, dtype, "c"), ma = matrix_of(a, dtype, "a"),
               mb = matrix_of(b, dtype, "b");
  kernels::MatmulArgs g{};
  g.m = mc.rows, g.n = mc.cols, g.k = trans_a ? ma.rows : ma.cols;
  g.ldc = mc.ld, g.lda = ma.ld, g.ldb = mb.ld;
  if ((trans_a ? ma.cols : ma.rows) != g.m || (trans_b ? mb.rows : mb.cols) != g.n ||
      (trans_b ? mb.cols : mb.rows) != g.k)
    throw ValueError("expected c of shape (M, N), a of (M, K) and b of (K, N), or transposed");
  set_batch(g, mc, ma, mb);
  g.c = c.mutable_data(), g.a = a.data(), g.b = b.data();
  g.trans_a = trans_a, g.trans_b = trans_b;
  g.bias = vector_of(bias, dtype, g.n, "bias");
  g.epilogue = epilogue_from(epilogue);
  if (aux) {
    const Matrix mx = matrix_of(*aux, dtype, "aux");
    if (mx.rows != g.m || mx.cols != g.n || mx.strides != mc.strides)
      throw ValueError("aux: expected c's shape and batch strides");
    g.aux = aux->data();
    g.ldaux = mx.ld;
  }
  int64_t products = 1;
  for (int64_t extent : mc.shape) products *= extent;
  g.colsum_b = const_cast<void*>(vector_of(colsum_b, dtype, products * g.n, "colsum_b"));
  const kernels::Table& t = runtime::table_named(table);
  const kernels::Entry* entry = runtime::find_in(t, "matmul", dtype);
  if (!entry) throw ValueError(str("table '", table, "' has no matmul of ", dtype_name(dtype)));
  if (g.epilogue == kernels::Epilogue::tile) {
    const kernels::Entry* tile = runtime::find_in(t, epilogue, dtype);
    if (!tile || !tile->tile) throw ValueError("no tile '" + epilogue + "'");
    g.epilogue_tile = tile->tile;
  }
  if (!packed) return run(*entry, &g, g, threads, repeat);
  const Buffer b_packed = packed_b(t, dtype, g, threads);
  const kernels::PackedMatmulArgs args = {&g, b_packed.data()};
  return run(*runtime::find_in(t, "matmul_packed", dtype), &args, g, threads, repeat);
}

int64_t matmul_workspace(const std::string& table, py::handle dtype, int64_t m, int64_t n,
                         int64_t k, int threads) {
  const kernels::Entry* entry =
      runtime::find_in(runtime::table_named(table), "matmul", dtype_from(dtype));
  if (!entry) throw ValueError("table '" + table + "' has no matmul of this dtype");
  kernels::MatmulArgs g{};
  g.m = m, g.n = n, g.k = k;
  return entry->workspace ? static_cast<int64_t>(entry->workspace(&g, threads)) : 0;
}

}  // namespace

void register_testing_matmul(py::module_& testing) {
  testing.def("matmul", &matmul, py::arg("table"), py::arg("c"), py::arg("a"), py::arg("b"),
              py::kw_only(), py::arg("trans_a") = false, py::arg("trans_b") = false,
              py::arg("bias") = py::none(), py::arg("aux") = py::none(),
              py::arg("epilogue") = "none", py::arg("colsum_b") = py::none(),
              py::arg("threads") = 1, py::arg("repeat") = 1, py::arg("packed") = false,
              "c = epilogue(op(a) @ op(b) + bias) by a table's kernel; returns the seconds.");
  testing.def("matmul_workspace", &matmul_workspace, py::arg("table"), py::arg("dtype"),
              py::arg("m"), py::arg("n"), py::arg("k"), py::arg("threads"));
}

}  // namespace fastnn::bindings
