// Recurrent layers: one call for the whole sequence, which writes only what something reads.
#include "kernels/recurrent.h"

#include "runtime/lower/lowering.h"

namespace fastnn::runtime {
namespace {

using graph::Node;

// States and gradients are often known to be zero: those are not stored, and not read.
bool is_zero(const Value& v) {
  return v.node->op->name == "full" && v.node->attrs.get<double>("value") == 0;
}

template <class T>
void address(const Binder& b, T** slot, const View& v) {
  if (v.buffer >= 0) b.pointer(slot, v);
}

// A layer's sizes, from its kernel and one of its sequences.
struct Sizes {
  Dim batch, time, units;
  Sizes(const Value& sequence, const Value& kernel)
      : batch(sequence.shape()[0]), time(sequence.shape()[1]), units(kernel.shape()[0]) {}
  template <class Args>
  void bind(const Binder& b, Args* a) const {
    a->batch = b.eval(batch);
    a->time = b.eval(time);
    a->units = b.eval(units);
  }
};

}  // namespace

void Lowering::lower_recurrent(const NodePtr& n) {
  const std::string& name = n->op->name;
  const bool gradient = name.size() > 5 && name.compare(name.size() - 5, 5, "_grad") == 0;
  std::vector<View> in, out, read, written;
  for (const Value& x : n->inputs) {
    in.push_back(is_zero(x) ? View{} : contiguous(view_of(x)));
    if (in.back().buffer >= 0) read.push_back(in.back());
  }
  for (size_t i = 0; i < n->outputs.size(); ++i) {
    const Value v{n, static_cast<int32_t>(i)};
    // The gradient of the inputs is written in any case: the kernel works in it.
    const bool wanted = uses(v) > 0 || (gradient && (i == 0 || name == "gru_grad"));
    out.push_back(wanted ? new_result(v) : View{});
    if (wanted) written.push_back(out.back());
  }
  in.resize(8);
  out.resize(4);
  const bool lstm = name == "lstm" || name == "lstm_grad",
             gru = name == "gru" || name == "gru_grad";
  const bool reverse = n->attrs.get<bool>("reverse");
  const size_t kernel = gradient ? (lstm ? 4 : gru ? 3 : 2) : 1;
  const Sizes sizes(n->inputs[0], n->inputs[kernel]);
  const DType dtype = n->inputs[0].dtype();
  Call* call;
  if (gradient) {
    call = simple<kernels::RecurrentGradArgs>(
        name, dtype, name, read, written, [=](const Binder& b, kernels::RecurrentGradArgs* a) {
          size_t next = 0;
          address(b, &a->dx, out[next++]);
          if (gru) address(b, &a->dinner, out[next++]);
          address(b, &a->dh0, out[next++]);
          if (lstm) address(b, &a->dc0, out[next++]);
          next = 0;
          address(b, &a->dh, in[next++]);
          if (lstm) address(b, &a->dc, in[next++]);
          address(b, lstm ? &a->c : gru ? &a->before : &a->h, in[next++]);
          if (lstm || gru) address(b, &a->gates, in[next++]);
          address(b, &a->kernel, in[next++]);
          if (lstm) address(b, &a->c0, in[next++]);
          address(b, &a->mask, in[next]);
          sizes.bind(b, a);
          a->reverse = reverse;
        });
  } else {
    call = simple<kernels::RecurrentArgs>(name, dtype, name, read, written,
                                          [=](const Binder& b, kernels::RecurrentArgs* a) {
                                            size_t next = 0;
                                            address(b, &a->h, out[next++]);
                                            if (lstm) address(b, &a->c, out[next++]);
                                            address(b, &a->before, out[next++]);
                                            if (lstm || gru) address(b, &a->gates, out[next++]);
                                            next = 0;
                                            address(b, &a->x, in[next++]);
                                            address(b, &a->kernel, in[next++]);
                                            if (gru) address(b, &a->bias, in[next++]);
                                            address(b, &a->h0, in[next++]);
                                            if (lstm) address(b, &a->c0, in[next++]);
                                            address(b, &a->mask, in[next]);
                                            sizes.bind(b, a);
                                            a->reverse = reverse;
                                          });
  }
  call->flops = Dim(2) * sizes.batch * sizes.time * element_count(n->inputs[kernel].shape());
}

}  // namespace fastnn::runtime
