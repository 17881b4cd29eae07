// The optimizer's call: one kernel over a table of segments, as few as memory allows.
#include "runtime/lower/lowering.h"

namespace fastnn::runtime {
namespace {

using kernels::OptimizerArgs;
using kernels::Segment;

// The table stands behind the arguments, in the same memory.
struct TableArgs : OptimizerArgs {
  Segment table[1];
};

class OptimizerCall : public Call {
 public:
  struct Parameter {
    View value, gradient;
    std::vector<View> slots;
    int64_t length;
    double rate_scale, decay;
    bool given;  // the gradient is an argument of the program: its address follows each call
  };
  std::vector<Parameter> parameters;
  View rate, step, state;  // state: buffer -1 where there is none
  std::vector<double> hyper;

  size_t args_size() const override {
    return sizeof(TableArgs) + parameters.size() * sizeof(Segment);
  }

  void bind(const Binder& b, void* memory) const override {
    auto* args = static_cast<TableArgs*>(memory);
    for (size_t i = 0; i < parameters.size(); ++i) {
      const Parameter& p = parameters[i];
      Segment& s = args->table[args->count];
      s = {};
      b.pointer(&s.param, p.value);
      b.pointer(&s.grad, p.gradient);
      for (size_t k = 0; k < p.slots.size(); ++k) b.pointer(&s.slot[k], p.slots[k]);
      s.length = p.length;
      s.rate_scale = p.rate_scale;
      s.decay = p.decay;
      bool fixed = args->count > 0 && !p.given && !parameters[i - 1].given;
      if (!fixed || !extend(&args->table[args->count - 1], s, p)) ++args->count;
    }
    args->segments = args->table;
    b.pointer(&args->rate, rate);
    b.pointer(&args->step, step);
    if (state.buffer >= 0) b.pointer(&args->state, state);
    for (size_t k = 0; k < hyper.size(); ++k) args->hyper[k] = hyper[k];
  }

 private:
  // Makes `next` a part of `last` where all its arrays go on where those of last end.
  static bool extend(Segment* last, const Segment& next, const Parameter& p) {
    const int64_t bytes = last->length * dtype_size(p.value.dtype);
    auto follows = [&](const void* a, const void* b) {
      return static_cast<const char*>(a) + bytes == static_cast<const char*>(b);
    };
    bool join = follows(last->param, next.param) && follows(last->grad, next.grad) &&
                last->rate_scale == next.rate_scale && last->decay == next.decay;
    for (size_t k = 0; join && k < p.slots.size(); ++k) join = follows(last->slot[k], next.slot[k]);
    if (join) last->length += next.length;
    return join;
  }
};

}  // namespace

// Gradients that nothing else owns move into one flat buffer, in the order of the parameters.
void Lowering::flatten_gradients(const std::vector<View>& gradients, int64_t total) {
  int flat = -1;
  int64_t at = 0;
  for (const View& g : gradients) {
    const BufferInfo& info = program_->buffers[static_cast<size_t>(g.buffer)];
    const int64_t count = element_count(g.shape).number();
    if (info.kind == BufferInfo::temp && info.alias < 0 && g.offset == Dim(0) &&
        info.count == Dim(count)) {
      if (flat < 0) flat = new_buffer(BufferInfo::temp, g.dtype, total);
      BufferInfo& moved = program_->buffers[static_cast<size_t>(g.buffer)];
      if (writer_.count(g.buffer)) writer_[flat] = writer_[g.buffer];
      for (Call* r : readers_[g.buffer]) readers_[flat].push_back(r);
      moved.alias = flat;
      moved.alias_offset = Dim(at);
    }
    at += count;
  }
}

void Lowering::lower_optimizer(const NodePtr& n) {
  const auto& params = n->attrs.get<std::vector<VariablePtr>>("parameters");
  const auto& slots = n->attrs.get<std::vector<VariablePtr>>("slots");
  const auto& state = n->attrs.get<std::vector<VariablePtr>>("state");
  const auto& algorithm = n->attrs.get<std::string>("algorithm");
  if (params.empty()) return;
  const size_t per = slots.size() / params.size();
  const DType dtype = params[0]->dtype();

  auto call = std::make_unique<OptimizerCall>();
  std::vector<View> gradients, read;
  std::vector<int> written;
  int64_t total = 0;
  auto target = [&](const VariablePtr& v) {
    View view = whole(variable_buffer(v), v->dtype(), Shape{v->count()});
    read.push_back(view);  // so that no update in place comes before the optimizer
    written.push_back(view.buffer);
    return view;
  };
  for (size_t i = 0; i < params.size(); ++i) {
    gradients.push_back(contiguous(view_of(n->inputs[i])));
    OptimizerCall::Parameter p{target(params[i]),
                               gradients.back(),
                               {},
                               params[i]->count(),
                               n->attrs.get<std::vector<double>>("rate_scale")[i],
                               n->attrs.get<std::vector<double>>("decay")[i],
                               false};
    for (size_t k = 0; k < per; ++k) p.slots.push_back(target(slots[i * per + k]));
    p.given = program_->buffers[static_cast<size_t>(p.gradient.buffer)].kind == BufferInfo::input;
    call->parameters.push_back(std::move(p));
    total += params[i]->count();
  }
  flatten_gradients(gradients, total);
  call->rate = view_of(n->inputs[params.size()]);
  call->step = view_of(n->inputs[params.size() + 1]);
  if (!state.empty()) call->state = target(state[0]);
  call->hyper = n->attrs.get<std::vector<double>>("hyper");
  read.insert(read.end(), gradients.begin(), gradients.end());
  read.push_back(call->rate);
  read.push_back(call->step);

  set_kernel(call.get(), algorithm, dtype);
  call->label = algorithm + " (" + std::to_string(total) + " parameters)";
  call->flops = Dim(total * 12);
  call->bytes = Dim(total * dtype_size(dtype) * static_cast<int64_t>(3 + 2 * per));
  emit(std::move(call), read, written);
}

}  // namespace fastnn::runtime
