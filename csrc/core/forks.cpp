#include "core/forks.h"

#include <pthread.h>

#include <atomic>

namespace fastnn {
namespace {

std::atomic<int> count{0};

}  // namespace

int forks() {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { count.fetch_add(1, std::memory_order_relaxed); });
  (void)registered;
  return count.load(std::memory_order_relaxed);
}

}  // namespace fastnn
