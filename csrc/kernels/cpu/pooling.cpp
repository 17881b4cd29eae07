// Pooling and its gradients: a vector holds channels of one window.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/matmul_product.h"
#include "kernels/cpu/pool_rows.h"
#include "kernels/pool.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kThreadElements = 1 << 16;  // of x, from which on threads pay

// A window: its elements inside x, from `first` on, rows [a0, a1) and columns [b0, b1) of it.
struct Window {
  int64_t a0, a1, b0, b1;
  int64_t corner;  // offset of the element (0, 0), which may lie outside
};

inline int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

inline Window window_at(const PoolShape& s, int64_t n, int64_t i, int64_t j) {
  const int64_t h = i * s.stride[0] - s.before[0], w = j * s.stride[1] - s.before[1];
  return {max_of(0, -h), min_of(s.size[0], s.in[0] - h), max_of(0, -w),
          min_of(s.size[1], s.in[1] - w), ((n * s.in[0] + h) * s.in[1] + w) * s.channels};
}

// Places of up to a vector's lanes, stored as u8 or i32.
template <class T>
FASTNN_INLINE vec<Bits<T>> get_places(const PoolArgs& g, int64_t at, int64_t n) {
  if (!g.wide) return Places<T>::get(static_cast<const uint8_t*>(g.places) + at, n);
  vec<Bits<T>> places{};
  for (int64_t i = 0; i < n; ++i) places[i] = static_cast<const int32_t*>(g.places)[at + i];
  return places;
}

template <class T>
FASTNN_INLINE void put_places(const PoolArgs& g, int64_t at, vec<Bits<T>> places, int64_t n) {
  if (!g.wide) return Places<T>::put(static_cast<uint8_t*>(g.index) + at, places, n);
  auto* index = static_cast<int32_t*>(g.index) + at;
  for (int64_t i = 0; i < n; ++i) index[i] = static_cast<int32_t>(places[i]);
}

// Calls f(offset of x, place) for the elements of a window, row by row.
template <class F>
FASTNN_INLINE void each_element(const PoolShape& s, const Window& w, F f) {
  for (int64_t a = w.a0; a < w.a1; ++a)
    for (int64_t b = w.b0; b < w.b1; ++b)
      f(w.corner + (a * s.in[1] + b) * s.channels, a * s.size[1] + b);
}

template <class T>
struct MaxPool {
  static FASTNN_INLINE void window(const PoolArgs& g, const Window& w, int64_t c, int64_t n,
                                   int64_t to) {
    const T* x = static_cast<const T*>(g.in) + c;
    const int64_t at = w.corner + (w.a0 * g.shape.in[1] + w.b0) * g.shape.channels;
    Largest<T> best = {load_first(x + at, n),
                       set<Bits<T>>(static_cast<Bits<T>>(w.a0 * g.shape.size[1] + w.b0))};
    each_element(g.shape, w,
                 [&](int64_t i, int64_t place) { best.take(load_first(x + i, n), place); });
    store_first(static_cast<T*>(g.out) + to, best.value, n);
    if (g.index) put_places<T>(g, to, best.place, n);
  }
};

template <class T>
struct TakePool {
  static FASTNN_INLINE void window(const PoolArgs& g, const Window& w, int64_t c, int64_t n,
                                   int64_t to) {
    const T* x = static_cast<const T*>(g.in) + c;
    const vec<Bits<T>> places = get_places<T>(g, to, n);
    vec<T> y = zero<T>();
    each_element(g.shape, w, [&](int64_t i, int64_t place) {
      y = select(places == set<Bits<T>>(static_cast<Bits<T>>(place)), load_first(x + i, n), y);
    });
    store_first(static_cast<T*>(g.out) + to, y, n);
  }
};

template <class T>
FASTNN_INLINE T count_of(const Window& w) {
  return static_cast<T>((w.a1 - w.a0) * (w.b1 - w.b0));
}

template <class T>
struct AveragePool {
  static FASTNN_INLINE void window(const PoolArgs& g, const Window& w, int64_t c, int64_t n,
                                   int64_t to) {
    const T* x = static_cast<const T*>(g.in) + c;
    vec<T> sum = zero<T>();
    each_element(g.shape, w, [&](int64_t i, int64_t) { sum = sum + load_first(x + i, n); });
    store_first(static_cast<T*>(g.out) + to, sum / set<T>(count_of<T>(w)), n);
  }
};

