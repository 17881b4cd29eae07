// Where a Trainer's batches come from.
#pragma once
#include <vector>

#include "runtime/program.h"

namespace fastnn::runtime {

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int64_t rows() const = 0;
  virtual int64_t buffer_bytes() const = 0;
  // Whether the extents of a batch follow from its number of rows.
  virtual bool even() const = 0;
  // Those of rows order[first .. first + n), or first .. first + n without an order.
  virtual Extents extents(const Program& program, const int64_t* order, int64_t first,
                          int64_t n) const = 0;
  // Comes before reads in this order.
  virtual void prepare(const std::vector<int64_t>& order) { (void)order; }
  // What reads that a context records stand on, as a number that no other source has, nor this one
  // after it has moved anything. They take their place from the device's state. 0: reads cannot be
  // recorded.
  virtual uint64_t recordable() const { return 0; }
  // Points the context's inputs at these rows, until the next call.
  virtual void read(Context* context, const int64_t* order, int64_t first, int64_t n) = 0;
};

}  // namespace fastnn::runtime
