// Tensors of the graph, extents, and the op table.
#include <pybind11/operators.h>
#include <pybind11/stl.h>

#include <cstring>

#include "bindings/arrays.h"
#include "bindings/register.h"
#include "core/error.h"
#include "graph/build.h"
#include "graph/rewrite.h"

namespace fastnn::bindings {
namespace {

using graph::Attr;
using graph::Attrs;
using graph::Op;
using graph::SubGraph;
using graph::Value;
using graph::Values;
using graph::VariablePtr;

Dim dim_from(py::handle x) {
  if (py::isinstance<Dim>(x)) return x.cast<Dim>();
  if (x.is_none()) return named_extent("");
  if (py::isinstance<py::str>(x)) return named_extent(x.cast<std::string>());
  if (!PyIndex_Check(x.ptr()))
    throw TypeError("shape: expected whole numbers, names or None, got " +
                    std::string(py::str(py::repr(x))));
  auto n = x.cast<int64_t>();
  if (n < 0) throw ValueError(str("shape: expected dimensions of at least 0, got ", n));
  return n;
}

Shape shape_from(py::handle x) {
  Shape s;
  for (py::handle d : x) s.push_back(dim_from(d));
  return s;
}

py::object dim_to_python(const Dim& d) {
  if (d.is_number()) return py::int_(d.number());
  return py::cast(d);
}

py::tuple shape_to_python(const Shape& s) {
  py::tuple t(s.size());
  for (size_t i = 0; i < s.size(); ++i) t[i] = dim_to_python(s[i]);
  return t;
}

Attr attr_from(const std::string& type, py::handle x) {
  if (type == "int") return x.cast<int64_t>();
  if (type == "float") return x.cast<double>();
  if (type == "bool") return x.cast<bool>();
  if (type == "str") return x.cast<std::string>();
  if (type == "dtype") return dtype_from(x);
  if (type == "ints") return x.cast<std::vector<int64_t>>();
  if (type == "floats") return x.cast<std::vector<double>>();
  if (type == "shape") return shape_from(x);
  if (type == "variables") return x.cast<std::vector<VariablePtr>>();
  if (type == "graph") return std::shared_ptr<const SubGraph>(x.cast<std::shared_ptr<SubGraph>>());
  throw ValueError("attribute of type '" + type + "' cannot be given from Python");
}

graph::NodePtr make_from_python(const std::string& name, const Values& inputs,
                                const py::dict& given) {
  const Op& op = graph::find_op(name);
  Attrs attrs;
  for (const auto& spec : op.attrs) {
    if (!given.contains(spec.name.c_str()))
      throw ValueError("[" + name + "] missing attribute '" + spec.name + "'");
    attrs.set(spec.name, attr_from(spec.type, given[spec.name.c_str()]));
  }
  if (op.kind == graph::Kind::elementwise && name != "cast")
    return graph::elementwise(name, inputs, attrs).node;
  return graph::make_node(op, inputs, attrs);
}

Values outputs_of(const graph::NodePtr& n) {
  Values v;
  for (size_t i = 0; i < n->outputs.size(); ++i) v.push_back({n, static_cast<int32_t>(i)});
  return v;
}

// A reshape as NumPy spells it: one -1 stands for what is left.
Value reshape_to(const Value& x, const py::sequence& dims) {
  Shape shape;
  int open = -1;
  Dim known(1);
  for (size_t i = 0; i < dims.size(); ++i) {
    py::object d = dims[i];
    bool minus_one = py::isinstance<py::int_>(d) && d.cast<int64_t>() == -1;
    if (minus_one && open >= 0)
      throw ValueError("[reshape] expected at most one -1 in the shape, got several");
    if (minus_one) open = static_cast<int>(i);
    shape.push_back(minus_one ? Dim(1) : dim_from(d));
    known = known * shape.back();
  }
  if (open >= 0) {
    try {
      shape[static_cast<size_t>(open)] = exact_quotient(element_count(x.shape()), known);
    } catch (const std::invalid_argument& e) {
      throw ValueError("[reshape] " + std::string(e.what()) + ": shape " + shape_str(x.shape()));
    }
  }
  return graph::reshape(x, shape);
}

// An attribute as Python has it; a body and a variable as their own objects.
struct AttrToPython {
  py::object operator()(DType v) const { return py::cast(dtype_name(v)); }
  py::object operator()(const Shape& v) const { return shape_to_python(v); }
  py::object operator()(const std::shared_ptr<const graph::ConstantData>& v) const {
    std::vector<int64_t> shape;
    for (const Dim& d : v->type.shape) shape.push_back(d.number());
    py::array a = new_array(v->type.dtype, shape);
    if (!v->bytes.empty()) std::memcpy(a.mutable_data(), v->bytes.data(), v->bytes.size());
    return a;
  }
  py::object operator()(const std::shared_ptr<const SubGraph>& v) const {
    return py::cast(std::const_pointer_cast<SubGraph>(v));
  }
  template <class T>
  py::object operator()(const T& v) const {
    return py::cast(v);
  }
};

void register_dims(py::module_& m) {
  py::class_<Dim>(m, "Dim", "A dimension known at run time: a polynomial in named extents.")
      .def(py::init([](py::handle x) { return dim_from(x); }))
      .def(py::self + py::self)
      .def(py::self - py::self)
      .def(py::self * py::self)
      .def(py::self + int64_t())
      .def(py::self - int64_t())
      .def(py::self * int64_t())
      .def(int64_t() + py::self)
      .def(int64_t() - py::self)
      .def(int64_t() * py::self)
      .def("__floordiv__", [](const Dim& a, int64_t k) { return floordiv_dim(a, k); })
      .def(
          "__eq__", [](const Dim& a, const Dim& b) { return a == b; }, py::is_operator())
      .def(
          "__ne__", [](const Dim& a, const Dim& b) { return a != b; }, py::is_operator())
      .def("__hash__", [](const Dim& a) { return static_cast<int64_t>(a.hash() >> 1); })
      .def("__repr__", &Dim::str)
      .def("is_number", &Dim::is_number)
      .def("__int__", [](const Dim& a) {
        if (!a.is_number())
          throw ValueError("the length " + a.str() + " is known only at run time");
        return a.number();
      });
  py::implicitly_convertible<py::int_, Dim>();
}

void register_value(py::module_& m) {
  py::class_<Value>(m, "Value", "One output of a node of the graph.")
      .def_property_readonly("dims", [](const Value& v) { return shape_to_python(v.shape()); })
      .def_property_readonly("dtype", [](const Value& v) { return dtype_name(v.dtype()); })
      .def_property_readonly("ndim", &Value::rank)
      .def_property_readonly("op", [](const Value& v) { return v.node->op->name; })
      .def_property_readonly("id", [](const Value& v) { return v.node->id; })
      .def_property_readonly("index", [](const Value& v) { return v.index; })
      .def_property_readonly("inputs", [](const Value& v) { return v.node->inputs; })
      .def_property(
          "name", [](const Value& v) { return v.node->name; },
          [](const Value& v, const std::string& name) { v.node->name = name; })
      .def("attr",
           [](const Value& v, const std::string& key) {
             if (!v.node->attrs.has(key)) throw py::key_error(key);
             return graph::attr_str(v.node->attrs.items().at(key));
           })
      .def(
          "settings",
          [](const Value& v) {
            py::dict d;
            for (const auto& item : v.node->attrs.items())
              d[py::str(item.first)] = std::visit(AttrToPython{}, item.second);
            return d;
          },
          "The node's attributes, as Python objects.")
      .def("attrs",
           [](const Value& v) {
             py::dict d;
             for (const auto& item : v.node->attrs.items())
               d[py::str(item.first)] = graph::attr_str(item.second);
             return d;
           })
      .def(
          "__eq__", [](const Value& a, const Value& b) { return a == b; }, py::is_operator())
      .def("__hash__",
           [](const Value& v) { return v.node->id * 31 + static_cast<uint64_t>(v.index); })
      .def("__repr__", [](const Value& v) { return v.node->op->name + " " + v.type().str(); });

  py::class_<SubGraph, std::shared_ptr<SubGraph>>(m, "SubGraph",
                                                  "The body of a loop: parameters and outputs.")
      .def(py::init([](Values parameters, Values outputs) {
             auto g = std::make_shared<SubGraph>();
             g->parameters = std::move(parameters);
             g->outputs = std::move(outputs);
             return g;
           }),
           py::arg("parameters"), py::arg("outputs"))
      .def_readonly("parameters", &SubGraph::parameters)
      .def_readonly("outputs", &SubGraph::outputs);

  py::class_<graph::Node, graph::NodePtr>(m, "Effect", "A node that writes to variables.");
}

py::dict op_to_python(const Op& op) {
  py::dict d;
  d["name"] = op.name;
  d["min_inputs"] = op.min_inputs;
  d["max_inputs"] = op.max_inputs;
  py::list attrs, dtypes;
  for (const auto& a : op.attrs) attrs.append(py::make_tuple(a.name, a.type));
  for (DType t : op.dtypes) dtypes.append(dtype_name(t));
  d["attrs"] = attrs;
  d["dtypes"] = dtypes;
  d["elementwise"] = op.kind == graph::Kind::elementwise;
  d["leaf"] = op.kind == graph::Kind::leaf;
  d["differentiable"] = op.differentiable == graph::Differentiable::yes    ? "yes"
                        : op.differentiable == graph::Differentiable::zero ? "zero"
                                                                           : "never";
  d["second_order"] = op.second_order;
  d["doc"] = op.doc;
  return d;
}

void register_building(py::module_& m) {
  m.def("op_table", [] {
    py::list l;
    for (const Op& op : graph::op_table()) l.append(op_to_python(op));
    return l;
  });
  m.def(
      "make",
      [](const std::string& op, const Values& inputs, const py::dict& attrs) {
        return Value{make_from_python(op, inputs, attrs), 0};
      },
      py::arg("op"), py::arg("inputs"), py::arg("attrs") = py::dict());
  m.def(
      "make_all",
      [](const std::string& op, const Values& inputs, const py::dict& attrs) {
        return outputs_of(make_from_python(op, inputs, attrs));
      },
      py::arg("op"), py::arg("inputs"), py::arg("attrs") = py::dict());
  m.def(
      "make_effect",
      [](const std::string& op, const Values& inputs, const py::dict& attrs) {
        return make_from_python(op, inputs, attrs);
      },
      py::arg("op"), py::arg("inputs"), py::arg("attrs") = py::dict());
  m.def(
      "placeholder",
      [](py::handle dtype, py::handle shape, const std::string& name) {
        return graph::placeholder(dtype_from(dtype), shape_from(shape), name);
      },
      py::arg("dtype"), py::arg("shape"), py::arg("name") = "");
  m.def(
      "parameter",
      [](py::handle dtype, py::handle shape) {
        return graph::make("parameter", {},
                           {{"dtype", dtype_from(dtype)}, {"shape", shape_from(shape)}});
      },
      py::arg("dtype"), py::arg("shape"));
  m.def(
      "constant",
      [](py::handle x) {
        py::array a = as_array(x, "constant");
        DType t{};
        has_dtype(a, &t);
        auto shape = shape_of(a);
        return graph::constant({t, Shape(shape.begin(), shape.end())}, a.data());
      },
      py::arg("array"));
  m.def(
      "scalar", [](double v, py::handle dtype) { return graph::scalar(v, dtype_from(dtype)); },
      py::arg("value"), py::arg("dtype"));
  m.def("reshape", &reshape_to, py::arg("x"), py::arg("shape"));
  m.def(
      "cast", [](const Value& x, py::handle dtype) { return graph::cast(x, dtype_from(dtype)); },
      py::arg("x"), py::arg("dtype"));
  m.def(
      "matmul",
      [](const Value& a, const Value& b, bool ta, bool tb) { return graph::matmul(a, b, ta, tb); },
      py::arg("a"), py::arg("b"), py::arg("transpose_a"), py::arg("transpose_b"));
  m.def(
      "broadcast_to",
      [](const Value& x, py::handle shape) { return graph::broadcast_to(x, shape_from(shape)); },
      py::arg("x"), py::arg("shape"));
  m.def(
      "broadcast_shapes",
      [](py::handle a, py::handle b) {
        return shape_to_python(graph::broadcast_shapes(shape_from(a), shape_from(b)));
      },
      py::arg("a"), py::arg("b"));
  m.def(
      "extent_value",
      [](py::handle dim, py::handle dtype) {
        return graph::extent_value(dim_from(dim), dtype_from(dtype));
      },
      py::arg("dim"), py::arg("dtype"));
  m.def(
      "promote",
      [](py::handle a, py::handle b) {
        return dtype_name(graph::promote(dtype_from(a), dtype_from(b)));
      },
      py::arg("a"), py::arg("b"));
  m.def("gradients", &graph::gradients, py::arg("cost"), py::arg("wrt"));
  m.def("substitute", &graph::substitute, py::arg("roots"), py::arg("old"), py::arg("replacement"));
  m.def("rewrite", &graph::rewrite, py::arg("roots"));
  m.def(
      "topological_order",
      [](const Values& roots) {
        Values all;
        for (const auto& n : graph::topological_order(roots))
          for (const Value& v : outputs_of(n)) all.push_back(v);
        return all;
      },
      py::arg("roots"));
}

}  // namespace

void register_graph(py::module_& m) {
  register_dims(m);
  register_value(m);
  register_building(m);
}

}  // namespace fastnn::bindings
