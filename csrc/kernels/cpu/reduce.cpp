// Reductions over any axes, from the loops of reduce_leaf.h.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/reduce_leaf.h"
#include "kernels/cpu/reduce_plan.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kThreadsFrom = 262144;  // elements: about 10 us of work
constexpr int64_t kTaskElements = 16384;
constexpr int64_t kSmall = 8192;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

int64_t elements(const ReducePlan& p) { return p.outer.total * p.repeat.total * p.n * p.depth; }

// Results that are long enough are cut into chunks for the threads: the partial results, one a
// chunk (rows) or one a chunk and column, lie in the workspace.
int64_t chunks_of(const ReducePlan& p) {
  return p.columns ? divide_up(p.depth, kColumnChunk) : divide_up(p.n, kRowChunk);
}
bool cut(const ReducePlan& p) { return p.repeat.total == 1 && chunks_of(p) > 1; }

size_t workspace(const void* args, int32_t threads) {
  const ReducePlan p = plan_reduce(*static_cast<const ReduceArgs*>(args));
  if (threads <= 1 || elements(p) < kThreadsFrom || !cut(p)) return 0;
  return static_cast<size_t>(p.outer.total * chunks_of(p) * (p.columns ? p.n : 1)) * sizeof(double);
}

struct Call {
  const ReduceArgs* args;
  const ReducePlan* plan;
  double* partial;
  int64_t chunks, per_task;
};

template <class T, class Op>
FASTNN_INLINE double row_part(const ReducePlan& p, const T* in, int64_t chunk) {
  const int64_t first = chunk * kRowChunk, n = lesser(p.n - first, kRowChunk);
  return p.stride == 1 ? row_chunk<T, Op>(in + first, n)
                       : strided_row_chunk<T, Op>(in + first * p.stride, n, p.stride);
}

template <class T, class Op>
void row_results(const Call& c, int64_t first, int64_t last) {
  const ReducePlan& p = *c.plan;
  const double scale = c.args->scale;
  for (int64_t o = first; o < last; ++o) {
    int64_t from, to, step, unused;
    p.outer.offsets(o, &from, &to);
    const T* in = static_cast<const T*>(c.args->in) + from;
    double total = Op::kStart;
    for (int64_t r = 0; r < p.repeat.total; ++r) {
      p.repeat.offsets(r, &step, &unused);
      for (int64_t chunk = 0; chunk * kRowChunk < p.n; ++chunk)
        total = Op::join(total, row_part<T, Op>(p, in + step, chunk));
    }
    static_cast<T*>(c.args->out)[to] = static_cast<T>(scale * total);
  }
}

template <class T, int V, bool kTail>
FASTNN_INLINE void store_columns(T* out, const Wide<T, V>& total, double scale, int64_t last) {
  FASTNN_EACH (v, V) {
    F64 scaled[Wide<T, V>::kPer];
    FASTNN_EACH (x, Wide<T, V>::kPer)
      scaled[x] = total.v[v * Wide<T, V>::kPer + x] * set<double>(scale);
    const vec<T> result = narrow_to(T(), scaled);
    if (kTail && v == V - 1)
      store_first(out + v * kLanes<T>, result, last);
    else
      store(out + v * kLanes<T>, result);
  }
}

// V vectors of results, of the last one `last` lanes where kTail.
template <class T, class Op, int V, bool kTail>
FASTNN_INLINE void column_group(const Call& c, const T* in, T* out, int64_t last) {
  const ReducePlan& p = *c.plan;
  Wide<T, V> total, part;
  FASTNN_EACH (x, V * Wide<T, V>::kPer) total.v[x] = set<double>(Op::kStart);
  for (int64_t r = 0; r < p.repeat.total; ++r) {
    int64_t step, unused;
    p.repeat.offsets(r, &step, &unused);
    for (int64_t i = 0; i < p.depth; i += kColumnChunk) {
      column_chunk<T, Op, V, kTail>(in + step + i * p.stride, lesser(p.depth - i, kColumnChunk),
                                    p.stride, last, &part);
      FASTNN_EACH (x, V * Wide<T, V>::kPer) total.v[x] = Op::join(total.v[x], part.v[x]);
    }
  }
  store_columns<T, V, kTail>(out, total, c.args->scale, last);
}

// Rows that lie further apart than this are read as panels.
template <class T>
FASTNN_INLINE bool in_panels(const ReducePlan& p) {
  return p.n >= 16 * kLanes<T> && p.stride * static_cast<int64_t>(sizeof(T)) >= 2048 &&
         p.depth > 16;
}

