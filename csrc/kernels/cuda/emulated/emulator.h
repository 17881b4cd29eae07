// A GPU for tests: kernels compile as plain C++ and run on this processor, one block after the
// other, the threads of a block in turn. What the language adds and these kernels use is here;
// shared memory is static, because one launch runs at a time.
//
// A thread runs until it waits at a barrier; only then is there need of a stack of its own, so
// kernels without barriers are plain loops. Device memory can be touched by kernels and copies
// only: at all other times it is protected, and a pointer that the host follows by mistake faults.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <cmath>

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __forceinline__ inline
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

namespace fastnn::emulated {

constexpr int kWarp = 32;
constexpr int kMaxThreads = 1024;

// Of the thread that runs.
struct Indices {
  dim3 thread, block, blocks, threads;
};
extern Indices current;

void wait_for_block();
void wait_for_warp();
// For `threads` threads of the block, at a barrier that has a number.
void wait_for_some(unsigned barrier, unsigned threads);
// The place where this thread's lane, and those of its warp, leave values for each other.
uint64_t* lanes();
int lane();

// Runs body(argument) for every thread of every block.
void run_grid(dim3 blocks, dim3 threads, size_t shared_bytes, void (*body)(void*), void* argument);
void* shared_memory();

void* allocate(int64_t bytes);  // null: none left
bool release(void* p);          // false: something was written beside it
int64_t free_bytes();

// Memory of the host from which copies go on while the host does. They are made at once here; that
// what they copy from has not changed is checked when a mark behind them is reached.
void* allocate_pinned(int64_t bytes);
void release_pinned(void* p);
void copies_from(const void* from, int64_t bytes);  // any memory; such is remembered
uint64_t mark();                                    // 1, 2, ...
bool reach(uint64_t mark);                          // false: what was copied from has changed

// While one lives, device memory can be touched.
class Access {
 public:
  Access();
  ~Access();
};

template <class T>
T exchange(T value, int from) {
  static_assert(sizeof(T) <= 8);
  __builtin_memcpy(&lanes()[lane()], &value, sizeof value);
  wait_for_warp();
  T got;
  __builtin_memcpy(&got, &lanes()[from], sizeof got);
  wait_for_warp();
  return got;
}

}  // namespace fastnn::emulated

#define threadIdx (fastnn::emulated::current.thread)
#define blockIdx (fastnn::emulated::current.block)
#define gridDim (fastnn::emulated::current.blocks)
#define blockDim (fastnn::emulated::current.threads)

static inline void __syncthreads() { fastnn::emulated::wait_for_block(); }
static inline void __syncwarp(unsigned = ~0u) { fastnn::emulated::wait_for_warp(); }

template <class T>
T __shfl_sync(unsigned, T value, int from) {
  return fastnn::emulated::exchange(value, from % fastnn::emulated::kWarp);
}
template <class T>
T __shfl_down_sync(unsigned, T value, unsigned by) {
  const int from = fastnn::emulated::lane() + static_cast<int>(by);
  return fastnn::emulated::exchange(
      value, from < fastnn::emulated::kWarp ? from : fastnn::emulated::lane());
}
template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return fastnn::emulated::exchange(value, fastnn::emulated::lane() ^ mask);
}

static inline int atomicCAS(int* p, int expected, int desired) {
  const int old = *p;
  if (old == expected) *p = desired;
  return old;
}
static inline int atomicExch(int* p, int value) {
  const int old = *p;
  *p = value;
  return old;
}
static inline int atomicAdd(int* p, int value) {
  const int old = *p;
  *p += value;
  return old;
}
static inline unsigned long long atomicMin(unsigned long long* p, unsigned long long value) {
  const unsigned long long old = *p;
  if (value < old) *p = value;
  return old;
}
static inline unsigned long long atomicMax(unsigned long long* p, unsigned long long value) {
  const unsigned long long old = *p;
  if (value > old) *p = value;
  return old;
}
static inline void __threadfence() {}
static inline uint64_t __umul64hi(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 Wide;
  return static_cast<uint64_t>(static_cast<Wide>(a) * b >> 64);
}
