// Every kernel of this ISA. A new source file adds its list here and in lists.h.
// The lists are gathered at the first call: a static initialiser in this object would run at
// load time, on processors that lack the ISA.
#include "kernels/cpu/lists.h"

namespace fastnn::kernels::FASTNN_ISA {

extern const EntryList pairs_list;  // pairs.cpp

#define FASTNN_NAME_OF(x) #x
#define FASTNN_NAME(x) FASTNN_NAME_OF(x)

const Table& table() {
  static const EntryList lists[] = {
      activation_list, affine_list,      arg_reduce_list,   arithmetic_list, cast_list,
      compare_list,    convolution_list, gather_batch_list, matmul_list,     move_list,
      optimizer_list,  peak_list,        piecewise_list,    pairs_list,      pooling_list,
      random_list,     recurrent_list,   reduce_list,       softmax_list,    transcendental_list,
  };
  static const Table result = {FASTNN_NAME(FASTNN_ISA), lists, sizeof(lists) / sizeof(lists[0])};
  return result;
}

}  // namespace fastnn::kernels::FASTNN_ISA
