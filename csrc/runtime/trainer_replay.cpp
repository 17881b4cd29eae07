// Steps of a training that are recorded on its device and replayed there.
#include <algorithm>
#include <atomic>

#include "core/error.h"
#include "runtime/trainer.h"

namespace fastnn::runtime {
namespace {

// Another library in this process may spoil a recording, once or twice; a step that can never be
// recorded is an error.
constexpr int kMostFailures = 3;
// A recording takes about a kilobyte for each of them. Longer steps gain nothing by it.
constexpr int64_t kMostKernels = 1 << 14;

std::atomic<bool>& wanted() {
  static std::atomic<bool> recording{true};
  return recording;
}

}  // namespace

bool Trainer::set_recording(bool wanted_now) { return wanted().exchange(wanted_now); }

// What a step does must be launches that read from the device's memory whatever varies. So the rows
// lie there; the program is not being debugged; and its calls are kernels, the same each time.
bool Trainer::recordable(const Context& context) const {
  const Options& options = program_->options;
  if (!wanted() || reader_->recordable() == 0 || !options.reuse_memory || options.poison)
    return false;
  const std::optional<int64_t> kernels = context.kernels_called();
  return kernels && *kernels <= kMostKernels;
}

int64_t Trainer::replay(Context* context, int64_t n, int64_t most) {
  if (!recordable(*context)) return 0;
  Recorded* step = recorded(context, n);
  if (!step) return 0;
  // Up to the next step that runs other sections.
  const uint64_t rows = static_cast<uint64_t>(rows_ - position_.row);
  uint64_t steps = std::min(static_cast<uint64_t>(most), rows / static_cast<uint64_t>(n));
  for (size_t s = 1; s < every_.size(); ++s) {
    const uint64_t since = (position_.step + 1) % every_[s];
    if (every_[s] > 1) steps = std::min(steps, since == 0 ? 1 : every_[s] - since);
  }
  const auto times = static_cast<int64_t>(steps);
  context->place(position_.step, position_.row);
  step->launches->replay(times);
  context->replayed(times, n);
  position_.step += steps;
  position_.row += times * n;
  return times;
}

// The next step's, recorded now if it has run before. Null: it has to run first.
Trainer::Recorded* Trainer::recorded(Context* context, int64_t n) {
  const uint64_t due = due_sections();
  Recorded& step = recorded_[{n, due}];
  std::vector<uint64_t> of{reader_->recordable(), context->bindings(), seed_,
                           order_.empty() ? uint64_t{0} : 1};
  if (step.of != of) {
    step = {std::move(of), nullptr, 0};
    return nullptr;
  }
  if (!step.launches && !record(&step, context, n)) return nullptr;
  return &step;
}

bool Trainer::record(Recorded* step, Context* context, int64_t n) {
  struct Back {
    Context* context;
    ~Back() { context->record_on(nullptr); }
  } back_at_exit{context};
  RunInfo info;
  info.seed = seed_;
  info.step = position_.step;
  try {
    auto launches = std::make_unique<Recording>(program_->device());
    context->record_on(launches->queue());
    reader_->read(context, order_.empty() ? nullptr : order_.data(), position_.row, n);
    context->run(0, info);
    run_sections(context, due_sections(), info);
    context->advance(n);
    launches->end();
    step->launches = std::move(launches);
  } catch (const DeviceError&) {
    if (++step->failures == kMostFailures) throw;
  }
  return step->launches != nullptr;
}

}  // namespace fastnn::runtime
