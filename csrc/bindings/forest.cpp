// Trees of a data set, and predictions for all their nodes.
#include "runtime/forest.h"

#include <pybind11/stl.h>

#include "bindings/arrays.h"
#include "bindings/register.h"
#include "bindings/signals.h"
#include "core/error.h"

namespace fastnn::bindings {
namespace {

using runtime::Forest;
using runtime::ForestPredictor;
using runtime::Guard;
using runtime::Program;

std::vector<int64_t> numbers(const py::object& x, const char* what) {
  const py::array a = as_array(x, DType::i64, what);
  const auto* data = static_cast<const int64_t*>(a.data());
  return {data, data + a.size()};
}

py::array array_of(const std::vector<int64_t>& v) {
  py::array out = new_array(DType::i64, {static_cast<int64_t>(v.size())});
  std::copy(v.begin(), v.end(), static_cast<int64_t*>(out.mutable_data()));
  return out;
}

py::dict lay_out(const Forest& forest, const py::object& chosen) {
  const std::vector<int64_t> order = numbers(chosen, "trees");
  for (int64_t tree : order)
    if (tree < 0 || tree >= forest.trees())
      throw IndexError(str("expected trees from 0 to ", forest.trees() - 1, ", got ", tree));
  runtime::Layout l;
  forest.lay_out(order.data(), 0, static_cast<int64_t>(order.size()), &l);
  py::dict d;
  d["words"] = array_of(l.words);
  d["labels"] = array_of(l.labels);
  d["left"] = array_of(l.left);
  d["right"] = array_of(l.right);
  d["counts"] = array_of(l.counts);
  d["places"] = array_of(l.places);
  return d;
}

std::vector<py::array> predict(ForestPredictor& predictor,
                               const std::shared_ptr<const Forest>& forest, int64_t batch) {
  if (batch < 1) throw ValueError(str("batch_size: expected at least 1, got ", batch));
  std::vector<py::array> out;
  std::vector<void*> pointers;
  const auto& types = predictor.program().output_types;
  for (const graph::Type& t : types) {
    std::vector<int64_t> shape = {forest->nodes()};
    for (size_t d = 1; d < t.shape.size(); ++d) shape.push_back(t.shape[d].number());
    out.push_back(new_array(t.dtype, shape));
    pointers.push_back(out.back().mutable_data());
  }
  SignalPoll poll;
  {
    WithoutGil unlocked;
    predictor.run(forest, batch, pointers, &SignalPoll::call, &poll);
  }
  if (poll.raised) throw py::error_already_set();
  return out;
}

}  // namespace

void register_forest(py::module_& m) {
  py::class_<Forest, std::shared_ptr<Forest>>(m, "Forest", "Trees of a data set, checked.")
      .def(
          py::init([](const py::object& leaves, const py::object& words, const py::object& children,
                      const py::object& labels, int64_t vocabulary, int64_t classes) {
            return std::make_shared<Forest>(
                runtime::TreeArrays{numbers(leaves, "leaves"), numbers(words, "words"),
                                    numbers(children, "children"), numbers(labels, "labels")},
                vocabulary, classes);
          }),
          py::arg("leaves"), py::arg("words"), py::arg("children"), py::arg("labels"),
          py::arg("vocabulary"), py::arg("classes"))
      .def("__len__", &Forest::trees)
      .def_property_readonly("nodes", &Forest::nodes, "Of all trees.")
      .def_property_readonly("nbytes", &Forest::bytes)
      .def("lay_out", &lay_out, py::arg("trees"), "A batch as the arrays that a program reads.");
}

void register_forest_predictor(py::module_& m) {
  py::class_<ForestPredictor>(m, "ForestPredictor", "Runs a program over all nodes of trees.")
      .def(py::init([](const std::shared_ptr<Program>& p, std::shared_ptr<Guard> guard) {
             return std::make_unique<ForestPredictor>(p, std::move(guard));
           }),
           py::arg("program"), py::arg("guard") = nullptr)
      .def("run", &predict, py::arg("forest"), py::arg("batch_size"));
}

}  // namespace fastnn::bindings
