// Trees by level: the body is a Program of its own, whose rows are a level of all trees. Upwards it
// reads the children's states and writes the level's; downwards it reads the level's gradients and
// its results are added to the children's.
//
// On a device the states never come back: the host only says which level is next. What it must know
// for that, the sizes of the levels, and that children are of lower levels, it reads from its own
// copy of what a batch brought (Binder::host_pointer), which was sent to the device once. Where the
// children or counts are the device's (they came from there, or are computed), they are copied to
// the host at the start of each run, which waits for them.
#include "kernels/trees.h"

#include "core/error.h"
#include "runtime/lower/lowering.h"
#include "runtime/registry.h"
#include "runtime/sized_contexts.h"

namespace fastnn::runtime {
namespace {

using graph::Node;
using graph::SubGraph;

// Rows of some state: of all nodes, or of a level.
struct Rows {
  char* data;
  int64_t bytes;  // of a row
};

class TreeCall;

struct TreeArgs {
  const TreeCall* call;
  Context* around;
  SizedContexts* bodies;
  const int64_t *left, *right, *counts;
  const int64_t *host_left, *host_right, *host_counts;
  int64_t leaves, inner, levels;
  Rows* slots;  // see the functions of TreeCall
};

class TreeCall : public Call {
 public:
  std::shared_ptr<const Program> body;
  std::vector<ExtentId> known;  // extents that the body has beside its rows
  ExtentId rows;
  bool gradient;
  size_t states;
  std::vector<kernels::Kernel> gather, add;  // of each state
  std::vector<View> in, out, spares;
  View left, right, counts;
  std::vector<View> invariants;

  // Levels have as many rows as the trees of the batch say.
  std::optional<int64_t> kernels_called(const void*) const override { return std::nullopt; }

  size_t args_size() const override {
    return sizeof(TreeArgs) + (in.size() + out.size() + spares.size()) * sizeof(Rows);
  }

  void bind(const Binder& b, void* memory) const override {
    auto* a = static_cast<TreeArgs*>(memory);
    a->call = this;
    a->around = b.context();
    a->bodies = b.context()->sized_child(body);
    a->slots = reinterpret_cast<Rows*>(a + 1);
    b.pointer(&a->left, left);
    b.pointer(&a->right, right);
    b.pointer(&a->counts, counts);
    b.host_pointer(&a->host_left, left);
    b.host_pointer(&a->host_right, right);
    b.host_pointer(&a->host_counts, counts);
    a->inner = b.eval(left.shape[0]);
    a->levels = b.eval(counts.shape[0]);
    a->leaves = b.eval(out[0].shape[0]) - a->inner;
    Rows* slot = a->slots;
    for (const std::vector<View>* part : {&in, &out, &spares})
      for (const View& v : *part) {
        b.pointer(&slot->data, v);
        Dim count(1);
        for (size_t d = 1; d < v.shape.size(); ++d) count = count * v.shape[d];
        (slot++)->bytes = b.eval(count) * dtype_size(v.dtype);
      }
  }

  // What is read: `given` states, left, right, counts, invariants. All levels together are one run
  // of the body over all inner nodes.
  void take(const std::vector<View>& read, size_t given) {
    const auto states_end = read.begin() + static_cast<int64_t>(given);
    left = states_end[0];
    right = states_end[1];
    counts = states_end[2];
    invariants.assign(states_end + 3, read.end());
    in.assign(read.begin(), states_end);
    in.insert(in.end(), invariants.begin(), invariants.end());
    for (const auto& c : body->calls) {
      flops = flops + c->flops;
      bytes = bytes + c->bytes;
    }
  }

  // A level's children, gathered: left states, then right ones; their gradients behind them.
  const Rows* results(const TreeArgs& a) const { return a.slots + in.size(); }
  const Rows* gathered(const TreeArgs& a) const { return results(a) + out.size(); }

  std::string describe() const override {
    std::string s = label;
    for (const auto& c : body->calls) s += "\n        " + c->describe() + "  [" + c->table + "]";
    return s;
  }
};

// Nodes [first, first + count) are a level, and [at, at + count) its places among inner nodes.
struct Level {
  int64_t first, count, at;
};

const Device& device_of(const TreeArgs& a) { return a.around->program().device(); }

// What the host reads of a batch.
struct Index {
  const int64_t *left, *right, *counts;
  std::vector<int64_t> copies[3];  // where only a device has them
  bool distinct = false;           // each child has one parent

