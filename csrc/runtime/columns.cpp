#include "runtime/columns.h"

#include <algorithm>
#include <atomic>

#include "core/error.h"
#include "runtime/registry.h"

namespace fastnn::runtime {
namespace {

using kernels::Source;

// Columns of more bytes leave the caches near the core. The next batch is asked for where its rows
// are short, or are at most a page of memory long and fit there with it.
constexpr int64_t kFarBytes = 512 << 10;
constexpr int64_t kShortRow = 256, kPage = 4096;
// Columns that reach over so many times their own bytes, and over more than so many in all, are not
// copied to a device as they lie.
constexpr int64_t kFarApart = 16, kFarTotal = int64_t{256} << 20;
// A device is the quicker one to make and take an order of so many rows.
constexpr int64_t kLongOrder = 1 << 16;

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

// The bytes that a column reaches over, from its address on.
struct Span {
  int64_t begin = 0, end = 0;
};

int64_t item_bytes(const Column& c) {
  static constexpr int64_t kItem[] = {4, 8, 4, 8, 1, 1, 1, 2, 2, 4, 8, 2};  // of each Source
  return kItem[static_cast<int>(c.source)];
}

Span span_of(const Column& c) {
  Span span{0, item_bytes(c)};
  auto axis = [&](int64_t length, int64_t stride) {
    const int64_t reach = checked_mul(std::max<int64_t>(length - 1, 0), stride);
    (reach < 0 ? span.begin : span.end) += reach;
  };
  axis(c.rows, c.row_stride);
  for (size_t d = 0; d < c.shape.size(); ++d) axis(c.shape[d], c.strides[d]);
  return span;
}

uint64_t new_layout() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

}  // namespace

bool Column::operator==(const Column& other) const {
  return data == other.data && device == other.device && source == other.source &&
         byteswap == other.byteswap && rows == other.rows && row_stride == other.row_stride &&
         shape == other.shape && strides == other.strides;
}

BatchReader::BatchReader(const Program& program, std::vector<Column> columns, int64_t batch,
                         Use use)
    : columns_(std::move(columns)), gathers_(&host()), device_(&program.device()), batch_(batch) {
  if (columns_.size() != program.input_types.size())
    throw ValueError(
        str("expected ", program.input_types.size(), " columns, got ", columns_.size()));
  if (!columns_.empty()) rows_ = columns_[0].rows;
  bool there = false;
  for (const Column& c : columns_) {
    if (c.rows != rows_)
      throw ValueError(str("expected columns of equal length, got ", rows_, " and ", c.rows));
    if (c.device->is_host()) continue;
    there = true;
    if (c.device != device_)
      throw TypeError(str("expected arrays in the processor's memory, got one on ",
                          c.device->name(), ": compile for device=\"", c.device->name(),
                          "\", or copy it first"));
  }
  if (!device_->is_host() && (there || (use == Use::often && fits(*device_)))) gathers_ = device_;
  // Pinned memory takes long to get: not for a few rows.
  sends_ = gathers_ != device_ && rows_ > 2 * batch;
  for (size_t i = 0; i < columns_.size(); ++i)
    inputs_.push_back(input(columns_[i], program.input_types[i].dtype, batch));
  if (gathers_->is_host()) return;
  bring_columns(*gathers_);
  layout_ = new_layout();
}

BatchReader::Input BatchReader::input(const Column& c, DType t, int64_t batch) const {
  if (c.shape.size() > static_cast<size_t>(kernels::kMaxRank))
    throw ValueError(
        str("expected rows of at most ", kernels::kMaxRank, " axes, got ", c.shape.size()));
  const Found gather = find_kernel(*gathers_, "gather_batch", t);
  if (!gather.entry) throw_no_kernel(*gathers_, "gather_batch", t);
  Input in{};
  in.gather = gather.entry->run;
  in.nonfinite = is_floating(t) ? find_kernel(*gathers_, "first_nonfinite", t).entry->run : nullptr;
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
  const int64_t item = in.item = dtype_size(t);
  const int64_t bytes = checked_mul(checked_mul(elements, item), batch);
  bool aligned = reinterpret_cast<uintptr_t>(c.data) % static_cast<uintptr_t>(item) == 0;
  in.direct = same_type(t, c.source) && !c.byteswap && aligned && rows_are_dense(c, item);
  const int64_t longest = std::clamp(kFarBytes / batch, kShortRow, kPage);
  const bool short_row = c.row_stride > 0 && c.row_stride <= longest && gathers_->is_host();
  in.ahead_bytes = short_row && c.rows > kFarBytes / c.row_stride ? c.row_stride : 0;
  if (gathers_ != device_) in.brought = Memory(*device_, bytes);
  if (!sends_) {
    in.buffer = Memory(*gathers_, bytes);
    return in;
  }
  in.direct = false;  // also rows that lie well are gathered there
  for (Pinned& sending : in.sending) sending = Pinned(*device_, bytes);
  return in;
}

// With room left for what the program itself will need. Rows far apart, of a mapped file that is
// mostly something else, are not worth to bring all that lies between.
bool BatchReader::fits(const Device& device) const {
  int64_t total = 0, far = 0;
  for (const Column& c : columns_) {
    if (!c.device->is_host()) continue;
    const Span span = span_of(c);
    int64_t own = checked_mul(c.rows, item_bytes(c));
    for (int64_t n : c.shape) own = checked_mul(own, n);
    const int64_t bytes = span.end - span.begin;
    total = checked_add(total, bytes);
    if (bytes / kFarApart > own) far += bytes;
  }
  return total <= device.free_memory() / 2 && far <= kFarTotal;
}

void BatchReader::bring_columns(const Device& device) {
  for (size_t i = 0; i < columns_.size() && rows_ > 0; ++i) {
    if (!columns_[i].device->is_host()) continue;
    const Span span = span_of(columns_[i]);
    Input& in = inputs_[i];
    in.brought = Memory(device, span.end - span.begin);
    device.copy_in(in.brought.data(), static_cast<const char*>(columns_[i].data) + span.begin,
                   in.brought.size());
    in.args.src = in.brought.as<char>() - span.begin;
  }
}

void BatchReader::make_room_for_order(int64_t rows) {
  const auto bytes = checked_mul(rows, sizeof(int64_t));
  if (brought_order_.size() >= bytes) return;
  brought_order_ = Memory(*gathers_, bytes);
  layout_ = new_layout();
}

void BatchReader::prepare(const std::vector<int64_t>& order) {
  ordered_ = static_cast<int64_t>(order.size());
  if (gathers_->is_host()) return;
  const auto rows = static_cast<int64_t>(order.size());
  make_room_for_order(rows);
  gathers_->copy_in(brought_order_.data(), order.data(), rows * 8);
}

bool BatchReader::permute(uint64_t stream, uint64_t seed, uint64_t pass) {
  if (gathers_->is_host() || rows_ < kLongOrder) return false;
  make_room_for_order(rows_);
  const kernels::Entry* entry = find_kernel(*gathers_, "random_permutation", DType::i64).entry;
  const kernels::PermutationArgs args{brought_order_.as<int64_t>(), rows_, stream};
  const auto bytes = static_cast<int64_t>(entry->workspace(&args, 1));
  if (permuting_.size() < bytes) permuting_ = Memory(*gathers_, bytes);
  kernels::Status status{};
  kernels::Context kc = gathering_context(&status);
  kc.workspace = permuting_.data();
  kc.seed = seed;
  kc.step = pass;
  entry->run(&args, &kc);
  gathers_->check("random_permutation");
  return true;
}

int64_t BatchReader::buffer_bytes() const {
  int64_t total = 0;
  for (const Input& in : inputs_) total += sends_ ? 2 * in.brought.size() : in.buffer.size();
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

kernels::Context BatchReader::gathering_context(kernels::Status* status) const {
  if (gathers_->is_host()) return plain_context(status);
  return {nullptr, gathers_->module()->queue(), 1, nullptr, nullptr, 0, 0, 0};
}

// Each row's place counts from the state's row.
void BatchReader::record_read(Context* context, bool ordered, int64_t n) {
  const kernels::Context kc = context->launching();
  for (size_t i = 0; i < inputs_.size(); ++i) {
    Input& in = inputs_[i];
    in.args.out = in.buffer.data();
    in.args.rows = ordered ? brought_order_.as<int64_t>() : nullptr;
    in.args.first_row = 0;
    in.args.n = n;
    in.gather(&in.args, &kc);
    gathers_->check("gather_batch");
    context->set_input(static_cast<int>(i), in.buffer.data());
  }
}

void BatchReader::read(Context* context, const int64_t* order, int64_t first, int64_t n) {
  if (context->recording()) return record_read(context, order != nullptr, n);
  kernels::Status status{};
  kernels::Context kc = gathering_context(&status);
  if (order && !gathers_->is_host()) order = brought_order_.as<int64_t>();
  // The device may still be at the batch before this one; the one before that has left.
  if (sends_) {
    turn_ = 1 - turn_;
    sent_[turn_].wait();
  }
  for (size_t i = 0; i < inputs_.size(); ++i) {
    Input& in = inputs_[i];
    if (in.direct && !order) {
      in.last = static_cast<const char*>(in.args.src) + first * in.args.row_stride;
    } else {
      in.args.out = sends_ ? in.sending[turn_].data() : in.buffer.data();
      in.args.rows = order ? order + first : nullptr;
      in.args.first_row = first;
      in.args.n = n;
      in.gather(&in.args, &kc);
      gathers_->check("gather_batch");
      in.last = in.args.out;
    }
    if (gathers_ == device_) {
      context->set_input(static_cast<int>(i), in.last);
      continue;
    }
    device_->copy_in(in.brought.data(), in.last, n * in.row_elements * in.item);
    context->set_input(static_cast<int>(i), in.brought.data());
  }
  if (sends_) sent_[turn_] = Mark(*device_);
  if (order) fetch_ahead(order, first + n, n);
}

void BatchReader::fetch_ahead(const int64_t* order, int64_t first, int64_t n) const {
  const int64_t end = std::min(first + n, ordered_);
  for (const Input& in : inputs_) {
    if (in.ahead_bytes == 0) continue;
    const char* src = static_cast<const char*>(in.args.src);
    for (int64_t r = first; r < end; ++r) {
      const char* row = src + order[r] * in.args.row_stride;
      for (int64_t b = 0; b < in.ahead_bytes; b += 64) __builtin_prefetch(row + b);
      __builtin_prefetch(row + in.ahead_bytes - 1);
    }
  }
  // GCC takes a function that does nothing but this for one without effects, and leaves it out.
  asm volatile("" ::: "memory");
}

bool BatchReader::finite(int64_t n) {
  kernels::Status status{};
  kernels::Context kc = gathering_context(&status);
  kc.threads = 1;
  const bool here = gathers_->is_host();
  if (!here && found_.size() == 0) found_ = Memory(*gathers_, sizeof(int64_t));
  for (const Input& in : inputs_) {
    if (!in.nonfinite) continue;
    int64_t found = -1;
    kernels::FiniteArgs args{here ? &found : found_.as<int64_t>(), in.last, n * in.row_elements};
    in.nonfinite(&args, &kc);
    gathers_->check("first_nonfinite");
    if (!here) gathers_->copy_out(&found, found_.data(), sizeof found);
    if (found >= 0) return false;
  }
  return true;
}

}  // namespace fastnn::runtime
