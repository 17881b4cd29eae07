// The entry lists of the fast CPU kernels, one a source file, compiled once per ISA.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels::FASTNN_ISA {

extern const EntryList gather_batch_list;
extern const EntryList matmul_list;
extern const EntryList optimizer_list;
extern const EntryList reduce_list;

}  // namespace fastnn::kernels::FASTNN_ISA
