#include "runtime/trainer.h"

#include <algorithm>
#include <chrono>
#include <mutex>

#include "core/error.h"
#include "core/fpmode.h"
#include "runtime/pace.h"
#include "runtime/registry.h"

namespace fastnn::runtime {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point t) {
  return std::chrono::duration<double>(Clock::now() - t).count();
}

// The stream of the order of rows; random nodes of the graph count theirs from 1 upwards.
constexpr uint64_t kOrderStream = ~uint64_t{0};
// Steps longer than this, and the first, whose length is unknown, are polled between kernels and
// hold the guard only while they write.
constexpr double kLongStep = 2e-4;

void permute(std::vector<int64_t>* order, int64_t n, uint64_t seed, uint64_t pass) {
  order->resize(static_cast<size_t>(n));
  kernels::Status status{};
  kernels::Context kc = plain_context(&status);
  kc.seed = seed;
  kc.step = pass;
  kernels::PermutationArgs args{order->data(), n, kOrderStream};
  find_kernel("random_permutation", DType::i64).entry->run(&args, &kc);
}

void require_batch(int64_t batch) {
  if (batch < 1) throw ValueError(str("batch_size: expected at least 1, got ", batch));
}

void require_place(const Position& from, int64_t rows) {
  if (from.row < 0 || from.row > rows)
    throw ValueError(str("row: expected 0 to ", rows, ", got ", from.row));
}

void require_permutation(const std::vector<int64_t>& order, int64_t rows) {
  if (static_cast<int64_t>(order.size()) != rows)
    throw ValueError(str("order: expected the numbers of ", rows, " rows, got ", order.size()));
  std::vector<bool> seen(order.size());
  for (int64_t row : order) {
    if (row < 0 || row >= rows || seen[static_cast<size_t>(row)])
      throw ValueError(str("order: expected each row from 0 to ", rows - 1, " once, got ", row));
    seen[static_cast<size_t>(row)] = true;
  }
}

}  // namespace

Trainer::Trainer(std::shared_ptr<const Program> program, const Every& every,
                 std::shared_ptr<Guard> guard)
    : program_(std::move(program)),
      guard_(guard ? std::move(guard) : std::make_shared<Guard>()),
      every_(program_->sections.size(), 1) {
  for (const auto& [name, count] : every) {
    if (count < 1) throw ValueError(str("every: expected at least 1, got ", count));
    bool found = false;
    for (size_t i = 0; i < every_.size(); ++i)
      if (program_->sections[i].name == name) {
        every_[i] = static_cast<uint64_t>(count);
        found = true;
      }
    if (!found) throw ValueError("every: the program has no section \"" + name + "\"");
  }
  if (every_.size() > 64)
    throw ValueError(str("expected a program of at most 64 sections, got ", every_.size()));
}

std::unique_ptr<BatchSource> Trainer::reader_of(std::vector<Column> columns, int64_t batch) {
  require_batch(batch);
  const int64_t rows = columns.empty() ? 0 : columns[0].rows;
  batch = std::min(batch, std::max<int64_t>(rows, 1));
  // Others are let go of first: both at once may be too much for a device.
  std::unique_ptr<BatchSource> held = std::move(held_);
  const auto* reader = dynamic_cast<const BatchReader*>(held.get());
  if (reader && reader->reads(columns, batch)) return held;
  held.reset();
  return std::make_unique<BatchReader>(*program_, std::move(columns), batch,
                                       BatchReader::Use::often);
}

void Trainer::begin(std::vector<Column> columns, int64_t batch, bool shuffle, uint64_t seed,
                    const Position& from) {
  begin(reader_of(std::move(columns), batch), batch, shuffle, seed, from);
}

void Trainer::begin(std::vector<Column> columns, int64_t batch, std::vector<int64_t> order,
                    uint64_t seed, const Position& from) {
  std::unique_ptr<BatchSource> reader = reader_of(std::move(columns), batch);
  if (!order.empty()) require_permutation(order, reader->rows());
  start(std::move(reader), batch, seed, from);
  order_ = std::move(order);
  reader_->prepare(order_);
}

void Trainer::begin_rows(std::vector<Column> columns, int64_t batch, std::vector<int64_t> rows,
                         uint64_t seed, const Position& from) {
  std::unique_ptr<BatchSource> reader = reader_of(std::move(columns), batch);
  if (rows.empty()) throw ValueError("rows: expected at least one");
  for (int64_t row : rows)
    if (row < 0 || row >= reader->rows())
      throw ValueError(str("rows: expected numbers from 0 to ", reader->rows() - 1, ", got ", row));
  const auto count = static_cast<int64_t>(rows.size());
  require_place(from, count);
  start(std::move(reader), batch, seed, from);
  rows_ = count;
  batch_ = std::min(batch, count);
  order_ = std::move(rows);
  reader_->prepare(order_);
}

void Trainer::begin(std::unique_ptr<BatchSource> source, int64_t batch, bool shuffle, uint64_t seed,
                    const Position& from) {
  require_batch(batch);
  start(std::move(source), batch, seed, from);
  if (shuffle && reader_->permute(kOrderStream, seed, from.pass)) {
    order_.assign(1, 0);  // stands for the reader's
    return;
  }
  permute(&order_, shuffle ? reader_->rows() : 0, seed, from.pass);
  reader_->prepare(order_);
}

void Trainer::start(std::unique_ptr<BatchSource> source, int64_t batch, uint64_t seed,
                    const Position& from) {
  if (running_) throw std::runtime_error("a pass is already running on this trainer");
  rows_ = source->rows();
  require_place(from, rows_);
  batch_ = std::min(batch, std::max<int64_t>(rows_, 1));
  reader_ = std::move(source);
  order_.clear();
  seed_ = seed;
  position_ = from;
}

