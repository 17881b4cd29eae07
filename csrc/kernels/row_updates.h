// Updates of the rows of a table that an index names. Plain data only: see kernels.h for the
// conventions.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels {

struct TableRows {
  Segment table;         // as if it were one segment
  const int64_t* index;  // [count]; a negative one counts from the end
  int64_t count;
  int64_t rows, row_length, row_bytes;
};

// What the optimizer does to a segment happens once to each row that the index names, however often
// it does; numbers out of range are passed over.
// ids: sgd_rows, adagrad_rows (f32, f64), of devices: the host makes a segment of each row.
struct RowUpdateArgs {
  OptimizerArgs optimizer;  // its segments are others
  TableRows rows;
};

}  // namespace fastnn::kernels
