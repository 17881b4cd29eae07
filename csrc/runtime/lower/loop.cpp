// Loop: the body is a Program of its own; each iteration points its inputs and outputs at the
// carried values and at the slices of the sequences.
#include "runtime/lower/lowering.h"

namespace fastnn::runtime {
namespace {

using graph::SubGraph;

struct Slot {
  char* data;
  int64_t bytes;  // of one slice
};

struct LoopArgs {
  const Context* around;
  Context* body;
  int64_t trip;
  int32_t reverse, carried, sequences, invariants, stacked;
  Slot* slots;  // carried in, carried out, spare, sequences, invariants, stacked
};

// Slot tables live behind the arguments.
Slot* initial(const LoopArgs& a) { return a.slots; }
Slot* final_of(const LoopArgs& a) { return a.slots + a.carried; }
Slot* spare(const LoopArgs& a) { return a.slots + 2 * a.carried; }
Slot* sequence(const LoopArgs& a) { return a.slots + 3 * a.carried; }
Slot* invariant(const LoopArgs& a) { return sequence(a) + a.sequences; }
Slot* stacked(const LoopArgs& a) { return invariant(a) + a.invariants; }

void run_loop(const void* args, const kernels::Context* ctx) {
  const LoopArgs& a = *static_cast<const LoopArgs*>(args);
  if (a.trip == 0) {
    for (int i = 0; i < a.carried; ++i)
      a.around->program().device().copy(final_of(a)[i].data, initial(a)[i].data,
                                        initial(a)[i].bytes);
    return;
  }
  for (int i = 0; i < a.invariants; ++i)
    a.body->set_input(a.carried + a.sequences + i, invariant(a)[i].data);
  for (int64_t step = 0; step < a.trip; ++step) {
    if (a.around->should_stop()) return;
    a.body->run_within(*a.around);
    int64_t t = a.reverse ? a.trip - 1 - step : step;
    // The last step writes to the final value, so writers alternate backwards from there.
    bool to_final = (a.trip - 1 - step) % 2 == 0;
    for (int i = 0; i < a.carried; ++i) {
      Slot* from = step == 0 ? initial(a) : to_final ? spare(a) : final_of(a);
      a.body->set_input(i, from[i].data);
      a.body->set_output(i, (to_final ? final_of(a) : spare(a))[i].data);
    }
    for (int i = 0; i < a.sequences; ++i)
      a.body->set_input(a.carried + i, sequence(a)[i].data + t * sequence(a)[i].bytes);
    for (int i = 0; i < a.stacked; ++i)
      a.body->set_output(a.carried + i, stacked(a)[i].data + t * stacked(a)[i].bytes);
    RunInfo info;
    info.seed = ctx->seed;
    info.step = ctx->step;
    info.iteration = ctx->iteration * 1000003u + static_cast<uint32_t>(t) + 1;
    a.body->run(0, info);
  }
}

class LoopCall : public Call {
 public:
  std::shared_ptr<const Program> body;
  Dim trip;
  bool reverse;
  std::vector<View> in, out, spares;
  size_t carried, sequences;

  size_t args_size() const override {
    return sizeof(LoopArgs) + (2 * carried + in.size() + out.size()) * sizeof(Slot);
  }

  void bind(const Binder& b, void* memory) const override {
    auto* a = static_cast<LoopArgs*>(memory);
    a->slots = reinterpret_cast<Slot*>(a + 1);
    a->around = b.context();
    a->body = b.context()->child(body);
    a->body->bind(b.extents());
    a->trip = b.eval(trip);
    a->reverse = reverse;
    a->carried = static_cast<int32_t>(carried);
    a->sequences = static_cast<int32_t>(sequences);
    a->invariants = static_cast<int32_t>(in.size() - carried - sequences);
    a->stacked = static_cast<int32_t>(out.size() - carried);
    for (size_t i = 0; i < in.size(); ++i) {
      Slot* slot = i < carried ? initial(*a) + i : sequence(*a) + (i - carried);
      set(b, slot, in[i], i >= carried && i < carried + sequences);
    }
    for (size_t i = 0; i < out.size(); ++i)
      set(b, i < carried ? final_of(*a) + i : stacked(*a) + (i - carried), out[i], i >= carried);
    for (size_t i = 0; i < carried; ++i) set(b, spare(*a) + i, spares[i], false);
  }

  // Without steps it is copies.
  std::optional<int64_t> kernels_called(const void* args) const override {
    const auto& a = *static_cast<const LoopArgs*>(args);
    const std::optional<int64_t> once = a.body->kernels_called();
    constexpr int64_t kMany = int64_t{1} << 40;
    if (a.trip == 0 || !once || *once > kMany / a.trip) return std::nullopt;
    return *once * a.trip;
  }

  std::string describe() const override {
    std::string s = label + " of " + trip.str() + " steps";
    for (const auto& c : body->calls) s += "\n        " + c->describe() + "  [" + c->table + "]";
    return s;
  }

 private:
  static void set(const Binder& b, Slot* slot, const View& v, bool sliced) {
    b.pointer(&slot->data, v);
    Dim count(1);
    for (size_t d = sliced ? 1 : 0; d < v.shape.size(); ++d) count = count * v.shape[d];
    slot->bytes = b.eval(count) * dtype_size(v.dtype);
  }
};

}  // namespace

void Lowering::lower_loop(const NodePtr& n) {
  const SubGraph& body = *n->attrs.get<std::shared_ptr<const SubGraph>>("body");
  auto call = std::make_unique<LoopCall>();
  call->body =
      Program::compile(body.parameters, {{"body", body.outputs, {}, {}}}, program_->options);
  call->trip = n->attrs.get<Shape>("trip")[0];
  call->reverse = n->attrs.get<bool>("reverse");
  call->carried = static_cast<size_t>(n->attrs.get<int64_t>("carried"));
  call->sequences = static_cast<size_t>(n->attrs.get<int64_t>("sequences"));
  for (const Value& x : n->inputs) call->in.push_back(contiguous(view_of(x)));
  std::vector<int> written;
  for (size_t i = 0; i < n->outputs.size(); ++i) {
    call->out.push_back(new_result({n, static_cast<int32_t>(i)}));
    written.push_back(call->out.back().buffer);
  }
  for (size_t i = 0; i < call->carried; ++i) {
    const View& o = call->out[i];
    call->spares.push_back(
        whole(new_buffer(BufferInfo::temp, o.dtype, element_count(o.shape)), o.dtype, o.shape));
    written.push_back(call->spares.back().buffer);
  }
  call->kernel = run_loop;
  call->label = call->reverse ? "reverse loop" : "loop";
  call->table = "runtime";
  for (const auto& c : call->body->calls) {
    call->flops = call->flops + c->flops * call->trip;
    call->bytes = call->bytes + c->bytes * call->trip;
  }
  std::vector<View> read = call->in;
  emit(std::move(call), read, written);
}

}  // namespace fastnn::runtime
