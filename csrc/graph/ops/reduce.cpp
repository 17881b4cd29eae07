// Reductions over any axes, argmax and argmin.
#include <algorithm>
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

using Axes = std::vector<int64_t>;

std::vector<AttrSpec> axes_attrs() { return {{"axes", "ints"}, {"keepdims", "bool"}}; }

Shape reduced_shape(const Shape& in, const Axes& axes, bool keepdims) {
  Shape out;
  for (size_t i = 0; i < in.size(); ++i) {
    bool gone = std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) != axes.end();
    if (!gone)
      out.push_back(in[i]);
    else if (keepdims)
      out.push_back(1);
  }
  return out;
}

std::vector<Type> infer_reduce(const Values& in, const Attrs& a) {
  Axes axes = normalize_axes(a.get<Axes>("axes"), in[0].rank(), "axis");
  return {{in[0].dtype(), reduced_shape(in[0].shape(), axes, a.get<bool>("keepdims"))}};
}

// v (a reduced tensor or its gradient) spread over the shape that was reduced.
Value spread(const Node& n, const Value& v) {
  const Shape& shape = n.inputs[0].shape();
  Axes axes = normalize_axes(n.attrs.get<Axes>("axes"), n.inputs[0].rank(), "axis");
  return broadcast_to(reshape(v, reduced_shape(shape, axes, true)), shape);
}

Dim reduced_count(const Node& n) {
  Dim count(1);
  for (int64_t a : normalize_axes(n.attrs.get<Axes>("axes"), n.inputs[0].rank(), "axis"))
    count = count * n.inputs[0].shape()[static_cast<size_t>(a)];
  return count;
}

Op reduce_op(const char* name, const std::vector<DType>& dtypes, const char* doc) {
  Op o{name, Kind::reduce, 1, 1, axes_attrs(), infer_reduce};
  o.dtypes = dtypes;
  o.doc = doc;
  return o;
}

void add_sums(OpTable* t) {
  Op sum = reduce_op("sum", kNumbers, "sum of the elements along axes");
  sum.grad = [](const Node& n, const Values& g) { return Values{spread(n, g[0])}; };
  t->push_back(sum);

  Op mean = reduce_op("mean", kFloats, "mean of the elements along axes");
  mean.grad = [](const Node& n, const Values& g) {
    Dim count = reduced_count(n);
    Value share = count.is_number()
                      ? mul(g[0], 1.0 / static_cast<double>(std::max<int64_t>(count.number(), 1)))
                      : div(g[0], extent_value(count, g[0].dtype()));
    return Values{spread(n, share)};
  };
  t->push_back(mean);

  Op prod = reduce_op("prod", kNumbers, "product of the elements along axes");
  prod.grad = [](const Node& n, const Values& g) {
    // The product of the other elements: y / x, and where x is the only 0 that of the rest.
    const Value& x = n.inputs[0];
    Value is_zero = elementwise("equal", {x, scalar(0.0, x.dtype())});
    Value safe = where(is_zero, scalar(1.0, x.dtype()), x);
    const Axes& axes = n.attrs.get<Axes>("axes");
    bool keepdims = n.attrs.get<bool>("keepdims");
    Value rest = reduce("prod", safe, axes, keepdims);
    Value zeros = reduce("sum", cast(is_zero, x.dtype()), axes, keepdims);
    Value only = elementwise("equal", {spread(n, zeros), cast(is_zero, x.dtype())});
    Value others = where(only, div(spread(n, rest), safe), scalar(0.0, x.dtype()));
    return Values{mul(spread(n, g[0]), others)};
  };
  t->push_back(prod);
}

void add_extremes(OpTable* t) {
  std::vector<DType> dtypes = {DType::f32, DType::f64, DType::i32, DType::i64, DType::u8};
  for (const char* name : {"max", "min"}) {
    Op o = reduce_op(name, dtypes,
                     name[1] == 'a' ? "largest element along axes; NaN if any is"
                                    : "smallest element along axes; NaN if any is");
    o.grad = [](const Node& n, const Values& g) {
      // Ties share the gradient equally.
      const Value& x = n.inputs[0];
      Value hit = cast(elementwise("equal", {x, spread(n, output_of(n))}), x.dtype());
      Axes axes = n.attrs.get<Axes>("axes");
      Value ties = reduce("sum", hit, axes, n.attrs.get<bool>("keepdims"));
      return Values{mul(hit, spread(n, div(g[0], ties)))};
    };
    t->push_back(o);
  }
  for (const char* name : {"any", "all"}) {
    Op o = reduce_op(name, {DType::b8},
                     name[1] == 'n' ? "whether any element along axes is true"
                                    : "whether all elements along axes are true");
    o.differentiable = Differentiable::zero;
    t->push_back(o);
  }
  for (const char* name : {"argmax", "argmin"}) {
    Op o{name, Kind::arg_reduce, 1, 1, {{"axis", "int"}}};
    o.infer = [](const Values& in, const Attrs& a) {
      Axes axis = normalize_axes({a.get<int64_t>("axis")}, in[0].rank(), "axis");
      return std::vector<Type>{{DType::i64, reduced_shape(in[0].shape(), axis, false)}};
    };
    o.dtypes = kAll;
    o.differentiable = Differentiable::zero;
    o.doc = name[3] == 'm' && name[4] == 'a'
                ? "index of the largest element along an axis, the first of equals"
                : "index of the smallest element along an axis, the first of equals";
    t->push_back(o);
  }
}

}  // namespace

void add_reduce_ops(OpTable* table) {
  add_sums(table);
  add_extremes(table);

  Op like{"sum_to_like", Kind::sum_to_like, 2, 2, {}};
  like.infer = [](const Values& in, const Attrs&) {
    return std::vector<Type>{{in[0].dtype(), in[1].shape()}};
  };
  like.dtypes = kFloats;
  like.grad = [](const Node& n, const Values& g) {
    return Values{broadcast_to(g[0], n.inputs[0].shape()), Value{}};
  };
  like.doc = "x summed over the axes along which it is longer than the second input";
  table->push_back(like);
}

}  // namespace fastnn::graph
