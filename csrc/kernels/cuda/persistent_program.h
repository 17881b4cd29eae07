// What a persistent kernel is given, and the kernels that there are.
#pragma once
#include <string>
#include <vector>

#include "kernels/cuda/persistent_plan.h"
#include "kernels/cuda/recording.h"

namespace fastnn::kernels::cuda {

// Program: the head, then where it has addresses, then the regions, each at a multiple of 16 bytes.
struct Program {
  const char* image;
  int32_t head_bytes, addresses, regions, levels, warps, slow, joined;
  uint32_t slots, slot_bytes;
  int64_t times;

  __device__ const uint32_t* address_list() const {
    return reinterpret_cast<const uint32_t*>(image + head_bytes);
  }
  __device__ const Region* region_list() const {
    return reinterpret_cast<const Region*>(image + head_bytes + (addresses * 4 + 15) / 16 * 16);
  }
};

// For the programs whose layers reckon in one dtype.
struct PersistentKernel {
  // As many of the launches as it has bodies for, from the first on.
  size_t (*commands_of)(const std::vector<Noted>& launches, std::vector<Command>* commands);
  int64_t (*shared_limit)();
  void (*run)(const Program& program, uint32_t shared_bytes);  // failures go to fail()
};
extern const PersistentKernel persistent_f32, persistent_f64;

}  // namespace fastnn::kernels::cuda
