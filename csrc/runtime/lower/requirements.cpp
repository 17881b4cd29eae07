// What can only be checked once extents are numbers: collected here, checked at every bind.
#include <algorithm>

#include "graph/window.h"
#include "runtime/lower/lowering.h"

namespace fastnn::runtime {
namespace {

using graph::Kind;
using graph::Node;

Shape without_last(const Shape& s) { return Shape(s.begin(), s.end() - 1); }

}  // namespace

void Lowering::require(Requirement::Kind kind, const Dim& a, const Dim& b, const Node& n) {
  bool holds = a == b || (kind == Requirement::broadcasts && a == Dim(1));
  Dim room = b - a;
  if (kind == Requirement::at_most && room.is_number()) holds = room.number() >= 0;
  if (holds) return;
  for (const Requirement& r : program_->requirements)
    if (r.kind == kind && r.a == a && r.b == b) return;
  program_->requirements.push_back({kind, a, b, n.op->name});
}

void Lowering::require_equal(const Shape& a, const Shape& b, const Node& n, int64_t except) {
  for (size_t i = 0; i < a.size(); ++i)
    if (static_cast<int64_t>(i) != except) require(Requirement::equal, a[i], b[i], n);
}

void Lowering::require_slice(const Shape& shape, const Node& n) {
  const Shape &begin = n.attrs.get<Shape>("begin"), &size = n.attrs.get<Shape>("size");
  const auto& step = n.attrs.get<std::vector<int64_t>>("step");
  for (size_t i = 0; i < shape.size(); ++i) {
    if (size[i] == Dim(0)) continue;
    Dim past = begin[i] + Dim(step[i]) * size[i];  // where the walk would go on
    require(Requirement::at_most, 0, size[i], n);
    if (step[i] > 0) {
      require(Requirement::at_most, 0, begin[i], n);
      require(Requirement::at_most, past - Dim(step[i] - 1), shape[i], n);
    } else {
      require(Requirement::at_most, begin[i] + Dim(1), shape[i], n);
      require(Requirement::at_most, 0, past - Dim(step[i]), n);
    }
  }
}

// x holds a window, and what stands for the windows' results has their shape.
void Lowering::require_windows(const Node& n) {
  const bool gradient = n.attrs.has("shape");
  const Shape& x = gradient ? n.attrs.get<Shape>("shape") : n.inputs[0].shape();
  std::vector<int64_t> size;
  if (n.op->kind == Kind::pooling)
    size = n.attrs.get<std::vector<int64_t>>("size");
  else if (n.attrs.has("kernel"))
    size = n.attrs.get<std::vector<int64_t>>("kernel");
  else
    for (size_t d = 0; d + 2 < x.size(); ++d) size.push_back(n.inputs[1].shape()[d].number());
  Shape y = graph::window_counts(graph::windows_of(n.attrs, size), x);
  for (const Dim& count : y) require(Requirement::at_most, 1, count, n);
  y.insert(y.begin(), x[0]);
  auto like_y = [&](const Value& v) {
    require_equal(Shape(v.shape().begin(), v.shape().end() - 1), y, n);
  };
  const bool second = n.attrs.has("kernel") || (n.op->kind == Kind::pooling && n.inputs.size() > 1);
  if (gradient) like_y(n.inputs[0]);
  if (second) like_y(n.inputs[1]);
}

// Sequences (batch, time, width), then a kernel (units, blocks * units), then states and a mask;
// the forward ops' only sequence comes in blocks, the gradients' last is what was saved.
void Lowering::require_recurrent(const Node& n) {
  const std::string& name = n.op->name;
  const bool gradient = name.size() > 5 && name.compare(name.size() - 5, 5, "_grad") == 0;
  const Dim blocks(name[0] == 'l' ? 4 : name[0] == 'g' ? 3 : 1);
  size_t kernel = 0;
  while (n.inputs[kernel].rank() == 3) ++kernel;
  const Dim units = n.inputs[kernel].shape()[0], width = blocks * units;
  const Dim batch = n.inputs[0].shape()[0], time = n.inputs[0].shape()[1];
  const bool saved = gradient && name[0] != 's';
  for (size_t i = 0; i < n.inputs.size(); ++i) {
    const Value& v = n.inputs[i];
    const Dim last = !gradient ? width : saved && i + 1 == kernel ? Dim(4) * units : units;
    require_equal(v.shape(),
                  i < kernel               ? Shape{batch, time, last}
                  : i == kernel            ? Shape{units, width}
                  : v.rank() == 1          ? Shape{width}
                  : v.dtype() == DType::b8 ? Shape{batch, time}
                                           : Shape{batch, units},
                  n);
  }
}

void Lowering::require_shapes(const Node& n) {
  const std::string& name = n.op->name;
  const auto& in = n.inputs;
  if (name == "reshape") {
    require(Requirement::equal, element_count(in[0].shape()), element_count(n.outputs[0].shape), n);
  } else if (name == "broadcast_to") {
    const Shape &from = in[0].shape(), &to = n.outputs[0].shape;
    for (size_t i = 0; i < from.size(); ++i)
      require(Requirement::broadcasts, from[i], to[i + to.size() - from.size()], n);
  } else if (name == "slice") {
    require_slice(in[0].shape(), n);
  } else if (name == "unslice") {
    require_equal(in[0].shape(), n.attrs.get<Shape>("size"), n);
    require_slice(n.outputs[0].shape, n);
  } else if (name == "matmul") {
    size_t ra = in[0].shape().size(), rb = in[1].shape().size();
    bool ta = n.attrs.get<bool>("transpose_a"), tb = n.attrs.get<bool>("transpose_b");
    require(Requirement::equal, in[0].shape()[ra - (ta ? 2 : 1)], in[1].shape()[rb - (tb ? 1 : 2)],
            n);
  } else if (name == "concatenate") {
    auto axis = graph::normalize_axes({n.attrs.get<int64_t>("axis")}, in[0].rank(), "axis")[0];
    for (const Value& v : in) require_equal(in[0].shape(), v.shape(), n, axis);
  } else if (name == "take_along_axis") {
    auto axis = graph::normalize_axes({n.attrs.get<int64_t>("axis")}, in[0].rank(), "axis")[0];
    require_equal(in[0].shape(), in[1].shape(), n, axis);
  } else if (n.op->kind == Kind::image) {
    require(Requirement::broadcasts, in[1].shape()[0], in[0].shape()[0], n);
    require(Requirement::equal, in[1].shape()[1], 6, n);
  } else if (n.op->kind == Kind::convolution || n.op->kind == Kind::pooling) {
    require_windows(n);
  } else if (n.op->kind == Kind::recurrent) {
    require_recurrent(n);
  } else if (n.op->kind == Kind::pairs && in.size() == 2) {
    require_equal(without_last(in[0].shape()), without_last(in[1].shape()), n);
  } else if (n.op->kind == Kind::rows && in.size() == 2) {
    require_equal(in[0].shape(), in[1].shape(), n);
  } else if (n.op->kind == Kind::cross_entropy) {
    size_t x = in.size() - 2;
    bool sparse = in[x + 1].rank() < in[x].rank();
    require_equal(in[x + 1].shape(), sparse ? without_last(in[x].shape()) : in[x].shape(), n);
    if (x == 1) require_equal(in[0].shape(), without_last(in[1].shape()), n);
  }
}

}  // namespace fastnn::runtime
