// A program with a pool of bound contexts, so that several threads can run it at once.
#pragma once
#include <memory>
#include <vector>

#include "core/forks.h"
#include "runtime/program.h"

namespace fastnn::runtime {

// Whether a run with these extents takes some microseconds at most: too short to let others work
// meanwhile.
bool is_brief(const Program& program, const Extents& env);

class Executable {
 public:
  explicit Executable(std::shared_ptr<const Program> program) : program_(std::move(program)) {}

  // A context bound to these extents, taken out of the pool or made.
  std::unique_ptr<Context> acquire(const Extents& env);
  // The same, of any context in the pool: for extents that seldom come again.
  std::unique_ptr<Context> acquire_any(const Extents& env);
  void release(std::unique_ptr<Context> context);

  const Program& program() const { return *program_; }
  const std::shared_ptr<const Program>& shared_program() const { return program_; }

 private:
  void drop_if_broken();

  std::shared_ptr<const Program> program_;
  ForkMutex mutex_;
  std::vector<std::unique_ptr<Context>> idle_;  // the most recently used last; bounded
};

}  // namespace fastnn::runtime
