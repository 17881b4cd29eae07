// Products of pairs of a row's elements, and their gradient.
#include "kernels/pairs.h"

#include "kernels/cpu/lanes.h"
#include "kernels/cpu/lists.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kThreadsFrom = 65536, kTaskElements = 16384;

FASTNN_INLINE int64_t pairs_of(int64_t n) { return n * (n + 1) / 2; }

template <class T>
void pairs(const PairsArgs& a, int64_t r) {
  constexpr int64_t L = kLanes<T>;
  const T* x = static_cast<const T*>(a.x) + r * a.n;
  T* out = static_cast<T*>(a.out) + r * pairs_of(a.n);
  for (int64_t i = 0; i < a.n; ++i) {
    const vec<T> xi = set<T>(x[i]);
    int64_t j = i;
    for (; j + L <= a.n; j += L, out += L) store(out, xi * load(x + j));
    if (j < a.n) store_first(out, xi * load_first(x + j, a.n - j), a.n - j);
    out += a.n - j;
  }
}

// A vector of a row, or what there is of its last one.
template <class T>
FASTNN_INLINE vec<T> get(const T* p, int64_t n) {
  return n >= kLanes<T> ? load(p) : load_first(p, n);
}
template <class T>
FASTNN_INLINE void put(T* p, vec<T> v, int64_t n) {
  if (n >= kLanes<T>)
    store(p, v);
  else
    store_first(p, v, n);
}

// Each pair (i, j) is read once, and adds to the sums of i and of j. Vectors of j begin at whole
// multiples of a vector, so that sums stay in the same vectors; the one that holds i has lanes
// below it, where the pairs of an earlier i lie. What a row adds to the sum of its own i waits
// until all i of a vector are done.
template <class T>
FASTNN_INLINE auto lanes_below(int64_t i) {
  return lane_numbers<T>() < static_cast<T>(i % kLanes<T>);
}

template <class T>
FASTNN_INLINE void pairs_grad_long(const T* g, const T* x, T* out, int64_t n) {
  constexpr int64_t L = kLanes<T>;
  for (int64_t j = 0; j < n; j += L) put(out + j, zero<T>(), n - j);
  for (int64_t first = 0; first < n; first += L) {
    T own[L] = {};
    for (int64_t i = first; i < (first + L < n ? first + L : n); g += n - i, ++i) {
      const vec<T> xi = set<T>(x[i]);
      const auto below = lanes_below<T>(i);
      vec<T> gj = select(below, zero<T>(), get<T>(g + (first - i), n - first));
      vec<T> sum = gj * select(below, zero<T>(), get<T>(x + first, n - first));
      const vec<T> old = get<T>(out + first, n - first);
      put(out + first, select(below, old, fma(gj, xi, old)), n - first);
      for (int64_t j = first + L; j < n; j += L) {
        gj = get<T>(g + (j - i), n - j);
        sum = fma(gj, get<T>(x + j, n - j), sum);
        put(out + j, fma(gj, xi, get<T>(out + j, n - j)), n - j);
      }
      own[i - first] = reduce_add(sum);
    }
    put(out + first, get<T>(out + first, n - first) + load(own), n - first);
  }
}

// Rows of V vectors, the last of which has `last` elements: the sums stay in registers.
template <class T, int V>
FASTNN_INLINE void pairs_grad_short(const T* g, const T* x, T* out, int64_t n) {
  constexpr int L = kLanes<T>;
  const int64_t last = n - (V - 1) * L;
  auto part = [&](const T* p, int v) { return v + 1 < V ? load(p) : load_first(p, last); };
  vec<T> xs[V], sums[V];
  FASTNN_EACH (v, V) {
    xs[v] = part(x + v * L, v);
    sums[v] = zero<T>();
  }
  FASTNN_EACH (b, V) {
    T own[L] = {};
    const int64_t end = b + 1 < V ? L : last;
    for (int64_t k = 0; k < end; g += n - b * L - k, ++k) {
      const vec<T> xi = set<T>(x[b * L + k]);
      const auto below = lanes_below<T>(k);
      const vec<T> first = select(below, zero<T>(), part(g - k, b));
      vec<T> sum = first * select(below, zero<T>(), xs[b]);
      sums[b] = select(below, sums[b], fma(first, xi, sums[b]));
      FASTNN_EACH (v, V) {
        if (v <= b) continue;
        const vec<T> gv = part(g - k + (v - b) * L, v);
        sum = fma(gv, xs[v], sum);
        sums[v] = fma(gv, xi, sums[v]);
      }
      own[k] = reduce_add(sum);
    }
    sums[b] += load(own);
  }
  FASTNN_EACH (v, V) put(out + v * L, sums[v], n - v * L);
}

template <class T>
void pairs_grad(const PairsArgs& a, int64_t r) {
  const int64_t n = a.n;
  const T* x = static_cast<const T*>(a.x) + r * n;
  const T* g = static_cast<const T*>(a.g) + r * pairs_of(n);
  T* out = static_cast<T*>(a.out) + r * n;
  switch ((n + kLanes<T> - 1) / kLanes<T>) {
    case 1:
      return pairs_grad_short<T, 1>(g, x, out, n);
    case 2:
      return pairs_grad_short<T, 2>(g, x, out, n);
    case 3:
      return pairs_grad_short<T, 3>(g, x, out, n);
    case 4:
      return pairs_grad_short<T, 4>(g, x, out, n);
    case 5:
      return pairs_grad_short<T, 5>(g, x, out, n);
    case 6:
      return pairs_grad_short<T, 6>(g, x, out, n);
    case 7:
      return pairs_grad_short<T, 7>(g, x, out, n);
    case 8:
      return pairs_grad_short<T, 8>(g, x, out, n);
    default:
      return pairs_grad_long<T>(g, x, out, n);
  }
}

struct Call {
  const PairsArgs* args;
  int64_t rows_per_task;
};

template <void (*kRow)(const PairsArgs&, int64_t)>
void task(void* arg, int64_t i) {
  const Call& c = *static_cast<const Call*>(arg);
  const int64_t first = i * c.rows_per_task, last = first + c.rows_per_task;
  for (int64_t r = first; r < (last < c.args->rows ? last : c.args->rows); ++r) kRow(*c.args, r);
}

template <void (*kRow)(const PairsArgs&, int64_t)>
void rows(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const PairsArgs*>(args);
  const int64_t width = pairs_of(a.n);
  Call c = {&a, a.rows};
  if (ctx->threads == 1 || a.rows < 2 || a.rows * width < kThreadsFrom) return task<kRow>(&c, 0);
  c.rows_per_task = kTaskElements / width + 1;
  const int64_t tasks = (a.rows + c.rows_per_task - 1) / c.rows_per_task;
  ctx->parallel_for(ctx->pool, tasks, task<kRow>, &c);
}

#define FASTNN_PAIRS(kernel)                                      \
  {#kernel, DType::f32, rows<kernel<float>>, nullptr, nullptr}, { \
    #kernel, DType::f64, rows<kernel<double>>, nullptr, nullptr   \
  }

const Entry kEntries[] = {FASTNN_PAIRS(pairs), FASTNN_PAIRS(pairs_grad)};

}  // namespace

extern const EntryList pairs_list;
const EntryList pairs_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
