// Pooling. The gradient of max pooling adds at the places that it found, average pooling's spreads
// evenly; both are linear, and their gradients are ops of this family again.
#include <stdexcept>

#include "graph/window.h"

namespace fastnn::graph {
namespace {

using Ints = std::vector<int64_t>;

std::vector<AttrSpec> pool_attrs() {
  return {{"size", "ints"}, {"strides", "ints"}, {"padding", "ints"}};
}

Attrs with(const Attrs& attrs, const Shape* shape = nullptr) {
  Attrs a;
  for (const AttrSpec& spec : pool_attrs()) a.set(spec.name, attrs.items().at(spec.name));
  if (shape) a.set("shape", *shape);
  return a;
}

Shape result_shape(const Shape& x, const Attrs& a) {
  Windows w = windows_of(a, a.get<Ints>("size"));
  for (size_t d = 0; d < w.size.size(); ++d)
    if (w.before[d] >= w.size[d] || w.after[d] >= w.size[d])
      throw std::invalid_argument(
          "expected less padding than a window's size, so that every window has an element, got " +
          std::to_string(w.before[d]) + " and " + std::to_string(w.after[d]) + " for " +
          std::to_string(w.size[d]));
  Shape out = window_counts(w, x);
  out.insert(out.begin(), x[0]);
  out.push_back(x.back());
  return out;
}

DType place_dtype(const Attrs& a) {
  int64_t count = 1;
  for (int64_t s : a.get<Ints>("size")) count *= s;
  return count <= 256 ? DType::u8 : DType::i32;
}

void check_places(const Value& places, const Attrs& a) {
  if (places.dtype() != place_dtype(a))
    throw std::invalid_argument(std::string("expected places of ") + dtype_name(place_dtype(a)) +
                                ", as max_pool gives, got " + places.type().str());
}

void check_shape(const Value& v, const Shape& expected, const char* what) {
  if (!may_equal(v.shape(), expected))
    throw std::invalid_argument(std::string("expected ") + what + " of shape " +
                                shape_str(expected) + ", got " + v.type().str());
}

std::vector<Type> infer_pool(const Values& in, const Attrs& a) {
  return {{in[0].dtype(), result_shape(in[0].shape(), a)}};
}

std::vector<Type> infer_pool_grad(const Values& in, const Attrs& a) {
  const Shape& x = a.get<Shape>("shape");
  check_shape(in[0], result_shape(x, a), "a gradient");
  return {{in[0].dtype(), x}};
}

Op pool_op(const char* name, int arity, Op::Infer infer, Op::Grad grad, const char* doc) {
  Op o{name, Kind::pooling, arity, arity, pool_attrs(), std::move(infer), std::move(grad)};
  o.dtypes = kFloats;
  o.doc = doc;
  return o;
}

Value scatter(const Value& g, const Value& places, const Attrs& a, const Shape& shape) {
  return make("max_pool_grad", {g, places}, with(a, &shape));
}

void add_max_pool(OpTable* t) {
  t->push_back(pool_op(
      "max_pool", 1,
      [](const Values& in, const Attrs& a) {
        Shape out = result_shape(in[0].shape(), a);
        return std::vector<Type>{{in[0].dtype(), out}, {place_dtype(a), out}};
      },
      [](const Node& n, const Values& g) {
        Value places = output_of(n);
        places.index = 1;
        return Values{scatter(g[0], places, n.attrs, n.inputs[0].shape())};
      },
      "the largest element of each window, and its place in the window"));

  Op grad = pool_op(
      "max_pool_grad", 2,
      [](const Values& in, const Attrs& a) {
        check_shape(in[1], result_shape(a.get<Shape>("shape"), a), "places");
        check_places(in[1], a);
        return infer_pool_grad(in, a);
      },
      [](const Node& n, const Values& g) {
        return Values{make("max_pool_take", {g[0], n.inputs[1]}, with(n.attrs)), Value{}};
      },
      "g added into zeros at the places that max_pool found");
  grad.attrs.push_back({"shape", "shape"});
  t->push_back(grad);

  t->push_back(pool_op(
      "max_pool_take", 2,
      [](const Values& in, const Attrs& a) {
        check_shape(in[1], result_shape(in[0].shape(), a), "places");
        check_places(in[1], a);
        return infer_pool(in, a);
      },
      [](const Node& n, const Values& g) {
        return Values{scatter(g[0], n.inputs[1], n.attrs, n.inputs[0].shape()), Value{}};
      },
      "the elements of x at the places that max_pool found"));
}

void add_average_pool(OpTable* t) {
  t->push_back(pool_op(
      "average_pool", 1, infer_pool,
      [](const Node& n, const Values& g) {
        return Values{make("average_pool_grad", {g[0]}, with(n.attrs, &n.inputs[0].shape()))};
      },
      "the mean of each window's elements inside x"));
  Op grad = pool_op(
      "average_pool_grad", 1, infer_pool_grad,
      [](const Node& n, const Values& g) {
        return Values{make("average_pool", {g[0]}, with(n.attrs))};
      },
      "each g spread evenly over the elements of its window");
  grad.attrs.push_back({"shape", "shape"});
  t->push_back(grad);
}

}  // namespace

void add_pooling_ops(OpTable* table) {
  add_max_pool(table);
  add_average_pool(table);
}

}  // namespace fastnn::graph
