// Nodes that are one kernel call each: reductions, rows, moves, random numbers.
#include <algorithm>

#include "core/error.h"
#include "graph/build.h"
#include "runtime/lower/lowering.h"
#include "runtime/registry.h"

namespace fastnn::runtime {
namespace {

using graph::Kind;
using Ints = std::vector<int64_t>;

// [outer, length, inner] around an axis.
struct Split {
  Dim outer{1}, length, inner{1};
  Split(const Shape& s, size_t axis) : length(s[axis]) {
    for (size_t i = 0; i < axis; ++i) outer = outer * s[i];
    for (size_t i = axis + 1; i < s.size(); ++i) inner = inner * s[i];
  }
};

// Elements of a row where all axes from one on, and no others, are reduced and are numbers; else 0.
int64_t row_length(const Shape& shape, const std::vector<bool>& reduced) {
  if (!std::is_sorted(reduced.begin(), reduced.end())) return 0;
  Dim length(1);
  for (size_t d = 0; d < shape.size(); ++d)
    if (reduced[d]) length = length * shape[d];
  return length.is_number() ? length.number() : 0;
}
constexpr int64_t kShortestRow = 32;  // to be reduced where it is computed: a call a row has to pay

size_t axis_of(const graph::Node& n, int rank) {
  return static_cast<size_t>(
      graph::normalize_axes({n.attrs.get<int64_t>("axis")}, rank, "axis")[0]);
}

}  // namespace

void Lowering::lower_reduce(const NodePtr& n) {
  Value v{n, 0};
  const bool squares = summed_squares_.count(n->inputs[0].node.get()) > 0;
  View in = view_of(squares ? n->inputs[0].node->inputs[0] : n->inputs[0]);
  const std::string& name = n->op->name;
  if (n->op->kind == Kind::arg_reduce) {
    in = contiguous(in);
    Split split(in.shape, axis_of(*n, static_cast<int>(in.shape.size())));
    View out = new_result(v);
    simple<kernels::ArgReduceArgs>(name, in.dtype, name, {in}, {out},
                                   [=](const Binder& b, kernels::ArgReduceArgs* a) {
                                     b.pointer(&a->out, out);
                                     b.pointer(&a->in, in);
                                     a->outer = b.eval(split.outer);
                                     a->n = b.eval(split.length);
                                     a->inner = b.eval(split.inner);
                                     if (a->n == 0 && a->outer * a->inner > 0)
                                       throw ValueError(
                                           "argmax and argmin: expected at least one "
                                           "element along the axis, got none");
                                   });
    return;
  }
  size_t rank = in.shape.size();
  std::vector<bool> reduced(rank, false);
  bool like = n->op->kind == Kind::sum_to_like;
  if (!like)
    for (int64_t a :
         graph::normalize_axes(n->attrs.get<Ints>("axes"), static_cast<int>(rank), "axis"))
      reduced[static_cast<size_t>(a)] = true;
  View out = new_result(v);
  Shape target = v.shape();
  bool mean = name == "mean";
  std::string kernel = like || mean ? "reduce_sum" : "reduce_" + name;
  if (squares) kernel = "reduce_sum_squares";
  bool rows = name == "sum" && !squares && rank >= 2 && is_contiguous(in) && !reduced[rank - 1] &&
              std::all_of(reduced.begin(), reduced.end() - 1, [](bool r) { return r; });
  Call* call =
      simple<kernels::ReduceArgs>(kernel, in.dtype,
                                  rows      ? "sum rows"
                                  : squares ? name + " of squares"
                                            : name,
                                  {in}, {out}, [=](const Binder& b, kernels::ReduceArgs* a) {
                                    b.pointer(&a->out, out);
                                    b.pointer(&a->in, in);
                                    a->rank = static_cast<int32_t>(rank);
                                    b.eval(in.shape, a->shape);
                                    b.eval(in.strides, a->in_strides);
                                    int64_t stride = 1, count = 1;
                                    for (size_t d = rank; d-- > 0;) {
                                      bool gone = reduced[d];
                                      if (like) {
                                        size_t lead = rank - target.size();
                                        gone = d < lead || b.eval(target[d - lead]) != a->shape[d];
                                      }
                                      a->reduced[d] = gone;
                                      a->out_strides[d] = gone ? 0 : stride;
                                      if (gone)
                                        count *= a->shape[d];
                                      else
                                        stride *= a->shape[d];
                                    }
                                    a->scale = mean ? 1.0 / static_cast<double>(count) : 1.0;
                                  });
  call->flops = element_count(in.shape);
  if (rows && is_floating(in.dtype)) row_sums_[in.buffer].push_back({call, in, out.buffer});
  int64_t length = like ? 0 : row_length(in.shape, reduced);
  if (length >= kShortestRow && length <= kRowElements)
    row_reduces_.push_back({call, in, out, length});
}

void Lowering::lower_rows(const NodePtr& n) {
  Value v{n, 0};
  const std::string& name = n->op->name;
  std::vector<View> in;
  for (const Value& x : n->inputs) in.push_back(contiguous(view_of(x)));
  View out = new_result(v);
  bool loss = n->op->kind == Kind::cross_entropy;
  bool gradient = name.size() > 5 && name.compare(name.size() - 5, 5, "_grad") == 0;
  const View& x = loss && gradient ? in[1] : in[0];
  Dim cols = x.shape.back(), rows(1);
  for (size_t d = 0; d + 1 < x.shape.size(); ++d) rows = rows * x.shape[d];
  Call* call;
  if (loss) {
    View target = in[gradient ? 2 : 1], g = gradient ? in[0] : View{};
    if (name.compare(0, 6, "sparse") == 0 && target.dtype != DType::i64)
      throw std::invalid_argument("[" + name + "] expected int64 labels, got " +
                                  dtype_name(target.dtype));
    call = simple<kernels::CrossEntropyArgs>(name, x.dtype, name, in, {out},
                                             [=](const Binder& b, kernels::CrossEntropyArgs* a) {
                                               b.pointer(&a->out, out);
                                               b.pointer(&a->x, x);
                                               b.pointer(&a->target, target);
                                               if (g.buffer >= 0) b.pointer(&a->g, g);
                                               a->rows = b.eval(rows);
                                               a->cols = b.eval(cols);
                                             });
  } else {
    call = simple<kernels::RowArgs>(name, x.dtype, name, in, {out},
                                    [=](const Binder& b, kernels::RowArgs* a) {
                                      b.pointer(&a->out, out);
                                      b.pointer(&a->in, in[0]);
                                      if (in.size() > 1) b.pointer(&a->in2, in[1]);
                                      a->rows = b.eval(rows);
                                      a->cols = b.eval(cols);
                                    });
  }
  call->flops = rows * cols * Dim(8);
}

void Lowering::lower_moves(const NodePtr& n) {
  Value v{n, 0};
  const std::string& name = n->op->name;
  if (name == "concatenate") {
    size_t axis = axis_of(*n, v.rank());
    std::vector<View> in;
    for (const Value& x : n->inputs) in.push_back(view_of(x));
    View out = new_result(v);
    Dim at(0);
    for (const View& x : in) {
      View part = out;
      part.shape = x.shape;
      part.offset = at * out.strides[axis];
      at = at + x.shape[axis];
      copy_into(part, x, "concatenate");
    }
  } else if (name == "unslice") {
    View in = view_of(n->inputs[0]);
    View out = new_result(v);
    Dim count = element_count(v.shape());
    simple<kernels::FillArgs>("fill", v.dtype(), "fill", {}, {out},
                              [=](const Binder& b, kernels::FillArgs* a) {
                                b.pointer(&a->out, out);
                                a->n = b.eval(count);
                                a->value = 0;
                              });
    View part = out;
    part.shape = in.shape;
    const auto& step = n->attrs.get<Ints>("step");
    for (size_t d = 0; d < step.size(); ++d) {
      part.offset = part.offset + n->attrs.get<Shape>("begin")[d] * out.strides[d];
      part.strides[d] = out.strides[d] * Dim(step[d]);
    }
    copy_into(part, in, "unslice");
  } else if (name == "one_hot") {
    View in = contiguous(view_of(n->inputs[0]));
    View out = new_result(v);
    Dim count = element_count(in.shape), classes = v.shape().back();
    simple<kernels::OneHotArgs>("one_hot", v.dtype(), name, {in}, {out},
                                [=](const Binder& b, kernels::OneHotArgs* a) {
                                  b.pointer(&a->out, out);
                                  b.pointer(&a->index, in);
                                  a->count = b.eval(count);
                                  a->classes = b.eval(classes);
                                });
  } else {
    View in = contiguous(view_of(n->inputs[0])), index = contiguous(view_of(n->inputs[1]));
    bool gradient = n->attrs.has("shape");
    bool along = name.compare(0, 10, "take_along") == 0;
    const Shape& table = gradient ? v.shape() : n->inputs[0].shape();
    size_t axis = axis_of(*n, static_cast<int>(table.size()));
    Split split(table, axis);
    Dim count = along ? index.shape[axis] : element_count(index.shape);
    View out = new_result(v);
    const bool some = row_gradients_.count(v) > 0;
    std::string id = along ? (gradient ? "take_along_grad" : "take_along") : name;
    if (some) id = "take_grad_rows";
    Call* call = simple<kernels::TakeArgs>(id, in.dtype, some ? id : name, {in, index}, {out},
                                           [=](const Binder& b, kernels::TakeArgs* a) {
                                             b.pointer(&a->out, out);
                                             b.pointer(&a->in, in);
                                             b.pointer(&a->index, index);
                                             a->outer = b.eval(split.outer);
                                             a->rows = b.eval(split.length);
                                             a->inner = b.eval(split.inner);
                                             a->count = b.eval(count);
                                           });
    // What is written is no more than what is read.
    if (some)
      call->bytes = Dim(2 * dtype_size(in.dtype)) * element_count(in.shape) + Dim(8) * count;
  }
}

namespace {

// A node with a seed of its own draws from that one, whatever the run's.
struct SeededArgs : kernels::RandomArgs {
  uint64_t seed;
  kernels::Kernel draw;
};

void draw_seeded(const void* args, const kernels::Context* ctx) {
  const auto& own = *static_cast<const SeededArgs*>(args);
  kernels::Context seeded = *ctx;
  seeded.seed = own.seed;
  own.draw(static_cast<const kernels::RandomArgs*>(&own), &seeded);
}

}  // namespace

void Lowering::lower_random(const NodePtr& n) {
  Value v{n, 0};
  View a = view_of(n->inputs[0]), b = view_of(n->inputs[1]);
  View out = new_result(v);
  auto stream = static_cast<uint64_t>(n->attrs.get<int64_t>("stream"));
  Dim count = element_count(v.shape());
  auto bind = [=](const Binder& binder, kernels::RandomArgs* args) {
    binder.pointer(&args->out, out);
    binder.pointer(&args->a, a);
    binder.pointer(&args->b, b);
    args->n = binder.eval(count);
    args->stream = stream;
  };
  const std::string& name = n->op->name;
  const Ints& own_seed = n->attrs.get<Ints>("seed");
  if (own_seed.empty()) {
    simple<kernels::RandomArgs>(name, v.dtype(), name, {a, b}, {out}, bind);
    return;
  }
  auto seed = static_cast<uint64_t>(own_seed[0]);
  kernels::Kernel draw = find_kernel(program_->device(), name, v.dtype()).entry->run;
  Call* call = simple<SeededArgs>(name, v.dtype(), name, {a, b}, {out},
                                  [=](const Binder& binder, SeededArgs* args) {
                                    bind(binder, args);
                                    args->seed = seed;
                                    args->draw = draw;
                                  });
  call->kernel = draw_seeded;
}

}  // namespace fastnn::runtime
