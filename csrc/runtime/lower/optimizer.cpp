// The optimizer's call: one kernel over a table of segments, as few as memory allows. Of a table
// whose gradient is that of looked-up rows, those rows alone are updated, where the others would
// stay as they are: each is a segment, known when the call runs. A device has a kernel that reads
// the index itself.
#include <algorithm>
#include <cstring>

#include "graph/build.h"
#include "kernels/row_updates.h"
#include "runtime/lower/lowering.h"
#include "runtime/registry.h"

namespace fastnn::runtime {
namespace {

using kernels::OptimizerArgs;
using kernels::RowUpdateArgs;
using kernels::Segment;
using kernels::TableRows;

// The row updates and then the table stand behind the arguments, in the same memory.
struct TableArgs : OptimizerArgs {
  kernels::Kernel update, update_rows;  // the second on a device
  kernels::Workspace workspace, rows_workspace;
  TableRows* row_updates;
  int64_t row_update_count;
};

int64_t bitmap_bytes(int64_t rows) { return (rows + 63) / 64 * 8; }

// The segments of the rows that an index names, each once.
int64_t find_rows(const TableRows& u, uint64_t* seen, Segment* out) {
  std::memset(seen, 0, static_cast<size_t>(bitmap_bytes(u.rows)));
  int64_t found = 0;
  for (int64_t i = 0; i < u.count; ++i) {
    const int64_t row = u.index[i] < 0 ? u.index[i] + u.rows : u.index[i];
    if (row < 0 || row >= u.rows || seen[row / 64] >> row % 64 & 1) continue;
    seen[row / 64] |= uint64_t{1} << row % 64;
    Segment& s = out[found++];
    s = u.table;
    s.length = u.row_length;
    const int64_t at = row * u.row_bytes;
    s.param = static_cast<char*>(s.param) + at;
    s.grad = static_cast<const char*>(s.grad) + at;
    for (void*& slot : s.slot)
      if (slot) slot = static_cast<char*>(slot) + at;
  }
  return found;
}

struct RowTasks {
  const TableArgs* args;
  kernels::Context serial;
  const Segment* segments;
  int64_t count, per_task;
};

void row_task(void* arg, int64_t i) {
  const auto& t = *static_cast<const RowTasks*>(arg);
  OptimizerArgs part = *t.args;
  part.segments = t.segments + i * t.per_task;
  part.count = std::min(t.per_task, t.count - i * t.per_task);
  t.args->update(&part, &t.serial);
}

void update_rows(const TableArgs& args, const TableRows& u, const kernels::Context* ctx) {
  constexpr int64_t kTaskElements = 16384;
  auto* seen = static_cast<uint64_t*>(ctx->workspace);
  auto* segments =
      reinterpret_cast<Segment*>(static_cast<char*>(ctx->workspace) + bitmap_bytes(u.rows));
  RowTasks t{&args, *ctx, segments, find_rows(u, seen, segments), 0};
  t.serial.threads = 1;
  t.per_task = kTaskElements / std::max<int64_t>(u.row_length, 1) + 1;
  const int64_t tasks = (t.count + t.per_task - 1) / t.per_task;
  if (ctx->threads > 1 && tasks > 3)
    ctx->parallel_for(ctx->pool, tasks, row_task, &t);
  else
    for (int64_t i = 0; i < tasks; ++i) row_task(&t, i);
}

void run_optimizer(const void* p, const kernels::Context* ctx) {
  const auto& args = *static_cast<const TableArgs*>(p);
  if (args.count > 0) args.update(static_cast<const OptimizerArgs*>(&args), ctx);
  for (int64_t k = 0; k < args.row_update_count; ++k) {
    if (!args.update_rows) {
      update_rows(args, args.row_updates[k], ctx);
      continue;
    }
    const RowUpdateArgs own{args, args.row_updates[k]};
    args.update_rows(&own, ctx);
  }
}

size_t optimizer_workspace(const void* p, int32_t threads) {
  const auto& args = *static_cast<const TableArgs*>(p);
  size_t most = args.workspace ? args.workspace(&args, threads) : 0;
  for (int64_t k = 0; k < args.row_update_count; ++k) {
    const TableRows& u = args.row_updates[k];
    const int64_t here =
        bitmap_bytes(u.rows) + std::min(u.count, u.rows) * static_cast<int64_t>(sizeof(Segment));
    const RowUpdateArgs own{args, u};
    most = std::max(
        most, args.update_rows ? args.rows_workspace(&own, threads) : static_cast<size_t>(here));
  }
  return most;
}

class OptimizerCall : public Call {
 public:
  struct Parameter {
    View value, gradient;
    std::vector<View> slots;
    int64_t length;
    double rate_scale, decay;
    bool given;  // the gradient is an argument of the program: its address follows each call
    View index;  // of the rows that are updated; buffer -1: all are
  };
  std::vector<Parameter> parameters;
  View rate, step, state;  // state: buffer -1 where there is none
  std::vector<double> hyper;
  kernels::Kernel update = nullptr, update_rows = nullptr;
  kernels::Workspace own_workspace = nullptr, rows_workspace = nullptr;

