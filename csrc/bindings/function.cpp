// Compiled functions: arrays in, arrays out.
#include "bindings/function.h"

#include <pybind11/stl.h>

#include "bindings/device_array.h"
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

Function::Function(const Values& inputs, const py::list& sections, runtime::Options options)
    : executable(Program::compile(inputs, sections_from(sections), options)) {}

py::list Function::call(const py::args& args) {
  const Program& p = executable.program();
  if (args.size() != p.input_types.size())
    throw TypeError(str("expected ", p.input_types.size(), " arguments, got ", args.size()));
  std::vector<py::array> arrays;
  std::vector<std::optional<DeviceArray>> there(p.device().is_host() ? 0 : args.size());
  bool any_there = false;
  std::vector<std::vector<int64_t>> shapes;
  arrays.reserve(args.size());
  shapes.reserve(args.size());
  for (size_t i = 0; i < args.size(); ++i) {
    const DType t = p.input_types[i].dtype;
    const auto what = [&] {
      return p.input_names[i].empty() ? str("input ", i) : p.input_names[i];
    };
    if (!there.empty() && (there[i] = device_array_from(args[i]))) {
      plain_data(*there[i], p.device(), t, what());
      any_there = true;
      arrays.emplace_back();
      shapes.push_back(there[i]->shape);
      continue;
    }
    arrays.push_back(is_plain(args[i], t) ? py::reinterpret_borrow<py::array>(args[i])
                                          : as_array(args[i], t, what()));
    shapes.push_back(shape_of(arrays.back()));
  }
  std::unique_ptr<Context> context = executable.acquire(p.extents_of(shapes));
  for (size_t i = 0; i < arrays.size(); ++i)
    if (any_there && there[i])
      context->set_input(static_cast<int>(i), there[i]->data);
    else
      context->set_host_input(static_cast<int>(i), arrays[i].data());
  py::list results;
  for (size_t i = 0; i < p.output_types.size(); ++i) {
    std::vector<int64_t> shape;
    for (const Dim& d : p.output_types[i].shape) shape.push_back(d.eval(context->extents()));
    if (any_there) {  // results lie where the arguments do
      DeviceArray out = new_device_array(p.device(), p.output_types[i].dtype, std::move(shape));
      context->set_output(static_cast<int>(i), out.data);
      results.append(std::move(out));
      continue;
    }
    py::array out = new_array(p.output_types[i].dtype, shape);
    context->set_host_output(static_cast<int>(i), out.mutable_data());
    results.append(out);
  }
  RunInfo info;
  info.seed = seed;
  info.step = step.fetch_add(1, std::memory_order_relaxed);
  {
    py::gil_scoped_release release;
    FpMode mode;
    for (size_t s = 0; s < p.sections.size(); ++s) context->run(s, info);
    context->finish();
  }
  executable.release(std::move(context));
  return results;
}

void register_function(py::module_& m) {
  py::class_<Function, std::shared_ptr<Function>>(m, "Function",
                                                  "A compiled graph: arrays in, arrays out.")
      .def(py::init([](const Values& inputs, const py::list& sections, uint64_t seed,
                       bool reuse_memory, bool poison, const std::string& device) {
             auto f = std::make_shared<Function>(
                 inputs, sections, runtime::Options{reuse_memory, poison, &device_called(device)});
             f->seed = seed;
             return f;
           }),
           py::arg("inputs"), py::arg("sections"), py::arg("seed") = 0,
           py::arg("reuse_memory") = true, py::arg("poison") = false, py::arg("device") = "")
      .def("__call__", &Function::call)
      .def_readwrite("seed", &Function::seed)
      .def(
          "set_step", [](Function& f, uint64_t step) { f.step = step; }, py::arg("step"))
      .def(
          "plan",
          [](Function& f, const std::vector<std::vector<int64_t>>& shapes) {
            const Program& p = f.executable.program();
            if (shapes.empty() && !p.input_types.empty()) return p.plan(nullptr);
            Extents env = p.extents_of(shapes);
            auto context = f.executable.acquire(env);
            std::string text =
                p.plan(&env) + "arena: " + std::to_string(context->memory().arena) + " bytes\n";
            f.executable.release(std::move(context));
            return text;
          },
          py::arg("shapes") = std::vector<std::vector<int64_t>>{})
      .def("kernels", [](const Function& f) {
        std::vector<std::string> labels;
        for (const auto& c : f.executable.program().calls) labels.push_back(c->describe());
        return labels;
      });
}

}  // namespace fastnn::bindings
