// tree_scan: a body over trees, level by level from the leaves: all nodes of a level are its rows.
//
// Nodes are numbered by level: the leaves, then those one level above, and so on. left and right
// hold the children's numbers of every node that is no leaf, counts how many each level has.
//
// inputs:  states of the leaves (leaves, ...), left (inner,), right (inner,), counts (levels,),
//          invariants
// body:    (left states, right states, invariants) -> states, with rows of the extent inner, which
//          is a level's size while the body runs
// outputs: states of all nodes (leaves + inner, ...)
//
// The gradient goes down the levels with what each node's states say of its children's. By then all
// states and their gradients are known, so those of the invariants are one pass over all nodes.
#include <stdexcept>

#include "graph/ops/body.h"

namespace fastnn::graph {
namespace {

using Body = std::shared_ptr<const SubGraph>;

const char* const kFirstOrder =
    "it is a gradient already, and only first derivatives over trees are written";

const SubGraph& body_of(const Attrs& a) { return *a.get<Body>("body"); }

size_t states_of(const Attrs& a) { return static_cast<size_t>(a.get<int64_t>("states")); }

// Numbers drawn in the body would be others in the gradient, where the rows are others.
void refuse_draws(const SubGraph& body) {
  for (const NodePtr& n : topological_order(body.outputs)) {
    if (n->op->kind == Kind::random)
      throw std::invalid_argument("expected a step without random numbers, got one with " +
                                  n->op->name);
    if (n->attrs.has("body")) refuse_draws(body_of(n->attrs));
  }
}

Type rows_like(const Type& t, const Dim& rows) {
  Type r = t;
  r.shape[0] = rows;
  return r;
}

void expect(const Type& got, const Type& want, const std::string& what) {
  if (got.dtype != want.dtype || got.shape != want.shape)
    throw std::invalid_argument(what + ": expected " + want.str() + ", got " + got.str());
}

// What stands between the states and the invariants: left, right, counts, from `at` on.
Dim inner_of(const Values& in, size_t at) {
  if (in.size() < at + 3)
    throw std::invalid_argument("expected states, then left, right and counts, got " +
                                std::to_string(in.size()) + " inputs");
  for (size_t i = at; i < at + 3; ++i)
    if (in[i].dtype() != DType::i64 || in[i].rank() != 1)
      throw std::invalid_argument("expected left, right and counts of int64 and one axis, got " +
                                  in[i].type().str());
  const Dim inner = in[at].shape()[0];
  if (inner.as_extent() < 0 || in[at + 1].shape()[0] != inner)
    throw std::invalid_argument("expected left and right of one open length, got " +
                                shape_str(in[at].shape()) + " and " +
                                shape_str(in[at + 1].shape()));
  return inner;
}

// That the body's parameters are `given` states of rows, then the invariants.
void check_parameters(const SubGraph& body, const Values& in, size_t given, size_t first,
                      const std::vector<Type>& rows) {
  if (body.parameters.size() != given + in.size() - first)
    throw std::invalid_argument("expected a body of " + std::to_string(given + in.size() - first) +
                                " parameters, got " + std::to_string(body.parameters.size()));
  for (size_t i = 0; i < body.parameters.size(); ++i)
    expect(body.parameters[i].type(),
           i < given ? rows[i % rows.size()] : in[first + i - given].type(),
           "parameter " + std::to_string(i));
}

void check_states(const Values& in, size_t count) {
  if (count < 1 || in.size() < count) throw std::invalid_argument("expected at least one state");
  for (size_t i = 0; i < count; ++i)
    if (in[i].rank() < 1 || !is_floating(in[i].dtype()) || in[i].shape()[0] != in[0].shape()[0])
      throw std::invalid_argument("expected floating states of one length, got " +
                                  in[0].type().str() + " and " + in[i].type().str());
}

std::vector<Type> infer_scan(const Values& in, const Attrs& attrs) {
  const SubGraph& body = body_of(attrs);
  const size_t states = states_of(attrs);
  check_states(in, states);
  const Dim inner = inner_of(in, states);
  refuse_draws(body);
  std::vector<Type> rows, out;
  for (size_t i = 0; i < states; ++i) {
    rows.push_back(rows_like(in[i].type(), inner));
    out.push_back(rows_like(in[i].type(), in[i].shape()[0] + inner));
  }
  check_parameters(body, in, 2 * states, states + 3, rows);
  if (body.outputs.size() != states)
    throw std::invalid_argument("expected a body of " + std::to_string(states) + " results, got " +
                                std::to_string(body.outputs.size()));
  for (size_t i = 0; i < states; ++i)
    expect(body.outputs[i].type(), rows[i],
           "state " + std::to_string(i) + " must keep its type: result");
  return out;
}

// inputs: states of all nodes, the gradients that they have from elsewhere, left, right, counts,
//         invariants
// body:   (left states, right states, own states, their gradients, invariants)
//         -> gradients of the left states, of the right states
std::vector<Type> infer_gradient(const Values& in, const Attrs& attrs) {
  const SubGraph& body = body_of(attrs);
  const size_t states = states_of(attrs);
  check_states(in, 2 * states);
  const Dim inner = inner_of(in, 2 * states);
  std::vector<Type> rows, out;
  for (size_t i = 0; i < states; ++i) {
    expect(in[states + i].type(), in[i].type(), "gradient " + std::to_string(i));
    rows.push_back(rows_like(in[i].type(), inner));
    out.push_back(in[i].type());
  }
  check_parameters(body, in, 4 * states, 2 * states + 3, rows);
  if (body.outputs.size() != 2 * states)
    throw std::invalid_argument("expected a body of " + std::to_string(2 * states) +
                                " results, got " + std::to_string(body.outputs.size()));
  for (size_t i = 0; i < 2 * states; ++i)
    expect(body.outputs[i].type(), rows[i % states], "result " + std::to_string(i));
  return out;
}

void append(Values* to, const Values& from) { to->insert(to->end(), from.begin(), from.end()); }

Value rows_at(const Value& table, const Value& index) {
  return make("take", {table, index}, {{"axis", int64_t{0}}});
}

Value rows_from(const Value& v, const Dim& first, const Dim& count) {
  Shape begin(v.shape().size(), Dim(0)), size = v.shape();
  begin[0] = first;
  size[0] = count;
  return make("slice", {v},
              {{"begin", begin}, {"size", size}, {"step", std::vector<int64_t>(begin.size(), 1)}});
}

Values scan_gradient(const Node& n, const Values& grads) {
  const SubGraph& body = body_of(n.attrs);
  const size_t states = states_of(n.attrs), first = states + 3;
  const Values& params = body.parameters;
  const Value &left = n.inputs[states], &right = n.inputs[states + 1];
  const Dim leaves = n.inputs[0].shape()[0], inner = left.shape()[0];
  const NodePtr self = std::const_pointer_cast<Node>(n.shared_from_this());

  // The body's gradients, where its results are known: they are read, not computed again.
  Values seeds, own;
  for (const Value& v : body.outputs) {
    seeds.push_back(parameter_like(v));
    own.push_back(parameter_like(v));
  }
  Values step = vector_jacobian(body.outputs, seeds, params);
  for (size_t i = 0; i < step.size(); ++i)
    if (i < 2 * states) step[i] = or_zeros(step[i], params[i].type());
  for (Value& g : step)
    if (g) g = substitute({g}, body.outputs, own)[0];

  const Values children(params.begin(), params.begin() + static_cast<int64_t>(2 * states));
  const Values inside(params.begin() + static_cast<int64_t>(2 * states), params.end());
  const Values invariants(n.inputs.begin() + static_cast<int64_t>(first), n.inputs.end());
  auto down = std::make_shared<SubGraph>();
  for (const Values& part : {children, own, seeds, inside}) append(&down->parameters, part);
  down->outputs.assign(step.begin(), step.begin() + static_cast<int64_t>(2 * states));

  Values inputs;
  for (size_t i = 0; i < states; ++i) inputs.push_back(output(self, i));
  for (size_t i = 0; i < states; ++i) inputs.push_back(or_zeros(grads[i], n.outputs[i]));
  for (size_t i = states; i < n.inputs.size(); ++i) inputs.push_back(n.inputs[i]);
  const NodePtr all = make_node(find_op("tree_scan_grad"), inputs,
                                {{"body", Body(down)}, {"states", n.attrs.get<int64_t>("states")}});

  Values to;
  for (const Value& index : {left, right})
    for (size_t i = 0; i < states; ++i) to.push_back(rows_at(output(self, i), index));
  for (const NodePtr& from : {self, all})
    for (size_t i = 0; i < states; ++i) to.push_back(rows_from(output(from, i), leaves, inner));
  append(&to, invariants);
  Values result(n.inputs.size());
  for (size_t i = 0; i < states; ++i) result[i] = rows_from(output(all, i), 0, leaves);
  for (size_t i = 0; i < invariants.size(); ++i)
    if (step[2 * states + i] && is_floating(invariants[i].dtype()))
      result[first + i] = substitute({step[2 * states + i]}, down->parameters, to)[0];
  return result;
}

}  // namespace

void add_tree_ops(OpTable* table) {
  Op o{"tree_scan", Kind::trees,  4, -1, {{"body", "graph"}, {"states", "int"}},
       infer_scan,  scan_gradient};
  o.second_order = false;
  o.doc = "a body over the levels of trees: the states of all nodes from those of the leaves";
  table->push_back(o);
  Op d{"tree_scan_grad", Kind::trees, 5, -1, {{"body", "graph"}, {"states", "int"}},
       infer_gradient};
  d.differentiable = Differentiable::never;
  d.why = kFirstOrder;
  d.doc = "the gradients of all nodes' states, from those that they have from elsewhere";
  table->push_back(d);
}

}  // namespace fastnn::graph
