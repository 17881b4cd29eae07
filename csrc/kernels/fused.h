// Fused elementwise kernels: a short program of tiles over one shape, and reductions of rows of
// what they compute.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels {

constexpr int kTileBytes = 2048;  // of a tile on the host: a dozen of them stay in L1
constexpr int kMaxFusedInputs = 12;
constexpr int kMaxFusedOutputs = 24;
constexpr int kMaxFusedRegisters = 24;
constexpr int kMaxFusedInstructions = 24;
constexpr int kMaxRowReductions = 2;  // none on devices
constexpr int kRowElements = 2048;    // of a row that is reduced, at most

struct Operand {
  enum Place : int16_t { reg, input, output, rows };
  Place place;
  int16_t index;
};

struct Instruction {
  Tile tile;  // of the table that the program is for
  const double* params;
  int32_t param_count;
  int32_t inputs;
  Operand out;
  Operand in[3];
};

struct FusedCode {
  int32_t length, inputs, outputs;
  Instruction code[kMaxFusedInstructions];
  int64_t tile = kTileBytes / 8;        // elements; more where none is as wide as a double
  int64_t input_size[kMaxFusedInputs];  // bytes of an element
  int64_t output_size[kMaxFusedOutputs];
  int64_t rows_size[kMaxRowReductions];
};

// A reduction of each row of `in`, a place that is output or rows. args are completed for the rows
// at hand, so a result has the bits of a call for all of them.
struct RowReduction {
  Kernel kernel;
  Operand in;
  int64_t in_size, out_size;
  ReduceArgs args;
};

enum class Access : int32_t { contiguous, scalar, strided };

// Outputs are contiguous over shape; inputs are read by strides (elements, 0 repeats). An output
// may be an input that is contiguous. id on devices: "fused" (f32, whatever the tiles' dtypes); the
// host's is runtime's run_fused.
struct FusedArgs {
  const FusedCode* code;
  int64_t n;
  int32_t rank;
  int64_t shape[kMaxRank];
  void* out[kMaxFusedOutputs];
  const void* in[kMaxFusedInputs];
  Access access[kMaxFusedInputs];
  int64_t strides[kMaxFusedInputs][kMaxRank];
  int32_t reductions = 0;
  int64_t row = 1;  // elements; rows lie one after the other
  RowReduction reduce[kMaxRowReductions];
};

}  // namespace fastnn::kernels
