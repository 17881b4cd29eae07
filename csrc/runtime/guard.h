// Who may touch a model's variables: one trainer at a time writes, any number of predictors read.
#pragma once
#include <atomic>
#include <shared_mutex>
#include <thread>

#include "graph/variable.h"

namespace fastnn::runtime {

class Guard {
 public:
  void lock_shared() {
    waiting_.fetch_add(1, std::memory_order_relaxed);
    mutex_.lock_shared();
    waiting_.fetch_sub(1, std::memory_order_relaxed);
  }
  void unlock_shared() { mutex_.unlock_shared(); }
  void lock() {
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
  std::shared_mutex mutex_;
  std::atomic<int> waiting_{0};
};

}  // namespace fastnn::runtime
