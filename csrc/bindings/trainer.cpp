// Programs and the Trainer.
#include "runtime/trainer.h"

#include <pybind11/stl.h>

#include "bindings/columns.h"
#include "bindings/function.h"
#include "bindings/register.h"
#include "bindings/signals.h"
#include "core/error.h"
#include "core/fpmode.h"
#include "runtime/forest.h"
#include "runtime/profile.h"

namespace fastnn::bindings {
namespace {

using runtime::Column;
using runtime::Forest;
using runtime::Guard;
using runtime::Program;
using runtime::Trainer;

std::vector<int64_t> numbers(const char* name, const py::array_t<int64_t>& given) {
  if (given.ndim() != 1) throw ValueError(str(name, ": expected one axis, got ", given.ndim()));
  auto number = given.unchecked<1>();
  std::vector<int64_t> found(static_cast<size_t>(given.shape(0)));
  for (py::ssize_t i = 0; i < given.shape(0); ++i) found[static_cast<size_t>(i)] = number(i);
  return found;
}

// A Trainer with the arrays it reads kept alive.
struct PyTrainer {
  PyTrainer(std::shared_ptr<const Program> program, const Trainer::Every& every,
            std::shared_ptr<Guard> guard)
      : trainer(std::move(program), every, std::move(guard)) {}

  void begin(const Arrays& arrays, int64_t batch, bool shuffle, uint64_t seed, uint64_t pass,
             uint64_t step, int64_t row) {
    trainer.begin(columns_of(arrays), batch, shuffle, seed, {pass, step, row});
    kept = arrays;
  }

  void begin_trees(std::shared_ptr<const Forest> forest, int64_t batch, bool shuffle, uint64_t seed,
                   uint64_t pass, uint64_t step, int64_t row) {
    trainer.begin(std::make_unique<runtime::ForestSource>(trainer.program(), std::move(forest)),
                  batch, shuffle, seed, {pass, step, row});
    kept.clear();
  }

  void begin_in_order(const Arrays& arrays, int64_t batch, const py::array_t<int64_t>& order,
                      uint64_t seed) {
    trainer.begin(columns_of(arrays), batch, numbers("order", order), seed,
                  {0, trainer.position().step, 0});
    kept = arrays;
  }

  void begin_rows(const Arrays& arrays, int64_t batch, const py::array_t<int64_t>& rows,
                  uint64_t seed, uint64_t step, int64_t row) {
    trainer.begin_rows(columns_of(arrays), batch, numbers("rows", rows), seed, {0, step, row});
    kept = arrays;
  }

  int64_t run(int64_t max_steps, double max_seconds) {
    SignalPoll poll;
    int64_t done;
    {
      WithoutGil unlocked;
      done = trainer.run(max_steps, max_seconds, &SignalPoll::call, &poll);
    }
    if (poll.raised) throw py::error_already_set();
    return done;
  }

  void end() {
    trainer.end();
    if (!trainer.holding()) kept.clear();
  }

  void release() {
    trainer.release();
    if (!trainer.active()) kept.clear();
  }

  void run_batch(const Arrays& arrays, uint64_t seed, uint64_t step) {
    const int64_t rows = rows_of(arrays);
    begin(arrays, std::max<int64_t>(rows, 1), false, seed, 0, step, 0);
    struct End {
      PyTrainer* t;
      ~End() { t->end(); }
    } end_at_exit{this};
    run(1, 1e30);
  }

  py::dict plan(const Arrays& arrays, int64_t batch) {
    runtime::StepPlan p = trainer.plan(columns_of(arrays), batch);
    py::dict memory;
    memory["variables"] = p.memory.variables;
    memory["constants"] = p.memory.constants;
    memory["intermediate values"] = p.memory.arena;
    memory["workspace"] = p.memory.workspace;
    memory["arguments"] = p.memory.arguments;
    memory["batch"] = p.batch_buffers;
    py::dict result;
    result["text"] = p.text;
    result["memory"] = memory;
    return result;
  }

  py::dict profile(const Arrays& arrays, int64_t batch, uint64_t seed) {
    std::vector<Column> columns = columns_of(arrays);
    runtime::StepProfile p;
    {
      WithoutGil unlocked;
      p = trainer.profile(std::move(columns), batch, seed);
    }
    py::list calls;
    for (const runtime::CallTime& c : p.calls) {
      py::dict d;
      d["section"] = c.section;
      d["kernel"] = c.kernel;
      d["table"] = c.table;
      d["seconds"] = c.seconds;
      d["flops"] = c.flops;
      d["bytes"] = c.bytes;
      calls.append(d);
    }
    py::dict result;
    result["calls"] = calls;
    result["gather_seconds"] = p.gather_seconds;
    result["step_seconds"] = p.step_seconds;
    result["batch"] = p.batch;
    result["arena_bytes"] = p.arena_bytes;
    return result;
  }

