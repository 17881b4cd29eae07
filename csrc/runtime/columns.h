// Columns of a data set: arrays of any dtype, byte order and strides, read a batch at a time.
#pragma once
#include <vector>

#include "core/memory.h"
#include "runtime/program.h"
#include "runtime/source.h"

namespace fastnn::runtime {

struct Column {
  const void* data = nullptr;
  kernels::Source source = kernels::Source::f32;
  bool byteswap = false;
  int64_t rows = 0;
  int64_t row_stride = 0;        // bytes
  std::vector<int64_t> shape;    // of a row
  std::vector<int64_t> strides;  // bytes
};

// The extents that n rows of these columns give a program.
Extents extents_of(const Program& program, const std::vector<Column>& columns, int64_t n);

// Brings rows of columns to the inputs of a program.
class BatchReader final : public BatchSource {
 public:
  BatchReader(const Program& program, std::vector<Column> columns, int64_t batch);

  int64_t rows() const override { return rows_; }
  int64_t buffer_bytes() const override;
  bool even() const override { return true; }
  // The extents of a batch of n rows.
  Extents extents(const Program& program, int64_t n) const {
    return extents_of(program, columns_, n);
  }
  Extents extents(const Program& program, const int64_t*, int64_t, int64_t n) const override {
    return extents(program, n);
  }
  // Rows that lie as the program wants them are used where they are.
  void read(Context* context, const int64_t* order, int64_t first, int64_t n) override;
  // Whether the n rows that were read last hold no NaN and no infinity.
  bool finite(int64_t n) const;

 private:
  struct Input {
    kernels::GatherBatchArgs args;
    kernels::Kernel gather;
    kernels::Kernel nonfinite;  // null: the input's dtype has none
    int64_t row_elements;
    const void* last;  // where the rows read last are
    bool direct;
    Buffer buffer;
  };
  std::vector<Column> columns_;
  std::vector<Input> inputs_;
  int64_t rows_ = 0;
};

}  // namespace fastnn::runtime