void Trainer::end() {
  held_ = holding_ ? std::move(reader_) : nullptr;
  reader_.reset();
}

void Trainer::release() {
  holding_ = false;
  held_.reset();
  if (!active()) recorded_.clear();
}

StepPlan Trainer::plan(std::vector<Column> columns, int64_t batch) {
  begin(std::move(columns), batch, false, 0, {position_.pass, position_.step, 0});
  struct End {
    Trainer* t;
    ~End() { t->end(); }
  } end_at_exit{this};
  const int64_t rows = reader_->rows();
  Context* full = context_for(0, std::min(batch_, rows));
  StepPlan result;
  if (rows % batch_ != 0)
    result.memory.arguments = context_for(rows - rows % batch_, rows % batch_)->memory().arguments;
  full->refresh();
  const MemoryUse use = full->memory();
  result.memory.arguments += use.arguments;
  result.memory.variables = use.variables;
  result.memory.constants = use.constants;
  result.memory.arena = use.arena;
  result.memory.workspace = use.workspace;
  result.batch_buffers = reader_->buffer_bytes();
  result.text = program_->plan(&full->extents());
  return result;
}

Context* Trainer::context_for(int64_t first, int64_t n) {
  Extents env = reader_->extents(*program_, order_.empty() ? nullptr : order_.data(), first, n);
  size_t slot = n == batch_ ? 0 : 1;
  while (contexts_.size() <= slot) {
    const bool share = !contexts_.empty() && program_->options.reuse_memory;
    contexts_.push_back(
        std::make_unique<Context>(program_, share ? contexts_[0]->scratch() : nullptr));
  }
  Context* c = contexts_[slot].get();
  if (!c->bound() || !(c->extents() == env))
    c->bind(env);
  else
    c->refresh();
  return c;
}

bool Trainer::step(Context* context, const RunInfo& first, bool guarded) {
  if (!context->run(0, first)) return false;
  std::unique_lock<Guard> lock(*guard_, std::defer_lock);
  if (!guarded) lock.lock();
  run_sections(context, due_sections(), first);
  ++position_.step;
  return true;
}

uint64_t Trainer::due_sections() const {
  uint64_t due = 0;
  for (size_t s = 1; s < every_.size(); ++s)
    if ((position_.step + 1) % every_[s] == 0) due |= uint64_t{1} << s;
  return due;
}

// All but the first, which writes nothing.
void Trainer::run_sections(Context* context, uint64_t due, RunInfo info) {
  info.poll = nullptr;
  for (size_t s = 1; s < every_.size(); ++s)
    if (due >> s & 1) context->run(s, info);
}

int64_t Trainer::run(int64_t max_steps, double max_seconds, bool (*poll)(void*), void* poll_data) {
  if (!active()) throw std::runtime_error("expected begin() before run()");
  if (running_.exchange(true))
    throw std::runtime_error("a pass is already running on this trainer");
  struct Stopped {
    std::atomic<bool>* running;
    ~Stopped() { *running = false; }
  } stopped_at_exit{&running_};
  FpMode mode;
  const Clock::time_point start = Clock::now();
  Pace pace(program_->device(), &step_seconds_);
  const int64_t* order = order_.empty() ? nullptr : order_.data();
  int64_t done = 0;
  bool locked = false;
  auto relock = [&](bool want) {
    if (want && !locked) guard_->lock();
    if (!want && locked) guard_->unlock();
    locked = want;
  };
  struct Unlock {
    decltype(relock)& release;
    ~Unlock() { release(false); }
  } unlock{relock};

  // Where they are all alike, full batches share a context that is bound once.
  Context* full = reader_->even() && rows_ >= batch_ ? context_for(0, batch_) : nullptr;
  const bool elsewhere = !program_->device().is_host();
  const bool replays = full && recordable(*full);
  auto interrupted = [&] { return replays && locked && poll && poll(poll_data); };
  int64_t& at = position_.row;
  while (at < rows_ && done < max_steps && !interrupted()) {
    relock(replays || (step_seconds_ > 0 && step_seconds_ <= kLongStep));
    if (locked) guard_->let_readers_pass();
    pace.begin();
    const int64_t last = done + std::min(pace.steps(), max_steps - done), first = done;
    while (done < last && at < rows_) {
      int64_t n = std::min(batch_, rows_ - at);
      Context* context = full && n == batch_ ? full : context_for(at, n);
      if (const int64_t steps = replays && locked ? replay(context, n, last - done) : 0) {
        done += steps;
        continue;
      }
      if (elsewhere) context->place(position_.step, at);
      reader_->read(context, order, at, n);
      RunInfo info;
      info.seed = seed_;
      info.step = position_.step;
      if (!locked) {
        info.poll = poll;
        info.poll_data = poll_data;
      }
      if (!step(context, info, locked)) {
        finish();
        return done;
      }
      if (elsewhere) context->advance(n);
      at += n;
      ++done;
    }
    pace.end(done - first);
    if (seconds_since(start) > max_seconds) break;
  }
  finish();
  pace.settle();
  return done;
}

// Steps after one that met a bad value changed nothing: the pass stands where that one is.
void Trainer::finish() {
  const Scratch* finished = nullptr;
  for (const auto& context : contexts_) {
    if (!context || !context->bound() || context->scratch().get() == finished) continue;
    finished = context->scratch().get();
    try {
      context->finish();
    } catch (const IndexError&) {
      if (program_->device().is_host()) throw;
      position_.step = context->failed_step();
      position_.row = context->failed_row();
      throw;
    }
  }
}

}  // namespace fastnn::runtime