  size_t args_size() const override {
    return sizeof(TableArgs) + parameters.size() * (sizeof(Segment) + sizeof(TableRows));
  }

  void bind(const Binder& b, void* memory) const override {
    auto* args = static_cast<TableArgs*>(memory);
    args->update = update;
    args->update_rows = update_rows;
    args->workspace = own_workspace;
    args->rows_workspace = rows_workspace;
    args->row_updates = reinterpret_cast<TableRows*>(args + 1);
    auto* table = reinterpret_cast<Segment*>(args->row_updates + parameters.size());
    const Parameter* last = nullptr;
    for (const Parameter& p : parameters) {
      if (p.index.buffer >= 0) {
        bind_rows(b, p, &args->row_updates[args->row_update_count++]);
        continue;
      }
      Segment& s = table[args->count];
      fill(b, p, &s);
      bool fixed = args->count > 0 && !p.given && !last->given;
      if (!fixed || !extend(&table[args->count - 1], s, p)) ++args->count;
      last = &p;
    }
    args->segments = table;
    b.pointer(&args->rate, rate);
    b.pointer(&args->step, step);
    if (state.buffer >= 0) b.pointer(&args->state, state);
    for (size_t k = 0; k < hyper.size(); ++k) args->hyper[k] = hyper[k];
  }

 private:
  static void fill(const Binder& b, const Parameter& p, Segment* s) {
    *s = {};
    b.pointer(&s->param, p.value);
    b.pointer(&s->grad, p.gradient);
    for (size_t k = 0; k < p.slots.size(); ++k) b.pointer(&s->slot[k], p.slots[k]);
    s->length = p.length;
    s->rate_scale = p.rate_scale;
    s->decay = p.decay;
  }

  static void bind_rows(const Binder& b, const Parameter& p, TableRows* u) {
    fill(b, p, &u->table);
    b.pointer(&u->index, p.index);
    u->count = b.eval(element_count(p.index.shape));
    u->rows = b.eval(p.gradient.shape[0]);
    u->row_length = u->rows == 0 ? 0 : p.length / u->rows;
    u->row_bytes = u->row_length * dtype_size(p.value.dtype);
  }

