// Pooling and its gradients: the specification.
#include "kernels/pool.h"
#include "kernels/reference/lists.h"

namespace fastnn::kernels::reference {
namespace {

// Calls f(x offset, place) for the elements of a window inside x; o numbers the elements of y.
template <class F>
void each_element(const PoolShape& s, int64_t o, F f) {
  const int64_t c = o % s.channels, w = o / s.channels;
  const int64_t j = w % s.out[1] * s.stride[1] - s.before[1];
  const int64_t i = w / s.out[1] % s.out[0] * s.stride[0] - s.before[0];
  const int64_t n = w / s.out[1] / s.out[0];
  for (int64_t p = 0; p < s.size[0]; ++p)
    for (int64_t q = 0; q < s.size[1]; ++q)
      if (i + p >= 0 && i + p < s.in[0] && j + q >= 0 && j + q < s.in[1])
        f(((n * s.in[0] + i + p) * s.in[1] + j + q) * s.channels + c, p * s.size[1] + q);
}

int64_t results(const PoolShape& s) { return s.batch * s.out[0] * s.out[1] * s.channels; }

int64_t place_of(const PoolArgs& g, int64_t o) {
  return g.wide ? static_cast<const int32_t*>(g.places)[o]
                : static_cast<const uint8_t*>(g.places)[o];
}

// The element of x that a place means; -1 for one outside.
int64_t element_at(const PoolArgs& g, int64_t o) {
  int64_t at = -1;
  const int64_t wanted = place_of(g, o);
  each_element(g.shape, o, [&](int64_t x, int64_t place) { at = place == wanted ? x : at; });
  return at;
}

template <class T>
void max_pool(const void* args, const Context*) {
  const PoolArgs& g = *static_cast<const PoolArgs*>(args);
  const T* x = static_cast<const T*>(g.in);
  for (int64_t o = 0; o < results(g.shape); ++o) {
    T best = 0;
    int64_t at = -1;
    each_element(g.shape, o, [&](int64_t i, int64_t place) {
      if (at >= 0 && !(x[i] > best) && x[i] == x[i]) return;
      best = x[i];
      at = place;
    });
    static_cast<T*>(g.out)[o] = best;
    if (!g.index) continue;
    if (g.wide)
      static_cast<int32_t*>(g.index)[o] = static_cast<int32_t>(at);
    else
      static_cast<uint8_t*>(g.index)[o] = static_cast<uint8_t>(at);
  }
}

template <class T>
void zero(const PoolArgs& g) {
  const PoolShape& s = g.shape;
  T* out = static_cast<T*>(g.out);
  for (int64_t i = 0; i < s.batch * s.in[0] * s.in[1] * s.channels; ++i) out[i] = 0;
}

template <class T>
void max_pool_grad(const void* args, const Context*) {
  const PoolArgs& g = *static_cast<const PoolArgs*>(args);
  zero<T>(g);
  for (int64_t o = 0; o < results(g.shape); ++o) {
    const int64_t at = element_at(g, o);
    if (at >= 0) static_cast<T*>(g.out)[at] += static_cast<const T*>(g.in)[o];
  }
}

template <class T>
void max_pool_take(const void* args, const Context*) {
  const PoolArgs& g = *static_cast<const PoolArgs*>(args);
  for (int64_t o = 0; o < results(g.shape); ++o) {
    const int64_t at = element_at(g, o);
    static_cast<T*>(g.out)[o] = at >= 0 ? static_cast<const T*>(g.in)[at] : T(0);
  }
}

int64_t count_of(const PoolShape& s, int64_t o) {
  int64_t count = 0;
  each_element(s, o, [&](int64_t, int64_t) { ++count; });
  return count;
}

template <class T>
void average_pool(const void* args, const Context*) {
  const PoolArgs& g = *static_cast<const PoolArgs*>(args);
  for (int64_t o = 0; o < results(g.shape); ++o) {
    T sum = 0;
    each_element(g.shape, o, [&](int64_t i, int64_t) { sum += static_cast<const T*>(g.in)[i]; });
    static_cast<T*>(g.out)[o] = sum / static_cast<T>(count_of(g.shape, o));
  }
}

template <class T>
void average_pool_grad(const void* args, const Context*) {
  const PoolArgs& g = *static_cast<const PoolArgs*>(args);
  zero<T>(g);
  for (int64_t o = 0; o < results(g.shape); ++o) {
    const T share = static_cast<const T*>(g.in)[o] / static_cast<T>(count_of(g.shape, o));
    each_element(g.shape, o, [&](int64_t i, int64_t) { static_cast<T*>(g.out)[i] += share; });
  }
}

#define FASTNN_FLOAT_KERNELS(id, f) \
  {id, DType::f32, f<float>, nullptr, nullptr}, { id, DType::f64, f<double>, nullptr, nullptr }

const Entry entries[] = {
    FASTNN_FLOAT_KERNELS("max_pool", max_pool),
    FASTNN_FLOAT_KERNELS("max_pool_grad", max_pool_grad),
    FASTNN_FLOAT_KERNELS("max_pool_take", max_pool_take),
    FASTNN_FLOAT_KERNELS("average_pool", average_pool),
    FASTNN_FLOAT_KERNELS("average_pool_grad", average_pool_grad),
};

}  // namespace

const EntryList pooling_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::reference
