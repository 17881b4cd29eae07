// Elementwise ops on arrays that lie as the kernels read them: one call from Python to the kernel,
// without a graph. Anything else (tensors, lists, broadcasting, mixed dtypes, what is wrong) goes
// to the general way, a Python function.
#include <atomic>
#include <unordered_map>

#include "bindings/arrays.h"
#include "bindings/gil.h"
#include "bindings/register.h"
#include "core/fpmode.h"
#include "graph/build.h"
#include "runtime/fused.h"
#include "runtime/registry.h"

namespace fastnn::bindings {
namespace {

using py::detail::npy_api;
using runtime::Access;
using runtime::FusedArgs;
using runtime::FusedCode;
using runtime::Operand;

constexpr int kMaxInputs = 3, kDtypes = 6;
constexpr int64_t kKeepGil = 4096;  // elements: giving it up and taking it again costs as much

// One op for one dtype. No code where the table has no kernel of it.
struct Tile {
  bool known = false;
  FusedCode code{};
  py::dtype out;
};
// One op: the tiles of the table that was active when they were looked up.
struct Cached {
  const graph::Op* op = nullptr;  // null: not for the short way
  const kernels::Table* table = nullptr;
  size_t first_number =
      0;  // the input whose dtype is the kernel's: where() has a condition before it
  Tile tiles[kDtypes];
};

DType out_dtype(const graph::Op& op, DType t) {
  graph::Values in;
  for (int i = 0; i < op.min_inputs; ++i)
    in.push_back(graph::placeholder(i == 0 && op.name == "where" ? DType::b8 : t, {}, ""));
  return op.infer(in, {})[0].dtype;
}

void look_up(const graph::Op& op, DType t, Tile* tile) {
  tile->known = true;
  tile->code.length = 0;
  bool listed = op.name == "where" || op.dtypes.empty();
  for (DType d : op.dtypes) listed = listed || d == t;
  const kernels::Entry* entry = listed ? runtime::find_kernel(op.name, t).entry : nullptr;
  if (!entry || !entry->tile) return;
  const DType out = out_dtype(op, t);
  runtime::Instruction& instruction = tile->code.code[tile->code.length++];
  instruction = {entry->tile, nullptr, 0, op.min_inputs, {Operand::output, 0}, {}};
  for (int16_t i = 0; i < op.min_inputs; ++i) {
    instruction.in[i] = {Operand::input, i};
    tile->code.input_size[i] = dtype_size(i == 0 && op.name == "where" ? DType::b8 : t);
  }
  tile->code.inputs = op.min_inputs;
  tile->code.outputs = 1;
  tile->code.output_size[0] = dtype_size(out);
  tile->out = numpy_dtype(out);
}

// By the identity of its name, which code that spells it out has as one interned string for ever.
Cached* cached(PyObject* name) {
  static auto* ops = new std::unordered_map<PyObject*, Cached>();
  const auto found = ops->find(name);
  if (found != ops->end()) return &found->second;
  if (!PyUnicode_Check(name) || !PyUnicode_CHECK_INTERNED(name)) return nullptr;
  Py_INCREF(name);
  Cached* c = &(*ops)[name];
  const graph::Op& op = graph::find_op(py::handle(name).cast<std::string>());
  bool fits = op.kind == graph::Kind::elementwise && op.min_inputs == op.max_inputs &&
              op.min_inputs <= kMaxInputs && op.name != "cast" && op.attrs.size() <= kMaxInputs;
  for (const auto& attr : op.attrs) fits = fits && attr.type == "float";
  if (fits) c->op = &op;
  c->first_number = op.name == "where" ? 1 : 0;
  return c;
}

struct Inputs {
  PyObject* first = nullptr;  // an array that the others are like
  DType dtype = DType::f32;
  double numbers[kMaxInputs];  // as T, in place
  const void* data[kMaxInputs];
  Access access[kMaxInputs];
};

bool lies_well(PyObject* x) {
  constexpr int flags = py::array::c_style | npy_api::NPY_ARRAY_ALIGNED_;
  return Py_TYPE(x) == npy_api::get().PyArray_Type_ &&
         (py::detail::array_proxy(x)->flags & flags) == flags;
}

bool take_array(PyObject* x, bool condition, Inputs* in) {
  const auto* a = py::detail::array_proxy(x);
  DType t;
  if (!has_dtype(py::reinterpret_borrow<py::array>(x), &t)) return false;
  if (!in->first) {
    if (a->nd < 1 || a->nd > kernels::kMaxRank) return false;
    in->first = x;
  } else {
    const auto* b = py::detail::array_proxy(in->first);
    if (a->nd != b->nd) return false;
    for (int d = 0; d < a->nd; ++d)
      if (a->dimensions[d] != b->dimensions[d]) return false;
  }
  return condition ? t == DType::b8 : (in->dtype = t, true);
}

// False where something is not an array of the one shape and dtype, or a number beside floats.
bool take_inputs(const Cached& c, PyObject* const* args, Inputs* in) {
  const auto count = static_cast<size_t>(c.op->min_inputs);
  bool any_number = false, any_array = false;
  DType dtype = DType::f32;
  for (size_t i = 0; i < count; ++i) {
    PyObject* x = args[i];
    if (PyFloat_CheckExact(x) || PyLong_CheckExact(x)) {
      if (i < c.first_number) return false;
      in->numbers[i] = PyFloat_AsDouble(x);
      if (in->numbers[i] == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return false;
      }
      in->access[i] = Access::scalar;
      any_number = true;
      continue;
    }
    if (!lies_well(x) || !take_array(x, i < c.first_number, in)) return false;
    in->access[i] = Access::contiguous;
    in->data[i] = py::detail::array_proxy(x)->data;
    if (i < c.first_number) continue;
    if (any_array && in->dtype != dtype) return false;
    dtype = in->dtype;
    any_array = true;
  }
  in->dtype = dtype;
  if (!any_array || (any_number && !is_floating(dtype))) return false;
  for (size_t i = 0; any_number && i < count; ++i) {
    if (in->access[i] != Access::scalar) continue;
    if (dtype == DType::f32) {
      const auto narrow = static_cast<float>(in->numbers[i]);
      memcpy(&in->numbers[i], &narrow, sizeof narrow);
    }
    in->data[i] = &in->numbers[i];
  }
  return true;
}

// Attributes by keyword, in the order of the op's declaration.
bool take_params(const graph::Op& op, PyObject* const* values, PyObject* names, double* params) {
  const size_t given = names ? static_cast<size_t>(PyTuple_GET_SIZE(names)) : 0;
  if (given != op.attrs.size()) return false;
  for (size_t i = 0; i < given; ++i) {
    const char* name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, static_cast<Py_ssize_t>(i)));
    if (!name || op.attrs[i].name != name || !PyFloat_CheckExact(values[i])) return false;
    params[i] = PyFloat_AS_DOUBLE(values[i]);
  }
  return true;
}

