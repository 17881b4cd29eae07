// Elementwise ops, fused: a short program of ops that is run for each element. A Tile of this table
// is a number, the op's code. Reading the program costs a few instructions an op, which memory
// hides; nothing is compiled at run time.
#pragma once
#include <type_traits>

#include "kernels/cuda/math_activations.h"
#include "kernels/cuda/math_arithmetic.h"
#include "kernels/cuda/math_cast.h"
#include "kernels/cuda/math_compare.h"
#include "kernels/cuda/math_transcendental.h"
#include "kernels/fused.h"

namespace fastnn::kernels::cuda {

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
  void* out[kMaxFusedOutputs];
  const void* in[kMaxFusedInputs];
  Access access[kMaxFusedInputs];
  int32_t input_size[kMaxFusedInputs], output_size[kMaxFusedOutputs];
  int64_t shape[kMaxRank];
  int64_t strides[kMaxFusedInputs][kMaxRank];
  Step steps[kMaxFusedInstructions];
};
static_assert(sizeof(Fused) <= 4096);

using Register = uint64_t;

__device__ inline int64_t strided(const Fused& f, int input, int64_t i) {
  int64_t offset = 0;
  for (int d = f.rank - 1; d >= 0; --d) {
    const int64_t index = d == 0 ? i : take_digit(&i, f.shape[d]);
    offset += index * f.strides[input][d];
  }
  return offset;
}

__device__ inline void* place(const Fused& f, Operand o, int64_t i, Register* registers) {
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

}  // namespace fastnn::kernels::cuda
