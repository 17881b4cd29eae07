// argmax and argmin of floats: the first index of the extreme value, where NaN counts as extreme.
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/lists.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kThreadsFrom = 262144, kTaskElements = 16384;
constexpr int64_t kBlockVectors = 32;
constexpr int kChains = 4, kStripVectors = 4;
constexpr int kBlockChains = kVectorBytes == 64 ? 8 : 4;  // registers for it

int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

template <class T, bool kMax>
constexpr T kWorst = kMax ? -static_cast<T>(__builtin_inf()) : static_cast<T>(__builtin_inf());

// The better of both in each lane; a NaN in v is passed over.
template <class T, bool kMax>
FASTNN_INLINE vec<T> better_of(vec<T> v, vec<T> best) {
  return kMax ? max(v, best) : min(v, best);
}
template <class T, bool kMax>
FASTNN_INLINE T best_lane(vec<T> v) {
  return kMax ? reduce_max(v) : reduce_min(v);
}

template <class T>
FASTNN_INLINE int64_t first_lane(vec<Bits<T>> hit) {
  return static_cast<int64_t>(
      reduce_min(select(hit, lane_numbers<T>(), set<T>(static_cast<T>(kLanes<T>)))));
}

template <class T>
struct Place {
  T value;
  int64_t index;
};

// Takes v, at element i of the block, into a chain; what is not finite in `raw` makes `odd` a NaN.
template <class T>
struct Chain {
  vec<T> best, at, odd;
};
template <class T, bool kMax>
FASTNN_INLINE void take(Chain<T>* c, vec<T> v, vec<T> raw, vec<T> i) {
  c->at = select(kMax ? v > c->best : v < c->best, i, c->at);
  c->best = better_of<T, kMax>(v, c->best);
  c->odd = fma(raw, zero<T>(), c->odd);
}

// The first NaN among n elements, or n.
template <class T>
__attribute__((noinline)) int64_t first_nan(const T* x, int64_t n) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t i = 0; i < n; i += L) {
    const vec<T> v = load_first(x + i, lesser(L, n - i));
    const auto nan = (vec<Bits<T>>)(v != v);
    if (any(nan)) return i + first_lane<T>(nan);
  }
  return n;
}

// The first of the best of a block's n elements, or the first NaN. Every lane of a chain keeps its
// best and where that was; nothing is searched for, and no branch depends on where it lies.
template <class T, bool kMax>
FASTNN_INLINE Place<T> best_of(const T* x, int64_t n) {
  constexpr int64_t L = kLanes<T>;
  Chain<T> c[kChains];
  FASTNN_EACH (k, kChains) c[k] = {set<T>(kWorst<T, kMax>), zero<T>(), zero<T>()};
  int64_t i = 0;
  vec<T> at = zero<T>();  // i
  for (; i + kChains * L <= n; i += kChains * L, at += static_cast<T>(kChains * L))
    FASTNN_EACH (k, kChains) {
      const vec<T> v = load(x + i + k * L);
      take<T, kMax>(&c[k], v, v, at);
    }
  FASTNN_EACH (k, kChains) {
    const int64_t rest = n - i - k * L;
    if (rest <= 0) continue;
    const vec<T> v = load_first(x + i + k * L, lesser(L, rest));
    const auto here = lane_numbers<T>() < static_cast<T>(rest);
    take<T, kMax>(&c[k], select(here, v, set<T>(kWorst<T, kMax>)), v, at);
  }
  vec<T> best = c[0].best, odd = c[0].odd;
  FASTNN_EACH (k, kChains - 1) {
    best = better_of<T, kMax>(c[k + 1].best, best);
    odd += c[k + 1].odd;
  }
  if (any(odd != odd)) {
    const int64_t nan = first_nan(x, n);
    if (nan < n) return {x[nan], nan};
  }
  const T value = best_lane<T, kMax>(best);
  vec<T> first = set<T>(static_cast<T>(n));
  FASTNN_EACH (k, kChains) {
    const vec<T> place = c[k].at + (lane_numbers<T>() + static_cast<T>(k * L));
    first = min(first, select(c[k].best == value, place, first));
  }
  return {value, static_cast<int64_t>(reduce_min(first))};
}

// Takes a whole block into one vector of its best; what is not finite makes `odd` a NaN.
template <class T, bool kMax>
FASTNN_INLINE vec<T> best_of_block(const T* x, vec<T>* odd) {
  vec<T> best[kBlockChains];
  FASTNN_EACH (k, kBlockChains) best[k] = set<T>(kWorst<T, kMax>);
  for (int64_t i = 0; i < kBlockVectors; i += kBlockChains)
    FASTNN_EACH (k, kBlockChains) {
      const vec<T> v = load(x + (i + k) * kLanes<T>);
      best[k] = better_of<T, kMax>(v, best[k]);
      odd[k] = fma(v, zero<T>(), odd[k]);
    }
  FASTNN_EACH (k, kBlockChains - 1) best[0] = better_of<T, kMax>(best[k + 1], best[0]);
  return best[0];
}

