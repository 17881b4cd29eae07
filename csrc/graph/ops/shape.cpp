// Moving without computing: views, concatenation, slices and their gradients.
#include <algorithm>
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

using Ints = std::vector<int64_t>;

Op view_op(const char* name, std::vector<AttrSpec> attrs, Op::Infer infer, Op::Grad grad,
           const char* doc) {
  Op o{name, Kind::view, 1, 1, std::move(attrs), std::move(infer), std::move(grad)};
  o.dtypes = kAll;
  o.flops = 0;
  o.doc = doc;
  return o;
}

std::vector<Type> infer_reshape(const Values& in, const Attrs& a) {
  const Shape& to = a.get<Shape>("shape");
  Dim from = element_count(in[0].shape()), count = element_count(to);
  if (from != count && from.is_number() && count.is_number())
    throw std::invalid_argument("cannot reshape " + shape_str(in[0].shape()) + " (" + from.str() +
                                " elements) into " + shape_str(to));
  return {{in[0].dtype(), to}};
}

std::vector<Type> infer_transpose(const Values& in, const Attrs& a) {
  Ints axes = normalize_axes(a.get<Ints>("axes"), in[0].rank(), "axis");
  if (axes.size() != in[0].shape().size())
    throw std::invalid_argument("expected " + std::to_string(in[0].rank()) + " axes, got " +
                                std::to_string(axes.size()));
  Shape out;
  for (int64_t i : axes) out.push_back(in[0].shape()[static_cast<size_t>(i)]);
  return {{in[0].dtype(), out}};
}

Values transpose_gradient(const Node& n, const Values& g) {
  Ints axes = normalize_axes(n.attrs.get<Ints>("axes"), n.inputs[0].rank(), "axis");
  Ints inverse(axes.size());
  for (size_t i = 0; i < axes.size(); ++i)
    inverse[static_cast<size_t>(axes[i])] = static_cast<int64_t>(i);
  return {transpose(g[0], inverse)};
}

std::vector<Type> infer_broadcast_to(const Values& in, const Attrs& a) {
  const Shape &from = in[0].shape(), &to = a.get<Shape>("shape");
  bool fits = from.size() <= to.size();
  for (size_t i = 0; fits && i < from.size(); ++i) {
    const Dim &f = from[i], &t = to[i + to.size() - from.size()];
    fits = f == t || !f.is_number() || !t.is_number() || f.number() == 1;
  }
  if (!fits)
    throw std::invalid_argument("cannot broadcast " + shape_str(from) + " to " + shape_str(to));
  return {{in[0].dtype(), to}};
}

// slice: begin (may be open: n - 1), step and size for each axis.
std::vector<AttrSpec> slice_attrs() {
  return {{"begin", "shape"}, {"step", "ints"}, {"size", "shape"}};
}

}  // namespace

void check_slice(const Shape& shape, const Attrs& attrs) {
  const Shape &begin = attrs.get<Shape>("begin"), &size = attrs.get<Shape>("size");
  const Ints& step = attrs.get<Ints>("step");
  for (size_t i = 0; i < shape.size(); ++i) {
    Dim last = begin[i] + Dim(step[i]) * (size[i] - Dim(1));
    if (step[i] == 0) throw std::invalid_argument("expected steps other than 0, got 0");
    if (size[i].is_number() && size[i].number() <= 0) {
      if (size[i].number() == 0) continue;
      throw std::invalid_argument("expected sizes of at least 0, got " + size[i].str());
    }
    for (const Dim& at : {begin[i], last}) {
      bool below = at.is_number() && at.number() < 0 && size[i].is_number();
      Dim room = shape[i] - at;
      bool above = room.is_number() && room.number() <= 0 && size[i].is_number();
      if (below || above)
        throw std::invalid_argument("element " + at.str() + " is out of bounds for an axis of " +
                                    shape[i].str());
    }
  }
}

