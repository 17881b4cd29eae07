// The launches of a recording as what a persistent program calls.
#pragma once
#include <vector>

#include "kernels/cuda/persistent_plan.h"
#include "kernels/cuda/recording.h"

namespace fastnn::kernels::cuda {

// The commands of as many launches as there are bodies for, from the first on: how many.
size_t commands_of_f32(const std::vector<Noted>& launches, std::vector<Command>* commands);
size_t commands_of_f64(const std::vector<Noted>& launches, std::vector<Command>* commands);

}  // namespace fastnn::kernels::cuda
