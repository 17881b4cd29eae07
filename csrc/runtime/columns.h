// Columns of a data set: arrays of any dtype, byte order and strides, read a batch at a time.
#pragma once
#include <vector>

#include "core/recording.h"
#include "runtime/program.h"
#include "runtime/source.h"

namespace fastnn::runtime {

struct Column {
  const void* data = nullptr;
  const Device* device = &host();  // where they lie
  kernels::Source source = kernels::Source::f32;
  bool byteswap = false;
  int64_t rows = 0;
  int64_t row_stride = 0;        // bytes
  std::vector<int64_t> shape;    // of a row
  std::vector<int64_t> strides;  // bytes

  bool operator==(const Column& other) const;
};

// The extents that n rows of these columns give a program.
Extents extents_of(const Program& program, const std::vector<Column>& columns, int64_t n);

// Brings rows of columns to the inputs of a program.
class BatchReader final : public BatchSource {
 public:
  // Where the program's device has memory of its own: rows that are read again and again are
  // brought there once and for all, if there is room; others a batch at a time. Columns that lie
  // there are read there, and all others are brought to them.
  enum class Use { once, often };
  BatchReader(const Program& program, std::vector<Column> columns, int64_t batch, Use use);

  int64_t rows() const override { return rows_; }
  int64_t buffer_bytes() const override;
  bool even() const override { return true; }
  // Whether it reads these rows, in batches of that size.
  bool reads(const std::vector<Column>& columns, int64_t batch) const {
    return batch == batch_ && columns == columns_;
  }
  // The extents of a batch of n rows.
  Extents extents(const Program& program, int64_t n) const {
    return extents_of(program, columns_, n);
  }
  Extents extents(const Program& program, const int64_t*, int64_t, int64_t n) const override {
    return extents(program, n);
  }
  bool permute(uint64_t stream, uint64_t seed, uint64_t pass) override;
  void prepare(const std::vector<int64_t>& order) override;
  uint64_t recordable() const override { return layout_; }
  // Rows that lie as the program wants them are used where they are.
  void read(Context* context, const int64_t* order, int64_t first, int64_t n) override;
  // Whether the n rows that were read last hold no NaN and no infinity. For use once.
  bool finite(int64_t n);

 private:
  // Asks for the rows order[first .. first + n), which the next read will gather, where they come
  // from far.
  void fetch_ahead(const int64_t* order, int64_t first, int64_t n) const;

  struct Input {
    kernels::GatherBatchArgs args;
    kernels::Kernel gather;
    kernels::Kernel nonfinite;  // null: the input's dtype has none
    int64_t row_elements, item;
    int64_t ahead_bytes;  // of a row, where rows out of order would be waited for; else 0
    const void* last;     // where the rows read last are
    bool direct;
    Memory buffer;
    Memory brought;     // to a device: the column, or the batch
    Pinned sending[2];  // batches on their way to a device, by turns
  };
  Input input(const Column& column, DType dtype, int64_t batch) const;
  bool fits(const Device& device) const;
  kernels::Context gathering_context(kernels::Status* status) const;
  void make_room_for_order(int64_t rows);
  void record_read(Context* context, bool ordered, int64_t n);
  void bring_columns(const Device& device);

  std::vector<Column> columns_;
  std::vector<Input> inputs_;
  Memory brought_order_;
  Memory permuting_;       // the workspace of random_permutation
  Memory found_;           // what the search for NaN finds on a device
  bool sends_;             // through pinned memory, while the device is at work
  const Device* gathers_;  // where rows are gathered
  const Device* device_;   // where they are used
  int64_t batch_;
  int64_t rows_ = 0;
  int64_t ordered_ = 0;  // rows of the order
  Mark sent_[2];         // behind the copies of `sending`
  int turn_ = 0;
  uint64_t layout_ = 0;  // of what lies on a device
};

}  // namespace fastnn::runtime
