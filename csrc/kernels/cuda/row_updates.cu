// Updates of the rows of a table that an index names.
#include "kernels/cuda/bodies/row_updates.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

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
