// Every reference kernel. A new source file adds its list here and in lists.h.
#include "kernels/reference/lists.h"

namespace fastnn::kernels {

const Table& reference_table() {
  using namespace reference;
  static const EntryList lists[] = {
      arithmetic_list,   transcendental_list, compare_list,   activation_list, cast_list,
      gather_batch_list, move_list,           optimizer_list, peak_list,       random_list,
      recurrent_list,    reduce_list,         softmax_list,   matmul_list,     affine_list,
  };
  static const Table table = {"reference", lists, sizeof(lists) / sizeof(lists[0])};
  return table;
}

}  // namespace fastnn::kernels
