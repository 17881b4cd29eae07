// What every kernel of this folder stands on: the launch, errors, the run's state on the device.
// With FASTNN_EMULATED the same sources are plain C++ (emulated/emulator.h).
//
// An entry's run(args, context) is host code: args hold device addresses and are read here, on the
// host; what a launched kernel needs of them goes by value. Context::pool is a Queue,
// Context::workspace device memory, Context::status the device's DeviceState.
#pragma once
#include <stdint.h>

#include <type_traits>

#include "core/device_module.h"
#include "kernels/cuda/recording.h"
#include "kernels/kernels.h"

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

// Memory that a block's threads share, aligned for accesses of 16 bytes:
// FASTNN_SHARED(tile, float[16][17]); declares `tile`.
#ifdef FASTNN_EMULATED
#define FASTNN_SHARED(name, ...)                        \
  static emulated::Shared<__VA_ARGS__> name##_variable; \
  auto& name = name##_variable.here()
#else
#define FASTNN_SHARED(name, ...)   \
  using name##_type = __VA_ARGS__; \
  alignas(16) __shared__ name##_type name
#endif

// The line that calls, for the emulator: threads that wait for each other are in one.
#ifdef FASTNN_EMULATED
#define FASTNN_LINE int line = __builtin_LINE()
#define FASTNN_AND_LINE , FASTNN_LINE
#else
#define FASTNN_LINE
#define FASTNN_AND_LINE
#endif

// Waits for as many threads at a barrier that has a number.
__device__ inline void sync_some(unsigned barrier, unsigned threads FASTNN_AND_LINE) {
#ifdef FASTNN_EMULATED
  emulated::wait_for_some(barrier, threads, line);
#else
  asm volatile("barrier.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory");
#endif
}

// A thread's place among all that run a body. Bodies are device functions and ask their Grid, never
// blockIdx and its kin: whoever calls one says what its place is.
struct Grid {
  dim3 block, blocks;
  unsigned thread, threads;                 // of the block, along x
  void* shared;                             // memory of the block, as much as the launch was told
  unsigned barrier = 0;                     // of the block's threads, where others run beside them
  static constexpr unsigned kOfWarp = ~0u;  // the block is a warp

  // For grid-stride loops: for (i = first_index(); i < n; i += all_threads()).
  __device__ int64_t first_index() const {
    return static_cast<int64_t>(block.x) * threads + thread;
  }
  __device__ int64_t all_threads() const { return static_cast<int64_t>(blocks.x) * threads; }
  // Waits for all threads of the block.
  __device__ void sync(FASTNN_LINE) const {
#ifdef FASTNN_EMULATED
    if (barrier == 0)
      __syncthreads(line);
    else if (barrier == kOfWarp)
      __syncwarp(~0u, line);
    else
      sync_some(barrier, threads, line);
#else
    if (barrier == 0)
      __syncthreads();
    else if (barrier == kOfWarp)
      __syncwarp();
    else
      sync_some(barrier, threads);
#endif
  }
};

__device__ inline Grid grid_of_launch(void* shared) {
  return {blockIdx, gridDim, threadIdx.x, blockDim.x, shared};
}

// A body's parameters after the grid, without const and references.
template <class Body>
struct Signature;
template <class... P>
struct Signature<void (*)(const Grid&, P...)> {
  template <template <class...> class To>
  using Parameters = To<std::decay_t<P>...>;
};

// Its address says which body a noted launch has, whoever asks.
template <auto body>
inline char identity;
template <auto body>
const char* name_of() {
  return __PRETTY_FUNCTION__;
}

