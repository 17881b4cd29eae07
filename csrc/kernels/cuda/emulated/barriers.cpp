// What the threads of a block wait for, and who may go on.
#include <algorithm>
#include <numeric>

#include "kernels/cuda/emulated/block.h"
#include "kernels/cuda/emulated/checker.h"

namespace fastnn::emulated {
namespace {

const char* const kWords[kStates] = {"run",
                                     "wait for the block",
                                     "wait for lanes of their warp",
                                     "exchange values with lanes of their warp",
                                     "wait at a numbered barrier",
                                     "have ended"};

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

}  // namespace

bool open_barriers(std::vector<int>* ready) {
  ready->clear();
  if (block->in(State::at_warp) + block->in(State::at_exchange) > 0)
    for (int first = 0; first < block->count; first += kWarp) open_warp(first, ready);
  if (block->in(State::at_some) > 0) open_some(ready);
  open_block(ready);
  return !ready->empty();
}

void stop_stuck() {
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

void wait_for_block(int line) { wait(State::at_block, 0, 0, line); }

void wait_for_warp(unsigned mask, int line) {
  if (!(mask >> lane() & 1))
    stop(thread_text(block->number, running_thread) +
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
    stop(thread_text(block->number, running_thread) +
         text(" exchanges with lanes %x, and is none of them (line %d)", mask, line));
  Wait& own = block->of(running_thread);
  own.bits = bits;
  own.from = from;
  wait(State::at_exchange, mask, 0, line);
  return block->of(running_thread).bits;
}

}  // namespace fastnn::emulated
