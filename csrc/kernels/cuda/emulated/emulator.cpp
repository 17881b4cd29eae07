#include "kernels/cuda/emulated/emulator.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace fastnn::emulated {

Indices current;

namespace {

// --- threads

constexpr size_t kStack = 256 << 10;
enum class State { running, at_block, at_warp, at_some, done };

// A stack on which threads run one after the other; the one that waits at a barrier keeps it.
struct Fiber {
  std::unique_ptr<char[]> stack{new char[kStack]};
  jmp_buf here;
  bool started = false;
  int thread = -1;
};

struct Block {
  dim3 threads;
  void (*body)(void*);
  void* argument;
  int count, next = 0;
  std::vector<State> states;
  std::vector<Fiber*> waiting;          // by thread
  std::vector<unsigned> barriers;       // by thread: where it waits for some
  std::map<unsigned, unsigned> wanted;  // threads, by barrier
};

Block* block;
Fiber* fiber;
jmp_buf scheduler;
std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Fiber*> idle;
std::vector<uint64_t> exchanged(kMaxThreads);
std::vector<uint64_t> dynamic_shared;

void become(int thread) {
  const auto t = static_cast<unsigned>(thread);
  const dim3 n = block->threads;
  current.thread = dim3(t % n.x, t / n.x % n.y, t / (n.x * n.y));
  fiber->thread = thread;
}

[[noreturn]] void give_way() { _longjmp(scheduler, 1); }

// What a fiber does for ever: the next thread that has not begun, or wait for another block.
void work() {
  for (;;) {
    while (block->next < block->count) {
      const int thread = block->next++;
      become(thread);
      block->body(block->argument);
      block->states[static_cast<size_t>(fiber->thread)] = State::done;
    }
    idle.push_back(fiber);
    if (_setjmp(fiber->here) == 0) give_way();
  }
}

// Entered by makecontext once; later by longjmp, which saves no signal mask and costs 20 ns.
void resume(Fiber* f) {
  fiber = f;
  if (_setjmp(scheduler) != 0) return;
  if (f->started) _longjmp(f->here, 1);
  f->started = true;
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = f->stack.get();
  context.uc_stack.ss_size = kStack;
  context.uc_link = nullptr;
  makecontext(&context, work, 0);
  setcontext(&context);
}

Fiber* free_fiber() {
  if (idle.empty()) {
    fibers.push_back(std::make_unique<Fiber>());
    return fibers.back().get();
  }
  Fiber* f = idle.back();
  idle.pop_back();
  return f;
}

void wait(State where) {
  const auto thread = static_cast<size_t>(fiber->thread);
  block->states[thread] = where;
  block->waiting[thread] = fiber;
  if (_setjmp(fiber->here) == 0) give_way();
  become(fiber->thread);
  block->states[static_cast<size_t>(fiber->thread)] = State::running;
}

// Those of a barrier for some that all of them have reached.
void open_some(std::vector<int>* ready) {
  for (const auto& [barrier, wanted] : block->wanted) {
    std::vector<int> there;
    for (int t = 0; t < block->count; ++t)
      if (block->states[static_cast<size_t>(t)] == State::at_some &&
          block->barriers[static_cast<size_t>(t)] == barrier)
        there.push_back(t);
    if (there.size() == wanted) ready->insert(ready->end(), there.begin(), there.end());
  }
}

// Lets those go on whose barrier all have reached. False where none can.
bool open_barriers(std::vector<int>* ready) {
  ready->clear();
  bool all_at_block = true;
  for (int first = 0; first < block->count; first += kWarp) {
    const int last = std::min(first + kWarp, block->count);
    bool all_at_warp = true, any = false;
    for (int t = first; t < last; ++t) {
      const State s = block->states[static_cast<size_t>(t)];
      all_at_block = all_at_block && (s == State::at_block || s == State::done);
      all_at_warp = all_at_warp && (s == State::at_warp || s == State::done);
      any = any || s == State::at_warp;
    }
    if (all_at_warp && any)
      for (int t = first; t < last; ++t)
        if (block->states[static_cast<size_t>(t)] == State::at_warp) ready->push_back(t);
  }
  open_some(ready);
  if (all_at_block && ready->empty())
    for (int t = 0; t < block->count; ++t)
      if (block->states[static_cast<size_t>(t)] == State::at_block) ready->push_back(t);
  return !ready->empty();
}

void run_block() {
  while (block->next < block->count) resume(free_fiber());
  std::vector<int> ready;
  while (open_barriers(&ready))
    for (int t : ready) resume(block->waiting[static_cast<size_t>(t)]);
  for (State s : block->states)
    if (s != State::done) {
      fputs("emulated GPU: the threads of a block wait at different barriers\n", stderr);
      abort();
    }
}

// --- memory

constexpr int64_t kRegion = int64_t{16} << 30, kRedZone = 256;
constexpr unsigned char kPattern = 0xa5;

int64_t pages(int64_t bytes) { return (bytes + 4095) / 4096 * 4096; }
int64_t slot(int64_t bytes) { return (bytes + 2 * kRedZone + 255) / 256 * 256; }

struct Region {
  char* base;
  std::map<int64_t, int64_t> used;  // offset to bytes asked for
  int64_t top = 0;                  // bytes ever used, whole pages
  int open = 0;
  std::recursive_mutex mutex;