// Which block has the best is known at half the price of where it lies there.
template <class T, bool kMax>
FASTNN_INLINE int64_t long_row_index(const T* x, int64_t n) {
  constexpr int64_t kBlock = kBlockVectors * kLanes<T>;
  vec<T> odd[kBlockChains] = {};
  vec<T> best = set<T>(kWorst<T, kMax>), at = zero<T>(), block = zero<T>();
  int64_t i = 0;
  for (; i + kBlock <= n; i += kBlock, block += 1) {
    const vec<T> here = best_of_block<T, kMax>(x + i, odd);
    at = select(kMax ? here > best : here < best, block, at);
    best = better_of<T, kMax>(here, best);
  }
  FASTNN_EACH (k, kBlockChains - 1) odd[0] += odd[k + 1];
  if (any(odd[0] != odd[0])) {
    const int64_t nan = first_nan(x, i);
    if (nan < i) return nan;
  }
  const T value = best_lane<T, kMax>(best);
  const T* first = x + kBlock * static_cast<int64_t>(reduce_min(select(best == value, at, block)));
  if (i < n) {
    const Place<T> rest = best_of<T, kMax>(x + i, n - i);
    if (!(kMax ? rest.value <= value : rest.value >= value)) return i + rest.index;
  }
  return first - x + best_of<T, kMax>(first, kBlock).index;
}

template <class T, bool kMax>
FASTNN_INLINE int64_t row_index(const T* x, int64_t n) {
  constexpr int64_t L = kLanes<T>;
  if (n <= L) {
    const vec<T> v = load_or(x, n, kWorst<T, kMax>);
    const auto nan = (vec<Bits<T>>)(v != v);
    return first_lane<T>(any(nan) ? nan : (vec<Bits<T>>)(v == best_lane<T, kMax>(v)));
  }
  return n < 4 * kBlockVectors * L ? best_of<T, kMax>(x, n).index : long_row_index<T, kMax>(x, n);
}

// V vectors of columns, of the last one `last` lanes. Indices are as wide as the elements, so long
// columns come in parts.
template <class T, bool kMax, int V>
FASTNN_INLINE void strip(const T* x, int64_t n, int64_t stride, int64_t last, int64_t* out) {
  constexpr int64_t L = kLanes<T>, kPart = 1 << 30;
  const auto column = [&](int64_t row, int v) {
    const T* p = x + row * stride + v * L;
    return v < V - 1 ? load(p) : load_first(p, last);
  };
  vec<T> best[V];
  FASTNN_EACH (v, V) best[v] = column(0, v);
  for (int64_t j = 0; j < (V - 1) * L + last; ++j) out[j] = 0;
  for (int64_t first = 0; first < n; first += kPart) {
    vec<Bits<T>> index[V];
    FASTNN_EACH (v, V) index[v] = zero<Bits<T>>() - 1;
    const int64_t rows = lesser(n - first, kPart);
    for (int64_t i = 0; i < rows; ++i)
      FASTNN_EACH (v, V) {
        const vec<T> y = column(first + i, v), b = best[v];
        const auto better = (b == b) & ~(kMax ? y <= b : y >= b);
        best[v] = select(better, y, b);
        index[v] = select(better, set<Bits<T>>(static_cast<Bits<T>>(i)), index[v]);
      }
    FASTNN_EACH (v, V)
      for (int64_t k = 0; k < (v < V - 1 ? L : last); ++k)
        if (index[v][k] >= 0) out[v * L + k] = first + index[v][k];
  }
}

struct Call {
  const ArgReduceArgs* args;
  int64_t per_task;  // rows, or columns of one outer index
};

template <class T, bool kMax>
void task(void* arg, int64_t i) {
  constexpr int64_t L = kLanes<T>;
  const Call& c = *static_cast<const Call*>(arg);
  const ArgReduceArgs& a = *c.args;
  const T* in = static_cast<const T*>(a.in);
  int64_t* out = static_cast<int64_t*>(a.out);
  if (a.inner == 1) {
    const int64_t end = lesser((i + 1) * c.per_task, a.outer);
    for (int64_t r = i * c.per_task; r < end; ++r) out[r] = row_index<T, kMax>(in + r * a.n, a.n);
    return;
  }
  const int64_t strips = (a.inner + c.per_task - 1) / c.per_task, outer = i / strips;
  int64_t j = i % strips * c.per_task;
  const int64_t end = lesser(j + c.per_task, a.inner);
  in += outer * a.n * a.inner;
  out += outer * a.inner;
  for (; j + kStripVectors * L <= end; j += kStripVectors * L)
    strip<T, kMax, kStripVectors>(in + j, a.n, a.inner, L, out + j);
  for (; j < end; j += L) strip<T, kMax, 1>(in + j, a.n, a.inner, lesser(L, end - j), out + j);
}

template <class T, bool kMax>
void arg_reduce(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const ArgReduceArgs*>(args);
  if (a.outer * a.inner == 0) return;
  const bool threads = ctx->threads > 1 && a.outer * a.n * a.inner >= kThreadsFrom;
  Call c = {&a, a.inner == 1 ? a.outer : a.inner};
  if (threads) c.per_task = a.inner == 1 ? kTaskElements / a.n + 1 : 4 * kStripVectors * kLanes<T>;
  const int64_t along = a.inner == 1 ? a.outer : a.inner;
  const int64_t tasks = (along + c.per_task - 1) / c.per_task * (a.inner == 1 ? 1 : a.outer);
  if (threads && tasks > 1)
    ctx->parallel_for(ctx->pool, tasks, task<T, kMax>, &c);
  else
    for (int64_t i = 0; i < tasks; ++i) task<T, kMax>(&c, i);
}

const Entry kEntries[] = {
    {"argmax", DType::f32, arg_reduce<float, true>, nullptr, nullptr},
    {"argmax", DType::f64, arg_reduce<double, true>, nullptr, nullptr},
    {"argmin", DType::f32, arg_reduce<float, false>, nullptr, nullptr},
    {"argmin", DType::f64, arg_reduce<double, false>, nullptr, nullptr},
};

}  // namespace

const EntryList arg_reduce_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
