#include <pybind11/pybind11.h>

#include "bindings/register.h"

PYBIND11_MODULE(_core, m) {
  using namespace fastnn::bindings;
  m.doc() = "The compiled core of fastnn: graph, programs, kernels.";
  register_errors(m);
  register_config(m);
  register_device_array(m);
  register_graph(m);
  register_variable(m);
  register_function(m);
  register_forest(m);
  register_trainer(m);
  register_predictor(m);
  register_forest_predictor(m);
  register_eager_matmul(m);
  register_eager_operation(m);
  register_eager_elementwise(m);
  register_random(m);
  register_cython(m);
  register_testing(m);
}
