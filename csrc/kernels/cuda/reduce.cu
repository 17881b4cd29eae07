// Reductions over any axes, in an order that the shape alone decides: chunks of a fixed length,
// within a chunk threads that each take every so many elements, then a tree; chunks in a row.
#include "kernels/cuda/bodies/reduce.h"
#include "kernels/cuda/lists.h"
#include "kernels/cuda/reduce.h"

namespace fastnn::kernels::cuda {
namespace {

constexpr int64_t kMostChunks = 1024;

// Of `count` elements to a result. Where results lie side by side, `columns` of them in a row, a
// block does 32, and short chunks give the GPU's blocks something to do when there are few columns.
// Else the length alone decides: a row's bits do not depend on how many rows there are.
int64_t chunk_of(int64_t count, int64_t columns) {
  constexpr int64_t kLong = 16384, kShort = 128, kBlocks = 528, kColumns = 32;
  int64_t least = kLong, most = kMostChunks;
  if (columns > 0) {
    const int64_t across = (columns + kColumns - 1) / kColumns;
    least = count <= 2 * kShort ? count : kShort;
    most = kBlocks > across ? kBlocks / across : 1;
  }
  const int64_t even = (count + most - 1) / most;
  return even > least ? even : least;
}

struct Shape {
  Axes kept, reduced;
  int64_t chunk, chunks, columns;  // columns 0: results do not lie side by side
};

Shape shape_of(const ReduceArgs& a) {
  Shape s{};
  for (int d = 0; d < a.rank; ++d)
    (a.reduced[d] ? s.reduced : s.kept).add(a.shape[d], a.in_strides[d], a.out_strides[d]);
  const int last = s.kept.rank - 1;
  s.columns = last >= 0 && s.kept.in[last] == 1 ? s.kept.shape[last] : 0;
  s.chunk = chunk_of(s.reduced.count, s.columns);
  s.chunks = s.reduced.count == 0 ? 1 : (s.reduced.count + s.chunk - 1) / s.chunk;
  return s;
}

template <class T, template <class> class Op, int kSide>
void launch_chunks(const Reduction& r, const Context* ctx) {
  const dim3 blocks(blocks_for(r.kept.count, kThreads / kSide), static_cast<unsigned>(r.chunks));
  launch<reduce_chunk<T, Op, kSide>, kThreads, kReduceShared<T, Op, kSide>>(ctx, blocks, kThreads,
                                                                            r);
}
template <class T, template <class> class Op, int kSide>
void launch_totals(const Reduction& r, const Context* ctx) {
  launch<reduce_chunks<T, Op, kSide>, kThreads, kReduceShared<T, Op, kSide>>(
      ctx, blocks_for(r.kept.count, kThreads / kSide), kThreads, r);
}

template <class T, template <class> class Op>
void reduce(const void* args, const Context* ctx) {
  constexpr int64_t kFew = 32, kMiddling = 1024;
  const auto& a = *static_cast<const ReduceArgs*>(args);
  const Shape s = shape_of(a);
  const Reduction r{a.out, a.in, ctx->workspace, s.kept, s.reduced, s.chunk, s.chunks, a.scale};
  // A thread a result, 32 results side by side a block, a warp a result, or a block.
  if (r.reduced.count <= kFew)
    launch_chunks<T, Op, 1>(r, ctx);
  else if (s.columns > 0)
    launch_chunks<T, Op, 8>(r, ctx);
  else if (r.reduced.count <= kMiddling)
    launch_chunks<T, Op, 32>(r, ctx);
  else
    launch_chunks<T, Op, kThreads>(r, ctx);
  if (r.chunks == 1) return;
  if (r.chunks <= kFew)
    launch_totals<T, Op, 8>(r, ctx);
  else
    launch_totals<T, Op, 64>(r, ctx);
}

size_t workspace(const void* args, int32_t) {
  const Shape s = shape_of(*static_cast<const ReduceArgs*>(args));
  return s.chunks > 1 ? static_cast<size_t>(s.kept.count * s.chunks) * sizeof(double) : 0;
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

size_t reduce_workspace(const ReduceArgs& args) { return workspace(&args, 1); }

const EntryList reduce_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