void run(const FusedCode& code, const Inputs& in, void* out, int64_t n) {
  kernels::Status status{};
  kernels::Context kc = runtime::plain_context(&status);
  FpMode mode;
  bool contiguous = true;
  for (int i = 0; i < code.inputs; ++i)
    contiguous = contiguous && in.access[i] == Access::contiguous;
  if (contiguous && (n <= kKeepGil || kc.threads == 1))
    return code.code[0].tile(out, in.data, n, code.code[0].params);
  FusedArgs args;
  args.code = &code;
  args.n = n;
  args.rank = 1;
  args.out[0] = out;
  for (int i = 0; i < code.inputs; ++i) {
    args.in[i] = in.data[i];
    args.access[i] = in.access[i];
  }
  runtime::run_fused(&args, &kc);
}

// Null without an exception where the general way has to do it.
PyObject* short_way(PyObject* const* args, Py_ssize_t count, PyObject* names) {
  Cached* c = count >= 2 ? cached(args[0]) : nullptr;
  if (!c || !c->op || count != 1 + c->op->min_inputs) return nullptr;
  Inputs in;
  double params[kMaxInputs];
  if (!take_inputs(*c, args + 1, &in) || !take_params(*c->op, args + count, names, params))
    return nullptr;
  const kernels::Table* table = &runtime::active_table();
  if (c->table != table) {
    for (Tile& tile : c->tiles) tile.known = false;
    c->table = table;
  }
  Tile& tile = c->tiles[static_cast<int>(in.dtype)];
  if (!tile.known) look_up(*c->op, in.dtype, &tile);
  if (tile.code.length == 0) return nullptr;
  const auto* shape = py::detail::array_proxy(in.first);
  PyObject* out = npy_api::get().PyArray_NewFromDescr_(
      npy_api::get().PyArray_Type_, tile.out.inc_ref().ptr(), shape->nd, shape->dimensions, nullptr,
      nullptr, 0, nullptr);
  if (!out) throw py::error_already_set();
  const int64_t n = py::reinterpret_borrow<py::array>(out).size();
  void* data = py::detail::array_proxy(out)->data;
  FusedCode own;  // params are this call's
  const bool with_params = !c->op->attrs.empty();
  if (with_params) {
    own = tile.code;
    own.code[0].params = params;
  }
  const FusedCode& code = with_params ? own : tile.code;
  if (n <= kKeepGil) {
    run(code, in, data, n);
  } else {
    WithoutGil unlocked;
    run(code, in, data, n);
  }
  return out;
}

PyObject* elementwise(PyObject* general, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  try {
    if (PyObject* out = short_way(args, count, names)) return out;
  } catch (py::error_already_set& e) {
    e.restore();
    return nullptr;
  } catch (const std::exception&) {  // the general way says it in its own words
  }
  return PyObject_Vectorcall(general, args, static_cast<size_t>(count), names);
}

}  // namespace

void register_eager_elementwise(py::module_& m) {
  m.def(
      "elementwise",
      [](const py::function& general) {
        static PyMethodDef method = {
            "elementwise", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(elementwise)),
            METH_FASTCALL | METH_KEYWORDS, "An elementwise op of the table on tensors or arrays."};
        return py::reinterpret_steal<py::object>(PyCFunction_New(&method, general.ptr()));
      },
      py::arg("general"),
      "A function like `general` that takes the short way to the kernel where arrays allow it.");
}

}  // namespace fastnn::bindings
