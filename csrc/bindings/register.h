// One function a topic; module.cpp is their table of contents.
#pragma once
#include <pybind11/pybind11.h>

namespace fastnn::bindings {

void register_device_array(pybind11::module_& m);
void register_errors(pybind11::module_& m);
void register_config(pybind11::module_& m);
void register_graph(pybind11::module_& m);
void register_variable(pybind11::module_& m);
void register_function(pybind11::module_& m);
void register_forest(pybind11::module_& m);
void register_forest_predictor(pybind11::module_& m);
void register_predictor(pybind11::module_& m);
void register_trainer(pybind11::module_& m);
void register_eager_matmul(pybind11::module_& m);
void register_eager_operation(pybind11::module_& m);
void register_eager_elementwise(pybind11::module_& m);
void register_random(pybind11::module_& m);
void register_cython(pybind11::module_& m);
void register_testing(pybind11::module_& m);
void register_testing_matmul(pybind11::module_& testing);

}  // namespace fastnn::bindings