// Launches body(grid, args...) on the context's queue, of at most kMost threads a block, which
// share kShared bytes. A grid without blocks is no work.
template <auto body, int kShared, class... P>
__device__ void call_from_launch(const P&... args) {
  if constexpr (kShared > 0) {
    FASTNN_SHARED(shared, char[kShared]);
    body(grid_of_launch(shared), args...);
  } else {
    body(grid_of_launch(nullptr), args...);
  }
}
#ifndef FASTNN_EMULATED
template <auto body, int kMost, int kShared, class... P>
__global__ void __launch_bounds__(kMost) kernel(const __grid_constant__ P... args) {
  call_from_launch<body, kShared>(args...);
}
#endif
template <auto body, int kMost, int kShared, class... P>
struct Launch {
  static Noted note(dim3 blocks, dim3 threads, P... args) {
    Noted noted{&identity<body>, name_of<body>(), blocks, threads};
    (noted.append(args), ...);
    return noted;
  }
  static void run(const Context* ctx, dim3 blocks, dim3 threads, P... args) {
    const Queue& queue = *static_cast<const Queue*>(ctx->pool);
    if (queue.recording) {
      Noted noted = note(blocks, threads, args...);
#ifdef FASTNN_EMULATED
      noted.run = [](const Noted& n) { call(n.blocks, n.threads, n.arguments_of<P...>()); };
#endif
      queue.recording->note(std::move(noted));
    }
#ifdef FASTNN_EMULATED
    if (!queue.recording) call(blocks, threads, {args...});
  }
  static void call(dim3 blocks, dim3 threads, std::tuple<P...> args) {
    auto all = [&] { std::apply([](P&... a) { call_from_launch<body, kShared>(a...); }, args); };
    emulated::run_grid(
        __PRETTY_FUNCTION__, blocks, threads, 0,
        [](void* f) { (*static_cast<decltype(all)*>(f))(); }, &all);
  }
#else
    // clang-format off: it knows no >>> in headers
    kernel<body, kMost, kShared, P...><<<blocks, threads, 0, queue.stream>>>(args...);
    // clang-format on
    const cudaError_t error = cudaGetLastError();
    if (error != cudaSuccess) fail(cudaGetErrorString(error));
  }
#endif
};
template <auto body, int kMost, int kShared>
struct LaunchOf {
  template <class... P>
  using With = Launch<body, kMost, kShared, P...>;
};

template <auto body, int kMost = kThreads, int kShared = 0, class... A>
void launch(const Context* ctx, dim3 blocks, unsigned threads, A... args) {
  using Body = Signature<std::decay_t<decltype(body)>>;
  using How = typename Body::template Parameters<LaunchOf<body, kMost, kShared>::template With>;
  if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0) return;
  How::run(ctx, blocks, threads, args...);
}

// Says of the launch before, which there was, that this body makes the same bits.
template <auto body, class... A>
void same_as(const Context* ctx, A... args) {
  using Body = Signature<std::decay_t<decltype(body)>>;
  using How = typename Body::template Parameters<LaunchOf<body, kThreads, 0>::template With>;
  Recording* recording = static_cast<const Queue*>(ctx->pool)->recording;
  if (recording) recording->note_instead(How::note(1, kThreads, args...));
}

// 32 bits where they suffice: a GPU divides those several times faster.
__device__ inline int64_t quotient(int64_t a, int64_t b) {
  if ((a | b) >> 32 == 0) return static_cast<uint32_t>(a) / static_cast<uint32_t>(b);
  return a / b;
}

// Takes the last digit from a number.
__device__ inline int64_t take_digit(int64_t* number, int64_t radix) {
  const int64_t rest = quotient(*number, radix), digit = *number - rest * radix;
  *number = rest;
  return digit;
}

// A bad value, stored once. What writes to variables does nothing from then on (`spoiled`), so
// that they stay as they were when the host hears of it.
__device__ inline void report_index(DeviceState* state, int64_t value, int64_t limit) {
  if (atomicCAS(&state->status_code, 0, 1) != 0) return;
  state->status_value = value;
  state->status_limit = limit;
  state->failed_step = state->step;
  state->failed_row = state->row;
}
__device__ inline bool spoiled(const DeviceState* state) {
  return *const_cast<const volatile int32_t*>(&state->status_code) != 0;
}

}  // namespace fastnn::kernels::cuda