template <class T, class Op>
void panel_results(const Call& c, const T* in, T* out, int64_t width) {
  const ReducePlan& p = *c.plan;
  double total[kPanel<T>], part[kPanel<T>];
  for (int64_t j = 0; j < width; ++j) total[j] = Op::kStart;
  for (int64_t r = 0; r < p.repeat.total; ++r) {
    int64_t step, unused;
    p.repeat.offsets(r, &step, &unused);
    for (int64_t i = 0; i < p.depth; i += kColumnChunk) {
      panel_chunk<T, Op>(in + step + i * p.stride, lesser(p.depth - i, kColumnChunk), p.stride,
                         width, part);
      for (int64_t j = 0; j < width; ++j) total[j] = Op::join(total[j], part[j]);
    }
  }
  for (int64_t j = 0; j < width; ++j) out[j] = static_cast<T>(c.args->scale * total[j]);
}

// Columns [first, last) of one outer index.
template <class T, class Op>
void column_results(const Call& c, const T* in, T* out, int64_t first, int64_t last) {
  constexpr int64_t L = kLanes<T>;
  int64_t j = first;
  if (in_panels<T>(*c.plan))
    for (int64_t width; j < last; j += width) {
      width = lesser(last - j, kPanel<T> - past_boundary(in + j));
      panel_results<T, Op>(c, in + j, out + j, width);
    }
  if (kVectorBytes == 64)  // registers for it
    for (; j + 4 * L <= last; j += 4 * L) column_group<T, Op, 4, false>(c, in + j, out + j, L);
  for (; j + 2 * L <= last; j += 2 * L) column_group<T, Op, 2, false>(c, in + j, out + j, L);
  if (j + L <= last) {
    column_group<T, Op, 1, false>(c, in + j, out + j, L);
    j += L;
  }
  if (j < last) column_group<T, Op, 1, true>(c, in + j, out + j, last - j);
}

// Tasks without cuts: groups of rows, or strips of columns of one outer index.
template <class T, class Op>
void whole_task(void* arg, int64_t i) {
  const Call& c = *static_cast<const Call*>(arg);
  const ReducePlan& p = *c.plan;
  if (!p.columns)
    return row_results<T, Op>(c, i * c.per_task, lesser((i + 1) * c.per_task, p.outer.total));
  const int64_t strips = divide_up(p.n, c.per_task), first = i % strips * c.per_task;
  int64_t from, to;
  p.outer.offsets(i / strips, &from, &to);
  column_results<T, Op>(c, static_cast<const T*>(c.args->in) + from,
                        static_cast<T*>(c.args->out) + to, first, lesser(first + c.per_task, p.n));
}

template <class T, class Op>
FASTNN_INLINE void partial_columns(const Call& c, const T* in, int64_t rows, double* out) {
  constexpr int64_t L = kLanes<T>, D = kLanes<double>;
  if (in_panels<T>(*c.plan)) {
    for (int64_t j = 0, width; j < c.plan->n; j += width) {
      width = lesser(c.plan->n - j, kPanel<T> - past_boundary(in + j));
      panel_chunk<T, Op>(in + j, rows, c.plan->stride, width, out + j);
    }
    return;
  }
  for (int64_t j = 0; j < c.plan->n; j += L) {
    const int64_t last = lesser(c.plan->n - j, L);
    Wide<T, 1> part;
    column_chunk<T, Op, 1, true>(in + j, rows, c.plan->stride, last, &part);
    FASTNN_EACH (x, Wide<T, 1>::kPer)
      store_first(out + j + x * D, part.v[x], greater(0, lesser(last - x * D, D)));
  }
}

// Tasks with cuts: one chunk of one outer index.
template <class T, class Op>
void cut_task(void* arg, int64_t i) {
  const Call& c = *static_cast<const Call*>(arg);
  const ReducePlan& p = *c.plan;
  int64_t from, unused;
  p.outer.offsets(i / c.chunks, &from, &unused);
  const T* in = static_cast<const T*>(c.args->in) + from;
  const int64_t chunk = i % c.chunks;
  if (!p.columns) {
    c.partial[i] = row_part<T, Op>(p, in, chunk);
    return;
  }
  const int64_t row = chunk * kColumnChunk;
  partial_columns<T, Op>(c, in + row * p.stride, lesser(p.depth - row, kColumnChunk),
                         c.partial + i * p.n);
}

