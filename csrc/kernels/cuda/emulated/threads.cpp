// The threads of a block: fibers that run until they wait, and what they wait for.
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "kernels/cuda/emulated/checker.h"

namespace fastnn::emulated {

Indices current;
Launch launch;
int running_thread;

namespace {

constexpr size_t kStack = 256 << 10, kGuard = 4096;

enum class State { running, at_block, at_warp, at_exchange, at_some, done };
constexpr int kStates = 6;
const char* const kWords[kStates] = {"run",
                                     "wait for the block",
                                     "wait for lanes of their warp",
                                     "exchange values with lanes of their warp",
                                     "wait at a numbered barrier",
                                     "have ended"};

// A stack on which threads run one after the other; the one that waits keeps it.
struct Fiber {
  char* stack;
  jmp_buf here;
  bool started = false;
  int thread = -1;
};

// What a thread waits for.
struct Wait {
  State state;
  unsigned key;      // the mask of lanes, or the barrier's number
  unsigned threads;  // that the barrier is for
  int from;          // lane
  uint64_t bits;     // for others; then those of lane `from`
  int line;
  Fiber* fiber;
};

struct Copy {
  void* to;
  const void* from;
  int bytes, valid;
};
// A thread's asynchronous copies, and where its groups end among them.
struct Copies {
  std::vector<Copy> all;
  std::vector<size_t> ends;
};

struct Block {
  void (*body)(void*);
  void* argument;
  int64_t number;
  int count, next;
  std::vector<int> sequence;  // in which threads begin
  std::vector<Wait> waits;    // by thread
  std::vector<Copies> copies;
  int in_state[kStates];

