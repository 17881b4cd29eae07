// Every reference kernel. A new source file adds its list here and in lists.h.
#include "kernels/reference/lists.h"

namespace fastnn::kernels {

const Table& reference_table() {
  using namespace reference;
  static const EntryList lists[] = {
      activation_list,  affine_list,       arithmetic_list,     cast_list,   compare_list,
      convolution_list, gather_batch_list, matmul_list,         move_list,   optimizer_list,
      peak_list,        pairs_list,        pooling_list,        random_list, recurrent_list,
      reduce_list,      softmax_list,      transcendental_list, trees_list,
  };
  static const Table table = {"reference", lists, sizeof(lists) / sizeof(lists[0])};
  return table;
}

}  // namespace fastnn::kernels
