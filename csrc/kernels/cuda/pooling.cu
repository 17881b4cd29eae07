// Pooling and its gradients. A thread has an element of the result and gathers what belongs there,
// in the reference's order; neighbouring threads have neighbouring channels.
#include "kernels/cuda/lists.h"
#include "kernels/cuda/windows.h"
#include "kernels/pool.h"

namespace fastnn::kernels::cuda {
namespace {

struct Range {
  int64_t first, last;  // without the last
};

__device__ Range cut(int64_t first, int64_t last, int64_t length) {
  return {first < 0 ? 0 : first, last < length ? last : length};
}

// The elements of an axis that window i has.
__device__ Range inside(const PoolShape& s, int axis, int64_t i) {
  const int64_t first = i * s.stride[axis] - s.before[axis];
  return cut(first, first + s.size[axis], s.in[axis]);
}

// The windows of an axis that have element i.
__device__ Range holders(const PoolShape& s, int axis, int64_t i) {
  const int64_t place = i + s.before[axis], before_first = place - s.size[axis];
  const int64_t first = before_first < 0 ? 0 : quotient(before_first, s.stride[axis]) + 1;
  return cut(first, quotient(place, s.stride[axis]) + 1, s.out[axis]);
}

struct Element {
  int64_t n, i, j, c;
};

// Element e of an array [batch, rows[0], rows[1], channels].
__device__ Element element(const PoolShape& s, const int64_t* sides, int64_t e) {
  const int64_t pixel = quotient(e, s.channels), row = quotient(pixel, sides[1]);
  const int64_t n = quotient(row, sides[0]);
  return {n, row - n * sides[0], pixel - row * sides[1], e - pixel * s.channels};
}

__device__ int64_t offset(const PoolShape& s, const int64_t* sides, const Element& e, int64_t i,
                          int64_t j) {
  return ((e.n * sides[0] + i) * sides[1] + j) * s.channels + e.c;
}

// Of an element (h, w) of x in the window (i, j).
__device__ int64_t place(const PoolShape& s, int64_t i, int64_t j, int64_t h, int64_t w) {
  return (h - i * s.stride[0] + s.before[0]) * s.size[1] + w - j * s.stride[1] + s.before[1];
}

__device__ int64_t place_at(const PoolArgs& g, int64_t o) {
  return g.wide ? static_cast<const int32_t*>(g.places)[o]
                : static_cast<const uint8_t*>(g.places)[o];
}

struct MaxPool {
  template <class T>
  static __device__ T of(const PoolArgs& g, int64_t o) {
    const PoolShape& s = g.shape;
    const T* x = static_cast<const T*>(g.in);
    const Element e = element(s, s.out, o);
    const Range rows = inside(s, 0, e.i), cols = inside(s, 1, e.j);
    T best = 0;
    int64_t at = -1;
    for (int64_t h = rows.first; h < rows.last; ++h)
      for (int64_t w = cols.first; w < cols.last; ++w) {
        const T value = x[offset(s, s.in, e, h, w)];
        if (at >= 0 && !(value > best) && value == value) continue;
        best = value;
        at = place(s, e.i, e.j, h, w);
      }
    if (g.index && g.wide) static_cast<int32_t*>(g.index)[o] = static_cast<int32_t>(at);
    if (g.index && !g.wide) static_cast<uint8_t*>(g.index)[o] = static_cast<uint8_t>(at);
    return best;
  }
};

struct MaxPoolGrad {
  template <class T>
  static __device__ T of(const PoolArgs& g, int64_t x) {
    const PoolShape& s = g.shape;
    const Element e = element(s, s.in, x);
    const Range rows = holders(s, 0, e.i), cols = holders(s, 1, e.j);
    T sum = 0;
    for (int64_t i = rows.first; i < rows.last; ++i)
      for (int64_t j = cols.first; j < cols.last; ++j) {
        const int64_t o = offset(s, s.out, e, i, j);
        if (place_at(g, o) == place(s, i, j, e.i, e.j)) sum += static_cast<const T*>(g.in)[o];
      }
    return sum;
  }
};

struct MaxPoolTake {
  template <class T>
  static __device__ T of(const PoolArgs& g, int64_t o) {
    const PoolShape& s = g.shape;
    const Element e = element(s, s.out, o);
    const int64_t at = place_at(g, o), row = quotient(at, s.size[1]);
    const int64_t h = e.i * s.stride[0] - s.before[0] + row;
    const int64_t w = e.j * s.stride[1] - s.before[1] + at - row * s.size[1];
    if (row >= s.size[0] || h < 0 || h >= s.in[0] || w < 0 || w >= s.in[1]) return 0;
    return static_cast<const T*>(g.in)[offset(s, s.in, e, h, w)];
  }
};

// Elements of x in the window (i, j).
template <class T>
__device__ T count(const PoolShape& s, int64_t i, int64_t j) {
  const Range rows = inside(s, 0, i), cols = inside(s, 1, j);
  return static_cast<T>((rows.last - rows.first) * (cols.last - cols.first));
}

struct AveragePool {
  template <class T>
  static __device__ T of(const PoolArgs& g, int64_t o) {
    const PoolShape& s = g.shape;
    const Element e = element(s, s.out, o);
    const Range rows = inside(s, 0, e.i), cols = inside(s, 1, e.j);
    T sum = 0;
    for (int64_t h = rows.first; h < rows.last; ++h)
      for (int64_t w = cols.first; w < cols.last; ++w)
        sum += static_cast<const T*>(g.in)[offset(s, s.in, e, h, w)];
    return sum / count<T>(s, e.i, e.j);
  }
};

struct AveragePoolGrad {
  template <class T>
  static __device__ T of(const PoolArgs& g, int64_t x) {
    const PoolShape& s = g.shape;
    const Element e = element(s, s.in, x);
    const Range rows = holders(s, 0, e.i), cols = holders(s, 1, e.j);
    T sum = 0;
    for (int64_t i = rows.first; i < rows.last; ++i)
      for (int64_t j = cols.first; j < cols.last; ++j)
        sum += static_cast<const T*>(g.in)[offset(s, s.out, e, i, j)] / count<T>(s, i, j);
    return sum;
  }
};

template <class T, class Op>
__device__ void pool_elements(const Grid& grid, const PoolArgs& g, int64_t n) {
  for (int64_t e = grid.first_index(); e < n; e += grid.all_threads())
    static_cast<T*>(g.out)[e] = Op::template of<T>(g, e);
}

template <class T, class Op, bool kLikeInput>
void pool(const void* args, const Context* ctx) {
  const auto& g = *static_cast<const PoolArgs*>(args);
  const int64_t* sides = kLikeInput ? g.shape.in : g.shape.out;
  const int64_t n = g.shape.batch * sides[0] * sides[1] * g.shape.channels;
  launch<pool_elements<T, Op>>(ctx, blocks_for(n), kThreads, g, n);
}

#define FASTNN_POOL(id, Op, like_input)                              \
  {id, DType::f32, pool<float, Op, like_input>, nullptr, nullptr}, { \
    id, DType::f64, pool<double, Op, like_input>, nullptr, nullptr   \
  }

const Entry kEntries[] = {
    FASTNN_POOL("max_pool", MaxPool, false),
    FASTNN_POOL("max_pool_grad", MaxPoolGrad, true),
    FASTNN_POOL("max_pool_take", MaxPoolTake, false),
    FASTNN_POOL("average_pool", AveragePool, false),
    FASTNN_POOL("average_pool_grad", AveragePoolGrad, true),
};

}  // namespace

const EntryList pooling_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
