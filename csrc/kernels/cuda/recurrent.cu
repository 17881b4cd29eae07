// Recurrent layers and their gradients: how many rows a block has, and threads.
#include "kernels/cuda/bodies/recurrent.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

using namespace recurrent;

constexpr int kMostThreads = 512;
constexpr int64_t kManyRows = 129;  // as many blocks of one row keep a GPU busy
constexpr int kTogether = 4;        // rows of a block where there are more: U is read for all

int rows_of(int64_t batch) { return batch < kManyRows ? 1 : kTogether; }

// Threads for the columns of what a step adds.
unsigned threads_for(int64_t width) {
  const int64_t whole = (width + kLanes - 1) / kLanes * kLanes;
  return static_cast<unsigned>(whole < kMostThreads ? whole : kMostThreads);
}

// Of the two bodies one has a row for each block.
template <class Cell, class Args, auto one, auto together>
void run(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const Args*>(args);
  const unsigned threads = threads_for(Cell::kBlocks * a.units);
  if (rows_of(a.batch) == 1)
    launch<one, kMostThreads>(ctx, blocks_for(a.batch, 1), threads, a, ctx->workspace);
  else
    launch<together, kMostThreads>(ctx, blocks_for(a.batch, kTogether), threads, a, ctx->workspace);
}

template <class T, class Cell, class Args>
size_t workspace(const void* args, int32_t) {
  const auto& a = *static_cast<const Args*>(args);
  const int rows = rows_of(a.batch);
  const int64_t each = (2 + Cell::kBlocks) * a.units;
  return static_cast<size_t>(int64_t{blocks_for(a.batch, rows)} * rows * each) * sizeof(T);
}

#define FASTNN_WAY(T, dtype, id, Cell, Args, body)                                         \
  {id, DType::dtype, run<Cell, Args, body<T, Cell, 1>, body<T, Cell, kTogether>>, nullptr, \
   workspace<T, Cell, Args>}
#define FASTNN_CELL(T, dtype, id, Cell)                   \
  FASTNN_WAY(T, dtype, id, Cell, RecurrentArgs, forward), \
      FASTNN_WAY(T, dtype, id "_grad", Cell, RecurrentGradArgs, backward)
#define FASTNN_CELLS(T, dtype)                                            \
  FASTNN_CELL(T, dtype, "lstm", Lstm), FASTNN_CELL(T, dtype, "gru", Gru), \
      FASTNN_CELL(T, dtype, "simple_rnn", SimpleRnn)

const Entry kEntries[] = {FASTNN_CELLS(float, f32), FASTNN_CELLS(double, f64)};

}  // namespace

const EntryList recurrent_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
