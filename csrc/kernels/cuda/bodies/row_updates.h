// Updates of the rows of a table that an index names, each once, without sorting: every place of
// the index writes its number beside its row, and the one whose number stays there updates it.
// Which one that is makes no difference: the gradients of a row's places are added up before
// (take_grad).
#pragma once
#include "kernels/cuda/bodies/optimizer.h"
#include "kernels/row_updates.h"

namespace fastnn::kernels::cuda {

// The number of the row at a place of the index, -1 where it names none.
__device__ inline int64_t row_at(const TableRows& t, int64_t place) {
  const int64_t row = t.index[place] < 0 ? t.index[place] + t.rows : t.index[place];
  return row < t.rows ? row : -1;
}

__device__ inline void claim_rows(const Grid& grid, const TableRows& t, int* owners) {
  for (int64_t i = grid.first_index(); i < t.count; i += grid.all_threads()) {
    const int64_t row = row_at(t, i);
    if (row >= 0) atomicExch(&owners[row], static_cast<int>(i));
  }
}

template <class T, template <class> class Rule>
__device__ void update_owned(const Grid& grid, const RowUpdateArgs& a, const int* owners,
                             const Rule<T>& rule) {
  const OptimizerArgs& o = a.optimizer;
  const TableRows& t = a.rows;
  const T rate = rate_of<T>(t.table, o.rate);
  for (int64_t e = grid.first_index(); e < t.count * t.row_length; e += grid.all_threads()) {
    const int64_t place = e / t.row_length, row = row_at(t, place);
    if (row >= 0 && owners[row] == static_cast<int>(place))
      update_element(t.table, rule, rate, row * t.row_length + e - place * t.row_length);
  }
}

template <class T, template <class> class Rule>
__device__ void update_rows(const Grid& grid, const RowUpdateArgs& a, const int* owners,
                            DeviceState* device) {
  if (spoiled(device)) return;
  const OptimizerArgs& o = a.optimizer;
  update_owned<T, Rule>(grid, a, owners, shared_rule<T, Rule>(grid, o.hyper, o.step, o.state));
}

}  // namespace fastnn::kernels::cuda
