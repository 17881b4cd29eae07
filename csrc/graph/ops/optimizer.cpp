// optimizer_step: the fused update of all parameters, an effect without outputs.
// inputs: one gradient a parameter, then the learning rate and the step counter.
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {

namespace {

// What the kernel's argument struct has room for (kernels.h).
constexpr size_t kSlots = 4, kHyper = 6;

void check_settings(const Attrs& a, size_t params, size_t slots) {
  const auto& state = a.get<std::vector<VariablePtr>>("state");
  if (slots > kSlots * params)
    throw std::invalid_argument("expected at most 4 slots a parameter, got " +
                                std::to_string(slots / params));
  if (a.get<std::vector<double>>("hyper").size() > kHyper)
    throw std::invalid_argument("expected at most 6 numbers in hyper, got " +
                                std::to_string(a.get<std::vector<double>>("hyper").size()));
  for (const char* name : {"rate_scale", "decay"})
    if (a.get<std::vector<double>>(name).size() != params)
      throw std::invalid_argument(std::string(name) + ": expected a number for each of " +
                                  std::to_string(params) + " parameters, got " +
                                  std::to_string(a.get<std::vector<double>>(name).size()));
  if (state.size() > 1 ||
      (state.size() == 1 && (state[0]->dtype() != DType::f64 || state[0]->count() != 1)))
    throw std::invalid_argument("expected one float64 number as the state, or none");
}

}  // namespace

void add_optimizer_ops(OpTable* table) {
  Op o{"optimizer_step",
       Kind::optimizer,
       2,
       -1,
       {{"algorithm", "str"},  // the kernel id: sgd, adam, ...
        {"parameters", "variables"},
        {"slots", "variables"},  // of the first parameter, then of the second, ...
        {"state", "variables"},  // none, or one float64 scalar
        {"hyper", "floats"},
        {"rate_scale", "floats"},
        {"decay", "floats"}}};
  o.infer = [](const Values& in, const Attrs& a) {
    const auto& params = a.get<std::vector<VariablePtr>>("parameters");
    const auto& slots = a.get<std::vector<VariablePtr>>("slots");
    if (in.size() != params.size() + 2)
      throw std::invalid_argument("expected a gradient for each of " +
                                  std::to_string(params.size()) + " parameters, got " +
                                  std::to_string(in.size() - 2));
    for (size_t i = 0; i < params.size(); ++i) {
      Shape want(params[i]->shape().begin(), params[i]->shape().end());
      if (in[i].shape() != want || in[i].dtype() != params[i]->dtype())
        throw std::invalid_argument("gradient of '" + params[i]->name() + "': expected " +
                                    Type{params[i]->dtype(), want}.str() + ", got " +
                                    in[i].type().str());
    }
    if (!params.empty() && slots.size() % params.size() != 0)
      throw std::invalid_argument("expected as many slots for every parameter, got " +
                                  std::to_string(slots.size()) + " for " +
                                  std::to_string(params.size()) + " parameters");
    for (size_t i = 0; i < slots.size(); ++i) {
      const auto& owner = params[i / (slots.size() / params.size())];
      if (slots[i]->shape() != owner->shape() || slots[i]->dtype() != owner->dtype())
        throw std::invalid_argument("slot '" + slots[i]->name() + "' of '" + owner->name() +
                                    "': expected the same shape and dtype");
    }
    check_settings(a, params.size(), slots.size());
    const Value& rate = in[params.size()];
    if (rate.rank() != 0 || (!params.empty() && rate.dtype() != params[0]->dtype()))
      throw std::invalid_argument("expected a scalar rate of the parameters' dtype, got " +
                                  rate.type().str());
    if (in.back().dtype() != DType::i64 || in.back().rank() != 0)
      throw std::invalid_argument("expected an int64 scalar step counter, got " +
                                  in.back().type().str());
    return std::vector<Type>{};
  };
  o.differentiable = Differentiable::never;
  o.why = "it is an effect";
  o.doc = "updates all parameters in place";
  table->push_back(o);
}

}  // namespace fastnn::graph
