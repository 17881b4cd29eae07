// Whole recurrent layers in one node: lstm, gru, simple_rnn and their gradients. The formulas are
// in kernels/recurrent.h; cells of one's own are loops.
//
// inputs:  x (batch, time, blocks * units), kernel U (units, blocks * units), [gru: bias], states
//          (batch, units), then the mask (batch, time) where there is one
// outputs: h (batch, time, units), [lstm: c], h before each step, [what the gradient needs]
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

const char* const kFirstOrder =
    "it is a gradient already, and only first derivatives of fused recurrent layers are written; "
    "build the recurrence with scan to differentiate it twice";

struct Cell {
  const char* name;
  int64_t blocks, saved, states;
  bool bias;
};
constexpr Cell kLstm = {"lstm", 4, 4, 2, false};
constexpr Cell kGru = {"gru", 3, 4, 1, true};
constexpr Cell kSimple = {"simple_rnn", 1, 0, 1, false};

// The sizes that all inputs have to agree on.
struct Sizes {
  Dim batch, time, units;
  DType dtype;
  Shape sequence(const Dim& width) const { return {batch, time, width}; }
  Shape state() const { return {batch, units}; }
};

void expect(const Value& v, const Shape& shape, DType dtype, const char* what) {
  if (v.dtype() != dtype || !may_equal(v.shape(), shape))
    throw std::invalid_argument(std::string("expected ") + what + " of " +
                                Type{dtype, shape}.str() + ", got " + v.type().str());
}

Sizes sizes_of(const Value& sequence, const Value& kernel, const Cell& cell) {
  const Shape &s = sequence.shape(), &u = kernel.shape();
  if (s.size() != 3)
    throw std::invalid_argument("expected a sequence (batch, time, features), got " +
                                sequence.type().str());
  if (u.size() != 2 || !may_equal({u[1]}, {Dim(cell.blocks) * u[0]}))
    throw std::invalid_argument(
        "expected a recurrent kernel (units, " +
        (cell.blocks > 1 ? std::to_string(cell.blocks) + " units" : "units") + "), got " +
        kernel.type().str());
  if (kernel.dtype() != sequence.dtype())
    throw std::invalid_argument("expected inputs of one dtype, got " + sequence.type().str() +
                                " and " + kernel.type().str());
  return {s[0], s[1], u[0], sequence.dtype()};
}

void expect_mask(const Values& in, size_t at, const Sizes& n) {
  if (in.size() > at) expect(in[at], {n.batch, n.time}, DType::b8, "a mask");
}

Op::Infer infer_forward(const Cell& cell) {
  return [cell](const Values& in, const Attrs&) {
    const Sizes n = sizes_of(in[0], in[1], cell);
    expect(in[0], n.sequence(Dim(cell.blocks) * n.units), n.dtype, "a sequence");
    size_t at = 2;
    if (cell.bias) expect(in[at++], {Dim(cell.blocks) * n.units}, n.dtype, "a bias");
    for (int64_t i = 0; i < cell.states; ++i) expect(in[at++], n.state(), n.dtype, "a state");
    expect_mask(in, at, n);
    std::vector<Type> out(static_cast<size_t>(cell.states) + 1, {n.dtype, n.sequence(n.units)});
    if (cell.saved) out.push_back({n.dtype, n.sequence(Dim(cell.saved) * n.units)});
    return out;
  };
}

// The gradient's first inputs are `sequences` arrays (batch, time, units), then what was saved.
Op::Infer infer_gradient(const Cell& cell, size_t sequences) {
  return [cell, sequences](const Values& in, const Attrs&) {
    const size_t kernel = sequences + (cell.saved ? 1 : 0);
    const Sizes n = sizes_of(in[0], in[kernel], cell);
    for (size_t i = 0; i < sequences; ++i)
      expect(in[i], n.sequence(n.units), n.dtype, "a sequence");
    if (cell.saved)
      expect(in[sequences], n.sequence(Dim(cell.saved) * n.units), n.dtype, "saved gates");
    size_t at = kernel + 1;
    if (cell.states == 2) expect(in[at++], n.state(), n.dtype, "a state");
    expect_mask(in, at, n);
    const Type dx = {n.dtype, n.sequence(Dim(cell.blocks) * n.units)};
    std::vector<Type> out(cell.bias ? 2 : 1, dx);
    for (int64_t i = 0; i < cell.states; ++i) out.push_back({n.dtype, n.state()});
    return out;
  };
}

