// Elementwise ops, fused: one kernel runs a short program of ops for each element. A Tile of this
// table is a number, the op's code; only this file looks at it. Reading the program costs a few
// instructions an op, which memory hides; nothing is compiled at run time.
#include <type_traits>

#include "kernels/cuda/lists.h"
#include "kernels/cuda/math_activations.h"
#include "kernels/cuda/math_arithmetic.h"
#include "kernels/cuda/math_cast.h"
#include "kernels/cuda/math_compare.h"
#include "kernels/cuda/math_transcendental.h"
#include "kernels/fused.h"

namespace fastnn::kernels::cuda {
namespace {

#define FASTNN_TILES(X) \
  FASTNN_ACTIVATIONS(X) \
  FASTNN_ARITHMETIC(X)  \
  FASTNN_COMPARISONS(X) \
  FASTNN_CONVERSIONS(X) \
  FASTNN_TRANSCENDENTAL(X)

// Codes start at 1: a Tile is never null.
enum class Code : uint16_t {
  none,
#define X(id, dtype, ...) id##_##dtype,
  FASTNN_TILES(X)
#undef X
};

Code code_of(Tile tile) { return static_cast<Code>(reinterpret_cast<uintptr_t>(tile)); }
Tile tile_of(Code code) { return reinterpret_cast<Tile>(static_cast<uintptr_t>(code)); }

struct Step {
  Code code;
  uint16_t inputs;
  Operand out, in[3];
  double params[2];
};

// FusedArgs by value, as a kernel's parameter: at most 4 KB.
struct Fused {
  const DeviceState* state;
  int64_t n;
  int32_t length, rank;
  Step steps[kMaxFusedInstructions];
  void* out[kMaxFusedOutputs];
  const void* in[kMaxFusedInputs];
  Access access[kMaxFusedInputs];
  int32_t input_size[kMaxFusedInputs], output_size[kMaxFusedOutputs];
  int64_t shape[kMaxRank];
  int64_t strides[kMaxFusedInputs][kMaxRank];
};
static_assert(sizeof(Fused) <= 4096);

using Register = uint64_t;

__device__ int64_t strided(const Fused& f, int input, int64_t i) {
  int64_t offset = 0;
  for (int d = f.rank - 1; d >= 0; --d) {
    offset += i % f.shape[d] * f.strides[input][d];
    i /= f.shape[d];
  }
  return offset;
}

__device__ void* place(const Fused& f, Operand o, int64_t i, Register* registers) {
  if (o.place == Operand::reg) return &registers[o.index];
  if (o.place == Operand::output)
    return static_cast<char*>(f.out[o.index]) + i * f.output_size[o.index];
  const Access access = f.access[o.index];
  const int64_t at = access == Access::contiguous ? i
                     : access == Access::scalar   ? 0
                                                  : strided(f, o.index, i);
  const char* in = static_cast<const char*>(f.in[o.index]) + at * f.input_size[o.index];
  return const_cast<char*>(in);
}

// Where a step reads and writes.
struct Places {
  void* out;
  const void* in[3];
  const double* params;
};

template <class T>
__device__ T read(const void* p) {
  return *static_cast<const T*>(p);
}

template <class R, class T, R (*f)(T, const double*)>
__device__ void apply_1(const Places& p) {
  *static_cast<R*>(p.out) = f(read<T>(p.in[0]), p.params);
}
template <class R, class T, R (*f)(T, T, const double*)>
__device__ void apply_2(const Places& p) {
  *static_cast<R*>(p.out) = f(read<T>(p.in[0]), read<T>(p.in[1]), p.params);
}
template <class R, class T, R (*f)(T, T, T, const double*)>
__device__ void apply_3(const Places& p) {
  *static_cast<R*>(p.out) = f(read<T>(p.in[0]), read<T>(p.in[1]), read<T>(p.in[2]), p.params);
}
template <class R, class T, R (*f)(uint8_t, T, T, const double*)>
__device__ void apply_select(const Places& p) {
  *static_cast<R*>(p.out) = f(read<uint8_t>(p.in[0]), read<T>(p.in[1]), read<T>(p.in[2]), p.params);
}

// kFloat: a program of float32 alone, as most are, needs fewer registers.
template <bool kFloat>
__device__ void run_step(Code code, const Places& p) {
  switch (code) {
    case Code::none:
      return;
#define X(id, dtype, inputs, R, T, ...)                                              \
  case Code::id##_##dtype:                                                           \
    if constexpr (!kFloat || (std::is_same_v<R, float> && std::is_same_v<T, float>)) \
      apply_##inputs<R, T, __VA_ARGS__>(p);                                          \
    return;
      FASTNN_TILES(X)
#undef X
  }
}

template <bool kFloat>
__device__ void fused(const Grid& grid, const Fused& f) {
  if (spoiled(f.state)) return;
  Register registers[kMaxFusedRegisters];
  for (int64_t i = grid.first_index(); i < f.n; i += grid.all_threads())
    for (int s = 0; s < f.length; ++s) {
      const Step& step = f.steps[s];
      Places p{place(f, step.out, i, registers), {}, step.params};
      for (int k = 0; k < 3; ++k)
        if (k < step.inputs) p.in[k] = place(f, step.in[k], i, registers);
      run_step<kFloat>(step.code, p);
    }
}

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
  if (all_float)
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