namespace {

std::vector<Type> infer_slice(const Values& in, const Attrs& a) {
  const Shape& size = a.get<Shape>("size");
  if (size.size() != in[0].shape().size() || a.get<Shape>("begin").size() != size.size() ||
      a.get<Ints>("step").size() != size.size())
    throw std::invalid_argument("expected begin, step and size for each of " +
                                std::to_string(in[0].rank()) + " axes");
  check_slice(in[0].shape(), a);
  return {{in[0].dtype(), size}};
}

std::vector<Type> infer_unslice(const Values& in, const Attrs& a) {
  const Shape &size = a.get<Shape>("size"), &shape = a.get<Shape>("shape");
  if (!may_equal(in[0].shape(), size) || size.size() != shape.size())
    throw std::invalid_argument("expected shape " + shape_str(size) + ", got " +
                                in[0].type().str());
  check_slice(shape, a);
  return {{in[0].dtype(), shape}};
}

std::vector<Type> infer_concatenate(const Values& in, const Attrs& a) {
  auto axis =
      static_cast<size_t>(normalize_axes({a.get<int64_t>("axis")}, in[0].rank(), "axis")[0]);
  Shape out = in[0].shape();
  for (size_t i = 1; i < in.size(); ++i) {
    const Shape& s = in[i].shape();
    bool same = s.size() == out.size() && in[i].dtype() == in[0].dtype();
    for (size_t d = 0; same && d < s.size(); ++d)
      same = d == axis || s[d] == out[d] || !s[d].is_number() || !out[d].is_number();
    if (!same)
      throw std::invalid_argument("expected inputs equal but for axis " + std::to_string(axis) +
                                  ", got " + in[0].type().str() + " and " + in[i].type().str());
    out[axis] = out[axis] + s[axis];
  }
  return {{in[0].dtype(), out}};
}

Values concatenate_gradient(const Node& n, const Values& g) {
  auto axis = static_cast<size_t>(
      normalize_axes({n.attrs.get<int64_t>("axis")}, n.inputs[0].rank(), "axis")[0]);
  Values out;
  Dim at(0);
  for (const Value& v : n.inputs) {
    Shape begin(v.shape().size(), Dim(0));
    begin[axis] = at;
    at = at + v.shape()[axis];
    out.push_back(make("slice", {g[0]},
                       {{"begin", begin}, {"step", Ints(begin.size(), 1)}, {"size", v.shape()}}));
  }
  return out;
}

}  // namespace

void add_shape_ops(OpTable* table) {
  table->push_back(view_op(
      "reshape", {{"shape", "shape"}}, infer_reshape,
      [](const Node& n, const Values& g) { return Values{reshape(g[0], n.inputs[0].shape())}; },
      "the same elements in C order under another shape"));
  table->push_back(view_op("transpose", {{"axes", "ints"}}, infer_transpose, transpose_gradient,
                           "axes in another order"));
  table->push_back(view_op(
      "broadcast_to", {{"shape", "shape"}}, infer_broadcast_to,
      [](const Node& n, const Values& g) { return Values{sum_to_like(g[0], n.inputs[0])}; },
      "repeated along axes of length 1"));
  table->push_back(view_op(
      "slice", slice_attrs(), infer_slice,
      [](const Node& n, const Values& g) {
        Attrs a = n.attrs;
        a.set("shape", n.inputs[0].shape());
        return Values{make("unslice", {g[0]}, a)};
      },
      "elements begin, begin + step, ... of each axis"));
  auto same = [](const Values& in, const Attrs&) { return std::vector<Type>{in[0].type()}; };
  table->push_back(
      view_op("identity", {}, same, [](const Node&, const Values& g) { return g; }, "x itself"));
  Op stop = view_op("stop_gradient", {}, same, nullptr, "x, through which no gradient flows");
  stop.differentiable = Differentiable::zero;
  table->push_back(stop);

  Op unslice{"unslice", Kind::unslice, 1, 1, slice_attrs()};
  unslice.attrs.push_back({"shape", "shape"});
  unslice.infer = infer_unslice;
  unslice.grad = [](const Node& n, const Values& g) {
    return Values{make("slice", {g[0]},
                       {{"begin", n.attrs.get<Shape>("begin")},
                        {"step", n.attrs.get<Ints>("step")},
                        {"size", n.attrs.get<Shape>("size")}})};
  };
  unslice.dtypes = kAll;
  unslice.flops = 0;
  unslice.doc = "x put into zeros at the places a slice reads";
  table->push_back(unslice);

  Op concat{"concatenate",     Kind::concatenate,   1, -1, {{"axis", "int"}},
            infer_concatenate, concatenate_gradient};
  concat.dtypes = kAll;
  concat.flops = 0;
  concat.doc = "inputs one after the other along an axis";
  table->push_back(concat);
}

}  // namespace fastnn::graph
