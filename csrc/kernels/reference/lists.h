// The entry lists of the reference kernels, one a source file.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels::reference {

extern const EntryList affine_list;
extern const EntryList arithmetic_list;
extern const EntryList transcendental_list;
extern const EntryList compare_list;
extern const EntryList activation_list;
extern const EntryList cast_list;
extern const EntryList gather_batch_list;
extern const EntryList move_list;
extern const EntryList optimizer_list;
extern const EntryList peak_list;
extern const EntryList random_list;
extern const EntryList convolution_list;
extern const EntryList matmul_list;
extern const EntryList recurrent_list;
extern const EntryList pairs_list;
extern const EntryList pooling_list;
extern const EntryList reduce_list;
extern const EntryList softmax_list;
extern const EntryList trees_list;

}  // namespace fastnn::kernels::reference
