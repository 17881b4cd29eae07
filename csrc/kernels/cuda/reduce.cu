// Reductions over any axes, in an order that the shape alone decides: chunks of a fixed length,
// within a chunk threads that each take every so many elements, then a tree; chunks in a row.
#include "kernels/cuda/bodies/reduce.h"
#include "kernels/cuda/lists.h"
#include "kernels/cuda/reduce.h"

namespace fastnn::kernels::cuda {
namespace {

constexpr int64_t kChunk = 16384, kMostChunks = 256;

int64_t chunk_of(int64_t count) {
  const int64_t even = (count + kMostChunks - 1) / kMostChunks;
  return even > kChunk ? even : kChunk;
}

template <class T, template <class> class Op>
void reduce(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const ReduceArgs*>(args);
  Reduction r{a.out, a.in, ctx->workspace, {}, {}, 0, 0, a.scale};
  for (int d = 0; d < a.rank; ++d)
    (a.reduced[d] ? r.reduced : r.kept).add(a.shape[d], a.in_strides[d], a.out_strides[d]);
  r.chunk = chunk_of(r.reduced.count);
  r.chunks = r.reduced.count == 0 ? 1 : (r.reduced.count + r.chunk - 1) / r.chunk;
  const auto chunks = static_cast<unsigned>(r.chunks);
  auto grid = [&](int side) { return dim3(blocks_for(r.kept.count, kThreads / side), chunks); };
  // Few elements: a thread a result. Results side by side: 32 of them a block. Else a block each.
  const bool side_by_side = r.kept.rank > 0 && r.kept.in[r.kept.rank - 1] == 1;
  if (r.reduced.count <= 32)
    launch<reduce_chunk<T, Op, 1>>(ctx, grid(1), kThreads, r);
  else if (side_by_side)
    launch<reduce_chunk<T, Op, 8>, kThreads, kReduceShared<T, Op, 8>>(ctx, grid(8), kThreads, r);
  else
    launch<reduce_chunk<T, Op, kThreads>, kThreads, kReduceShared<T, Op, kThreads>>(
        ctx, grid(kThreads), kThreads, r);
  if (r.chunks > 1) launch<reduce_chunks<T, Op>>(ctx, blocks_for(r.kept.count), kThreads, r);
}

size_t workspace(const void* args, int32_t) {
  const auto& a = *static_cast<const ReduceArgs*>(args);
  int64_t results = 1, count = 1;
  for (int d = 0; d < a.rank; ++d) (a.reduced[d] ? count : results) *= a.shape[d];
  return reduce_workspace(results, count);
}

#define FASTNN_REDUCE(id, dtype, T, Op) {id, DType::dtype, reduce<T, Op>, nullptr, workspace}
#define FASTNN_REDUCE_NUMBERS(id, Op)                                    \
  FASTNN_REDUCE(id, f32, float, Op), FASTNN_REDUCE(id, f64, double, Op), \
      FASTNN_REDUCE(id, i32, int32_t, Op), FASTNN_REDUCE(id, i64, int64_t, Op)

const Entry kEntries[] = {
    FASTNN_REDUCE_NUMBERS("reduce_sum", Sum),      FASTNN_REDUCE_NUMBERS("reduce_prod", Prod),
    FASTNN_REDUCE_NUMBERS("reduce_max", Max),      FASTNN_REDUCE_NUMBERS("reduce_min", Min),
    FASTNN_REDUCE("reduce_max", u8, uint8_t, Max), FASTNN_REDUCE("reduce_min", u8, uint8_t, Min),
    FASTNN_REDUCE("reduce_any", b8, uint8_t, Any), FASTNN_REDUCE("reduce_all", b8, uint8_t, All),
};

}  // namespace

template <class T>
void reduce_sum(const void* args, const Context* ctx) {
  reduce<T, Sum>(args, ctx);
}
template void reduce_sum<float>(const void*, const Context*);
template void reduce_sum<double>(const void*, const Context*);

size_t reduce_workspace(int64_t results, int64_t count) {
  const int64_t chunk = chunk_of(count), chunks = (count + chunk - 1) / chunk;
  return chunks > 1 ? static_cast<size_t>(results * chunks) * sizeof(double) : 0;
}

const EntryList reduce_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
