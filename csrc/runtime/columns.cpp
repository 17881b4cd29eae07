#include "runtime/columns.h"

#include "core/error.h"
#include "runtime/registry.h"

namespace fastnn::runtime {
namespace {

using kernels::Source;

bool same_type(DType t, Source s) {
  return static_cast<int>(t) == static_cast<int>(s);  // the first of Source are DType's
}

bool rows_are_dense(const Column& c, int64_t item) {
  int64_t step = item;
  for (size_t d = c.shape.size(); d-- > 0;) {
    if (c.strides[d] != step && c.shape[d] != 1) return false;
    step *= c.shape[d];
  }
  return c.row_stride == step;
}

}  // namespace

BatchReader::BatchReader(const Program& program, std::vector<Column> columns, int64_t batch)
    : columns_(std::move(columns)) {
  if (columns_.size() != program.input_types.size())
    throw ValueError(
        str("expected ", program.input_types.size(), " columns, got ", columns_.size()));
  if (!columns_.empty()) rows_ = columns_[0].rows;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& c = columns_[i];
    DType t = program.input_types[i].dtype;
    if (c.rows != rows_)
      throw ValueError(str("expected columns of equal length, got ", rows_, " and ", c.rows));
    if (c.shape.size() > static_cast<size_t>(kernels::kMaxRank))
      throw ValueError(
          str("expected rows of at most ", kernels::kMaxRank, " axes, got ", c.shape.size()));
    Found found = find_kernel("gather_batch", t);
    Input in{};
    in.gather = found.entry->run;
    in.nonfinite = is_floating(t) ? find_kernel("first_nonfinite", t).entry->run : nullptr;
    kernels::GatherBatchArgs& a = in.args;
    a.src = c.data;
    a.row_stride = c.row_stride;
    a.source = c.source;
    a.byteswap = c.byteswap;
    a.rank = static_cast<int32_t>(c.shape.size());
    int64_t elements = 1;
    for (size_t d = 0; d < c.shape.size(); ++d) {
      a.shape[d] = c.shape[d];
      a.strides[d] = c.strides[d];
      elements = checked_mul(elements, c.shape[d]);
    }
    in.row_elements = elements;
    int64_t item = dtype_size(t);
    bool aligned = reinterpret_cast<uintptr_t>(c.data) % static_cast<uintptr_t>(item) == 0;
    in.direct = same_type(t, c.source) && !c.byteswap && aligned && rows_are_dense(c, item);
    in.buffer = Buffer(checked_mul(checked_mul(elements, item), batch));
    inputs_.push_back(std::move(in));
  }
}

int64_t BatchReader::buffer_bytes() const {
  int64_t total = 0;
  for (const Input& in : inputs_) total += in.buffer.size();
  return total;
}

Extents extents_of(const Program& program, const std::vector<Column>& columns, int64_t n) {
  std::vector<std::vector<int64_t>> shapes;
  for (const Column& c : columns) {
    shapes.push_back({n});
    shapes.back().insert(shapes.back().end(), c.shape.begin(), c.shape.end());
  }
  return program.extents_of(shapes);
}

void BatchReader::read(Context* context, const int64_t* order, int64_t first, int64_t n) {
  kernels::Status status{};
  kernels::Context kc = plain_context(&status);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    Input& in = inputs_[i];
    if (in.direct && !order) {
      in.last = static_cast<const char*>(in.args.src) + first * in.args.row_stride;
      context->set_input(static_cast<int>(i), in.last);
      continue;
    }
    in.args.out = in.buffer.data();
    in.args.rows = order ? order + first : nullptr;
    in.args.first_row = first;
    in.args.n = n;
    in.gather(&in.args, &kc);
    in.last = in.buffer.data();
    context->set_input(static_cast<int>(i), in.last);
  }
}

bool BatchReader::finite(int64_t n) const {
  kernels::Status status{};
  kernels::Context kc = plain_context(&status);
  kc.threads = 1;
  for (const Input& in : inputs_) {
    int64_t found = -1;
    kernels::FiniteArgs args{&found, in.last, n * in.row_elements};
    if (in.nonfinite) in.nonfinite(&args, &kc);
    if (found >= 0) return false;
  }
  return true;
}

}  // namespace fastnn::runtime