  // Makes `next` a part of `last` where all its arrays go on where those of last end.
  static bool extend(Segment* last, const Segment& next, const Parameter& p) {
    const int64_t bytes = last->length * dtype_size(p.value.dtype);
    auto follows = [&](const void* a, const void* b) {
      return static_cast<const char*>(a) + bytes == static_cast<const char*>(b);
    };
    bool join = follows(last->param, next.param) && follows(last->grad, next.grad) &&
                last->rate_scale == next.rate_scale && last->decay == next.decay;
    for (size_t k = 0; join && k < p.slots.size(); ++k) join = follows(last->slot[k], next.slot[k]);
    if (join) last->length += next.length;
    return join;
  }
};

// Whether a gradient of 0 leaves a parameter and its slots as they are, to the last bit.
bool keeps_where_zero(const std::string& algorithm, const std::vector<double>& hyper,
                      double decay) {
  if (decay != 0) return false;
  if (algorithm == "sgd") return hyper[0] == 0;   // no momentum
  return algorithm == "adagrad" && hyper[0] > 0;  // an epsilon: nothing is divided by 0
}

}  // namespace

void Lowering::find_row_gradients() {
  for (const Section& section : sections_)
    for (const NodePtr& n : section.effects) {
      const auto& hyper = n->attrs.get<std::vector<double>>("hyper");
      const auto& decay = n->attrs.get<std::vector<double>>("decay");
      for (size_t i = 0; i < decay.size(); ++i) {
        const Value& g = n->inputs[i];
        if (g.node->op->name == "take_grad" && uses(g) == 1 &&
            graph::normalize_axes({g.node->attrs.get<int64_t>("axis")}, g.rank(), "axis")[0] == 0 &&
            keeps_where_zero(n->attrs.get<std::string>("algorithm"), hyper, decay[i]))
          row_gradients_.insert(g);
      }
    }
}

// Gradients that nothing else owns move into one flat buffer, in the order of the parameters.
void Lowering::flatten_gradients(const std::vector<View>& gradients, int64_t total) {
  int flat = -1;
  int64_t at = 0;
  for (const View& g : gradients) {
    const BufferInfo& info = program_->buffers[static_cast<size_t>(g.buffer)];
    const int64_t count = element_count(g.shape).number();
    if (info.kind == BufferInfo::temp && info.alias < 0 && g.offset == Dim(0) &&
        info.count == Dim(count)) {
      if (flat < 0) flat = new_buffer(BufferInfo::temp, g.dtype, total);
      BufferInfo& moved = program_->buffers[static_cast<size_t>(g.buffer)];
      if (writer_.count(g.buffer)) writer_[flat] = writer_[g.buffer];
      for (Call* r : readers_[g.buffer]) readers_[flat].push_back(r);
      moved.alias = flat;
      moved.alias_offset = Dim(at);
    }
    at += count;
  }
}

void Lowering::lower_optimizer(const NodePtr& n) {
  const auto& params = n->attrs.get<std::vector<VariablePtr>>("parameters");
  const auto& slots = n->attrs.get<std::vector<VariablePtr>>("slots");
  const auto& state = n->attrs.get<std::vector<VariablePtr>>("state");
  const auto& algorithm = n->attrs.get<std::string>("algorithm");
  if (params.empty()) return;
  const size_t per = slots.size() / params.size();
  const DType dtype = params[0]->dtype();

  auto call = std::make_unique<OptimizerCall>();
  std::vector<View> gradients, read;
  std::vector<int> written;
  int64_t total = 0;
  Dim touched(0);
  bool rows_only = false;
  auto target = [&](const VariablePtr& v) {
    View view = whole(variable_buffer(v), v->dtype(), Shape{v->count()});
    read.push_back(view);  // so that no update in place comes before the optimizer
    written.push_back(view.buffer);
    return view;
  };
  for (size_t i = 0; i < params.size(); ++i) {
    gradients.push_back(contiguous(view_of(n->inputs[i])));
    OptimizerCall::Parameter p{target(params[i]),
                               gradients.back(),
                               {},
                               params[i]->count(),
                               n->attrs.get<std::vector<double>>("rate_scale")[i],
                               n->attrs.get<std::vector<double>>("decay")[i],
                               false,
                               {}};
    if (row_gradients_.count(n->inputs[i])) {
      p.index = contiguous(view_of(n->inputs[i].node->inputs[1]));
      const Shape row(p.gradient.shape.begin() + 1, p.gradient.shape.end());
      touched = touched + element_count(p.index.shape) * element_count(row);
      read.push_back(p.index);
      rows_only = true;
    } else {
      touched = touched + Dim(params[i]->count());
    }
    for (size_t k = 0; k < per; ++k) p.slots.push_back(target(slots[i * per + k]));
    p.given = program_->buffers[static_cast<size_t>(p.gradient.buffer)].kind == BufferInfo::input;
    call->parameters.push_back(std::move(p));
    total += params[i]->count();
  }
  flatten_gradients(gradients, total);
  call->rate = view_of(n->inputs[params.size()]);
  call->step = view_of(n->inputs[params.size() + 1]);
  if (!state.empty()) call->state = target(state[0]);
  call->hyper = n->attrs.get<std::vector<double>>("hyper");
  read.insert(read.end(), gradients.begin(), gradients.end());
  read.push_back(call->rate);
  read.push_back(call->step);

  set_kernel(call.get(), algorithm, dtype);
  call->label = algorithm + " (" + std::to_string(total) + " parameters" +
                (rows_only ? ", looked-up rows only)" : ")");
  if (rows_only) {
    call->update = call->kernel;
    call->own_workspace = call->workspace;
    if (!program_->device().is_host()) {
      const std::string id = algorithm + "_rows";
      const Found found = find_kernel(program_->device(), id, dtype);
      if (!found.entry) throw_no_kernel(program_->device(), id, dtype);
      call->update_rows = found.entry->run;
      call->rows_workspace = found.entry->workspace;
    }
    call->kernel = run_optimizer;
    call->workspace = optimizer_workspace;
  }
  call->flops = touched * Dim(12);
  call->bytes = touched * Dim(dtype_size(dtype) * static_cast<int64_t>(3 + 2 * per));
  emit(std::move(call), read, written);
}

}  // namespace fastnn::runtime