template <class T>
struct MaxPoolGrad {
  static FASTNN_INLINE void window(const PoolArgs& g, const Window& w, int64_t c, int64_t n,
                                   int64_t to) {
    T* x = static_cast<T*>(g.out) + c;
    const vec<T> y = load_first(static_cast<const T*>(g.in) + to, n);
    const vec<Bits<T>> places = get_places<T>(g, to, n);
    each_element(g.shape, w, [&](int64_t i, int64_t place) {
      const auto here = places == set<Bits<T>>(static_cast<Bits<T>>(place));
      store_first(x + i, load_first(x + i, n) + select(here, y, zero<T>()), n);
    });
  }
};

template <class T>
struct AveragePoolGrad {
  static FASTNN_INLINE void window(const PoolArgs& g, const Window& w, int64_t c, int64_t n,
                                   int64_t to) {
    T* x = static_cast<T*>(g.out) + c;
    const vec<T> y = load_first(static_cast<const T*>(g.in) + to, n) / set<T>(count_of<T>(w));
    each_element(g.shape, w,
                 [&](int64_t i, int64_t) { store_first(x + i, load_first(x + i, n) + y, n); });
  }
};

// The windows of rows [r0, r1) of y, counted over all images.
template <class T, class Body>
FASTNN_INLINE void each_window(const PoolArgs& g, int64_t r0, int64_t r1) {
  const PoolShape& s = g.shape;
  for (int64_t r = r0; r < r1; ++r)
    for (int64_t j = 0; j < s.out[1]; ++j) {
      const Window w = window_at(s, r / s.out[0], r % s.out[0], j);
      const int64_t to = (r * s.out[1] + j) * s.channels;
      for (int64_t c = 0; c < s.channels; c += kLanes<T>)
        Body::window(g, w, c, min_of(s.channels - c, kLanes<T>), to + c);
    }
}

struct PoolJob {
  const PoolArgs& g;
  int64_t count, tasks;  // rows of y, or images
};

template <class F>
void split(const PoolArgs& g, int64_t count, F body, const Context* ctx) {
  const PoolShape& s = g.shape;
  PoolJob job = {g, count, 1};
  if (ctx->threads > 1 && s.batch * s.in[0] * s.in[1] * s.channels > kThreadElements)
    job.tasks = min_of(ctx->threads, count);
  if (job.tasks > 1)
    ctx->parallel_for(ctx->pool, job.tasks, body, &job);
  else if (count > 0)
    body(&job, 0);
}

// Results of rows of y each.
template <class T, class Body>
void pool_rows(void* arg, int64_t task) {
  const PoolJob& job = *static_cast<const PoolJob*>(arg);
  each_window<T, Body>(job.g, job.count * task / job.tasks, job.count * (task + 1) / job.tasks);
}

template <class T, class Body>
void pool(const void* args, const Context* ctx) {
  const PoolArgs& g = *static_cast<const PoolArgs*>(args);
  split(g, g.shape.batch * g.shape.out[0], pool_rows<T, Body>, ctx);
}

// Windows may overlap in x: an image's are added by one task, in order.
template <class T, class Body>
void unpool_images(void* arg, int64_t task) {
  const PoolJob& job = *static_cast<const PoolJob*>(arg);
  const PoolShape& s = job.g.shape;
  const int64_t image = s.in[0] * s.in[1] * s.channels;
  for (int64_t n = job.count * task / job.tasks; n < job.count * (task + 1) / job.tasks; ++n) {
    __builtin_memset(static_cast<T*>(job.g.out) + n * image, 0,
                     static_cast<size_t>(image) * sizeof(T));
    each_window<T, Body>(job.g, n * s.out[0], (n + 1) * s.out[0]);
  }
}

template <class T, class Body>
void unpool(const void* args, const Context* ctx) {
  const PoolArgs& g = *static_cast<const PoolArgs*>(args);
  split(g, g.shape.batch, unpool_images<T, Body>, ctx);
}

// Windows side by side without padding: every element is written once.
bool side_by_side(const PoolArgs& g) {
  bool plain = !g.wide;
  for (int d = 0; d < 2; ++d)
    plain = plain && g.shape.before[d] == 0 && g.shape.stride[d] == g.shape.size[d] &&
            g.shape.out[d] * g.shape.size[d] <= g.shape.in[d];
  return plain;
}

PoolGrid grid_of(const PoolShape& s) {
  return {{s.size[0], s.size[1]}, s.out[0], s.out[1], s.channels, s.in[1] * s.channels};
}

