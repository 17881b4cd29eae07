// How often this process is the child of a fork since fastnn was loaded; and a mutex that bears it.
#pragma once

#include <atomic>
#include <mutex>
#include <new>
#include <thread>

namespace fastnn {

int forks();

// Free in the child of a fork, which has none of the threads that may have held it in the parent.
// What it protects may then be half changed: who locks it asks whether it was broken.
class ForkMutex {
 public:
  void lock() {
    renew();
    mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }
  // Whether a thread of the parent was at it when this process was forked; says so once. Locked.
  bool take_broken() {
    const bool broken = broken_;
    broken_ = false;
    return broken;
  }

 private:
  void renew() {
    const int now = forks();
    int seen = forks_.load(std::memory_order_acquire);
    if (seen == now) return;
    if (seen != kRenewing && forks_.compare_exchange_strong(seen, kRenewing)) {
      if (mutex_.try_lock()) {
        mutex_.unlock();
      } else {
        new (&mutex_) std::mutex;
        broken_ = true;
      }
      forks_.store(now, std::memory_order_release);
    }
    while (forks_.load(std::memory_order_acquire) == kRenewing) std::this_thread::yield();
  }

  static constexpr int kRenewing = -1;
  std::mutex mutex_;
  std::atomic<int> forks_{forks()};
  bool broken_ = false;
};

}  // namespace fastnn