  Wait& of(int thread) { return waits[static_cast<size_t>(thread)]; }
  void set(int thread, State s) {
    --in_state[static_cast<int>(of(thread).state)];
    ++in_state[static_cast<int>(s)];
    of(thread).state = s;
  }
  int in(State s) const { return in_state[static_cast<int>(s)]; }
};

Block* block;
thread_local bool runs_kernel = false;
Fiber* fiber;
jmp_buf scheduler;
std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Fiber*> idle;

int64_t order_at_start() {
  const char* text = getenv("FASTNN_ORDER");
  if (!text || !strcmp(text, "forward")) return 0;
  return !strcmp(text, "backward") ? -1 : atoll(text);
}
int64_t& order() {
  static int64_t now = order_at_start();
  return now;
}

template <class T>
void put_in_order(std::vector<T>* of, uint64_t salt) {
  if (order() < 0) {
    std::sort(of->begin(), of->end(), std::greater<T>());
  } else if (order() > 0) {
    std::mt19937_64 random(static_cast<uint64_t>(order()) * 1000003 + salt);
    std::shuffle(of->begin(), of->end(), random);
  }
}

void become(int thread) {
  const auto t = static_cast<unsigned>(thread);
  const dim3 n = launch.threads;
  current.thread = dim3(t % n.x, t / n.x % n.y, t / (n.x * n.y));
  fiber->thread = running_thread = thread;
}

[[noreturn]] void give_way() { _longjmp(scheduler, 1); }

// What a fiber does for ever: the next thread that has not begun, or wait for another block.
void work() {
  for (;;) {
    while (block->next < block->count) {
      become(block->sequence[static_cast<size_t>(block->next++)]);
      block->body(block->argument);
      block->set(fiber->thread, State::done);
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
  context.uc_stack.ss_sp = f->stack;
  context.uc_stack.ss_size = kStack - kGuard;
  context.uc_link = nullptr;
  makecontext(&context, work, 0);
  setcontext(&context);
}

Fiber* free_fiber() {
  if (idle.empty()) {
    fibers.push_back(std::make_unique<Fiber>());
    char* low = const_cast<char*>(fiber_stacks().begin) + (fibers.size() - 1) * kStack;
    mprotect(low + kGuard, kStack - kGuard, PROT_READ | PROT_WRITE);
    fibers.back()->stack = low + kGuard;
    return fibers.back().get();
  }
  Fiber* f = idle.back();
  idle.pop_back();
  return f;
}

void wait(State where, unsigned key, unsigned threads, int line) {
  const int thread = fiber->thread;
  Wait& w = block->of(thread);
  w.key = key;
  w.threads = threads;
  w.line = line;
  w.fiber = fiber;
  block->set(thread, where);
  if (_setjmp(fiber->here) == 0) give_way();
  become(fiber->thread);
}

// --- who may go on

// Those threads wait no longer.
void open(const std::vector<int>& threads, std::vector<int>* ready) {
  for (int t : threads) block->set(t, State::running);
  ready->insert(ready->end(), threads.begin(), threads.end());
}

bool waits_with(const Wait& a, const Wait& b) {
  return a.state == b.state && a.key == b.key && a.line == b.line;
}

void exchange_values(const std::vector<int>& lanes, int first) {
  uint64_t left[kWarp];
  for (int t : lanes) left[t - first] = block->of(t).bits;
  for (int t : lanes) {
    Wait& w = block->of(t);
    if (!std::count(lanes.begin(), lanes.end(), first + w.from))
      stop(thread_text(block->number, t) + text(" takes the value of lane %d, which gives none "
                                                "(line %d)",
                                                w.from, w.line));
    w.bits = left[w.from];
  }
}

// Lanes that are named in each other's masks, from `first` on.
void open_warp(int first, std::vector<int>* ready) {
  const int last = std::min(first + kWarp, block->count);
  unsigned seen = 0;
  for (int t = first; t < last; ++t) {
    const Wait w = block->of(t);
    if (seen >> (t - first) & 1 || (w.state != State::at_warp && w.state != State::at_exchange))
      continue;
    std::vector<int> lanes;
    bool all = true;
    for (int other = first; other < last; ++other) {
      const Wait& o = block->of(other);
      if (!(w.key >> (other - first) & 1) || o.state == State::done) continue;
      all = all && waits_with(w, o);
      lanes.push_back(other);
    }
    seen |= w.key;
    if (!all) continue;
    if (w.state == State::at_exchange) exchange_values(lanes, first);
    if (w.state == State::at_warp) checker::waited(lanes);
    open(lanes, ready);
  }
}

// Those of numbered barriers that all have reached.
void open_some(std::vector<int>* ready) {
  for (unsigned barrier = 0; barrier < 16; ++barrier) {
    std::vector<int> there;
    for (int t = 0; t < block->count; ++t)
      if (block->of(t).state == State::at_some && block->of(t).key == barrier) there.push_back(t);
    if (there.empty()) continue;
    const unsigned wanted = block->of(there[0]).threads;
    for (int t : there)
      if (block->of(t).threads != wanted)
        stop(text("threads wait at barrier %u for %u and for %u threads", barrier, wanted,
                  block->of(t).threads));
    if (there.size() > wanted)
      stop(text("more than %u threads wait at barrier %u", wanted, barrier));
    if (there.size() < wanted) continue;
    checker::waited(there);
    open(there, ready);
  }
}

void open_block(std::vector<int>* ready) {
  if (block->in(State::at_block) != block->count) return;
  std::vector<int> all(static_cast<size_t>(block->count));
  std::iota(all.begin(), all.end(), 0);
  for (int t : all)
    if (!waits_with(block->of(0), block->of(t)))
      stop(
          text("threads of a block wait for each other at different places: thread 0 in line %d, "
               "thread %d in line %d",
               block->of(0).line, t, block->of(t).line));
  checker::waited(all);
  open(all, ready);
}

// Lets those go on for whom all have come. False where none can.
bool open_barriers(std::vector<int>* ready) {
  ready->clear();
  if (block->in(State::at_warp) + block->in(State::at_exchange) > 0)
    for (int first = 0; first < block->count; first += kWarp) open_warp(first, ready);
  if (block->in(State::at_some) > 0) open_some(ready);
  open_block(ready);
  return !ready->empty();
}

// Of threads that wait for what never comes: who is where.
[[noreturn]] void stop_stuck() {
  std::string all = "threads of a block wait for others that never come:";
  for (int t = 0; t < block->count;) {
    const Wait& w = block->of(t);
    int last = t;
    while (last + 1 < block->count && waits_with(w, block->of(last + 1))) ++last;
    all += text("\n  threads %d to %d %s", t, last, kWords[static_cast<int>(w.state)]);
    if (w.state != State::done) all += text(" (line %d)", w.line);
    if (w.state == State::at_warp || w.state == State::at_exchange) all += text(", mask %x", w.key);
    if (w.state == State::at_some) all += text(" %u, for %u threads", w.key, w.threads);
    t = last + 1;
  }
  stop(all);
}

void run_block() {
  while (block->next < block->count) resume(free_fiber());
  std::vector<int> ready;
  for (uint64_t turn = 0; open_barriers(&ready); ++turn) {
    put_in_order(&ready, turn);
    for (int t : ready) resume(block->of(t).fiber);
  }
  if (block->in(State::done) != block->count) stop_stuck();
}

dim3 block_index(int64_t number) {
  const dim3 n = launch.blocks;
  const int64_t row = number / n.x;
  return dim3(static_cast<unsigned>(number % n.x), static_cast<unsigned>(row % n.y),
              static_cast<unsigned>(row / n.y));
}

void begin_block(int64_t number) {
  current.block = block_index(number);
  block->number = number;
  block->next = 0;
  std::iota(block->sequence.begin(), block->sequence.end(), 0);
  put_in_order(&block->sequence, static_cast<uint64_t>(number));
  for (Wait& w : block->waits) w = {State::running, 0, 0, 0, 0, 0, nullptr};
  for (Copies& c : block->copies) c.all.clear(), c.ends.clear();
  for (int& n : block->in_state) n = 0;
  block->in_state[static_cast<int>(State::running)] = block->count;
  begin_block_memory();
  checker::begin_block();
}

}  // namespace

Range fiber_stacks() {
  static const Range all = [] {
    auto* p = static_cast<char*>(mmap(nullptr, kStack * kMaxThreads, PROT_NONE,
                                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    return Range{p, p + kStack * kMaxThreads};
  }();
  return all;
}

int64_t block_number() { return block->number; }
bool in_kernel() { return runs_kernel; }
int64_t set_order(int64_t wanted) { return std::exchange(order(), wanted); }

std::string thread_text(int64_t number, int thread) {
  const dim3 b = block_index(number);
  return text("thread %d of block (%u, %u, %u)", thread, b.x, b.y, b.z);
}

void wait_for_block(int line) { wait(State::at_block, 0, 0, line); }

void wait_for_warp(unsigned mask, int line) {
  if (!(mask >> lane() & 1))
    stop(thread_text(block->number, fiber->thread) +
         text(" waits for lanes %x, and is none of them (line %d)", mask, line));
  wait(State::at_warp, mask, 0, line);
}

void wait_for_some(unsigned barrier, unsigned threads, int line) {
  if (barrier > 15 || threads % kWarp != 0)
    stop(text("there is no barrier %u for %u threads (line %d)", barrier, threads, line));
  wait(State::at_some, barrier, threads, line);
}

uint64_t exchange_bits(unsigned mask, uint64_t bits, int from, int line) {
  if (!(mask >> lane() & 1))
    stop(thread_text(block->number, fiber->thread) +
         text(" exchanges with lanes %x, and is none of them (line %d)", mask, line));
  Wait& own = block->of(fiber->thread);
  own.bits = bits;
  own.from = from;
  wait(State::at_exchange, mask, 0, line);
  return block->of(fiber->thread).bits;
}

int lane() { return fiber->thread % kWarp; }

// What it copies to is not a number until it has arrived.
void copy_async(void* to, const void* from, int bytes, int valid) {
  const auto places = reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from);
  if (places % static_cast<uintptr_t>(bytes) != 0 || valid < 0 || valid > bytes)
    stop(text("an asynchronous copy of %d bytes, %d of them read, from %p to %p", bytes, valid,
              from, to));
  checker::writes(to, bytes);
  checker::reads(from, valid);
  memset(to, 0xff, static_cast<size_t>(bytes));
  checker::mark(to, bytes, checker::Bytes::coming);
  block->copies[static_cast<size_t>(fiber->thread)].all.push_back({to, from, bytes, valid});
}

void end_group() {
  Copies& own = block->copies[static_cast<size_t>(fiber->thread)];
  own.ends.push_back(own.all.size());
}

void wait_for_groups(int open) {
  Copies& own = block->copies[static_cast<size_t>(fiber->thread)];
  const auto left = static_cast<size_t>(open);
  if (own.ends.size() <= left) return;
  const auto groups = static_cast<std::ptrdiff_t>(own.ends.size() - left);
  const size_t count = own.ends[own.ends.size() - left - 1];
  for (size_t i = 0; i < count; ++i) {
    const Copy& c = own.all[i];
    checker::reads(c.from, c.valid);
    checker::mark(c.to, c.bytes, checker::Bytes::written);
    memset(c.to, 0, static_cast<size_t>(c.bytes));
    memcpy(c.to, c.from, static_cast<size_t>(c.valid));
    checker::writes(c.to, c.bytes);
  }
  own.all.erase(own.all.begin(), own.all.begin() + static_cast<std::ptrdiff_t>(count));
  own.ends.erase(own.ends.begin(), own.ends.begin() + groups);
  for (size_t& end : own.ends) end -= count;
}

void run_grid(const char* name, dim3 blocks, dim3 threads, size_t shared_bytes, void (*body)(void*),
              void* argument) {
  Access access;
  launch = {name, launch.number + 1, blocks, threads};
  current.blocks = blocks;
  current.threads = threads;
  const auto size = static_cast<size_t>(threads.x) * threads.y * threads.z;
  if (size == 0 || size > kMaxThreads) stop(text("a block of %zu threads", size));
  Block b{};
  b.body = body;
  b.argument = argument;
  b.count = static_cast<int>(size);
  b.sequence.resize(size);
  b.waits.resize(size);
  b.copies.resize(size);
  block = &b;
  begin_launch_memory(shared_bytes);
  checker::begin_launch();
  runs_kernel = true;
  std::vector<int64_t> numbers(static_cast<size_t>(int64_t{blocks.x} * blocks.y * blocks.z));
  std::iota(numbers.begin(), numbers.end(), 0);
  put_in_order(&numbers, 0);
  for (int64_t number : numbers) {
    begin_block(number);
    run_block();
    end_block_memory();
  }
  runs_kernel = false;
}

}  // namespace fastnn::emulated
