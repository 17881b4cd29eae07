// Elementwise ops, fused: one kernel runs a short program of ops for each element, or for four at
// once where there are many. A Tile of this table is a number, the op's code. Nothing is compiled
// at run time.
#include <type_traits>

#include "kernels/cuda/bodies/elementwise.h"
#include "kernels/cuda/elementwise_wide.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

Code code_of(Tile tile) { return static_cast<Code>(reinterpret_cast<uintptr_t>(tile)); }
Tile tile_of(Code code) { return reinterpret_cast<Tile>(static_cast<uintptr_t>(code)); }

bool is_float(Code code) {
  switch (code) {
#define X(id, dtype, inputs, R, T, ...) \
  case Code::id##_##dtype:              \
    return std::is_same_v<R, float> && std::is_same_v<T, float>;
    FASTNN_TILES(X)
#undef X
    default:
      return false;
  }
}

void run_fused(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const FusedArgs*>(args);
  const FusedCode& code = *a.code;
  Fused f{};
  f.state = state_of(ctx);
  f.n = a.n;
  f.length = code.length;
  f.rank = a.rank;
  bool all_float = true;
  for (int s = 0; s < code.length; ++s) {
    const Instruction& from = code.code[s];
    Step& step = f.steps[s];
    step.code = code_of(from.tile);
    step.inputs = static_cast<uint16_t>(from.inputs);
    step.out = from.out;
    for (int k = 0; k < from.inputs; ++k) step.in[k] = from.in[k];
    for (int k = 0; k < from.param_count && k < 2; ++k) step.params[k] = from.params[k];
    all_float = all_float && is_float(step.code);
  }
  for (int i = 0; i < code.outputs; ++i) {
    f.out[i] = a.out[i];
    f.output_size[i] = static_cast<int32_t>(code.output_size[i]);
  }
  for (int i = 0; i < code.inputs; ++i) {
    f.in[i] = a.in[i];
    f.input_size[i] = static_cast<int32_t>(code.input_size[i]);
    f.access[i] = a.access[i];
    for (int d = 0; d < a.rank; ++d) f.strides[i][d] = a.strides[i][d];
  }
  for (int d = 0; d < a.rank; ++d) f.shape[d] = a.shape[d];
  if (is_wide(f)) {
    launch_wide(f, all_float, ctx);
    same_as<fused<false>>(ctx, f);
  } else if (all_float)
    launch<fused<true>>(ctx, blocks_for(a.n), kThreads, f);
  else
    launch<fused<false>>(ctx, blocks_for(a.n), kThreads, f);
}

const Entry kEntries[] = {{"fused", DType::f32, run_fused, nullptr, nullptr},
#define X(id, dtype, ...) {#id, DType::dtype, nullptr, tile_of(Code::id##_##dtype), nullptr},
                          FASTNN_TILES(X)
#undef X
};

}  // namespace

const EntryList elementwise_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
