// Convolutions and pooling. A convolution absorbs bias and activation as a matmul does, and on the
// CPU the pooling after it: then its results before pooling are never in memory.
#include <algorithm>

#include "runtime/lower/lowering.h"
#include "runtime/registry.h"

namespace fastnn::runtime {
namespace {

using Ints = std::vector<int64_t>;

// Fills in what convolution and pooling have alike; one axis is the second of two.
template <class S>
void bind_windows(const Binder& binder, const graph::Windows& w, const Shape& x, const Shape& y,
                  S* s) {
  s->batch = binder.eval(x[0]);
  s->channels = binder.eval(x.back());
  const size_t rank = w.size.size();
  s->in[0] = s->out[0] = s->stride[0] = 1;
  s->before[0] = 0;
  for (size_t d = 0; d < rank; ++d) {
    const size_t to = d + 2 - rank;
    s->in[to] = binder.eval(x[d + 1]);
    s->out[to] = binder.eval(y[d + 1]);
    s->stride[to] = w.strides[d];
    s->before[to] = w.before[d];
  }
}

View buffer_view(int buffer, DType dtype) { return View{buffer, dtype, {}, {}, 0}; }

Ints spatial_sizes(const Shape& kernel) {
  Ints sizes;
  for (size_t d = 0; d + 2 < kernel.size(); ++d) sizes.push_back(kernel[d].number());
  return sizes;
}

// Windows side by side that need no padding.
bool covers_plainly(const graph::Windows& w, const Shape& x) {
  for (size_t d = 0; d < w.size.size(); ++d)
    if (w.before[d] != 0 || w.after[d] > 0 || w.strides[d] != w.size[d] || !x[d + 1].is_number() ||
        x[d + 1].number() + w.after[d] < w.size[d])
      return false;
  return true;
}

}  // namespace

void ConvCall::bind(const Binder& binder, void* memory) const {
  auto* args = static_cast<kernels::ConvArgs*>(memory);
  binder.pointer(&args->out, buffer_view(out, a.dtype));
  binder.pointer(&args->a, a);
  binder.pointer(&args->b, b);
  if (bias.buffer >= 0) binder.pointer(&args->bias, bias);
  if (aux.buffer >= 0) binder.pointer(&args->aux, aux);
  if (places.buffer >= 0) binder.pointer(&args->places, places);
  if (colsum >= 0) binder.pointer(&args->colsum, buffer_view(colsum, a.dtype));
  if (index >= 0) binder.pointer(&args->index, buffer_view(index, DType::u8));
  args->epilogue = epilogue;
  args->epilogue_tile = tile;
  args->epilogue_params = params.data();
  kernels::ConvShape& s = args->shape;
  bind_windows(binder, windows, x, y, &s);
  s.filters = binder.eval(y.back());
  s.groups = groups;
  s.kernel[0] = s.dilation[0] = 1;
  args->pool[0] = pool.empty() ? 0 : 1;
  args->pool[1] = 0;
  const size_t rank = windows.size.size();
  for (size_t d = 0; d < rank; ++d) {
    s.kernel[d + 2 - rank] = windows.size[d];
    s.dilation[d + 2 - rank] = windows.dilation[d];
    if (!pool.empty()) args->pool[d + 2 - rank] = pool[d];
  }
}

void PoolCall::bind(const Binder& binder, void* memory) const {
  auto* args = static_cast<kernels::PoolArgs*>(memory);
  binder.pointer(&args->out, buffer_view(out, in.dtype));
  binder.pointer(&args->in, in);
  int64_t window = 1;
  for (int64_t size : windows.size) window *= size;
  args->wide = window > 256;
  if (places.buffer >= 0) binder.pointer(&args->places, places);
  if (index >= 0) binder.pointer(&args->index, buffer_view(index, DType::u8));
  kernels::PoolShape& s = args->shape;
  bind_windows(binder, windows, x, y, &s);
  s.size[0] = 1;
  for (size_t d = 0; d < windows.size.size(); ++d)
    s.size[d + 2 - windows.size.size()] = windows.size[d];
}

void Lowering::lower_convolution(const NodePtr& n) {
  Value v{n, 0};
  const Value &first = n->inputs[0], &second = n->inputs[1];
  auto call = std::make_unique<ConvCall>();
  call->label = n->op->name;
  call->result = n->op->name == "conv"              ? ConvCall::forward
                 : n->op->name == "conv_input_grad" ? ConvCall::to_input
                                                    : ConvCall::to_kernel;
  const bool to_kernel = call->result == ConvCall::to_kernel;
  const bool to_input = call->result == ConvCall::to_input;
  call->x = to_input ? v.shape() : first.shape();
  call->y = to_input ? first.shape() : to_kernel ? second.shape() : v.shape();
  const Shape& k = to_kernel ? v.shape() : second.shape();
  call->windows = graph::windows_of(n->attrs, spatial_sizes(k));
  call->groups = n->attrs.get<int64_t>("groups");
  call->a = contiguous(view_of(first));
  if (PoolCall* pool = to_kernel ? absorb_pool_gradient(second) : nullptr) {
    call->b = pool->in;
    call->places = pool->places;
    call->pool = pool->windows.size;
    call->label += "+max_pool_grad";
  } else {
    call->b = contiguous(view_of(second));
  }
  View result = new_result(v);
  call->out = result.buffer;
  call->n = v.shape().back();
  set_kernel(call.get(), n->op->name, v.dtype());
  Dim size(dtype_size(v.dtype()));
  call->flops =
      Dim(2) * element_count(call->y) * Dim(element_count(k).number() / k.back().number());
  call->bytes =
      (element_count(call->a.shape) + element_count(call->b.shape) + element_count(v.shape())) *
      size;
  auto* c = static_cast<ConvCall*>(
      emit(std::move(call), {call->a, call->b, call->places}, {result.buffer}));
  if (to_kernel) absorb_colsum(c, c->b);
}

void Lowering::lower_pooling(const NodePtr& n) {
  if (absorb_pooling(n)) return;
  Value v{n, 0};
  const std::string& name = n->op->name;
  auto call = std::make_unique<PoolCall>();
  call->in = contiguous(view_of(n->inputs[0]));
  std::vector<View> read = {call->in};
  if (n->inputs.size() > 1) {
    call->places = contiguous(view_of(n->inputs[1]));
    read.push_back(call->places);
  }
  const bool gradient = n->attrs.has("shape");
  call->x = gradient ? v.shape() : n->inputs[0].shape();
  call->y = gradient ? n->inputs[0].shape() : v.shape();
  call->windows = graph::windows_of(n->attrs, n->attrs.get<Ints>("size"));
  View result = new_result(v);
  call->out = result.buffer;
  std::vector<int> written = {result.buffer};
  if (n->outputs.size() > 1 && uses({n, 1}) > 0) {
    call->index = new_result({n, 1}).buffer;
    written.push_back(call->index);
  }
  set_kernel(call.get(), name, v.dtype());
  call->label = name;
  call->flops = element_count(call->x);
  call->bytes = (element_count(call->x) + element_count(call->y)) * Dim(dtype_size(v.dtype()));
  emit(std::move(call), read, written);
}

// max_pool of a convolution that nothing else reads.
bool Lowering::absorb_pooling(const NodePtr& n) {
  if (n->op->name != "max_pool" || !program_->device().is_host()) return false;
  const Value& x = n->inputs[0];
  auto* call = dynamic_cast<ConvCall*>(only_writer(x));
  graph::Windows w = graph::windows_of(n->attrs, n->attrs.get<Ints>("size"));
  const bool fits = call && call->result == ConvCall::forward && call->pool.empty() &&
                    call->y == x.shape() && n->outputs[1].dtype == DType::u8 &&
                    covers_plainly(w, x.shape());
  if (!fits) return false;
  writer_.erase(call->out);
  call->writes.clear();
  call->position = ++position_;
  call->out = new_result({n, 0}).buffer;
  writes(call, call->out);
  if (uses({n, 1}) > 0) {
    call->index = new_result({n, 1}).buffer;
    writes(call, call->index);
  }
  call->pool = w.size;
  call->label += "+max_pool";
  return true;
}

// The gradient of a pooling that only the gradient to a kernel reads: it is made piece by piece
// there.
PoolCall* Lowering::absorb_pool_gradient(const Value& v) {
  auto* pool = program_->device().is_host() ? dynamic_cast<PoolCall*>(only_writer(v)) : nullptr;
  if (!pool || v.node->op->name != "max_pool_grad" || pool->places.dtype != DType::u8 ||
      !covers_plainly(pool->windows, pool->x))
    return nullptr;
  for (const View& read : {pool->in, pool->places}) {
    auto& of = readers_[root(read.buffer)];
    of.erase(std::remove(of.begin(), of.end(), static_cast<Call*>(pool)), of.end());
  }
  writer_.erase(pool->out);
  pool->absorbed = true;
  return pool;
}

}  // namespace fastnn::runtime
