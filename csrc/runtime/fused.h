// Fused elementwise kernels: a short program of tiles, run tile by tile while data is in L1, and
// reductions of rows of what they compute.
#pragma once
#include <vector>

#include "kernels/kernels.h"

namespace fastnn::runtime {

constexpr int kTileBytes = 2048;  // of a tile: a dozen of them stay in L1
constexpr int kMaxFusedInputs = 12;
constexpr int kMaxFusedOutputs = 24;
constexpr int kMaxFusedRegisters = 24;
constexpr int kMaxFusedInstructions = 24;
constexpr int kMaxRowReductions = 2;
constexpr int kRowElements = 2048;  // of a row that is reduced, at most

struct Operand {
  enum Place : int16_t { reg, input, output, rows };
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
  int64_t tile = kTileBytes / 8;        // elements; more where none is as wide as a double
  int64_t input_size[kMaxFusedInputs];  // bytes of an element
  int64_t output_size[kMaxFusedOutputs];
  int64_t rows_size[kMaxRowReductions];
};

// A reduction of each row of `in`, a place that is output or rows. args are completed for the rows
// at hand, so a result has the bits of a call for all of them.
struct RowReduction {
  kernels::Kernel kernel;
  Operand in;
  int64_t in_size, out_size;
  kernels::ReduceArgs args;
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
  int32_t reductions = 0;
  int64_t row = 1;  // elements; rows lie one after the other
  RowReduction reduce[kMaxRowReductions];
};

void run_fused(const void* args, const kernels::Context* ctx);

// Merges axes that every input walks as one, and sets access. Call after shape and strides.
void collapse_fused(FusedArgs* args);

}  // namespace fastnn::runtime
