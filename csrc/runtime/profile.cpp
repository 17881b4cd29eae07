#include "runtime/profile.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>

#include "core/fpmode.h"
#include "core/memory.h"
#include "runtime/registry.h"

namespace fastnn::runtime {
namespace {

using Clock = std::chrono::steady_clock;

// Seconds of one call, the best of five rounds that are long enough for the clock.
template <class F>
double time_of(F call, const Device& device = host()) {
  constexpr double kRound = 2e-4;
  auto round = [&](int64_t repeats) {
    device.synchronise();
    const Clock::time_point start = Clock::now();
    for (int64_t i = 0; i < repeats; ++i) call();
    device.synchronise();
    return std::chrono::duration<double>(Clock::now() - start).count() /
           static_cast<double>(repeats);
  };
  const double guess = std::max(round(1), 1e-9);
  const auto repeats = std::clamp<int64_t>(static_cast<int64_t>(kRound / guess), 1, 100000);
  double best = round(repeats);
  for (int i = 0; i < 4; ++i) best = std::min(best, round(repeats));
  return best;
}

double copy_rate(int64_t bytes) {
  Buffer from(bytes), to(bytes);
  const kernels::Entry* copy = find_kernel("copy", DType::f32).entry;
  kernels::CopyArgs args{};
  args.out = to.data();
  args.in = from.data();
  args.rank = 1;
  args.shape[0] = bytes / 4;
  args.out_strides[0] = args.in_strides[0] = 1;
  kernels::Context kc{};
  kc.threads = 1;
  return 2.0 * static_cast<double>(bytes) / time_of([&] { copy->run(&args, &kc); });
}

double peak_rate(DType t) {
  const kernels::Entry* peak = find_kernel("peak", t).entry;
  double out[2];
  kernels::PeakArgs args{out, 20000};
  kernels::Context kc{};
  kc.threads = 1;
  const double seconds = time_of([&] { peak->run(&args, &kc); });
  return out[1] / seconds;
}

}  // namespace

MachinePeak measure_peak() {
  FpMode mode;
  return {peak_rate(DType::f32), peak_rate(DType::f64), copy_rate(8 << 10), copy_rate(192 << 10),
          copy_rate(64 << 20)};
}

// The variables are put back afterwards, also after an error: a profile trains nothing.
StepProfile Trainer::profile(std::vector<Column> columns, int64_t batch, uint64_t seed) {
  StepProfile result;
  struct Restore {
    Trainer* t;
    Position position = t->position_;
    std::vector<std::vector<char>> saved = {};
    explicit Restore(Trainer* trainer) : t(trainer) {
      for (const VariablePtr& v : t->program_->variables) {
        saved.emplace_back(static_cast<size_t>(v->bytes()));
        v->read(saved.back().data(), 0, v->bytes());
      }
    }
    ~Restore() {
      std::lock_guard<Guard> lock(*t->guard_);
      for (size_t i = 0; i < saved.size(); ++i)
        t->program_->variables[i]->write(saved[i].data(), 0, static_cast<int64_t>(saved[i].size()));
      t->position_ = position;
    }
  } restore_at_exit{this};
  begin(columns, batch, true, seed, {position_.pass, position_.step, 0});
  struct End {
    Trainer* t;
    ~End() { t->end(); }
  } end_at_exit{this};
  result.batch = batch_;
  // Whole passes first, so that caches and predictors are as in fit.
  double best = std::numeric_limits<double>::infinity();
  for (int round = 0; round < 5; ++round) {
    position_.row = 0;
    const Clock::time_point start = Clock::now();
    const int64_t done = run(std::numeric_limits<int64_t>::max(), 0.1, nullptr, nullptr);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, seconds / static_cast<double>(std::max<int64_t>(done, 1)));
  }
  result.step_seconds = best;

  FpMode mode;
  std::lock_guard<Guard> lock(*guard_);
  Context* context = context_for(0, std::min(batch_, reader_->rows()));
  const int64_t* order = order_.data();
  const Device& device = program_->device();
  result.gather_seconds = time_of([&] { reader_->read(context, order, 0, batch_); }, device);
  RunInfo info;
  info.seed = seed;
  for (size_t s = 0; s < program_->sections.size(); ++s) {
    for (size_t i = program_->sections[s].begin; i < program_->sections[s].end; ++i) {
      const Call& call = *program_->calls[i];
      const double seconds = time_of([&] { context->run_call(i, info); }, device);
      result.calls.push_back({program_->sections[s].name, call.label, call.table, seconds,
                              static_cast<double>(call.flops.eval(context->extents())),
                              static_cast<double>(call.bytes.eval(context->extents()))});
    }
  }
  result.arena_bytes = context->memory().arena;
  return result;
}

}  // namespace fastnn::runtime
