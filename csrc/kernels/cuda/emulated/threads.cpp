// The threads of a block: fibers that run until they wait.
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

#include "kernels/cuda/emulated/block.h"
#include "kernels/cuda/emulated/checker.h"

namespace fastnn::emulated {

Indices current;
Launch launch;
int running_thread;
Block* block;

// A stack on which threads run one after the other; the one that waits keeps it.
struct Fiber {
  char* stack;
  jmp_buf here;
  bool started = false;
  int thread = -1;
};

namespace {

constexpr size_t kStack = 256 << 10, kGuard = 4096;

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

int lane() { return fiber->thread % kWarp; }

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
