// Asynchronous copies: what they bring is there when the thread has waited for it.
#include <string.h>

#include "kernels/cuda/emulated/block.h"
#include "kernels/cuda/emulated/checker.h"

namespace fastnn::emulated {

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
  block->copies[static_cast<size_t>(running_thread)].all.push_back({to, from, bytes, valid});
}

void end_group() {
  Copies& own = block->copies[static_cast<size_t>(running_thread)];
  own.ends.push_back(own.all.size());
}

void wait_for_groups(int open) {
  Copies& own = block->copies[static_cast<size_t>(running_thread)];
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

}  // namespace fastnn::emulated