  explicit Index(const TreeArgs& a)
      : left(a.host_left), right(a.host_right), counts(a.host_counts) {
    bring(&left, a.left, a.inner, a, &copies[0]);
    bring(&right, a.right, a.inner, a, &copies[1]);
    bring(&counts, a.counts, a.levels, a, &copies[2]);
  }
  Index(const Index&) = delete;

 private:
  static void bring(const int64_t** here, const int64_t* there, int64_t count, const TreeArgs& a,
                    std::vector<int64_t>* copy) {
    if (*here || count == 0) return;
    copy->resize(static_cast<size_t>(count));
    device_of(a).copy_out(copy->data(), there, 8 * count);
    *here = copy->data();
  }
};

// All of it before anything is computed: kernels do not look.
void check(const TreeArgs& a, Index* index) {
  int64_t total = 0;
  for (int64_t l = 0; l < a.levels; ++l) {
    if (index->counts[l] < 0)
      throw ValueError(str("counts: expected no negative size of a level, got ", index->counts[l]));
    total = checked_add(total, index->counts[l]);
  }
  if (total != a.inner)
    throw ValueError(str("counts: expected ", a.inner, " nodes above the leaves, got ", total));
  std::vector<bool> seen(static_cast<size_t>(a.leaves + a.inner));
  index->distinct = true;
  int64_t at = 0;
  for (int64_t l = 0; l < a.levels; ++l)
    for (const int64_t first = a.leaves + at, end = at + index->counts[l]; at < end; ++at)
      for (const int64_t child : {index->left[at], index->right[at]}) {
        if (child < 0 || child >= first)
          throw IndexError(
              str("children: expected numbers of lower levels, below ", first, ", got ", child));
        if (seen[static_cast<size_t>(child)]) index->distinct = false;
        seen[static_cast<size_t>(child)] = true;
      }
}

int64_t width_of(const Rows& r, const View& v) { return r.bytes / dtype_size(v.dtype); }

void gather_children(const TreeArgs& a, const Level& level, const kernels::Context& ctx) {
  const TreeCall& c = *a.call;
  const Rows *states = c.gradient ? a.slots : c.results(a), *gathered = c.gathered(a);
  for (size_t i = 0; i < c.states; ++i) {
    const kernels::TreeChildrenArgs args{gathered[i].data,
                                         gathered[c.states + i].data,
                                         states[i].data,
                                         a.left + level.at,
                                         a.right + level.at,
                                         level.count,
                                         width_of(states[i], c.in[i])};
    c.gather[i](&args, &ctx);
  }
}

void add_to_children(const TreeArgs& a, const Level& level, bool distinct,
                     const kernels::Context& ctx) {
  const TreeCall& c = *a.call;
  const Rows *sums = c.results(a), *parts = c.gathered(a) + 2 * c.states;
  for (size_t i = 0; i < c.states; ++i) {
    const kernels::TreeChildrenGradArgs args{
        sums[i].data,       parts[i].data, parts[c.states + i].data,   a.left + level.at,
        a.right + level.at, level.count,   width_of(sums[i], c.in[i]), distinct};
    c.add[i](&args, &ctx);
  }
}

void run_level(const TreeArgs& a, const Level& level, Extents* env, const kernels::Context& ctx) {
  const TreeCall& c = *a.call;
  env->set(c.rows, level.count);
  Context* body = a.bodies->at(level.count, *env);
  body->run_within(*a.around);
  gather_children(a, level, ctx);
  const Rows *states = c.gradient ? a.slots : c.results(a), *gathered = c.gathered(a);
  int slot = 0;
  for (; slot < static_cast<int>(2 * c.states); ++slot) body->set_input(slot, gathered[slot].data);
  auto at_level = [&](const Rows& r) { return r.data + level.first * r.bytes; };
  if (c.gradient) {
    for (size_t i = 0; i < c.states; ++i) body->set_input(slot++, at_level(states[i]));
    for (size_t i = 0; i < c.states; ++i) body->set_input(slot++, at_level(c.results(a)[i]));
    for (size_t i = 0; i < 2 * c.states; ++i)
      body->set_output(static_cast<int>(i), gathered[2 * c.states + i].data);
  } else {
    for (size_t i = 0; i < c.states; ++i)
      body->set_output(static_cast<int>(i), at_level(states[i]));
  }
  const Rows* invariant = a.slots + (c.gradient ? 2 : 1) * c.states;
  for (size_t i = 0; i < c.invariants.size(); ++i) body->set_input(slot++, invariant[i].data);
  RunInfo info;
  info.seed = ctx.seed;
  info.step = ctx.step;
  body->run(0, info);
}

void run_trees(const void* args, const kernels::Context* ctx) {
  const TreeArgs& a = *static_cast<const TreeArgs*>(args);
  const TreeCall& c = *a.call;
  Index index(a);
  check(a, &index);
  // Gradients start as those from elsewhere, states as the leaves'.
  for (size_t i = 0; i < c.states; ++i) {
    const Rows &from = a.slots[c.gradient ? c.states + i : i], &to = c.results(a)[i];
    const int64_t rows = a.leaves + (c.gradient ? a.inner : 0);
    device_of(a).copy(to.data, from.data, rows * to.bytes);
  }
  Extents env;
  for (ExtentId id : c.known) {
    int64_t value;
    if (a.around->extents().find(id, &value)) env.set(id, value);
  }
  Level level{c.gradient ? a.leaves + a.inner : a.leaves, 0, c.gradient ? a.inner : 0};
  for (int64_t l = 0; l < a.levels; ++l) {
    if (a.around->should_stop()) return;
    level.count = index.counts[c.gradient ? a.levels - 1 - l : l];
    if (c.gradient) {
      level.first -= level.count;
      level.at -= level.count;
    }
    if (level.count > 0) run_level(a, level, &env, *ctx);
    if (c.gradient) {
      add_to_children(a, level, index.distinct, *ctx);
    } else {
      level.first += level.count;
      level.at += level.count;
    }
  }
}

// The extents that some value inside has, or some attribute asks for.
std::vector<ExtentId> extents_inside(const SubGraph& body) {
  std::vector<ExtentId> ids;
  auto collect = [&](const Shape& shape) {
    for (const Dim& d : shape) d.collect(&ids);
  };
  for (const Value& v : body.parameters) collect(v.shape());
  for (const graph::NodePtr& n : graph::topological_order(body.outputs)) {
    for (const graph::Type& t : n->outputs) collect(t.shape);
    for (const auto& item : n->attrs.items()) {
      if (const auto* shape = std::get_if<Shape>(&item.second)) collect(*shape);
      if (const auto* inner = std::get_if<std::shared_ptr<const SubGraph>>(&item.second))
        for (ExtentId id : extents_inside(**inner)) ids.push_back(id);
    }
  }
  return ids;
}

}  // namespace

void Lowering::lower_trees(const NodePtr& n) {
  const SubGraph& body = *n->attrs.get<std::shared_ptr<const SubGraph>>("body");
  auto call = std::make_unique<TreeCall>();
  call->body =
      Program::compile(body.parameters, {{"body", body.outputs, {}, {}}}, program_->options);
  call->known = extents_inside(body);
  call->states = static_cast<size_t>(n->attrs.get<int64_t>("states"));
  call->gradient = n->op->name == "tree_scan_grad";
  const size_t given = (call->gradient ? 2 : 1) * call->states;
  std::vector<View> read;
  for (const Value& x : n->inputs) read.push_back(contiguous(view_of(x)));
  call->take(read, given);
  call->rows = n->inputs[given].shape()[0].as_extent();
  auto kernel = [&](const char* id, DType dtype) {
    const Found found = find_kernel(program_->device(), id, dtype);
    if (!found.entry) throw_no_kernel(program_->device(), id, dtype);
    return found.entry->run;
  };
  for (size_t i = 0; i < call->states; ++i) {
    call->gather.push_back(kernel("tree_children", call->in[i].dtype));
    call->add.push_back(kernel("tree_children_grad", call->in[i].dtype));
  }
  std::vector<int> written;
  for (size_t i = 0; i < n->outputs.size(); ++i) {
    call->out.push_back(new_result({n, static_cast<int32_t>(i)}));
    written.push_back(call->out.back().buffer);
  }
  for (size_t i = 0; i < 2 * given; ++i) {
    const View& state = call->in[i % call->states];
    Shape shape = state.shape;
    shape[0] = n->inputs[given].shape()[0];
    call->spares.push_back(
        whole(new_buffer(BufferInfo::temp, state.dtype, element_count(shape)), state.dtype, shape));
    written.push_back(call->spares.back().buffer);
  }
  call->kernel = run_trees;
  call->label = call->gradient ? "down the levels of trees" : "up the levels of trees";
  call->table = "runtime";
  emit(std::move(call), read, written);
}

}  // namespace fastnn::runtime