template <class T, class Give>
FASTNN_INLINE void unpool_grids(const PoolJob& job, int64_t task, const Give& what) {
  const PoolShape& s = job.g.shape;
  PoolGrid grid = grid_of(s);
  const int64_t row = grid.row, used = s.out[1] * s.size[1] * s.channels;
  for (int64_t n = job.count * task / job.tasks; n < job.count * (task + 1) / job.tasks; ++n) {
    T* x = static_cast<T*>(job.g.out) + n * s.in[0] * row;
    grid.first = n * s.out[0] * s.out[1] * s.channels;
    unpool_grid(what, x, static_cast<const T*>(job.g.in), grid);
    for (int64_t r = 0; r < s.in[0]; ++r) {
      const int64_t covered = r < s.out[0] * s.size[0] ? used : 0;
      __builtin_memset(x + r * row + covered, 0, static_cast<size_t>(row - covered) * sizeof(T));
    }
  }
}

template <class T, class Take>
FASTNN_INLINE void pool_grids(const PoolJob& job, int64_t task, const Take& what) {
  const PoolShape& s = job.g.shape;
  PoolGrid grid = grid_of(s);
  for (int64_t n = job.count * task / job.tasks; n < job.count * (task + 1) / job.tasks; ++n) {
    grid.first = n * s.out[0] * s.out[1] * s.channels;
    pool_grid(what, static_cast<T*>(job.g.out),
              static_cast<const T*>(job.g.in) + n * s.in[0] * grid.row, grid);
  }
}

template <class T>
void max_pool_task(void* arg, int64_t task) {
  const PoolJob& job = *static_cast<const PoolJob*>(arg);
  pool_grids<T>(job, task, TakeLargest<T>{static_cast<uint8_t*>(job.g.index)});
}
template <class T>
void average_pool_task(void* arg, int64_t task) {
  pool_grids<T>(*static_cast<const PoolJob*>(arg), task, TakeMean<T>{});
}
template <class T>
void max_unpool_task(void* arg, int64_t task) {
  const PoolJob& job = *static_cast<const PoolJob*>(arg);
  unpool_grids<T>(job, task, GiveLargest<T>{static_cast<const uint8_t*>(job.g.places)});
}
template <class T>
void average_unpool_task(void* arg, int64_t task) {
  unpool_grids<T>(*static_cast<const PoolJob*>(arg), task, GiveMean<T>{});
}

// The windows of images by `task` where that may be, else one by one.
template <class T, class Body>
void pool_either_way(void (*task)(void*, int64_t), const void* args, const Context* ctx) {
  const PoolArgs& g = *static_cast<const PoolArgs*>(args);
  if (side_by_side(g) && g.shape.batch >= ctx->threads)
    split(g, g.shape.batch, task, ctx);
  else
    pool<T, Body>(args, ctx);
}
template <class T, class Body>
void unpool_either_way(void (*task)(void*, int64_t), const void* args, const Context* ctx) {
  const PoolArgs& g = *static_cast<const PoolArgs*>(args);
  if (side_by_side(g))
    split(g, g.shape.batch, task, ctx);
  else
    unpool<T, Body>(args, ctx);
}

template <class T>
void max_pool(const void* args, const Context* ctx) {
  pool_either_way<T, MaxPool<T>>(max_pool_task<T>, args, ctx);
}
template <class T>
void max_pool_grad(const void* args, const Context* ctx) {
  unpool_either_way<T, MaxPoolGrad<T>>(max_unpool_task<T>, args, ctx);
}
template <class T>
void average_pool(const void* args, const Context* ctx) {
  pool_either_way<T, AveragePool<T>>(average_pool_task<T>, args, ctx);
}
template <class T>
void average_pool_grad(const void* args, const Context* ctx) {
  unpool_either_way<T, AveragePoolGrad<T>>(average_unpool_task<T>, args, ctx);
}

#define FASTNN_FLOAT_KERNELS(id, ...)                       \
  {id, DType::f32, __VA_ARGS__<float>, nullptr, nullptr}, { \
    id, DType::f64, __VA_ARGS__<double>, nullptr, nullptr   \
  }
template <class T>
constexpr Kernel max_pool_take = pool<T, TakePool<T>>;

const Entry entries[] = {
    FASTNN_FLOAT_KERNELS("max_pool", max_pool),
    FASTNN_FLOAT_KERNELS("max_pool_grad", max_pool_grad),
    FASTNN_FLOAT_KERNELS("max_pool_take", max_pool_take),
    FASTNN_FLOAT_KERNELS("average_pool", average_pool),
    FASTNN_FLOAT_KERNELS("average_pool_grad", average_pool_grad),
};

}  // namespace

const EntryList pooling_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
