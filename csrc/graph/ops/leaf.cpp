// Leaves: what a graph starts from.
#include "graph/build.h"

namespace fastnn::graph {

void add_leaf_ops(OpTable* table) {
  auto typed = [](const Values&, const Attrs& a) {
    return std::vector<Type>{{a.get<DType>("dtype"), a.get<Shape>("shape")}};
  };
  Op placeholder{"placeholder", Kind::leaf, 0, 0, {{"dtype", "dtype"}, {"shape", "shape"}}, typed};
  placeholder.doc = "A value given when the function is called.";
  table->push_back(placeholder);

  Op parameter{"parameter", Kind::leaf, 0, 0, {{"dtype", "dtype"}, {"shape", "shape"}}, typed};
  parameter.doc = "A parameter of a Loop's body.";
  table->push_back(parameter);

  Op variable{"variable", Kind::leaf, 0, 0, {{"variable", "variable"}}};
  variable.infer = [](const Values&, const Attrs& a) {
    const auto& v = a.get<VariablePtr>("variable");
    return std::vector<Type>{{v->dtype(), Shape(v->shape().begin(), v->shape().end())}};
  };
  variable.doc = "Storage that outlives the program.";
  table->push_back(variable);

  Op constant{"constant", Kind::leaf, 0, 0, {{"value", "array"}}};
  constant.infer = [](const Values&, const Attrs& a) {
    return std::vector<Type>{a.get<std::shared_ptr<const ConstantData>>("value")->type};
  };
  constant.doc = "An array that is part of the program.";
  table->push_back(constant);

  Op full{"full", Kind::fill, 0, 0, {{"shape", "shape"}, {"value", "float"}, {"dtype", "dtype"}},
          typed};
  full.doc = "An array filled with one number.";
  table->push_back(full);

  Op extent{"extent", Kind::extent, 0, 0, {{"extent", "shape"}, {"dtype", "dtype"}}};
  extent.infer = [](const Values&, const Attrs& a) {
    return std::vector<Type>{{a.get<DType>("dtype"), Shape{}}};
  };
  extent.doc = "The run-time length of an axis.";
  table->push_back(extent);
}

}  // namespace fastnn::graph
