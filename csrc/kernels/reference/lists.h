// The entry lists of the reference kernels, one a source file.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels::reference {

extern const EntryList reduce_list;

}  // namespace fastnn::kernels::reference
