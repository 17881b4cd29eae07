#include "runtime/packed_weights.h"

#include <set>

#include "runtime/lower/calls.h"
#include "runtime/registry.h"

namespace fastnn::runtime {
namespace {

constexpr int64_t kMostBytes = 64 << 20;  // of copies; products beyond pack for each batch

int root(const Program& p, int buffer) {
  while (p.buffers[static_cast<size_t>(buffer)].alias >= 0)
    buffer = p.buffers[static_cast<size_t>(buffer)].alias;
  return buffer;
}

std::set<int> written(const Program& p) {
  std::set<int> all;
  for (const auto& call : p.calls)
    for (int b : call->writes) all.insert(root(p, b));
  return all;
}

const MatmulCall& product(const Program& p, size_t call) {
  return static_cast<const MatmulCall&>(*p.calls[call]);
}

// A variable as one matrix, of known size.
bool is_matrix_of_variable(const Program& p, const View& b) {
  return p.buffers[static_cast<size_t>(b.buffer)].kind == BufferInfo::stored &&
         b.shape.size() == 2 && b.shape[0].is_number() && b.shape[1].is_number() &&
         b.strides[0].is_number() && b.offset.is_number();
}

}  // namespace

PackedWeights::PackedWeights(const Program& program) {
  if (!program.device().is_host()) return;
  const std::set<int> changed = written(program);
  const kernels::Table& table = active_table();
  int64_t total = 0;
  for (size_t i = 0; i < program.calls.size(); ++i) {
    const auto* call = dynamic_cast<const MatmulCall*>(program.calls[i].get());
    if (!call || call->out_shape.size() != 2 || !is_matrix_of_variable(program, call->b) ||
        changed.count(root(program, call->b.buffer)))
      continue;
    const DType dtype = call->b.dtype;
    const kernels::Entry* own = find_in(table, "matmul", dtype);
    const kernels::Entry* pack = find_in(table, "matmul_pack", dtype);
    const kernels::Entry* packed = find_in(table, "matmul_packed", dtype);
    if (!pack || !packed || !own || own->run != call->kernel) continue;
    const int64_t rows = call->b.shape[0].number(), cols = call->b.shape[1].number();
    const int64_t n = call->trans_b ? rows : cols, k = call->trans_b ? cols : rows;
    const int64_t padded = (n + kernels::kPackedCols - 1) / kernels::kPackedCols;
    const int64_t bytes =
        align_up(checked_mul(checked_mul(padded * kernels::kPackedCols, k), dtype_size(dtype)));
    if (bytes > kMostBytes - total) continue;
    products_.push_back({i, own->run, pack->run, packed->run, n, k, total, {}});
    total += bytes;
  }
  buffer_ = Buffer(total, Buffer::Fill::none);
}

void PackedWeights::refresh(const Program& program) {
  const uint64_t epoch = graph::Variable::values_epoch();
  if (valid_ && epoch == epoch_) return;
  kernels::Status status{};
  const kernels::Context context = plain_context(&status);
  for (const Product& p : products_) {
    const MatmulCall& call = product(program, p.call);
    const View& b = call.b;
    const char* from =
        static_cast<const char*>(program.buffers[static_cast<size_t>(b.buffer)].variable->data());
    const kernels::MatmulPackArgs args = {buffer_.as<char>() + p.offset,
                                          from + b.offset.number() * dtype_size(b.dtype),
                                          p.n,
                                          p.k,
                                          b.strides[0].number(),
                                          call.trans_b};
    p.pack(&args, &context);
  }
  valid_ = true;
  epoch_ = epoch;
}

void PackedWeights::lend(Context* context) {
  for (Product& p : products_) {
    p.args = {static_cast<const kernels::MatmulArgs*>(context->arguments(p.call)),
              buffer_.as<char>() + p.offset};
    context->replace(p.call, p.packed, &p.args);
  }
}

void PackedWeights::take_back(Context* context) const {
  for (const Product& p : products_) context->replace(p.call, p.own, context->arguments(p.call));
}

}  // namespace fastnn::runtime
