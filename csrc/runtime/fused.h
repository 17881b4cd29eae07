// Fused elementwise kernels: a short program of tiles, run tile by tile while data is in L1.
#pragma once
#include <vector>

#include "kernels/kernels.h"

namespace fastnn::runtime {

constexpr int kTile = 512;
constexpr int kMaxFusedInputs = 12;
constexpr int kMaxFusedOutputs = 24;
constexpr int kMaxFusedRegisters = 24;
constexpr int kMaxFusedInstructions = 24;

struct Operand {
  enum Place : int16_t { reg, input, output };
  Place place;
  int16_t index;
  bool operator==(const Operand& o) const { return place == o.place && index == o.index; }
};

struct Instruction {
  kernels::Tile tile;
  const double* params;
  Operand out;
  int32_t inputs;
  Operand in[3];
};

struct FusedCode {
  std::vector<Instruction> code;
  int inputs = 0, outputs = 0;
  int64_t input_size[kMaxFusedInputs];  // bytes of an element
  int64_t output_size[kMaxFusedOutputs];
};

enum class Access : int32_t { contiguous, scalar, strided };

// Outputs are contiguous over shape; inputs are read by strides (elements, 0 repeats).
struct FusedArgs {
  const FusedCode* code;
  int64_t n;
  int32_t rank;
  int64_t shape[kernels::kMaxRank];
  void* out[kMaxFusedOutputs];
  const void* in[kMaxFusedInputs];
  Access access[kMaxFusedInputs];
  int64_t strides[kMaxFusedInputs][kernels::kMaxRank];
};

void run_fused(const void* args, const kernels::Context* ctx);

// Merges axes that every input walks as one, and sets access. Call after shape and strides.
void collapse_fused(FusedArgs* args);

}  // namespace fastnn::runtime
