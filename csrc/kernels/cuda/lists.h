// The entry lists of the CUDA kernels, one a source file.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels::cuda {

extern const EntryList affine_list;
extern const EntryList arg_reduce_list;
extern const EntryList convolution_list;
extern const EntryList elementwise_list;
extern const EntryList finite_list;
extern const EntryList gather_batch_list;
extern const EntryList matmul_list;
extern const EntryList move_list;
extern const EntryList optimizer_list;
extern const EntryList pairs_list;
extern const EntryList permutation_list;
extern const EntryList pooling_list;
extern const EntryList random_list;
extern const EntryList recurrent_list;
extern const EntryList reduce_list;
extern const EntryList row_updates_list;
extern const EntryList softmax_list;
extern const EntryList take_list;
extern const EntryList trees_list;

const Table& table();

}  // namespace fastnn::kernels::cuda
