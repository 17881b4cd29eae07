// Compiled functions: arrays in, arrays out.
#include "bindings/function.h"

#include <pybind11/stl.h>

#include "bindings/device_array.h"
#include "bindings/fastcall.h"
#include "bindings/gil.h"
#include "bindings/register.h"
#include "core/error.h"
#include "core/fpmode.h"
#include "graph/build.h"

namespace fastnn::bindings {

using graph::Values;
using runtime::Context;
using runtime::Program;
using runtime::RunInfo;

graph::Value value_from(py::handle x) {
  if (py::isinstance<graph::Value>(x)) return x.cast<graph::Value>();
  return x.attr("_value").cast<graph::Value>();
}

Values values_from(py::handle items) {
  Values v;
  for (py::handle x : items) v.push_back(value_from(x));
  return v;
}

runtime::Section section_from(py::handle spec) {
  auto t = py::reinterpret_borrow<py::tuple>(spec);
  runtime::Section s;
  s.name = t[0].cast<std::string>();
  s.outputs = values_from(t[1]);
  for (py::handle u : t[2]) {
    if (py::isinstance<graph::Node>(u)) {
      s.effects.push_back(u.cast<graph::NodePtr>());
      continue;
    }
    auto pair = py::reinterpret_borrow<py::tuple>(u);
    py::object target = pair[0];
    if (!py::isinstance<graph::Variable>(target)) target = target.attr("_storage");
    auto variable = target.cast<graph::VariablePtr>();
    s.updates.push_back({variable, graph::cast(value_from(pair[1]), variable->dtype())});
  }
  return s;
}

std::vector<runtime::Section> sections_from(const py::list& specs) {
  std::vector<runtime::Section> all;
  for (py::handle s : specs) all.push_back(section_from(s));
  return all;
}

const Device& device_called(const std::string& name) {
  return name.empty() ? default_device() : device_named(name);
}

// A context bound to inputs of certain shapes, with what is known of all runs with such.
struct Function::Bound {
  std::unique_ptr<Context> context;
  std::vector<std::vector<int64_t>> inputs, outputs;  // shapes
  std::vector<double> numbers;                        // where outputs that become scalars are put
  bool brief;                                         // not worth giving up the GIL for
};

namespace {

std::vector<int64_t> shape_in(const Extents& env, const Shape& shape) {
  std::vector<int64_t> numbers;
  for (const Dim& d : shape) numbers.push_back(d.eval(env));
  return numbers;
}

// What a call returns, filled in one by one.
class Results {
 public:
  Results(Function::Returns returns, size_t count)
      : returns_(returns),
        result_(returns == Function::Returns::one ? py::object() : py::list(count)) {}
  void set(size_t i, py::object value) {
    if (returns_ == Function::Returns::one)
      result_ = std::move(value);
    else
      PyList_SET_ITEM(result_.ptr(), static_cast<Py_ssize_t>(i), value.release().ptr());
  }
  PyObject* release() {
    return (returns_ == Function::Returns::nothing ? py::none() : std::move(result_))
        .release()
        .ptr();
  }

