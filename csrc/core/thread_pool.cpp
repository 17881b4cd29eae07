#include "core/thread_pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "core/cpu.h"
#include "core/error.h"
#include "core/fpmode.h"

namespace fastnn {
namespace {

constexpr auto kSpin = std::chrono::microseconds(50);

void relax() {
#if defined(__SSE2__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// A flag one thread waits for: it spins for a short time, then sleeps. raise() costs no system
// call while the other side still spins.
class Signal {
 public:
  void raise() {
    if (state_.exchange(kRaised, std::memory_order_acq_rel) != kAsleep) return;
    // Taking the lock means the sleeper is inside wait(), where notify reaches it.
    {
      std::lock_guard<std::mutex> lock(mutex_);
    }
    wake_.notify_one();
  }

  // Takes back what was raised. False: the other side has seen it.
  bool withdraw() { return take(); }

  // Returns once raised and not withdrawn, and lowers it again.
  void wait(bool spin) {
    do {
      if (!(spin && spun())) sleep();
    } while (!take());
  }

 private:
  enum : int { kLowered, kRaised, kAsleep };

  bool raised() const { return state_.load(std::memory_order_acquire) == kRaised; }

  bool take() {
    int expected = kRaised;
    return state_.compare_exchange_strong(expected, kLowered, std::memory_order_acq_rel);
  }

  bool spun() {
    const auto until = std::chrono::steady_clock::now() + kSpin;
    do {
      for (int i = 0; i < 16; ++i) {
        if (raised()) return true;
        relax();
      }
    } while (std::chrono::steady_clock::now() < until);
    return raised();
  }

  void sleep() {
    std::unique_lock<std::mutex> lock(mutex_);
    // One that is woken for what has been withdrawn leaves, so that the next raise() finds it
    // spinning, or marked as asleep again.
    int expected = kLowered;
    if (!state_.compare_exchange_strong(expected, kAsleep, std::memory_order_acq_rel)) return;
    wake_.wait(lock, [this] { return state_.load(std::memory_order_acquire) != kAsleep; });
  }

  std::atomic<int> state_{kLowered};
  std::mutex mutex_;
  std::condition_variable wake_;
};

struct Job {
  void (*body)(void*, int64_t);
  void* arg;
  int64_t tasks;
  int parts;
  bool spin;

  void run(int part) const {
    // tasks * part / parts without overflow.
    const int64_t each = tasks / parts, rest = tasks % parts;
    const int64_t first = each * part + std::min<int64_t>(part, rest);
    const int64_t last = first + each + (part < rest ? 1 : 0);
    for (int64_t i = first; i < last; ++i) body(arg, i);
  }
};

// The workers and the job they run. Only the thread that holds `busy` touches a team.
// A team is never destroyed: its workers sleep in it until the process ends.
class Team {
 public:
  void run(const Job& wanted) {
    job_ = wanted;
    job_.parts = 1 + start(wanted.parts - 1);
    const int helpers = job_.parts - 1;
    if (helpers > 0) {
      pending_.store(helpers, std::memory_order_relaxed);
      for (int w = 0; w < helpers; ++w) workers_[w]->start.raise();
    }
    job_.run(0);
    if (helpers > 0) finish(helpers);
  }

  int workers() const { return started_.load(std::memory_order_relaxed); }

 private:
  struct alignas(64) Worker {
    Signal start;
  };

  // Does the parts of those who have not begun: waking takes longer than most parts do.
  void finish(int helpers) {
    int done = 0;
    for (int w = helpers - 1; w >= 0; --w)
      if (workers_[w]->start.withdraw()) {
        job_.run(w + 1);
        ++done;
      }
    if (done > 0 && pending_.fetch_sub(done, std::memory_order_acq_rel) == done) return;
    done_.wait(job_.spin);
  }

  // Sees to it that there are this many workers; returns how many of them there are.
  int start(int wanted) {
    while (workers() < wanted && start_one()) {
    }
    return std::min(wanted, workers());
  }

  bool start_one() {
    // Signals are for Python's main thread: the workers block them all.
    sigset_t all, before;
    sigfillset(&all);
    bool ok = true;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      workers_.push_back(std::make_unique<Worker>());
      try {
        const int part = static_cast<int>(workers_.size());
        std::thread([this, worker = workers_.back().get(), part] {
          serve(*worker, part);
        }).detach();
        started_.fetch_add(1, std::memory_order_relaxed);
      } catch (...) {
        workers_.pop_back();
        ok = false;
      }
    } catch (const std::bad_alloc&) {
      ok = false;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return ok;
  }

  void serve(Worker& self, int part) {
    bool spin = true;
    for (;;) {
      self.start.wait(spin);
      {
        FpMode mode;
        job_.run(part);
      }
      spin = job_.spin;
      if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_.raise();
    }
  }

  Job job_{};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<int> started_{0};
  std::atomic<int> pending_{0};
  Signal done_;
};

std::atomic<bool> busy{false};
std::atomic<Team*> team{nullptr};
std::atomic<int> threads{0};  // 0: not decided yet
std::atomic<int> cpus{0};

// The child of a fork has none of the workers, and cannot know what state they left the team in:
// it drops the team and makes its own at the next parallel work.
void forget_team() {
  team.store(nullptr, std::memory_order_relaxed);
  busy.store(false, std::memory_order_relaxed);
}

Team* the_team() {
  Team* found = team.load(std::memory_order_acquire);
  if (found) return found;
  static const int registered = pthread_atfork(nullptr, nullptr, forget_team);
  (void)registered;
  found = new (std::nothrow) Team;
  team.store(found, std::memory_order_release);
  return found;
}

bool parse_count(const std::string& text, int* count) {
  char* end = nullptr;
  const long value = strtol(text.c_str(), &end, 10);
  *count = static_cast<int>(value);
  return end != text.c_str() && *end == '\0' && value >= 1 && value <= kMaxThreads;
}

// Decided outside of parallel_for, which must not throw.
int known_cpus() {
  if (cpus.load(std::memory_order_relaxed) == 0)
    cpus.store(available_cpus(), std::memory_order_relaxed);
  return cpus.load(std::memory_order_relaxed);
}

int threads_from_environment() {
  int count = 0;
  if (const char* own = getenv("FASTNN_NUM_THREADS")) {
    if (!parse_count(own, &count))
      throw ValueError(
          str("FASTNN_NUM_THREADS must be a number from 1 to ", kMaxThreads, ", got '", own, "'"));
    return count;
  }
  // OpenMP's variable may be a list by nesting level, and is another's to complain about.
  if (const char* omp = getenv("OMP_NUM_THREADS")) {
    const std::string list = omp;
    if (parse_count(list.substr(0, list.find(',')), &count)) return count;
  }
  return std::min(known_cpus(), kMaxThreads);
}

void run_serially(int64_t tasks, void (*body)(void*, int64_t), void* arg) {
  for (int64_t i = 0; i < tasks; ++i) body(arg, i);
}

}  // namespace

int num_threads() {
  int n = threads.load(std::memory_order_relaxed);
  if (n == 0) {
    known_cpus();
    n = threads_from_environment();
    int expected = 0;
    if (!threads.compare_exchange_strong(expected, n)) n = expected;
  }
  return n;
}

void set_num_threads(int n) {
  if (n < 1 || n > kMaxThreads)
    throw ValueError(str("the number of threads must be from 1 to ", kMaxThreads, ", got ", n));
  known_cpus();
  threads.store(n, std::memory_order_relaxed);
}

void parallel_for(void*, int64_t tasks, void (*body)(void*, int64_t), void* arg) {
  // Undecided only where nothing has asked num_threads() yet; a kernel's context always has.
  const int n = std::max(1, threads.load(std::memory_order_relaxed));
  const int parts = static_cast<int>(std::min<int64_t>(tasks, n));
  if (parts <= 1 || busy.exchange(true, std::memory_order_acquire)) {
    run_serially(tasks, body, arg);
    return;
  }
  // With more threads than processors, one that spins keeps another from its work.
  const bool spin = parts <= cpus.load(std::memory_order_relaxed);
  if (Team* own = the_team())
    own->run({body, arg, tasks, parts, spin});
  else
    run_serially(tasks, body, arg);
  busy.store(false, std::memory_order_release);
}

int running_workers() {
  const Team* own = team.load(std::memory_order_acquire);
  return own ? own->workers() : 0;
}

}  // namespace fastnn
