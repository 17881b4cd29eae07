// Contexts of one program at changing sizes, one at a time: small sizes come again and again, and
// each keeps a context that is bound to it; large ones share one, whose binding is small beside
// their work.
#pragma once
#include <array>
#include <memory>

#include "runtime/program.h"

namespace fastnn::runtime {

class SizedContexts {
 public:
  explicit SizedContexts(std::shared_ptr<const Program> program)
      : program_(std::move(program)), scratch_(std::make_shared<Scratch>()) {}

  // A context bound to these extents, of which the size is one. Valid until the next call.
  Context* at(int64_t size, const Extents& env);
  MemoryUse memory() const;

 private:
  static constexpr int64_t kSmall = 160;

  std::shared_ptr<const Program> program_;
  std::shared_ptr<Scratch> scratch_;
  std::array<std::unique_ptr<Context>, kSmall + 1> contexts_;  // by size; large ones at 0
};

}  // namespace fastnn::runtime
