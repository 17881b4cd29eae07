// Optimizers: the formulas of the reference (kernels/reference/optimizer.cpp says them and their
// sources), operation for operation.
#pragma once
#include <cmath>

#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

constexpr int kSegments = 40;

struct Update {
  DeviceState* device;
  const void* rate;
  const int64_t* step;
  double* state;
  double hyper[6];
  int32_t count;
  Segment segments[kSegments];
};
static_assert(sizeof(Update) <= 4096);

template <class T>
__device__ T& slot(const Segment& s, int k, int64_t i) {
  return static_cast<T*>(s.slot[k])[i];
}
template <class T>
__device__ T larger(T a, T b) {
  return a < b ? b : a;
}

// Each rule: what it works out once from the hyperparameters h and the number t of the update, in
// double; then an element.
template <class T>
struct Sgd {
  T momentum;
  bool has_momentum, nesterov;
  __device__ Sgd(const double* h, double, const double*)
      : momentum(static_cast<T>(h[0])), has_momentum(h[0] != 0), nesterov(h[1] != 0) {}
  __device__ T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    if (!has_momentum) return p - g * rate;
    T& m = slot<T>(s, 0, i);
    m = m * momentum - g * rate;
    return nesterov ? p + (m * momentum - g * rate) : p + m;
  }
};

template <class T>
struct RmsProp {
  T rho, rest, momentum, epsilon;
  bool has_momentum, centered;
  __device__ RmsProp(const double* h, double, const double*)
      : rho(static_cast<T>(h[0])),
        rest(static_cast<T>(1 - h[0])),
        momentum(static_cast<T>(h[1])),
        epsilon(static_cast<T>(h[2])),
        has_momentum(h[1] > 0),
        centered(h[3] != 0) {}
  __device__ T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& v = slot<T>(s, 0, i);
    v = rho * v + rest * (g * g);
    T d = v;
    if (centered) {
      T& a = slot<T>(s, 2, i);
      a = rho * a + rest * g;
      d = v - a * a;
    }
    T u = rate * g / std::sqrt(d + epsilon);
    if (has_momentum) {
      T& m = slot<T>(s, 1, i);
      u = m = momentum * m + u;
    }
    return p - u;
  }
};

template <class T>
struct Adam {
  T rest1, rest2, epsilon;
  double correction;
  bool amsgrad;
  __device__ Adam(const double* h, double t, const double*)
      : rest1(static_cast<T>(1 - h[0])),
        rest2(static_cast<T>(1 - h[1])),
        epsilon(static_cast<T>(h[2])),
        correction(std::sqrt(1 - std::pow(h[1], t)) / (1 - std::pow(h[0], t))),
        amsgrad(h[3] != 0) {}
  __device__ T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& m = slot<T>(s, 0, i);
    T& v = slot<T>(s, 1, i);
    const T alpha = static_cast<T>(rate * correction);
    m = m + (g - m) * rest1;
    v = v + (g * g - v) * rest2;
    T d = v;
    if (amsgrad) {
      T& w = slot<T>(s, 2, i);
      d = w = larger(w, v);
    }
    return p - m * alpha / (std::sqrt(d) + epsilon);
  }
};

template <class T>
struct Adamax {
  T rest1, beta2, epsilon, correction;
  __device__ Adamax(const double* h, double t, const double*)
      : rest1(static_cast<T>(1 - h[0])),
        beta2(static_cast<T>(h[1])),
        epsilon(static_cast<T>(h[2])),
        correction(static_cast<T>(1 - std::pow(h[0], t))) {}
  __device__ T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& m = slot<T>(s, 0, i);
    T& u = slot<T>(s, 1, i);
    m = m + (g - m) * rest1;
    u = larger(beta2 * u, std::fabs(g));
    return p - rate * m / (correction * (u + epsilon));
  }
};

// The running product in `state` is read here and written by advance_nadam, after all have read.
__device__ inline double nadam_momentum(const double* h, double t) {
  return h[0] * (1 - 0.5 * std::pow(0.96, t));
}
template <class T>
struct Nadam {
  T rest1, rest2, epsilon, next, next_rest, now, now_rest, v_rest;
  __device__ Nadam(const double* h, double t, const double* state)
      : rest1(static_cast<T>(1 - h[0])),
        rest2(static_cast<T>(1 - h[1])),
        epsilon(static_cast<T>(h[2])) {
    const double c = nadam_momentum(h, t), c_next = nadam_momentum(h, t + 1);
    const double product = *state * c;
    next = static_cast<T>(c_next);
    next_rest = static_cast<T>(1 - product * c_next);
    now = static_cast<T>(1 - c);
    now_rest = static_cast<T>(1 - product);
    v_rest = static_cast<T>(1 - std::pow(h[1], t));
  }
  __device__ T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& m = slot<T>(s, 0, i);
    T& v = slot<T>(s, 1, i);
    m = m + (g - m) * rest1;
    v = v + (g * g - v) * rest2;
    const T m_hat = next * m / next_rest + now * g / now_rest;
    return p - m_hat * rate / (std::sqrt(v / v_rest) + epsilon);
  }
};