  Region()
      : base(static_cast<char*>(mmap(nullptr, static_cast<size_t>(kRegion), PROT_NONE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {}
  void protect(int how) {
    if (top > 0) mprotect(base, static_cast<size_t>(top), how);
  }
  // Protecting costs what lies below the top: what was freed there is given back.
  void lower_top() {
    const int64_t end =
        used.empty() ? 0 : pages(used.rbegin()->first + slot(used.rbegin()->second));
    if (end == top) return;
    madvise(base + end, static_cast<size_t>(top - end), MADV_DONTNEED);
    mprotect(base + end, static_cast<size_t>(top - end), PROT_NONE);
    top = end;
  }
};

Region& region() {
  static auto* r = new Region;
  return *r;
}

}  // namespace

Access::Access() {
  region().mutex.lock();
  if (region().open++ == 0) region().protect(PROT_READ | PROT_WRITE);
}

Access::~Access() {
  if (--region().open == 0) region().protect(PROT_NONE);
  region().mutex.unlock();
}

void* allocate(int64_t bytes) {
  Region& r = region();
  std::lock_guard<std::recursive_mutex> lock(r.mutex);
  if (bytes > kRegion - 2 * kRedZone) return nullptr;
  const int64_t want = slot(bytes);
  int64_t at = 0;
  for (const auto& [offset, size] : r.used) {
    if (offset - at >= want) break;
    at = offset + slot(size);
  }
  if (at + want > kRegion) return nullptr;
  r.used[at] = bytes;
  r.top = std::max(r.top, pages(at + want));
  Access access;
  memset(r.base + at, kPattern, static_cast<size_t>(want));
  return r.base + at + kRedZone;
}

bool release(void* p) {
  Region& r = region();
  Access access;
  const int64_t at = static_cast<char*>(p) - kRedZone - r.base;
  const int64_t bytes = r.used.at(at);
  r.used.erase(at);
  auto intact = [&](int64_t begin, int64_t end) {
    const auto* zone = reinterpret_cast<const unsigned char*>(r.base);
    return std::all_of(zone + begin, zone + end, [](unsigned char c) { return c == kPattern; });
  };
  const bool whole = intact(at, at + kRedZone) && intact(at + kRedZone + bytes, at + slot(bytes));
  r.lower_top();
  return whole;
}

int64_t free_bytes() {
  std::lock_guard<std::recursive_mutex> lock(region().mutex);
  int64_t used = 0;
  for (const auto& [offset, bytes] : region().used) used += slot(bytes);
  return kRegion - used;
}

void wait_for_block() { wait(State::at_block); }
void wait_for_warp() { wait(State::at_warp); }
void wait_for_some(unsigned barrier, unsigned threads) {
  block->barriers[static_cast<size_t>(fiber->thread)] = barrier;
  block->wanted[barrier] = threads;
  wait(State::at_some);
}
int lane() { return fiber->thread % kWarp; }
uint64_t* lanes() { return exchanged.data() + fiber->thread / kWarp * kWarp; }
void* shared_memory() { return dynamic_shared.data(); }

void run_grid(dim3 blocks, dim3 threads, size_t shared_bytes, void (*body)(void*), void* argument) {
  Access access;
  dynamic_shared.assign((shared_bytes + 7) / 8, ~uint64_t{0});
  current.blocks = blocks;
  current.threads = threads;
  Block b{threads, body, argument, static_cast<int>(threads.x * threads.y * threads.z), 0, {},
          {},      {},   {}};
  block = &b;
  for (unsigned z = 0; z < blocks.z; ++z)
    for (unsigned y = 0; y < blocks.y; ++y)
      for (unsigned x = 0; x < blocks.x; ++x) {
        current.block = dim3(x, y, z);
        b.next = 0;
        b.states.assign(static_cast<size_t>(b.count), State::running);
        b.waiting.assign(static_cast<size_t>(b.count), nullptr);
        b.barriers.assign(static_cast<size_t>(b.count), 0);
        b.wanted.clear();
        run_block();
      }
}

}  // namespace fastnn::emulated
