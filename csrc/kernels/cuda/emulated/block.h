// The block that runs: its threads, and what each of them waits for.
#pragma once
#include <vector>

#include "kernels/cuda/emulated/inside.h"

namespace fastnn::emulated {

enum class State { running, at_block, at_warp, at_exchange, at_some, done };
constexpr int kStates = 6;

struct Fiber;

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
extern Block* block;

// The thread that runs gives way until it may go on.
void wait(State where, unsigned key, unsigned threads, int line);
// Lets those go on for whom all have come. False where none can.
bool open_barriers(std::vector<int>* ready);
// Of threads that wait for what never comes: says who is where, and aborts.
[[noreturn]] void stop_stuck();

}  // namespace fastnn::emulated
