// The process's threads: the caller plus n - 1 workers, started at the first parallel work.
#pragma once
#include <stdint.h>

namespace fastnn {

// How many threads parallel work uses. Until it is set: FASTNN_NUM_THREADS, then OMP_NUM_THREADS,
// then available_cpus(). ValueError where FASTNN_NUM_THREADS is not a number from 1 to
// kMaxThreads.
int num_threads();

// ValueError unless 1 <= n <= kMaxThreads. Takes effect with the next parallel work.
void set_num_threads(int n);

constexpr int kMaxThreads = 1024;

// Calls body(arg, i) for every i in [0, tasks) and returns when all are done. Thread t of n runs
// the tasks [tasks * t / n, tasks * (t + 1) / n), so that memory stays with its core from call to
// call; the caller, once done, runs those of the threads that have not begun (they slept, or have
// no processor). The caller runs all of them itself where the pool is busy (with another thread's
// work, or with the work this call is made from). Fewer threads are used where the system refuses
// to start more; it never throws. body must not throw. Its form is that of
// kernels::Context::parallel_for; the first argument is not used.
void parallel_for(void* pool, int64_t tasks, void (*body)(void* arg, int64_t i), void* arg);

// How many workers have been started and not lost to a fork (for tests and show_config).
int running_workers();

}  // namespace fastnn