template <class T>
struct Adagrad {
  T epsilon;
  __device__ Adagrad(const double* h, double, const double*) : epsilon(static_cast<T>(h[0])) {}
  __device__ T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& a = slot<T>(s, 0, i);
    a = a + g * g;
    return p - rate * g / std::sqrt(a + epsilon);
  }
};

template <class T>
struct Adadelta {
  T rho, rest, epsilon;
  __device__ Adadelta(const double* h, double, const double*)
      : rho(static_cast<T>(h[0])), rest(static_cast<T>(1 - h[0])), epsilon(static_cast<T>(h[1])) {}
  __device__ T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& a = slot<T>(s, 0, i);
    T& x = slot<T>(s, 1, i);
    a = rho * a + rest * (g * g);
    const T d = -(std::sqrt(x + epsilon) * g / std::sqrt(a + epsilon));
    x = rho * x + rest * (d * d);
    return p + rate * d;
  }
};

template <class T>
struct Lion {
  T beta1, rest1, beta2, rest2;
  __device__ Lion(const double* h, double, const double*)
      : beta1(static_cast<T>(h[0])),
        rest1(1 - beta1),
        beta2(static_cast<T>(h[1])),
        rest2(1 - beta2) {}
  __device__ T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& m = slot<T>(s, 0, i);
    const T c = m * beta1 + g * rest1;
    m = m * beta2 + g * rest2;
    const T sign = c != c ? c : T(c > 0) - T(c < 0);
    return p - rate * sign;
  }
};

// The rule as one thread of the block works it out: powers in double cost as much as many elements.
template <class T, template <class> class Rule>
__device__ Rule<T> shared_rule(const Grid& grid, const double* hyper, const int64_t* step,
                               const double* state) {
  FASTNN_SHARED(memory, char[sizeof(Rule<T>)]);
  if (grid.thread == 0)
    *reinterpret_cast<Rule<T>*>(memory) = Rule<T>(hyper, static_cast<double>(*step + 1), state);
  grid.sync();
  return *reinterpret_cast<const Rule<T>*>(memory);
}

template <class T>
__device__ T rate_of(const Segment& s, const void* rate) {
  return static_cast<T>(s.rate_scale * *static_cast<const T*>(rate));
}

// Decoupled weight decay comes before the update.
template <class T, class Rule>
__device__ void update_element(const Segment& s, const Rule& rule, T rate, int64_t i) {
  T* param = static_cast<T*>(s.param);
  const T p = param[i];
  const T decayed = s.decay != 0 ? p - p * static_cast<T>(s.decay) * rate : p;
  param[i] = rule(decayed, static_cast<const T*>(s.grad)[i], rate, s, i);
}

// grid.block.y is the segment.
template <class T, template <class> class Rule>
__device__ void optimize(const Grid& grid, const Update& u) {
  const Segment& s = u.segments[grid.block.y];
  if (int64_t{grid.block.x} * grid.threads >= s.length || spoiled(u.device)) return;
  const Rule<T> rule = shared_rule<T, Rule>(grid, u.hyper, u.step, u.state);
  const T rate = rate_of<T>(s, u.rate);
  for (int64_t i = grid.first_index(); i < s.length; i += grid.all_threads())
    update_element(s, rule, rate, i);
}

// What comes before update_all.
template <class T, template <class> class Rule>
__device__ void prepare_update(const Grid& grid, Rule<T>* rule, const Update& u) {
  if (grid.first_index() == 0) *rule = Rule<T>(u.hyper, static_cast<double>(*u.step + 1), u.state);
}

// The n elements of all segments. A thread's own follow each other, so most are of the same one.
template <class T, template <class> class Rule>
__device__ void update_all(const Grid& grid, const Rule<T>* shared, int64_t n, const Update& u) {
  if (spoiled(u.device)) return;
  const Rule<T>& rule = *shared;  // no copy: it would read what pads it
  int k = -1;
  int64_t begin = 0, end = 0;
  T rate = 0;
  for (int64_t e = grid.first_index(); e < n; e += grid.all_threads()) {
    if (e >= end) {
      while (e >= end) {
        begin = end;
        end += u.segments[++k].length;
      }
      rate = rate_of<T>(u.segments[k], u.rate);
    }
    update_element(u.segments[k], rule, rate, e - begin);
  }
}

__device__ inline void advance_nadam(const Grid& grid, const Update& u) {
  if (grid.first_index() != 0 || spoiled(u.device)) return;
  *u.state *= nadam_momentum(u.hyper, static_cast<double>(*u.step + 1));
}

}  // namespace fastnn::kernels::cuda
