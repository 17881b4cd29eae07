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
  // Makes the order of a pass (random_permutation's) where the rows lie, in place of prepare();
  // false: it is the caller's to make.
  virtual bool permute(uint64_t stream, uint64_t seed, uint64_t pass) {
    (void)stream, (void)seed, (void)pass;
    return false;
  }
  // Comes before reads in this order.
  virtual void prepare(const std::vector<int64_t>& order) { (void)order; }
  // What reads that a context records stand on, as a number that no other source has, nor this one
  // after it has moved anything. They take their place from the device's state. 0: reads cannot be
  // recorded.
  virtual uint64_t recordable() const { return 0; }
  // Points the context's inputs at these rows, until the next call. Of an order that permute() has
  // made, it is asked only whether there is one.
  virtual void read(Context* context, const int64_t* order, int64_t first, int64_t n) = 0;
};

}  // namespace fastnn::runtime
