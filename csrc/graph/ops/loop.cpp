// Loop: a body sub-graph run `trip` times. Its gradient is a reverse Loop over the same body.
//
// inputs:  carried (initial), sequences (sliced along their first axis), invariants
// body:    (carried, slices, invariants) -> (carried, stacked slices)
// outputs: carried (final), stacked (trip, ...)
#include <stdexcept>

#include "graph/ops/body.h"

namespace fastnn::graph {
namespace {

using Body = std::shared_ptr<const SubGraph>;

struct Parts {
  size_t carried, sequences, stacked;
  Dim trip;
  bool reverse;
  Body body;
  explicit Parts(const Attrs& a)
      : carried(static_cast<size_t>(a.get<int64_t>("carried"))),
        sequences(static_cast<size_t>(a.get<int64_t>("sequences"))),
        trip(a.get<Shape>("trip").at(0)),
        reverse(a.get<bool>("reverse")),
        body(a.get<Body>("body")) {
    stacked = body->outputs.size() - carried;
  }
};

std::vector<Type> infer_loop(const Values& in, const Attrs& attrs) {
  Parts p(attrs);
  if (in.size() != p.body->parameters.size() || p.body->outputs.size() < p.carried)
    throw std::invalid_argument("expected " + std::to_string(p.body->parameters.size()) +
                                " inputs for the body, got " + std::to_string(in.size()));
  for (size_t i = 0; i < in.size(); ++i) {
    Type want = p.body->parameters[i].type();
    bool sequence = i >= p.carried && i < p.carried + p.sequences;
    if (sequence) want.shape.insert(want.shape.begin(), p.trip);
    if (in[i].dtype() != want.dtype || in[i].shape() != want.shape)
      throw std::invalid_argument("input " + std::to_string(i) + ": expected " + want.str() +
                                  ", got " + in[i].type().str());
  }
  std::vector<Type> out;
  for (size_t i = 0; i < p.body->outputs.size(); ++i) {
    Type t = p.body->outputs[i].type();
    if (i < p.carried) {
      const Type& initial = p.body->parameters[i].type();
      if (t.dtype != initial.dtype || t.shape != initial.shape)
        throw std::invalid_argument("carried value " + std::to_string(i) +
                                    " must keep its type: it starts as " + initial.str() +
                                    " and the step makes it " + t.str());
    } else {
      t.shape.insert(t.shape.begin(), p.trip);
    }
    out.push_back(t);
  }
  return out;
}

// The same loop that also stacks the carried values before each step; the rewrites merge it with
// the loop it was made from.
NodePtr with_saved_carry(const Node& n, const Parts& p) {
  auto body = std::make_shared<SubGraph>(*p.body);
  for (size_t i = 0; i < p.carried; ++i) body->outputs.push_back(p.body->parameters[i]);
  Attrs attrs = n.attrs;
  attrs.set("body", Body(body));
  return make_node(*n.op, n.inputs, attrs);
}

Values loop_gradient(const Node& n, const Values& grads) {
  Parts p(n.attrs);
  const Values& params = p.body->parameters;
  const Values& outs = p.body->outputs;
  NodePtr saved = with_saved_carry(n, p);

  std::vector<size_t> carried, sequences, invariants;  // the floating ones
  for (size_t i = 0; i < params.size(); ++i) {
    if (!is_floating(params[i].dtype())) continue;
    (i < p.carried ? carried : i < p.carried + p.sequences ? sequences : invariants).push_back(i);
  }

  // One reverse step: seeds of the outputs in, gradients of carried, slices and invariants out.
  Values seeds(outs.size()), g_carried, g_total, g_stacked;
  for (size_t i : carried) g_carried.push_back(seeds[i] = parameter_like(params[i]));
  for (size_t i : invariants) g_total.push_back(parameter_like(params[i]));
  for (size_t i = p.carried; i < outs.size(); ++i)
    if (is_floating(outs[i].dtype())) g_stacked.push_back(seeds[i] = parameter_like(outs[i]));
  Values step = vector_jacobian(outs, seeds, params);

  auto body = std::make_shared<SubGraph>();
  auto append = [](Values* to, const Values& from) {
    to->insert(to->end(), from.begin(), from.end());
  };
  Values slices(params.begin(), params.begin() + static_cast<int64_t>(p.carried + p.sequences));
  append(&slices, g_stacked);
  append(&body->parameters, g_carried);
  append(&body->parameters, g_total);
  append(&body->parameters, slices);
  body->parameters.insert(body->parameters.end(),
                          params.begin() + static_cast<int64_t>(p.carried + p.sequences),
                          params.end());
  for (size_t i : carried) body->outputs.push_back(or_zeros(step[i], params[i].type()));
  for (size_t k = 0; k < invariants.size(); ++k) {
    const Value& g = step[invariants[k]];
    body->outputs.push_back(g ? add(g_total[k], g) : g_total[k]);
  }
  for (size_t i : sequences) body->outputs.push_back(or_zeros(step[i], params[i].type()));

  Values inputs;
  for (size_t i : carried) inputs.push_back(or_zeros(grads[i], n.outputs[i]));
  for (size_t i : invariants) inputs.push_back(full_like(n.inputs[i], 0.0));
  for (size_t i = 0; i < p.carried; ++i) inputs.push_back(output(saved, outs.size() + i));
  for (size_t i = 0; i < p.sequences; ++i) inputs.push_back(n.inputs[p.carried + i]);
  for (size_t i = p.carried; i < outs.size(); ++i)
    if (is_floating(outs[i].dtype())) inputs.push_back(or_zeros(grads[i], n.outputs[i]));
  for (size_t i = p.carried + p.sequences; i < params.size(); ++i) inputs.push_back(n.inputs[i]);

  NodePtr back = make_node(*n.op, inputs,
                           {{"body", Body(body)},
                            {"trip", Shape{p.trip}},
                            {"reverse", !p.reverse},
                            {"carried", static_cast<int64_t>(carried.size() + invariants.size())},
                            {"sequences", static_cast<int64_t>(slices.size())}});
  Values result(params.size());
  for (size_t k = 0; k < carried.size(); ++k) result[carried[k]] = output(back, k);
  for (size_t k = 0; k < invariants.size(); ++k)
    result[invariants[k]] = output(back, carried.size() + k);
  for (size_t k = 0; k < sequences.size(); ++k)
    result[sequences[k]] = output(back, carried.size() + invariants.size() + k);
  return result;
}

}  // namespace

void add_loop_ops(OpTable* table) {
  Op o{"loop",
       Kind::loop,
       0,
       -1,
       {{"body", "graph"},
        {"trip", "shape"},
        {"reverse", "bool"},
        {"carried", "int"},
        {"sequences", "int"}},
       infer_loop,
       loop_gradient};
  o.doc = "a body run a number of times over carried values and slices of sequences";
  table->push_back(o);
}

}  // namespace fastnn::graph
