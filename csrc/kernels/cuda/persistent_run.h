// The kernel of persistent programs, for a list of bodies; a source file for each such list
// compiles it.
#pragma once
#include "kernels/cuda/persistent_bodies.h"
#include "kernels/cuda/persistent_program.h"

namespace fastnn::kernels::cuda {

__device__ inline void copy_bytes(void* to, const void* from, uint32_t bytes) {
  const auto both = reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from) | bytes;
  if (both % 4 == 0)
    for (uint32_t i = threadIdx.x; i < bytes / 4; i += blockDim.x)
      static_cast<uint32_t*>(to)[i] = static_cast<const uint32_t*>(from)[i];
  else
    for (uint32_t i = threadIdx.x; i < bytes; i += blockDim.x)
      static_cast<char*>(to)[i] = static_cast<const char*>(from)[i];
}

__device__ inline void bring(const Program& p, char* shared) {
  copy_bytes(shared, p.image, static_cast<uint32_t>(p.head_bytes));
  for (int r = 0; r < p.regions; ++r) {
    const Region region = p.region_list()[r];
    if (region.copied_in)
      copy_bytes(shared + region.at, reinterpret_cast<const void*>(region.from), region.bytes);
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < p.addresses; i += static_cast<int>(blockDim.x))
    *reinterpret_cast<uint64_t*>(shared + p.address_list()[i]) +=
        reinterpret_cast<uintptr_t>(shared);
  __syncthreads();
}

__device__ inline void take_back(const Program& p, const char* shared) {
  for (int r = 0; r < p.regions; ++r) {
    const Region region = p.region_list()[r];
    if (region.copied_out)
      copy_bytes(reinterpret_cast<void*>(region.from), shared + region.at, region.bytes);
  }
}

// The same threads, as blocks of a warp.
__device__ inline Grid by_warps(const Grid& grid) {
  return {dim3(grid.thread / kWarpThreads, 0, 0),
          dim3(grid.threads / kWarpThreads, 1, 1),
          grid.thread % kWarpThreads,
          kWarpThreads,
          nullptr,
          Grid::kOfWarp};
}

template <class Bodies, size_t i>
__device__ __forceinline__ void call_body(const Grid& grid, const char* arguments) {
  if constexpr (i < Bodies::kSize) {
    using C = typename Bodies::template At<i>;
    const Grid own = C::kByWarps ? by_warps(grid) : grid;
    C::Parameters::template run<C::body>(own, arguments, C::Parameters::kAll);
  }
}

template <class Bodies>
__device__ __forceinline__ void call_body(int code, const Grid& grid, const char* arguments) {
  static_assert(Bodies::kSize <= 96);
#define FASTNN_CASE(i)                     \
  case i + 1:                              \
    call_body<Bodies, i>(grid, arguments); \
    return;
#define FASTNN_CASES(i) \
  FASTNN_CASE(i)        \
  FASTNN_CASE(i + 1)    \
  FASTNN_CASE(i + 2)    \
  FASTNN_CASE(i + 3) FASTNN_CASE(i + 4) FASTNN_CASE(i + 5) FASTNN_CASE(i + 6) FASTNN_CASE(i + 7)
  switch (code) {
    FASTNN_CASES(0)
    FASTNN_CASES(8)
    FASTNN_CASES(16)
    FASTNN_CASES(24)
    FASTNN_CASES(32)
    FASTNN_CASES(40)
    FASTNN_CASES(48)
    FASTNN_CASES(56)
    FASTNN_CASES(64)
    FASTNN_CASES(72)
    FASTNN_CASES(80)
    FASTNN_CASES(88)
    default:
      return;
  }
#undef FASTNN_CASES
#undef FASTNN_CASE
}

// Barriers of the levels' warps, and of all; smaller numbers are those of bodies.
constexpr unsigned kLevels = 14, kAll = 15;

// A warp runs its own places one after the other, those of the levels or the slow ones. There is
// one call of the bodies, so that they are part of this function and not called by the stack.
template <class Bodies>
__device__ void run_steps(const Program& p, char* shared) {
  bring(p, shared);
  const auto warp = static_cast<int>(threadIdx.x) / kWarpThreads;
  const bool slow = warp >= p.warps;
  const int count = slow ? p.slow : p.levels, apart = slow ? 1 : p.warps;
  const auto* places = reinterpret_cast<const Place*>(shared) + (slow ? p.levels * p.warps : warp);
  const auto threads = static_cast<unsigned>(p.warps) * kWarpThreads;
  Place next = places[0];
  for (int64_t step = 0; step < p.times; ++step)
    for (int level = 1; level <= count; ++level) {
      const Place place = next;
      next = places[level == count ? 0 : level * apart];  // read while this one is at work
      const unsigned first = place.first * kWarpThreads;
      const Grid grid{dim3(0, 0, 0),
                      dim3(1, 1, 1),
                      threadIdx.x - first,
                      static_cast<unsigned>(place.warps) * kWarpThreads,
                      shared + p.slots + place.slot * p.slot_bytes,
                      1u + place.slot};
      call_body<Bodies>(place.code, grid, shared + place.arguments * 16);
      if (slow ? level == count : level == p.levels || level == p.joined)
        sync_some(kAll, blockDim.x);
      else if (!slow)
        sync_some(kLevels, threads);
      if (slow && level == count && p.joined < p.levels) sync_some(kAll, blockDim.x);
    }
  take_back(p, shared);
}

#ifndef FASTNN_EMULATED
template <class Bodies>
__global__ void __launch_bounds__((kMostWarps + 1) * kWarpThreads, 1)
    persistent(const __grid_constant__ Program p) {
  extern __shared__ __align__(16) char shared[];
  run_steps<Bodies>(p, shared);
}
#endif

// What a block may have of shared memory. 0 where the GPU does not say.
template <class Bodies>
int64_t shared_limit() {
  constexpr int64_t kMost = 227 << 10;  // where the GPU has as much
#ifdef FASTNN_EMULATED
  return kMost;
#else
  static const int64_t limit = [] {
    int bytes = 0;
    bool is =
        cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0) == cudaSuccess;
    is = is && cudaFuncSetAttribute(persistent<Bodies>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    bytes) == cudaSuccess;
    cudaGetLastError();  // the recording stays a graph
    return int64_t{is ? bytes : 0};
  }();
  return limit < kMost ? limit : kMost;
#endif
}

template <class Bodies>
void run_program(const Program& program, uint32_t shared_bytes) {
  const auto threads = static_cast<unsigned>((program.warps + (program.slow > 0)) * kWarpThreads);
#ifdef FASTNN_EMULATED
  auto body = [&] { run_steps<Bodies>(program, static_cast<char*>(emulated::shared_memory())); };
  emulated::run_grid(
      "persistent", 1, threads, shared_bytes, [](void* f) { (*static_cast<decltype(body)*>(f))(); },
      &body);
#else
  // clang-format off: it knows no >>> in headers
  persistent<Bodies><<<1, threads, shared_bytes, main_queue()->stream>>>(program);
  // clang-format on
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) fail(cudaGetErrorString(error));
#endif
}

}  // namespace fastnn::kernels::cuda
