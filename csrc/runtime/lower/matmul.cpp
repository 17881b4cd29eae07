// Matmul calls, and what they and convolutions absorb: bias, activation, the activation's gradient,
// the bias gradient beside the weight gradient.
#include <algorithm>

#include "core/error.h"
#include "runtime/lower/lowering.h"
#include "runtime/registry.h"

namespace fastnn::runtime {
namespace {

using kernels::Epilogue;
using kernels::MatmulArgs;

Dim last(const Shape& s, size_t from_end) { return s[s.size() - from_end]; }

}  // namespace

void MatmulCall::bind(const Binder& binder, void* memory) const {
  auto* args = static_cast<MatmulArgs*>(memory);
  args->m = binder.eval(m);
  args->n = binder.eval(n);
  args->k = binder.eval(k);
  auto leading = [&](const View& v) { return binder.eval(v.strides[v.strides.size() - 2]); };
  args->lda = leading(a);
  args->ldb = leading(b);
  args->ldc = args->n;
  args->trans_a = trans_a;
  args->trans_b = trans_b;
  binder.pointer(&args->a, a);
  binder.pointer(&args->b, b);
  binder.pointer(&args->c, View{out, a.dtype, {}, {}, 0});
  if (bias.buffer >= 0) binder.pointer(&args->bias, bias);
  if (aux.buffer >= 0) {
    binder.pointer(&args->aux, aux);
    args->ldaux = args->n;
  }
  if (colsum >= 0) binder.pointer(&args->colsum_b, View{colsum, a.dtype, {}, {}, 0});
  args->epilogue = epilogue;
  args->epilogue_tile = tile;
  args->epilogue_params = params.data();

  size_t rank = out_shape.size() - 2;
  args->batch_rank = static_cast<int32_t>(rank);
  int64_t c_stride = args->m * args->n;
  for (size_t d = rank; d-- > 0;) {
    args->batch_shape[d] = binder.eval(out_shape[d]);
    args->batch_c[d] = c_stride;
    c_stride *= args->batch_shape[d];
    auto stride = [&](const View& v) -> int64_t {
      size_t lead = rank - (v.shape.size() - 2);
      if (d < lead || binder.eval(v.shape[d - lead]) == 1) return 0;
      return binder.eval(v.strides[d - lead]);
    };
    args->batch_a[d] = stride(a);
    args->batch_b[d] = stride(b);
  }
}

// A view whose last or last but one axis has unit stride, and whether it is the latter.
View Lowering::matrix(const View& v, bool* transposed) {
  size_t r = v.shape.size();
  auto unit = [&](size_t from_end) { return v.strides[r - from_end] == Dim(1); };
  auto usable = [&](size_t from_end) {
    const Dim& s = v.strides[r - from_end];
    return !s.is_number() || s.number() > 0 || v.shape[r - from_end] == Dim(1);
  };
  if (unit(1) && usable(2)) return v;
  if (unit(2) && usable(1)) {
    View t = v;
    std::swap(t.shape[r - 1], t.shape[r - 2]);
    std::swap(t.strides[r - 1], t.strides[r - 2]);
    *transposed = !*transposed;
    return t;
  }
  return copied(v);
}

void Lowering::lower_matmul(const NodePtr& n) {
  Value v{n, 0};
  auto call = std::make_unique<MatmulCall>();
  call->trans_a = n->attrs.get<bool>("transpose_a");
  call->trans_b = n->attrs.get<bool>("transpose_b");
  call->a = matrix(view_of(n->inputs[0]), &call->trans_a);
  call->b = matrix(view_of(n->inputs[1]), &call->trans_b);
  // Rows of a batch against one matrix are one tall product.
  bool flat = call->a.shape.size() > 2 && call->b.shape.size() == 2 && !call->trans_a &&
              is_contiguous(call->a);
  View result = new_result(v);
  call->out = result.buffer;
  call->out_shape = v.shape();
  call->k = last(call->a.shape, call->trans_a ? 2 : 1);
  if (flat) {
    Dim rows(1);
    for (size_t d = 0; d + 1 < call->a.shape.size(); ++d) rows = rows * call->a.shape[d];
    Dim stride = call->a.strides[call->a.strides.size() - 2];
    call->a.shape = {rows, call->k};
    call->a.strides = {stride, 1};
    call->out_shape = {rows, last(v.shape(), 1)};
  }
  call->m = last(call->out_shape, 2);
  call->n = last(call->out_shape, 1);
  set_kernel(call.get(), "matmul", v.dtype());
  call->label = std::string("matmul ") + (call->trans_a ? "T" : "N") + (call->trans_b ? "T" : "N");
  Dim count = element_count(call->out_shape), size(dtype_size(v.dtype()));
  call->flops = Dim(2) * count * call->k;
  call->bytes = (element_count(call->a.shape) + element_count(call->b.shape) + count) * size;
  std::vector<View> read = {call->a, call->b};
  int out = call->out;
  auto* c = static_cast<MatmulCall*>(emit(std::move(call), read, {out}));
  if (c->trans_a && !c->trans_b && c->out_shape.size() == 2 && c->b.shape.size() == 2)
    absorb_colsum(c, c->b);
}

// The call whose one result is v, if v has one reader and none of the calls so far is it.
Call* Lowering::only_writer(const Value& v) {
  auto view = views_.find(v);
  if (view == views_.end() || !used_once(v)) return nullptr;
  const View& x = view->second;
  if (element_count(x.shape) != program_->buffers[static_cast<size_t>(x.buffer)].count)
    return nullptr;
  auto it = writer_.find(x.buffer);
  bool only = it != writer_.end() && is_contiguous(x) && !read_by_others(x.buffer, nullptr);
  return only ? it->second : nullptr;
}

// The call that computes v, if nothing else reads it and its epilogue is still free.
ProductCall* Lowering::pending_product(const Value& v) {
  auto* call = dynamic_cast<ProductCall*>(only_writer(v));
  bool pending = call && call->takes_epilogue() && call->out == views_.at(v).buffer &&
                 call->epilogue == Epilogue::none && call->aux.buffer < 0 &&
                 is_floating(v.dtype()) &&
                 (call->colsum < 0 || !read_by_others(call->colsum, nullptr));
  return pending ? call : nullptr;
}

bool Lowering::absorb_bias(const NodePtr& n) {
  if (n->op->name != "add") return false;
  for (size_t i = 0; i < 2; ++i) {
    ProductCall* call = pending_product(n->inputs[i]);
    if (!call || call->bias.buffer >= 0) continue;
    Value v{n, 0};
    View b = view_of(n->inputs[1 - i]);
    if (n->inputs[i].shape() != v.shape() || element_count(b.shape) != call->n || b.shape.empty() ||
        b.shape.back() != call->n || !is_contiguous(b) || call->colsum >= 0)
      continue;
    call->bias = b;
    call->position = ++position_;
    reads(call, b.buffer);
    call->label += "+bias";
    call->flops = call->flops + element_count(v.shape());
    views_[v] = views_[n->inputs[i]];
    return true;
  }
  return false;
}

// y = f(c) or f(c, aux) while c is in registers; for gradients aux is what the slope needs.
bool Lowering::absorb_activation(const NodePtr& n) {
  Value v{n, 0};
  const auto& in = n->inputs;
  if (in.empty() || in.size() > 2 || in[0].dtype() != v.dtype() || in[0].shape() != v.shape())
    return false;
  if (in.size() == 2 &&
      (in[1].shape() != v.shape() || in[1] == in[0] || in[1].dtype() != v.dtype()))
    return false;
  ProductCall* call = pending_product(in[0]);
  if (!call) return false;
  std::vector<double> params;
  for (const auto& spec : n->op->attrs) {
    if (spec.type != "float") return false;
    params.push_back(n->attrs.get<double>(spec.name));
  }
  const Epilogue epilogue = n->op->name == "relu"        ? Epilogue::relu
                            : n->op->name == "relu_grad" ? Epilogue::relu_grad
                                                         : Epilogue::tile;
  // Elsewhere a tile is no function to call: the elementwise call that comes next does its work.
  if (!program_->device().is_host() && epilogue == Epilogue::tile) return false;
  Found found = find_kernel(program_->device(), n->op->name, v.dtype());
  if (!found.entry || !found.entry->tile) return false;
  if (in.size() == 2) {
    View aux = view_of(in[1]);
    if (!is_contiguous(aux)) return false;
    call->aux = aux;
    reads(call, aux.buffer);
  }
  call->position = ++position_;
  call->params = params;
  call->tile = found.entry->tile;
  call->epilogue = epilogue;
  call->label += "+" + n->op->name;
  call->flops = call->flops + element_count(v.shape());
  views_[v] = views_[in[0]];
  return true;
}

// dW = h^T dz and db = sum of dz's rows read dz once.
bool Lowering::absorb_colsum(ProductCall* call, const View& summed) {
  if (!is_contiguous(summed) || !is_floating(summed.dtype)) return false;
  for (const RowSum& sum : row_sums_[summed.buffer]) {
    bool same = sum.in.offset == summed.offset && sum.in.shape.back() == summed.shape.back() &&
                element_count(sum.in.shape) == element_count(summed.shape);
    if (!same || sum.call->absorbed || read_by_others(sum.out, nullptr)) continue;
    call->colsum = sum.out;
    call->writes.push_back(sum.out);
    writer_[sum.out] = call;
    auto& readers = readers_[root(summed.buffer)];
    readers.erase(std::remove(readers.begin(), readers.end(), sum.call), readers.end());
    call->label += "+sum rows";
    call->flops = call->flops + element_count(summed.shape);
    sum.call->absorbed = true;
    return true;
  }
  return false;
}

}  // namespace fastnn::runtime
