// Updates of the rows of a table that an index names, each once, without sorting: every place of
// the index writes its number beside its row, and the one whose number stays there updates it.
// Which one that is makes no difference: the gradients of a row's places are added up before
// (take_grad).
#include "kernels/cuda/bodies/optimizer.h"
#include "kernels/cuda/lists.h"
#include "kernels/row_updates.h"

namespace fastnn::kernels::cuda {
namespace {

// The number of the row at a place of the index, -1 where it names none.
__device__ int64_t row_at(const TableRows& t, int64_t place) {
  const int64_t row = t.index[place] < 0 ? t.index[place] + t.rows : t.index[place];
  return row < t.rows ? row : -1;
}

__device__ void claim_rows(const Grid& grid, const TableRows& t, int* owners) {
  for (int64_t i = grid.first_index(); i < t.count; i += grid.all_threads()) {
    const int64_t row = row_at(t, i);
    if (row >= 0) atomicExch(&owners[row], static_cast<int>(i));
  }
}

template <class T, template <class> class Rule>
__device__ void update_rows(const Grid& grid, const RowUpdateArgs& a, const int* owners,
                            DeviceState* device) {
  if (spoiled(device)) return;
  const OptimizerArgs& o = a.optimizer;
  const TableRows& t = a.rows;
  const Rule<T> rule = shared_rule<T, Rule>(grid, o.hyper, o.step, o.state);
  const T rate = rate_of<T>(t.table, o.rate);
  for (int64_t e = grid.first_index(); e < t.count * t.row_length; e += grid.all_threads()) {
    const int64_t place = e / t.row_length, row = row_at(t, place);
    if (row >= 0 && owners[row] == static_cast<int>(place))
      update_element(t.table, rule, rate, row * t.row_length + e - place * t.row_length);
  }
}

template <class T, template <class> class Rule>
void run(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const RowUpdateArgs*>(args);
  constexpr int64_t kMost = int64_t{1} << 31;
  if (a.rows.count > kMost) return fail("at most 2^31 rows can be looked up");
  auto* owners = static_cast<int*>(ctx->workspace);
  launch<claim_rows>(ctx, blocks_for(a.rows.count), kThreads, a.rows, owners);
  launch<update_rows<T, Rule>>(ctx, blocks_for(a.rows.count * a.rows.row_length), kThreads, a,
                               owners, state_of(ctx));
}

size_t workspace(const void* args, int32_t) {
  return static_cast<size_t>(static_cast<const RowUpdateArgs*>(args)->rows.rows) * sizeof(int);
}

const Entry kEntries[] = {
    {"sgd_rows", DType::f32, run<float, Sgd>, nullptr, workspace},
    {"sgd_rows", DType::f64, run<double, Sgd>, nullptr, workspace},
    {"adagrad_rows", DType::f32, run<float, Adagrad>, nullptr, workspace},
    {"adagrad_rows", DType::f64, run<double, Adagrad>, nullptr, workspace},
};

}  // namespace

const EntryList row_updates_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
