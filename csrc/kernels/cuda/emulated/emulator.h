// A GPU for tests: kernels compile as plain C++ and run on this processor, one block after the
// other, the threads of a block in turn. What the language adds and these kernels use is here.
//
// A thread runs until it waits at a barrier; only then is there need of a stack of its own, so
// kernels without barriers are plain loops. Device memory can be touched by kernels and copies
// only: at all other times it is protected, and a pointer that the host follows by mistake faults.
//
// Every build ends the process, with the kernel's name, where threads wait for what never comes,
// where what lies beside an array was written, and where an address is not aligned as an
// asynchronous copy wants it; shared memory is not a number until it is written. A build with
// FASTNN_EMULATED_CHECKED sees each access (checker.h).
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <cmath>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__ __restrict
#define __launch_bounds__(...)

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

// line: where the source says so. Threads that wait for each other wait at one place.
void wait_for_block(int line);
// For the lanes of the mask, which are ordered by it.
void wait_for_warp(unsigned mask, int line);
// For `threads` threads of the block, at a barrier that has a number.
void wait_for_some(unsigned barrier, unsigned threads, int line);

// Leaves 8 bytes for other lanes, and takes those of lane `from`. Orders no other memory.
uint64_t exchange_bits(unsigned mask, uint64_t bits, int from, int line);
int lane();

// `valid` bytes, then zeros, up to `bytes`: under way until the thread waits for the group.
void copy_async(void* to, const void* from, int bytes, int valid);
void end_group();
void wait_for_groups(int open);

// Runs body(argument) for every thread of every block. The name is what messages say.
void run_grid(const char* name, dim3 blocks, dim3 threads, size_t shared_bytes, void (*body)(void*),
              void* argument);

// In which order the threads of a block, and the blocks, take turns: 0 forward, -1 backward, else
// any that the number stands for. Results do not depend on it. Returns what it was; FASTNN_ORDER
// (forward, backward or a number) says what it is at the start.
int64_t set_order(int64_t order);

// As much as the launch asked for.
void* shared_memory();
// A variable that the threads of a block share: it has a place from the first use in a launch on.
struct Place {
  uint64_t launch = 0;
  void* address = nullptr;
};
void* shared_variable(Place* place, size_t bytes);
template <class T>
struct Shared {
  Place place;
  T& here() { return *static_cast<T*>(shared_variable(&place, sizeof(T))); }
};

void* allocate(int64_t bytes);  // null: none left
bool release(void* p);          // false: something was written beside it
int64_t free_bytes();
// What is not a kernel reads and writes device memory. False where it is not all of one array.
bool host_reads(const void* from, int64_t bytes);
bool host_writes(void* to, int64_t bytes);

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
T exchange(unsigned mask, T value, int from, int line) {
  static_assert(sizeof(T) <= 8);
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof value);
  bits = exchange_bits(mask, bits, from, line);
  T got;
  __builtin_memcpy(&got, &bits, sizeof got);
  return got;
}

// Before an atomic access of the thread that runs.
#ifdef FASTNN_EMULATED_CHECKED
void note_atomic(const void* p, size_t bytes);
#define FASTNN_UNSEEN __attribute__((no_sanitize("thread"), noinline))
#else
inline void note_atomic(const void*, size_t) {}
#define FASTNN_UNSEEN
#endif

template <class T, class F>
FASTNN_UNSEEN T atomic(T* p, F changed) {
  note_atomic(p, sizeof(T));
  const T old = *p;
  *p = changed(old);
  return old;
}

}  // namespace fastnn::emulated

#define threadIdx (fastnn::emulated::current.thread)
#define blockIdx (fastnn::emulated::current.block)
#define gridDim (fastnn::emulated::current.blocks)
#define blockDim (fastnn::emulated::current.threads)

static inline void __syncthreads(int line = __builtin_LINE()) {
  fastnn::emulated::wait_for_block(line);
}
static inline void __syncwarp(unsigned mask = ~0u, int line = __builtin_LINE()) {
  fastnn::emulated::wait_for_warp(mask, line);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int from, int line = __builtin_LINE()) {
  return fastnn::emulated::exchange(mask, value, from % fastnn::emulated::kWarp, line);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int line = __builtin_LINE()) {
  const int own = fastnn::emulated::lane(), from = own + static_cast<int>(by);
  return fastnn::emulated::exchange(mask, value, from < fastnn::emulated::kWarp ? from : own, line);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int with, int line = __builtin_LINE()) {
  return fastnn::emulated::exchange(mask, value, fastnn::emulated::lane() ^ with, line);
}

static inline int atomicCAS(int* p, int expected, int desired) {
  return fastnn::emulated::atomic(p, [=](int old) { return old == expected ? desired : old; });
}
template <class T>
T atomicExch(T* p, std::common_type_t<T> value) {
  return fastnn::emulated::atomic(p, [=](T) { return value; });
}
template <class T>
T atomicAdd(T* p, std::common_type_t<T> value) {
  return fastnn::emulated::atomic(p, [=](T old) { return old + value; });
}
template <class T>
T atomicMin(T* p, std::common_type_t<T> value) {
  return fastnn::emulated::atomic(p, [=](T old) { return value < old ? value : old; });
}
template <class T>
T atomicMax(T* p, std::common_type_t<T> value) {
  return fastnn::emulated::atomic(p, [=](T old) { return value > old ? value : old; });
}
static inline uint64_t __umul64hi(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 Wide;
  return static_cast<uint64_t>(static_cast<Wide>(a) * b >> 64);
}
