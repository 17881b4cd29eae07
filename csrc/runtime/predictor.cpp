#include "runtime/predictor.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include "core/error.h"

namespace fastnn::runtime {

Predictor::Predictor(std::shared_ptr<const Program> program, std::shared_ptr<Guard> guard,
                     uint64_t seed)
    : executable_(std::move(program)),
      guard_(guard ? std::move(guard) : std::make_shared<Guard>()),
      seed_(seed) {
  const Program& p = executable_.program();
  for (const auto& call : p.calls)
    for (int b : call->writes)
      keeps_state_ = keeps_state_ || p.buffers[static_cast<size_t>(b)].kind == BufferInfo::stored;
  if (p.input_types.empty()) return;
  const Type& first = p.input_types[0];
  if (!first.shape.empty()) batch_extent_ = first.shape[0].as_extent();
  if (is_floating(first.dtype)) finite_ = find_kernel("first_nonfinite", first.dtype).entry->run;
}

std::vector<std::vector<int64_t>> Predictor::output_shapes(const std::vector<Column>& columns,
                                                           int64_t rows) const {
  if (columns.size() != program().input_types.size())
    throw ValueError(
        str("expected ", program().input_types.size(), " arrays, got ", columns.size()));
  Extents env = extents_of(program(), columns, rows);
  std::vector<std::vector<int64_t>> shapes;
  for (const Type& t : program().output_types) {
    shapes.emplace_back();
    for (const Dim& d : t.shape) shapes.back().push_back(d.eval(env));
    if (t.shape.empty() || shapes.back()[0] != rows)
      throw ValueError("expected outputs of shape (batch, ...), got " + shape_str(t.shape));
  }
  return shapes;
}

// A row's bits do not depend on its batch, so small batches are run together while what lies
// between the layers stays in the caches: a matrix product packs its weights once a batch. Layers
// that hand their state on from batch to batch get the batches that were asked for.
int64_t Predictor::joined(const std::vector<Column>& columns, int64_t batch) {
  constexpr int64_t kRows = 336;  // twice the rows that a matrix product packs at once
  constexpr int64_t kBytes = 2 << 20;
  const int64_t rows = columns.empty() ? 0 : columns[0].rows;
  batch = std::min(batch, std::max<int64_t>(rows, 1));
  if (batch >= kRows || rows < kRows || keeps_state_ || !program().device().is_host()) return batch;
  std::unique_ptr<Context> context = executable_.acquire(extents_of(program(), columns, batch));
  const int64_t bytes = context->memory().arena;
  executable_.release(std::move(context));
  return bytes / batch * kRows <= kBytes ? kRows : batch;
}

std::unique_ptr<Predictor::Single> Predictor::take_single(int64_t rows) {
  Extents env;
  if (batch_extent_ >= 0) env.set(batch_extent_, rows);
  auto single = std::make_unique<Single>();
  single->context = executable_.acquire(env);
  single->rows = rows;
  for (const Dim& d : program().output_types[0].shape) single->shape.push_back(d.eval(env));
  single->brief = is_brief(program(), env);
  return single;
}

Predictor::Done Predictor::run(Single* single, const void* input, int64_t elements, void* output,
                               bool may_wait) {
  if (finite_) {
    int64_t found = -1;
    kernels::FiniteArgs args{&found, input, elements};
    kernels::Context kc{};
    kc.threads = 1;
    finite_(&args, &kc);
    if (found >= 0) return Done::not_finite;
  }
  std::shared_lock<Guard> lock(*guard_, std::defer_lock);
  if (may_wait)
    lock.lock();
  else if (!lock.try_lock())
    return Done::busy;
  Context* context = single->context.get();
  context->refresh();
  context->set_host_input(0, input);
  context->set_host_output(0, output);
  FpMode mode;
  context->run(0, next_run());
  context->finish();
  return Done::yes;
}

// Batches after the first pay for packing; a single one packs as it goes.
struct Predictor::Run {
  Run(Predictor* predictor, bool many) : p(predictor) {
    if (!many) return;
    {
      std::lock_guard<ForkMutex> lock(p->mutex_);
      if (p->mutex_.take_broken()) (void)p->packed_.release();
      packed = std::move(p->packed_);
    }
    if (!packed) packed = std::make_unique<PackedWeights>(p->program());
    packed->forget();
  }
  ~Run() {
    give_back();
    if (!packed) return;
    std::lock_guard<ForkMutex> lock(p->mutex_);
    if (p->mutex_.take_broken()) (void)p->packed_.release();
    p->packed_ = std::move(packed);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void acquire(const Extents& env) {
    if (context && context->extents() == env) return;
    give_back();
    context = p->executable_.acquire(env);
    if (packed) packed->lend(context.get());
  }
  void give_back() {
    if (!context) return;
    if (packed) packed->take_back(context.get());
    p->executable_.release(std::move(context));
  }

  Predictor* p;
  std::unique_ptr<Context> context;
  std::unique_ptr<PackedWeights> packed;
};

void Predictor::run(const std::vector<Column>& columns, int64_t batch,
                    const std::vector<void*>& outputs, const Device& where, bool* finite,
                    bool (*poll)(void*), void* poll_data) {
  FpMode mode;
  int64_t rows = columns.empty() ? 0 : columns[0].rows;
  batch = joined(columns, batch);
  BatchReader reader(program(), columns, batch, BatchReader::Use::once);
  Run run(this, rows > batch);
  bool finished = true;
  for (int64_t at = 0; at < rows && finished; at += batch) {
    int64_t n = std::min(batch, rows - at);
    Extents env = reader.extents(program(), n);
    run.acquire(env);
    Context* context = run.context.get();
    reader.read(context, nullptr, at, n);
    if (finite && !(*finite = reader.finite(n))) break;
    for (size_t i = 0; i < outputs.size(); ++i) {
      int64_t row = dtype_size(program().output_types[i].dtype);
      const Shape& shape = program().output_types[i].shape;
      for (size_t d = 1; d < shape.size(); ++d) row *= shape[d].eval(env);
      char* to = static_cast<char*>(outputs[i]) + at * row;
      if (where.is_host())
        context->set_host_output(static_cast<int>(i), to);
      else
        context->set_output(static_cast<int>(i), to);
    }
    RunInfo info = next_run();
    info.poll = poll;
    info.poll_data = poll_data;
    std::shared_lock<Guard> lock(*guard_);
    if (run.packed) run.packed->refresh(program());
    finished = context->run(0, info);
    if (finished) context->finish();
  }
}

}  // namespace fastnn::runtime
