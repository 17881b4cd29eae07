// Recurrent layers over whole sequences, and their gradients.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/recurrent_walk.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

template <class T, class Cell>
void forward(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const RecurrentArgs*>(args);
  walk<T>(a, Cell::kBlocks * a.units, false, ctx, forward_rows<T, Cell>);
}

template <class T, class Cell>
void backward(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const RecurrentGradArgs*>(args);
  walk<T>(a, Cell::kBlocks * a.units, true, ctx, backward_rows<T, Cell>);
}

template <class T, class Cell, class Args, bool kTransposed>
size_t workspace(const void* args, int32_t threads) {
  const auto& a = *static_cast<const Args*>(args);
  const int64_t width = Cell::kBlocks * a.units;
  const Space<T> space(a.units, width, kTransposed ? a.units : width,
                       kTransposed ? width : a.units);
  return static_cast<size_t>(space.elements(a.batch, threads)) * sizeof(T);
}

#define FASTNN_CELL(T, dtype, id, Cell)                                                        \
  {id, dtype, forward<T, Cell>, nullptr, workspace<T, Cell, RecurrentArgs, false>}, {          \
    id "_grad", dtype, backward<T, Cell>, nullptr, workspace<T, Cell, RecurrentGradArgs, true> \
  }
#define FASTNN_CELLS(T, dtype)                                            \
  FASTNN_CELL(T, dtype, "lstm", Lstm), FASTNN_CELL(T, dtype, "gru", Gru), \
      FASTNN_CELL(T, dtype, "simple_rnn", SimpleRnn)

const Entry kEntries[] = {FASTNN_CELLS(float, DType::f32), FASTNN_CELLS(double, DType::f64)};

}  // namespace

const EntryList recurrent_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
