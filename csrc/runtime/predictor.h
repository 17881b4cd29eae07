// Runs a program over rows, from any number of threads at once.
#pragma once
#include <atomic>
#include <memory>
#include <shared_mutex>
#include <vector>

#include "core/forks.h"
#include "core/fpmode.h"
#include "runtime/columns.h"
#include "runtime/executable.h"
#include "runtime/guard.h"
#include "runtime/packed_weights.h"
#include "runtime/registry.h"

namespace fastnn::runtime {

class Predictor {
 public:
  Predictor(std::shared_ptr<const Program> program, std::shared_ptr<Guard> guard, uint64_t seed);

  const Program& program() const { return executable_.program(); }
  // Of the outputs for this many rows of such columns.
  std::vector<std::vector<int64_t>> output_shapes(const std::vector<Column>& columns,
                                                  int64_t rows) const;
  // Whether runs change variables: layers that hand their state on.
  bool keeps_state() const { return keeps_state_; }
  // Fills the outputs batch by batch. Stops at rows that are not finite where `finite` is given,
  // and says so there; and where poll asks to. `where` has the memory of the outputs.
  void run(const std::vector<Column>& columns, int64_t batch, const std::vector<void*>& outputs,
           const Device& where, bool* finite, bool (*poll)(void*), void* poll_data);

  // The short way for one contiguous input and one output, both of the host.
  struct Single {
    std::unique_ptr<Context> context;
    int64_t rows;
    std::vector<int64_t> shape;  // of the output
    bool brief;
  };
  enum class Done { yes, not_finite, busy };
  std::unique_ptr<Single> take_single(int64_t rows);
  void give_back(std::unique_ptr<Single> single) {
    executable_.release(std::move(single->context));
  }
  // Nothing is run where the input is not finite; nor, unless it may wait, where a training has the
  // variables.
  Done run(Single* single, const void* input, int64_t elements, void* output, bool may_wait);

 private:
  // The contexts of a run, and the packed weights that it lends them.
  struct Run;
  int64_t joined(const std::vector<Column>& columns, int64_t batch);
  // Random nodes draw anew in every run, and the same from process to process.
  RunInfo next_run() {
    RunInfo info;
    info.seed = seed_;
    info.step = runs_.fetch_add(1, std::memory_order_relaxed);
    return info;
  }

  Executable executable_;
  std::shared_ptr<Guard> guard_;
  uint64_t seed_;
  std::atomic<uint64_t> runs_{0};
  ExtentId batch_extent_ = -1;
  kernels::Kernel finite_ = nullptr;
  ForkMutex mutex_;
  std::unique_ptr<PackedWeights> packed_;  // of the run before, when no run has it
  bool keeps_state_ = false;
};

}  // namespace fastnn::runtime
