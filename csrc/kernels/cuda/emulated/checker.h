// Sees each access of a kernel to memory, in builds with FASTNN_EMULATED_CHECKED: the compiler
// inserts calls for -fsanitize=thread, which are answered here and not by ThreadSanitizer's
// library. It ends the process with the kernel's name, the place in memory and both threads where
//
//   two threads access the same bytes, one of them writing, and nothing orders them: no barrier of
//     the block, no __syncwarp; shuffles order nothing, and neither do blocks of a launch; atomics
//     order nothing, but do not race with each other
//   an access is not inside one array of the device, one shared variable, the thread's own stack,
//     the arguments or constants
//   bytes are read that nothing has written since they were allocated, or in shared memory since
//     the block began
//   bytes are read while an asynchronous copy to them may be under way
//
// What is found does not depend on the order in which threads take turns: an access carries the
// number of barriers that its thread has passed, and each thread knows how far those are that it
// has waited with (vector clocks, as FastTrack has them: Flanagan and Freund, PLDI 2009). Of each
// four bytes the last four accesses of the launch are kept.
#pragma once
#include "kernels/cuda/emulated/inside.h"

namespace fastnn::emulated::checker {

enum class Bytes : unsigned char { none, unwritten, written, coming };

#ifdef FASTNN_EMULATED_CHECKED
constexpr bool kOn = true;
void mark(const void* p, int64_t bytes, Bytes as);  // for all of them, whoever wrote before
bool all_written(const void* p, int64_t bytes);
void begin_launch();
void begin_block();
// These threads have waited for each other: what each did before comes before what any does next.
void waited(const std::vector<int>& threads);
void writes(void* to, int bytes);
void reads(const void* from, int bytes);
#else
constexpr bool kOn = false;
inline void mark(const void*, int64_t, Bytes) {}
inline bool all_written(const void*, int64_t) { return true; }
inline void begin_launch() {}
inline void begin_block() {}
inline void waited(const std::vector<int>&) {}
inline void writes(void*, int) {}
inline void reads(const void*, int) {}
#endif

}  // namespace fastnn::emulated::checker
