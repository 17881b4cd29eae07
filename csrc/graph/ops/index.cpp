// Reading and writing at indices: take, take_along_axis, one_hot.
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

using Ints = std::vector<int64_t>;

size_t axis_of(const Attrs& a, int rank) {
  return static_cast<size_t>(normalize_axes({a.get<int64_t>("axis")}, rank, "axis")[0]);
}

void check_index(const Value& index) {
  if (index.dtype() != DType::i64)
    throw std::invalid_argument("expected int64 indices, got " + index.type().str());
}

std::vector<Type> infer_take(const Values& in, const Attrs& a) {
  check_index(in[1]);
  const Shape &x = in[0].shape(), &index = in[1].shape();
  size_t axis = axis_of(a, in[0].rank());
  Shape out(x.begin(), x.begin() + static_cast<int64_t>(axis));
  out.insert(out.end(), index.begin(), index.end());
  out.insert(out.end(), x.begin() + static_cast<int64_t>(axis) + 1, x.end());
  return {{in[0].dtype(), out}};
}

std::vector<Type> infer_take_along(const Values& in, const Attrs& a) {
  check_index(in[1]);
  const Shape &x = in[0].shape(), &index = in[1].shape();
  size_t axis = axis_of(a, in[0].rank());
  bool fits = x.size() == index.size();
  for (size_t i = 0; fits && i < x.size(); ++i)
    fits = i == axis || x[i] == index[i] || !x[i].is_number() || !index[i].is_number();
  if (!fits)
    throw std::invalid_argument("expected indices shaped like " + shape_str(x) +
                                " but for the axis, got " + shape_str(index));
  return {{in[0].dtype(), index}};
}

// The gradient's input has the shape of what NAME read.
Op::Infer infer_gradient(Op::Infer infer) {
  return [infer = std::move(infer)](const Values& in, const Attrs& a) {
    check_index(in[1]);
    const Shape& shape = a.get<Shape>("shape");
    Value table = full(shape, 0.0, in[0].dtype());
    Type read = infer({table, in[1]}, a)[0];
    if (!may_equal(in[0].shape(), read.shape))
      throw std::invalid_argument("expected the gradient of " + read.str() + ", got " +
                                  in[0].type().str());
    return std::vector<Type>{{in[0].dtype(), shape}};
  };
}

// Adds NAME and NAME_grad, each the other's gradient.
void take_pair(OpTable* t, const std::string& name, const Op::Infer& infer,
               const std::string& doc) {
  Op o{name, Kind::take, 2, 2, {{"axis", "int"}}, infer};
  o.dtypes = kAll;
  o.flops = 0;
  o.doc = doc;
  o.grad = [name](const Node& n, const Values& g) {
    return Values{make(name + "_grad", {g[0], n.inputs[1]},
                       {{"axis", n.attrs.get<int64_t>("axis")}, {"shape", n.inputs[0].shape()}}),
                  Value{}};
  };
  t->push_back(o);

  Op d{name + "_grad",       Kind::take, 2, 2, {{"axis", "int"}, {"shape", "shape"}},
       infer_gradient(infer)};
  d.dtypes = kFloats;
  d.doc = "g added into zeros at the places " + name + " read";
  d.grad = [name](const Node& n, const Values& g) {
    return Values{make(name, {g[0], n.inputs[1]}, {{"axis", n.attrs.get<int64_t>("axis")}}),
                  Value{}};
  };
  t->push_back(d);
}

}  // namespace

void add_index_ops(OpTable* table) {
  take_pair(table, "take", infer_take, "the slices of x at indices along an axis");
  take_pair(table, "take_along_axis", infer_take_along,
            "the elements of x at an index for each place along an axis");

  Op hot{"one_hot", Kind::one_hot, 1, 1, {{"num_classes", "int"}, {"dtype", "dtype"}}};
  hot.infer = [](const Values& in, const Attrs& a) {
    check_index(in[0]);
    if (a.get<int64_t>("num_classes") < 1)
      throw std::invalid_argument("expected num_classes of at least 1, got " +
                                  std::to_string(a.get<int64_t>("num_classes")));
    Shape s = in[0].shape();
    s.push_back(a.get<int64_t>("num_classes"));
    return std::vector<Type>{{a.get<DType>("dtype"), s}};
  };
  hot.differentiable = Differentiable::zero;
  hot.doc = "1 at the index, 0 elsewhere; rows of zeros for indices outside";
  table->push_back(hot);
}

}  // namespace fastnn::graph
