// Hooks for tests: any kernel of any table, on NumPy arrays.
#include <pybind11/stl.h>

#include "bindings/arrays.h"
#include "bindings/register.h"
#include "core/error.h"
#include "core/fpmode.h"
#include "runtime/registry.h"

namespace fastnn::bindings {
namespace {

// (id, dtype, "kernel" or "tile") of every entry of a table.
py::list entries(const std::string& table) {
  py::list l;
  const kernels::Table& t = runtime::table_named(table);
  for (int32_t i = 0; i < t.size; ++i)
    for (int32_t k = 0; k < t.lists[i].size; ++k) {
      const kernels::Entry& e = t.lists[i].entries[k];
      l.append(py::make_tuple(e.id, dtype_name(e.dtype), e.tile ? "tile" : "kernel"));
    }
  return l;
}

// Runs a tile on contiguous arrays; out's dtype is the caller's business, as in the op table.
void tile(const std::string& table, const std::string& id, py::handle dtype, py::array out,
          const std::vector<py::array>& in, const std::vector<double>& params) {
  const kernels::Entry* e = runtime::find_in(runtime::table_named(table), id, dtype_from(dtype));
  if (!e || !e->tile) throw ValueError("table '" + table + "' has no tile '" + id + "'");
  const void* pointers[3] = {};
  for (size_t i = 0; i < in.size() && i < 3; ++i) {
    if (!(in[i].flags() & py::array::c_style) || in[i].size() != out.size())
      throw ValueError(str("expected contiguous inputs of ", out.size(), " elements"));
    pointers[i] = in[i].data();
  }
  void* to = out.mutable_data();
  int64_t n = out.size();
  py::gil_scoped_release release;
  FpMode mode;
  e->tile(to, pointers, n, params.data());
}

}  // namespace

void register_testing(py::module_& m) {
  py::module_ t = m.def_submodule("testing", "Hooks for tests: any kernel of any table.");
  t.def("entries", &entries, py::arg("table"));
  t.def("tile", &tile, py::arg("table"), py::arg("id"), py::arg("dtype"), py::arg("out"),
        py::arg("inputs"), py::arg("params") = std::vector<double>{});
  register_testing_matmul(t);
}

}  // namespace fastnn::bindings
