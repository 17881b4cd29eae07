// What the emulator's parts know of each other.
#pragma once
#include <string>
#include <vector>

#include "kernels/cuda/emulated/emulator.h"

namespace fastnn::emulated {

// The launch that runs; its number is never 0.
struct Launch {
  const char* name = "";
  uint64_t number = 0;
  dim3 blocks, threads;
};
extern Launch launch;

extern int running_thread;  // its number in the block
int64_t block_number();     // of the block that runs, among the launch's
bool in_kernel();           // whether this thread of the host runs one

std::string text(const char* format, ...) __attribute__((format(printf, 1, 2)));
// "thread (3, 0, 0) of block (1, 0, 0)"
std::string thread_text(int64_t block, int thread);
std::string kernel_text();  // of the launch's name, what the kernel is
// Says it, with the kernel's name, and aborts.
[[noreturn]] void stop(const std::string& what);

// --- memory: blocks' shared memory, then the device's, with nothing between

constexpr int64_t kSharedRegion = int64_t{1} << 20, kRegion = int64_t{16} << 30;
char* memory();  // kSharedRegion + kRegion bytes
// "byte 128 of the 4096 at ...", "4 bytes behind the 512 of shared memory"
std::string place_text(const char* p);

void begin_launch_memory(size_t shared_bytes);
void begin_block_memory();  // what was in shared memory is gone
void end_block_memory();    // aborts where something was written beside

// The stacks of fibers.
struct Range {
  const char *begin, *end;
  bool has(const void* p) const { return p >= begin && p < end; }
};
Range fiber_stacks();

}  // namespace fastnn::emulated