  Trainer trainer;
  Arrays kept;
};

}  // namespace

void register_trainer(py::module_& m) {
  py::class_<Guard, std::shared_ptr<Guard>>(m, "Guard", "Keeps predictions off half-made updates.")
      .def(py::init<>());

  py::class_<Program, std::shared_ptr<Program>>(m, "Program", "Compiled sections.")
      .def(py::init([](py::handle inputs, const py::list& sections, bool reuse_memory, bool poison,
                       const std::string& device) {
             return Program::compile(values_from(inputs), sections_from(sections),
                                     {reuse_memory, poison, &device_called(device)});
           }),
           py::arg("inputs"), py::arg("sections"), py::arg("reuse_memory") = true,
           py::arg("poison") = false, py::arg("device") = "")
      .def(
          "plan",
          [](const Program& p, const std::vector<std::vector<int64_t>>& shapes) {
            if (shapes.empty()) return p.plan(nullptr);
            Extents env = p.extents_of(shapes);
            return p.plan(&env);
          },
          py::arg("shapes") = std::vector<std::vector<int64_t>>{})
      .def("kernels", [](const Program& p) {
        std::vector<std::string> labels;
        for (const auto& c : p.calls) labels.push_back(c->describe());
        return labels;
      });

  py::class_<PyTrainer>(m, "Trainer", "Runs the steps of a training program over columns.")
      .def(py::init([](const std::shared_ptr<Program>& p, const Trainer::Every& every,
                       std::shared_ptr<Guard> guard) {
             return std::make_unique<PyTrainer>(p, every, std::move(guard));
           }),
           py::arg("program"), py::arg("every") = Trainer::Every{}, py::arg("guard") = nullptr)
      .def("begin", &PyTrainer::begin, py::arg("columns"), py::arg("batch_size"),
           py::arg("shuffle"), py::arg("seed"), py::arg("pass_number") = 0, py::arg("step") = 0,
           py::arg("row") = 0)
      .def("begin", &PyTrainer::begin_trees, py::arg("forest"), py::arg("batch_size"),
           py::arg("shuffle"), py::arg("seed"), py::arg("pass_number") = 0, py::arg("step") = 0,
           py::arg("row") = 0)
      .def("begin_in_order", &PyTrainer::begin_in_order, py::arg("columns"), py::arg("batch_size"),
           py::arg("order").noconvert(), py::arg("seed"))
      .def("begin_rows", &PyTrainer::begin_rows, py::arg("columns"), py::arg("batch_size"),
           py::arg("rows").noconvert(), py::arg("seed"), py::arg("step"), py::arg("row"))
      .def("run", &PyTrainer::run, py::arg("max_steps"), py::arg("max_seconds"))
      .def("end", &PyTrainer::end)
      .def(
          "hold", [](PyTrainer& t) { t.trainer.hold(); },
          "Keeps columns, where they were brought to, over passes until release().")
      .def("release", &PyTrainer::release)
      .def("run_batch", &PyTrainer::run_batch, py::arg("columns"), py::arg("seed"),
           py::arg("step") = 0)
      .def_property_readonly(
          "step", [](const PyTrainer& t) { return t.trainer.position().step; },
          "The number of the next step.")
      .def_property_readonly(
          "row", [](const PyTrainer& t) { return t.trainer.position().row; },
          "The next row of the pass.")
      .def("profile", &PyTrainer::profile, py::arg("columns"), py::arg("batch_size"),
           py::arg("seed"))
      .def("plan", &PyTrainer::plan, py::arg("columns"), py::arg("batch_size"));

  m.def("measure_peak", [] {
    runtime::MachinePeak p = runtime::measure_peak();
    py::dict d;
    d["flops_float32"] = p.flops_f32;
    d["flops_float64"] = p.flops_f64;
    d["bytes_l1"] = p.bytes_l1;
    d["bytes_l2"] = p.bytes_l2;
    d["bytes_memory"] = p.bytes_memory;
    return d;
  });
}

}  // namespace fastnn::bindings
