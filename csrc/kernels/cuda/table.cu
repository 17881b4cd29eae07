// Every CUDA kernel. A new source file adds its list here and in lists.h.
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {

const Table& table() {
  static const EntryList lists[] = {
      affine_list,       arg_reduce_list, convolution_list, elementwise_list, finite_list,
      gather_batch_list, matmul_list,     move_list,        optimizer_list,   pairs_list,
      permutation_list,  pooling_list,    random_list,      recurrent_list,   reduce_list,
      row_updates_list,  softmax_list,    take_list,        trees_list,
  };
  static const Table result = {"cuda", lists, sizeof(lists) / sizeof(lists[0])};
  return result;
}

}  // namespace fastnn::kernels::cuda