template <class T, class Op>
void join_cuts(const Call& c) {
  const ReducePlan& p = *c.plan;
  const int64_t width = p.columns ? p.n : 1;
  for (int64_t o = 0; o < p.outer.total; ++o) {
    int64_t unused, to;
    p.outer.offsets(o, &unused, &to);
    for (int64_t j = 0; j < width; ++j) {
      double total = Op::kStart;
      for (int64_t k = 0; k < c.chunks; ++k)
        total = Op::join(total, c.partial[(o * c.chunks + k) * width + j]);
      static_cast<T*>(c.args->out)[to + j] = static_cast<T>(c.args->scale * total);
    }
  }
}

// Short vectors and small matrices need no plan; the sums are those of the general way.
template <class T, class Op>
FASTNN_INLINE bool reduce_small(const ReduceArgs& a) {
  constexpr int64_t L = kLanes<T>;
  const bool vector = a.rank == 1 || (a.rank == 2 && a.shape[1] == 1);
  if (vector && a.reduced[0] && a.in_strides[0] == 1 && a.shape[0] <= kRowBlock<T>) {
    *static_cast<T*>(a.out) =
        static_cast<T>(a.scale * row_chunk<T, Op>(static_cast<const T*>(a.in), a.shape[0]));
    return true;
  }
  if (a.rank != 2 || a.reduced[0] == a.reduced[1] || a.in_strides[1] != 1 || a.shape[1] < 2)
    return false;
  const int64_t rows = a.shape[0], n = a.shape[1], stride = a.in_strides[0];
  if (rows * n > kSmall) return false;
  const T* in = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  if (a.reduced[1]) {
    if (n > kRowBlock<T>) return false;
    for (int64_t i = 0; i < rows; ++i)
      out[i * a.out_strides[0]] = static_cast<T>(a.scale * row_chunk<T, Op>(in + i * stride, n));
    return true;
  }
  if (a.out_strides[1] != 1 || rows > kColumnBlock) return false;
  for (int64_t j = 0; j < n; j += L) {
    const int64_t last = lesser(n - j, L);
    Wide<T, 1> total;
    column_block<T, Op, 1, true>(in + j, rows, stride, last, &total);
    store_columns<T, 1, true>(out + j, total, a.scale, last);
  }
  return true;
}

template <class T>
int64_t strip_for(const ReducePlan& p, int64_t threads) {
  return lesser(kPanel<T>, 32 * divide_up(p.n, 32 * threads));
}

template <class T, class Op>
void reduce(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const ReduceArgs*>(args);
  if (reduce_small<T, Op>(a)) return;
  const ReducePlan p = plan_reduce(a);
  Call c = {&a, &p, static_cast<double*>(ctx->workspace), chunks_of(p), 0};
  const bool threads = ctx->threads > 1 && elements(p) >= kThreadsFrom;
  if (threads && cut(p)) {
    ctx->parallel_for(ctx->pool, p.outer.total * c.chunks, cut_task<T, Op>, &c);
    return join_cuts<T, Op>(c);
  }
  // One task where there are no threads; a strip is a multiple of two vectors, and as wide as it
  // may be: it is read row by row.
  const int64_t per_result = greater(1, p.repeat.total * p.n * p.depth);
  c.per_task = !p.columns ? (threads ? greater(1, kTaskElements / per_result) : p.outer.total)
                          : (threads ? strip_for<T>(p, ctx->threads) : greater(1, p.n));
  const int64_t tasks = p.columns ? p.outer.total * divide_up(p.n, c.per_task)
                                  : divide_up(p.outer.total, greater(1, c.per_task));
  if (threads && tasks > 1)
    ctx->parallel_for(ctx->pool, tasks, whole_task<T, Op>, &c);
  else
    for (int64_t i = 0; i < tasks; ++i) whole_task<T, Op>(&c, i);
}

#define FASTNN_REDUCE(id, Op)                                \
  {id, DType::f32, reduce<float, Op>, nullptr, workspace}, { \
    id, DType::f64, reduce<double, Op>, nullptr, workspace   \
  }

const Entry kEntries[] = {
    FASTNN_REDUCE("reduce_sum", Sum),   FASTNN_REDUCE("reduce_sum_squares", SumSquares),
    FASTNN_REDUCE("reduce_prod", Prod), FASTNN_REDUCE("reduce_max", Max),
    FASTNN_REDUCE("reduce_min", Min),
};

}  // namespace

const EntryList reduce_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
