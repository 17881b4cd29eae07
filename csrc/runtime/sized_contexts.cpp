#include "runtime/sized_contexts.h"

namespace fastnn::runtime {

Context* SizedContexts::at(int64_t size, const Extents& env) {
  // Without reuse of memory each context has red zones of its own, which shared memory would mix.
  const bool share = program_->options.reuse_memory;
  std::unique_ptr<Context>& c = contexts_[static_cast<size_t>(size <= kSmall && share ? size : 0)];
  if (!c) c = std::make_unique<Context>(program_, share ? scratch_ : nullptr);
  if (!c->bound() || !(c->extents() == env))
    c->bind(env);
  else
    c->refresh();
  return c.get();
}

MemoryUse SizedContexts::memory() const {
  MemoryUse use;
  for (const auto& c : contexts_) {
    if (!c) continue;
    const MemoryUse own = c->memory();
    use.arguments += own.arguments;
    use.arena = own.arena;  // the same memory for all
    use.workspace = own.workspace;
  }
  return use;
}

}  // namespace fastnn::runtime
