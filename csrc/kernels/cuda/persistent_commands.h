// The launches of a recording as what a persistent program calls.
#pragma once
#include <string>
#include <vector>

#include "kernels/cuda/persistent_plan.h"
#include "kernels/cuda/recording.h"

namespace fastnn::kernels::cuda {

// Nothing where a launch is not known, as *why_not then says.
std::vector<Command> commands_of(const std::vector<Noted>& launches, std::string* why_not);

}  // namespace fastnn::kernels::cuda