 private:
  Function::Returns returns_;
  py::object result_;
};

}  // namespace

Function::Function(const Values& inputs, const py::list& sections, runtime::Options options)
    : executable(Program::compile(inputs, sections_from(sections), options)) {
  const Program& p = executable.program();
  for (size_t i = 0; i < p.input_types.size(); ++i) {
    descrs_.push_back(descr_of(p.input_types[i].dtype));
    names_.push_back(p.input_names[i].empty() ? str("input ", i) : p.input_names[i]);
  }
}

Function::~Function() = default;

Function::Returns Function::returns_called(const std::string& name) {
  if (name == "list") return Returns::list;
  if (name == "one") return Returns::one;
  if (name == "nothing") return Returns::nothing;
  throw ValueError("returns: expected 'list', 'one' or 'nothing', got '" + name + "'");
}

PyObject* Function::call(PyObject* const* args, size_t count) {
  const Program& p = executable.program();
  if (count != p.input_types.size())
    throw TypeError(str("expected ", p.input_types.size(), " arguments, got ", count));
  if (!p.device().is_host()) return call_on_device(args);
  if (fits(args)) return run(std::move(ready_), args);
  return call_converted(args);
}

// Whether the arguments can be read as they are, with the shapes of the last call.
bool Function::fits(PyObject* const* args) const {
  if (!ready_) return false;
  for (size_t i = 0; i < descrs_.size(); ++i) {
    if (!lies_plain(args[i])) return false;
    const auto* a = py::detail::array_proxy(args[i]);
    const std::vector<int64_t>& shape = ready_->inputs[i];
    if (a->descr != descrs_[i] || static_cast<size_t>(a->nd) != shape.size()) return false;
    for (size_t d = 0; d < shape.size(); ++d)
      if (a->dimensions[d] != shape[d]) return false;
  }
  return true;
}

PyObject* Function::call_converted(PyObject* const* args) {
  const Program& p = executable.program();
  std::vector<py::array> arrays;
  std::vector<PyObject*> pointers;
  for (size_t i = 0; i < p.input_types.size(); ++i) {
    const DType t = p.input_types[i].dtype;
    arrays.push_back(is_plain(args[i], t) ? py::reinterpret_borrow<py::array>(args[i])
                                          : as_array(args[i], t, names_[i]));
    pointers.push_back(arrays.back().ptr());
  }
  if (fits(pointers.data())) return run(std::move(ready_), pointers.data());
  std::vector<std::vector<int64_t>> shapes;
  for (const py::array& a : arrays) shapes.push_back(shape_of(a));
  return run(bind(std::move(shapes)), pointers.data());
}

std::unique_ptr<Function::Bound> Function::bind(std::vector<std::vector<int64_t>> shapes) {
  std::unique_ptr<Bound> bound = std::move(ready_);
  if (bound && bound->inputs == shapes) return bound;
  if (bound)
    executable.release(std::move(bound->context));
  else
    bound = std::make_unique<Bound>();
  const Program& p = executable.program();
  bound->context = executable.acquire(p.extents_of(shapes));
  const Extents& env = bound->context->extents();
  bound->inputs = std::move(shapes);
  bound->outputs.clear();
  bound->numbers.resize(p.output_types.size());
  for (const graph::Type& t : p.output_types) bound->outputs.push_back(shape_in(env, t.shape));
  bound->brief = runtime::is_brief(p, env);
  return bound;
}

PyObject* Function::run(std::unique_ptr<Bound> bound, PyObject* const* arrays) {
  const Program& p = executable.program();
  Context* context = bound->context.get();
  context->refresh();
  for (size_t i = 0; i < bound->inputs.size(); ++i)
    context->set_input(static_cast<int>(i), py::detail::array_proxy(arrays[i])->data);
  Results results(returns, bound->outputs.size());
  for (size_t i = 0; i < bound->outputs.size(); ++i) {
    const std::vector<int64_t>& shape = bound->outputs[i];
    if (scalars && shape.empty()) {
      context->set_output(static_cast<int>(i), &bound->numbers[i]);
      continue;
    }
    py::array out = new_array(p.output_types[i].dtype, shape.data(), shape.size());
    context->set_output(static_cast<int>(i), py::detail::array_proxy(out.ptr())->data);
    results.set(i, std::move(out));
  }
  if (bound->brief) {
    run_sections(context);
  } else {
    WithoutGil unlocked;
    run_sections(context);
  }
  for (size_t i = 0; scalars && i < bound->outputs.size(); ++i)
    if (bound->outputs[i].empty())
      results.set(i, numpy_scalar(p.output_types[i].dtype, &bound->numbers[i]));
  if (!ready_)
    ready_ = std::move(bound);
  else  // another thread's call was done in the meantime
    executable.release(std::move(bound->context));
  return results.release();
}

void Function::run_sections(Context* context) {
  RunInfo info;
  info.seed = seed;
  info.step = step.fetch_add(1, std::memory_order_relaxed);
  FpMode mode;
  for (size_t s = 0; s < executable.program().sections.size(); ++s) context->run(s, info);
  context->finish();
}

// Arguments may lie there; then so do the results.
PyObject* Function::call_on_device(PyObject* const* args) {
  const Program& p = executable.program();
  std::vector<py::array> arrays(p.input_types.size());
  std::vector<std::optional<DeviceArray>> there(p.input_types.size());
  bool any_there = false;
  std::vector<std::vector<int64_t>> shapes;
  for (size_t i = 0; i < p.input_types.size(); ++i) {
    const DType t = p.input_types[i].dtype;
    if ((there[i] = device_array_from(args[i]))) {
      plain_data(*there[i], p.device(), t, names_[i]);
      any_there = true;
      shapes.push_back(there[i]->shape);
    } else {
      arrays[i] = as_array(args[i], t, names_[i]);
      shapes.push_back(shape_of(arrays[i]));
    }
  }
  std::unique_ptr<Context> context = executable.acquire(p.extents_of(shapes));
  for (size_t i = 0; i < arrays.size(); ++i)
    if (there[i])
      context->set_input(static_cast<int>(i), there[i]->data);
    else
      context->set_host_input(static_cast<int>(i), arrays[i].data());
  Results results(returns, p.output_types.size());
  for (size_t i = 0; i < p.output_types.size(); ++i) {
    std::vector<int64_t> shape = shape_in(context->extents(), p.output_types[i].shape);
    if (any_there) {
      DeviceArray out = new_device_array(p.device(), p.output_types[i].dtype, std::move(shape));
      context->set_output(static_cast<int>(i), out.data);
      results.set(i, py::cast(std::move(out)));
      continue;
    }
    py::array out = new_array(p.output_types[i].dtype, shape);
    context->set_host_output(static_cast<int>(i), out.mutable_data());
    results.set(i, std::move(out));
  }
  {
    WithoutGil unlocked;
    run_sections(context.get());
  }
  executable.release(std::move(context));
  return results.release();
}

namespace {

PyObject* call_function(PyObject* self, PyObject* args, PyObject* names) {
  return with_exceptions([&] {
    auto* f = object_of<Function>(self);
    if (!f) throw TypeError("__init__() of this function has not been called");
    if (names && PyDict_GET_SIZE(names) > 0)
      throw TypeError("expected arguments by position, got one by name");
    return f->call(&PyTuple_GET_ITEM(args, 0), static_cast<size_t>(PyTuple_GET_SIZE(args)));
  });
}

}  // namespace

void register_function(py::module_& m) {
  py::class_<Function, std::shared_ptr<Function>>(m, "Function",
                                                  "A compiled graph: arrays in, arrays out.",
                                                  py::custom_type_setup([](PyHeapTypeObject* type) {
                                                    // Without pybind11's dispatcher, which takes
                                                    // longer than a small program runs.
                                                    type->ht_type.tp_call = call_function;
                                                  }))
      .def(py::init([](const Values& inputs, const py::list& sections, uint64_t seed,
                       bool reuse_memory, bool poison, const std::string& device,
                       const std::string& returns, bool scalars) {
             auto f = std::make_shared<Function>(
                 inputs, sections, runtime::Options{reuse_memory, poison, &device_called(device)});
             f->seed = seed;
             f->returns = Function::returns_called(returns);
             f->scalars = scalars;
             return f;
           }),
           py::arg("inputs"), py::arg("sections"), py::arg("seed") = 0,
           py::arg("reuse_memory") = true, py::arg("poison") = false, py::arg("device") = "",
           py::arg("returns") = "list", py::arg("scalars") = false)
      .def_readwrite("seed", &Function::seed)
      .def(
          "set_step", [](Function& f, uint64_t step) { f.step = step; }, py::arg("step"))
      .def("plan",
           [](Function& f, const py::args& given) {
             const Program& p = f.executable.program();
             const auto shapes = given.cast<std::vector<std::vector<int64_t>>>();
             if (shapes.empty() && !p.input_types.empty()) return p.plan(nullptr);
             Extents env = p.extents_of(shapes);
             auto context = f.executable.acquire(env);
             std::string text =
                 p.plan(&env) + "arena: " + std::to_string(context->memory().arena) + " bytes\n";
             f.executable.release(std::move(context));
             return text;
           })
      .def("kernels", [](const Function& f) {
        std::vector<std::string> labels;
        for (const auto& c : f.executable.program().calls) labels.push_back(c->describe());
        return labels;
      });
}

}  // namespace fastnn::bindings
