// Optimizers: one pass over every parameter, its gradient and its slots.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/optimizer_rules.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kThreadsFrom = 65536, kTaskElements = 16384;

template <class T, bool kTail, class Rule>
FASTNN_INLINE void update(const Rule& rule, const Segment& s, vec<T> rate, vec<T> decay,
                          Lanes<T, kTail> at) {
  vec<T> p = at.get(s.param);
  if (s.decay != 0) p = p - p * decay * rate;
  at.put(s.param, rule(p, at.get(s.grad), rate, s, at));
}

// Elements [first, last) of a segment.
template <class T, class Rule>
FASTNN_INLINE void update_range(const Rule& rule, const Segment& segment, T learning_rate,
                                int64_t first, int64_t last) {
  constexpr int64_t L = kLanes<T>;
  // The compiler cannot know that the parameters it writes are not the segment itself.
  const Segment s = segment;
  const vec<T> rate = set<T>(static_cast<T>(s.rate_scale * learning_rate));
  const vec<T> decay = set<T>(static_cast<T>(s.decay));
  int64_t i = first;
  for (; i + L <= last; i += L) update<T>(rule, s, rate, decay, Lanes<T, false>{i, L});
  if (i < last) update<T>(rule, s, rate, decay, Lanes<T, true>{i, last - i});
}

int64_t tasks_of(const Segment& s) { return (s.length + kTaskElements - 1) / kTaskElements; }

template <class T, class Rule>
struct Call {
  const OptimizerArgs* args;
  Rule rule;
};

// Task i is a piece of some segment: whose piece, and which, is found by counting.
template <class T, class Rule>
void task(void* arg, int64_t i) {
  const Call<T, Rule>& c = *static_cast<const Call<T, Rule>*>(arg);
  const Segment* s = c.args->segments;
  for (; i >= tasks_of(*s); ++s) i -= tasks_of(*s);
  const int64_t first = i * kTaskElements, last = first + kTaskElements;
  update_range<T>(c.rule, *s, *static_cast<const T*>(c.args->rate), first,
                  last < s->length ? last : s->length);
}

template <class T, template <class> class Rule>
void optimize(const void* p, const Context* ctx) {
  const auto& args = *static_cast<const OptimizerArgs*>(p);
  const Rule<T> rule(StepOf{args.hyper, args.state, *args.step + 1});
  int64_t elements = 0, tasks = 0;
  if (ctx->threads > 1)
    for (int64_t k = 0; k < args.count; ++k) {
      elements += args.segments[k].length;
      tasks += tasks_of(args.segments[k]);
    }
  if (elements >= kThreadsFrom) {
    Call<T, Rule<T>> c = {&args, rule};
    ctx->parallel_for(ctx->pool, tasks, task<T, Rule<T>>, &c);
    return;
  }
  const T learning_rate = *static_cast<const T*>(args.rate);
  for (int64_t k = 0; k < args.count; ++k)
    update_range<T>(rule, args.segments[k], learning_rate, 0, args.segments[k].length);
}

#define FASTNN_RULE(id, Rule)                                  \
  {id, DType::f32, optimize<float, Rule>, nullptr, nullptr}, { \
    id, DType::f64, optimize<double, Rule>, nullptr, nullptr   \
  }

const Entry kEntries[] = {
    FASTNN_RULE("sgd", Sgd),           FASTNN_RULE("rmsprop", RmsProp),
    FASTNN_RULE("adam", Adam),         FASTNN_RULE("adamax", Adamax),
    FASTNN_RULE("nadam", Nadam),       FASTNN_RULE("adagrad", Adagrad),
    FASTNN_RULE("adadelta", Adadelta), FASTNN_RULE("lion", Lion),
};

}  // namespace

const EntryList optimizer_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
