// Fused elementwise kernels on the host: run tile by tile while data is in L1.
#pragma once
#include "kernels/fused.h"

namespace fastnn::runtime {

using kernels::Access;
using kernels::FusedArgs;
using kernels::FusedCode;
using kernels::Instruction;
using kernels::kMaxFusedInputs;
using kernels::kMaxFusedInstructions;
using kernels::kMaxFusedOutputs;
using kernels::kMaxFusedRegisters;
using kernels::kMaxRowReductions;
using kernels::kRowElements;
using kernels::kTileBytes;
using kernels::Operand;
using kernels::RowReduction;

void run_fused(const void* args, const kernels::Context* ctx);

// Merges axes that every input walks as one, and sets access. Call after shape and strides.
void collapse_fused(FusedArgs* args);

}  // namespace fastnn::runtime
