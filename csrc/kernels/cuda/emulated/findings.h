// What the checker has found is told here. A place is one in the program: an offset in its image.
#pragma once
#include <functional>
#include <string>

#include "kernels/cuda/emulated/inside.h"

namespace fastnn::emulated::checker {

Range image();  // the program or library that has the kernels
// "softmax.h:32, called in softmax.h:97", from the innermost to what launches; empty where there is
// no addr2line.
std::string source_of(uint32_t place);
// Ends the process, or goes on (FASTNN_FINDINGS=all) and says no more of these two places.
void tell(uint32_t one, uint32_t other, const std::function<std::string()>& what);

}  // namespace fastnn::emulated::checker
