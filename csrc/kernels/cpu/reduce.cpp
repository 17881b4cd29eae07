// Reductions: the fast versions.
#include "kernels/cpu/lists.h"

namespace fastnn::kernels::FASTNN_ISA {

const EntryList reduce_list = {nullptr, 0};

}  // namespace fastnn::kernels::FASTNN_ISA
