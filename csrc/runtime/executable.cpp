#include "runtime/executable.h"

namespace fastnn::runtime {
namespace {

constexpr size_t kIdleContexts = 8;
// In operations and bytes: what some microseconds do.
constexpr int64_t kBriefWork = 1 << 16;
constexpr size_t kBriefCalls = 64;

}  // namespace

bool is_brief(const Program& p, const Extents& env) {
  if (!p.device().is_host() || p.calls.size() > kBriefCalls) return false;
  int64_t work = 0;
  auto small = [&](const Dim& d, int64_t unit) {
    const int64_t amount = d.eval(env);
    if (amount > kBriefWork) return false;
    work += amount * unit;
    return work <= kBriefWork;
  };
  for (const auto& call : p.calls)
    if (!small(call->flops, 1) || !small(call->bytes, 1)) return false;
  for (const BufferInfo& b : p.buffers)
    if (!small(b.count, dtype_size(b.dtype))) return false;
  return true;
}

// The pool as a thread of the parent has left it is nothing to read, nor to free.
void Executable::drop_if_broken() {
  if (mutex_.take_broken()) new (&idle_) std::vector<std::unique_ptr<Context>>;
}

std::unique_ptr<Context> Executable::acquire(const Extents& env) {
  std::unique_ptr<Context> context;
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    drop_if_broken();
    for (size_t i = idle_.size(); i-- > 0;) {
      if (!(idle_[i]->extents() == env)) continue;
      context = std::move(idle_[i]);
      idle_.erase(idle_.begin() + static_cast<int64_t>(i));
      break;
    }
  }
  if (!context) {
    context = std::make_unique<Context>(program_);
    context->bind(env);
  } else {
    context->refresh();
  }
  return context;
}

std::unique_ptr<Context> Executable::acquire_any(const Extents& env) {
  std::unique_ptr<Context> context;
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    drop_if_broken();
    if (!idle_.empty()) {
      context = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!context) context = std::make_unique<Context>(program_);
  if (!context->bound() || !(context->extents() == env))
    context->bind(env);
  else
    context->refresh();
  return context;
}

void Executable::release(std::unique_ptr<Context> context) {
  std::unique_ptr<Context> oldest;  // freed outside of the lock
  std::lock_guard<ForkMutex> lock(mutex_);
  drop_if_broken();
  idle_.push_back(std::move(context));
  if (idle_.size() > kIdleContexts) {
    oldest = std::move(idle_.front());
    idle_.erase(idle_.begin());
  }
}

}  // namespace fastnn::runtime
