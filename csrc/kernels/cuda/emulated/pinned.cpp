#include <iterator>
#include <map>
#include <mutex>
#include <vector>

#include "kernels/cuda/emulated/emulator.h"

namespace fastnn::emulated {
namespace {

struct Copy {
  const unsigned char* from;
  int64_t bytes;
  uint64_t sum, mark;  // the next mark when it was made
};

struct Pinned {
  std::mutex mutex;
  std::map<const unsigned char*, std::vector<unsigned char>> allocated;
  std::vector<Copy> copies;  // which no mark that was reached is behind
  uint64_t marks = 0;
};

Pinned& pinned() {
  static auto* p = new Pinned;
  return *p;
}

uint64_t sum_of(const unsigned char* p, int64_t bytes) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < bytes; ++i) sum = sum * 1000003 + p[i];
  return sum;
}

}  // namespace

void* allocate_pinned(int64_t bytes) {
  Pinned& p = pinned();
  std::lock_guard<std::mutex> lock(p.mutex);
  std::vector<unsigned char> memory(static_cast<size_t>(bytes));
  unsigned char* data = memory.data();
  p.allocated[data] = std::move(memory);
  return data;
}

void release_pinned(void* data) {
  Pinned& p = pinned();
  std::lock_guard<std::mutex> lock(p.mutex);
  p.allocated.erase(static_cast<const unsigned char*>(data));
}

void copies_from(const void* from, int64_t bytes) {
  Pinned& p = pinned();
  std::lock_guard<std::mutex> lock(p.mutex);
  const auto* begin = static_cast<const unsigned char*>(from);
  const auto after = p.allocated.upper_bound(begin);
  if (after == p.allocated.begin()) return;
  const auto& [start, memory] = *std::prev(after);
  if (begin < start + memory.size())
    p.copies.push_back({begin, bytes, sum_of(begin, bytes), p.marks + 1});
}

uint64_t mark() {
  std::lock_guard<std::mutex> lock(pinned().mutex);
  return ++pinned().marks;
}

bool reach(uint64_t mark) {
  Pinned& p = pinned();
  std::lock_guard<std::mutex> lock(p.mutex);
  bool intact = true;
  std::vector<Copy> rest;
  for (const Copy& c : p.copies) {
    if (c.mark > mark)
      rest.push_back(c);
    else
      intact = intact && sum_of(c.from, c.bytes) == c.sum;
  }
  p.copies = std::move(rest);
  return intact;
}

}  // namespace fastnn::emulated
