// What every kernel of this folder stands on: the launch, errors, the run's state on the device.
// With FASTNN_EMULATED the same sources are plain C++ (emulated/emulator.h).
//
// An entry's run(args, context) is host code: args hold device addresses and are read here, on the
// host; what a launched kernel needs of them goes by value. Context::pool is the queue,
// Context::workspace device memory, Context::status the device's DeviceState.
#pragma once
#include <stdint.h>

#include "core/device_module.h"
#include "kernels/kernels.h"

#ifdef FASTNN_EMULATED
#include "kernels/cuda/emulated/emulator.h"
#else
#include <cuda_runtime.h>
#endif

namespace fastnn::kernels::cuda {

constexpr int kThreads = 256;  // of a block, where nothing speaks for another number

// Keeps this thread's first failure until the core asks.
void fail(const char* why);

inline DeviceState* state_of(const Context* ctx) {
  return reinterpret_cast<DeviceState*>(ctx->status);
}

// Blocks of `threads` for n elements, at most so many that each thread has a few.
inline unsigned blocks_for(int64_t n, int threads = kThreads) {
  constexpr int64_t kMost = 1 << 16;
  const int64_t blocks = (n + threads - 1) / threads;
  return static_cast<unsigned>(blocks < kMost ? blocks : kMost);
}

// Launches kernel(args...) on the context's queue. A grid without blocks is no work.
#ifdef FASTNN_EMULATED
template <class... P, class... A>
void launch(const Context*, void (*kernel)(P...), dim3 blocks, dim3 threads, A... args) {
  if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0) return;
  auto call = [&] { kernel(static_cast<P>(args)...); };
  emulated::run_grid(
      blocks, threads, 0, [](void* f) { (*static_cast<decltype(call)*>(f))(); }, &call);
}
#else
template <class... P, class... A>
void launch(const Context* ctx, void (*kernel)(P...), dim3 blocks, dim3 threads, A... args) {
  if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0) return;
  // clang-format off: it knows no >>> in headers
  kernel<<<blocks, threads, 0, static_cast<cudaStream_t>(ctx->pool)>>>(static_cast<P>(args)...);
  // clang-format on
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) fail(cudaGetErrorString(error));
}
#endif

// For grid-stride loops: for (i = first_index(); i < n; i += all_threads()).
__device__ inline int64_t first_index() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline int64_t all_threads() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

// A bad value, stored once. What writes to variables does nothing from then on (`spoiled`), so
// that they stay as they were when the host hears of it.
__device__ inline void report_index(DeviceState* state, int64_t value, int64_t limit) {
  if (atomicCAS(&state->status_code, 0, 1) != 0) return;
  state->status_value = value;
  state->status_limit = limit;
}
__device__ inline bool spoiled(const DeviceState* state) {
  return *const_cast<const volatile int32_t*>(&state->status_code) != 0;
}

}  // namespace fastnn::kernels::cuda
