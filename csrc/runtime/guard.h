// Who may touch a model's variables: one trainer at a time writes, any number of predictors read.
#pragma once
#include <atomic>
#include <new>
#include <shared_mutex>
#include <thread>

#include "core/forks.h"
#include "graph/variable.h"

namespace fastnn::runtime {

class Guard {
 public:
  void lock_shared() {
    renew_after_fork();
    waiting_.fetch_add(1, std::memory_order_relaxed);
    mutex_.lock_shared();
    waiting_.fetch_sub(1, std::memory_order_relaxed);
  }
  bool try_lock_shared() {
    renew_after_fork();
    return mutex_.try_lock_shared();
  }
  void unlock_shared() { mutex_.unlock_shared(); }
  void lock() {
    renew_after_fork();
    mutex_.lock();
    graph::Variable::values_change();
  }
  void unlock() {
    graph::Variable::values_change();
    mutex_.unlock();
  }
  // Between two updates: lets readers in, who would else never find the lock free.
  void let_readers_pass() {
    if (waiting_.load(std::memory_order_relaxed) == 0) return;
    unlock();
    for (int i = 0; i < 1000 && waiting_.load(std::memory_order_relaxed) > 0; ++i)
      std::this_thread::yield();
    lock();
  }

 private:
  // The child of a fork has none of the threads that held the lock in its parent: they would never
  // give it back.
  void renew_after_fork() {
    const int now = forks();
    int seen = forks_.load(std::memory_order_acquire);
    if (seen == now) return;
    if (seen != kRenewing && forks_.compare_exchange_strong(seen, kRenewing)) {
      new (&mutex_) std::shared_mutex;
      waiting_.store(0, std::memory_order_relaxed);
      forks_.store(now, std::memory_order_release);
    }
    while (forks_.load(std::memory_order_acquire) == kRenewing) std::this_thread::yield();
  }

  static constexpr int kRenewing = -1;
  std::shared_mutex mutex_;
  std::atomic<int> waiting_{0};
  std::atomic<int> forks_{forks()};
};

}  // namespace fastnn::runtime