Value output(const NodePtr& n, int32_t i) { return {n, i}; }
Value output(const Node& n, int32_t i) {
  return {std::const_pointer_cast<Node>(n.shared_from_this()), i};
}

Value or_zeros(const Value& g, const Value& like) { return g ? g : full_like(like, 0.0); }

// (batch, time, n) as a matrix of rows.
Value rows_of(const Value& v) {
  const Shape& s = v.shape();
  return reshape(v, {s[0] * s[1], s[2]});
}

// The gradient of `before` U by U, over all steps at once.
Value kernel_gradient(const Value& before, const Value& dproduct) {
  return matmul(rows_of(before), rows_of(dproduct), true, false);
}

void append_mask(const Node& n, size_t at, Values* inputs) {
  if (n.inputs.size() > at) inputs->push_back(n.inputs[at]);
}

// Gradients for the inputs, an empty one for the mask.
Values with_mask(const Node& n, Values grads) {
  grads.resize(n.inputs.size());
  return grads;
}

// h before each step is an output for the gradient's own use: what a user makes of it is h again.
void refuse_inner(const Values& g, size_t first) {
  for (size_t i = first; i < g.size(); ++i)
    if (g[i])
      throw std::invalid_argument(
          "only the states after each step can be differentiated, not what the gradient saved");
}

Values lstm_gradient(const Node& n, const Values& g) {
  refuse_inner(g, 2);
  const Value h = output(n, 0), c = output(n, 1), before = output(n, 2), gates = output(n, 3);
  Values inputs = {or_zeros(g[0], h), or_zeros(g[1], c), c, gates, n.inputs[1], n.inputs[3]};
  append_mask(n, 4, &inputs);
  NodePtr back = make_node(find_op("lstm_grad"), inputs, n.attrs);
  const Value dx = output(back, 0);
  return with_mask(n, {dx, kernel_gradient(before, dx), output(back, 1), output(back, 2)});
}

Values gru_gradient(const Node& n, const Values& g) {
  refuse_inner(g, 1);
  const Value h = output(n, 0), before = output(n, 1), gates = output(n, 2);
  Values inputs = {or_zeros(g[0], h), before, gates, n.inputs[1]};
  append_mask(n, 4, &inputs);
  NodePtr back = make_node(find_op("gru_grad"), inputs, n.attrs);
  const Value dx = output(back, 0), dinner = output(back, 1);
  return with_mask(n, {dx, kernel_gradient(before, dinner), reduce("sum", dinner, {0, 1}, false),
                       output(back, 2)});
}

Values simple_gradient(const Node& n, const Values& g) {
  refuse_inner(g, 1);
  const Value h = output(n, 0), before = output(n, 1);
  Values inputs = {or_zeros(g[0], h), h, n.inputs[1]};
  append_mask(n, 3, &inputs);
  NodePtr back = make_node(find_op("simple_rnn_grad"), inputs, n.attrs);
  const Value dx = output(back, 0);
  return with_mask(n, {dx, kernel_gradient(before, dx), output(back, 1)});
}

void add_cell(OpTable* t, const Cell& cell, size_t sequences, const Op::Grad& grad,
              const char* doc) {
  const int inputs = 2 + static_cast<int>(cell.states) + cell.bias;
  Op o{cell.name, Kind::recurrent, inputs, inputs + 1, {{"reverse", "bool"}}, infer_forward(cell),
       grad};
  o.dtypes = kFloats;
  o.second_order = false;
  o.doc = doc;
  t->push_back(o);

  const int given = static_cast<int>(sequences) + (cell.saved > 0) + 1 + (cell.states == 2);
  Op d{std::string(cell.name) + "_grad", Kind::recurrent, given, given + 1, {{"reverse", "bool"}},
       infer_gradient(cell, sequences)};
  d.dtypes = kFloats;
  d.differentiable = Differentiable::never;
  d.why = kFirstOrder;
  d.doc = std::string("the gradients of ") + cell.name + " by its inputs, from those of its states";
  t->push_back(d);
}

}  // namespace

void add_recurrent_ops(OpTable* table) {
  add_cell(table, kLstm, 3, lstm_gradient,
           "a long short-term memory over time: the states h and c after each step");
  add_cell(table, kGru, 2, gru_gradient, "gated recurrent units over time: h after each step");
  add_cell(table, kSimple, 2, simple_gradient, "h = tanh(x + h U) over time, after each step");
}

}  // namespace fastnn::graph
