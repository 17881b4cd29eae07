// The update rules of the optimizers on vectors. The formulas and their order of operations are
// those of the reference kernels (reference/optimizer.cpp, with their sources); every operation is
// rounded once and alone, so that float and double updates have the same bits on every ISA.
#pragma once
#include "kernels/cpu/simd.h"
#include "kernels/kernels.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// The first n lanes at some place of an array; all of them where not kTail.
template <class T, bool kTail>
struct Lanes {
  int64_t at, n;
  FASTNN_INLINE vec<T> get(const void* p) const {
    const T* from = static_cast<const T*>(p) + at;
    return kTail ? load_first(from, n) : load(from);
  }
  FASTNN_INLINE void put(void* p, vec<T> v) const {
    T* to = static_cast<T*>(p) + at;
    if (kTail)
      store_first(to, v, n);
    else
      store(to, v);
  }
};

// Two numbers that are worked on side by side.
typedef double Pair __attribute__((vector_size(16)));
typedef int64_t PairBits __attribute__((vector_size(16)));

// a^n and b^n for 0 <= a, b < 1 and n > 0, by squaring: within an ULP for each bit of n. Powers
// below exp(-60) count as 0, since all that is wanted is 1 minus the power, and products that
// underflow take hundreds of cycles. No branches on the bits of n: no processor foresees them.
FASTNN_INLINE Pair powers(double a, double b, int64_t n) {
  const Pair one = {1, 1};
  Pair result = one, base = {(1 - a) * n > 60 ? 0 : a, (1 - b) * n > 60 ? 0 : b};
  for (; n > 0; n >>= 1) {
    const PairBits bit = {-(n & 1), -(n & 1)};
    result *= (Pair)(((PairBits)base & bit) | ((PairBits)one & ~bit));
    base *= base;
  }
  return result;
}

// What a rule is made from; t counts this update.
struct StepOf {
  const double* hyper;
  double* state;
  int64_t t;
};

// A rule maps (p, g, rate) to the new p, and updates the slots; rest* stands for 1 - beta.
template <class T>
struct Sgd {
  T momentum;
  bool has_momentum, nesterov;
  explicit Sgd(const StepOf& s)
      : momentum(static_cast<T>(s.hyper[0])),
        has_momentum(s.hyper[0] != 0),
        nesterov(s.hyper[1] != 0) {}
  template <class L>
  FASTNN_INLINE vec<T> operator()(vec<T> p, vec<T> g, vec<T> rate, const Segment& s, L at) const {
    if (!has_momentum) return p - g * rate;
    const vec<T> m = at.get(s.slot[0]) * set<T>(momentum) - g * rate;
    at.put(s.slot[0], m);
    return nesterov ? p + (m * set<T>(momentum) - g * rate) : p + m;
  }
};

template <class T>
struct RmsProp {
  T rho, rest, momentum, epsilon;
  bool has_momentum, centered;
  explicit RmsProp(const StepOf& s)
      : rho(static_cast<T>(s.hyper[0])),
        rest(static_cast<T>(1 - s.hyper[0])),
        momentum(static_cast<T>(s.hyper[1])),
        epsilon(static_cast<T>(s.hyper[2])),
        has_momentum(s.hyper[1] > 0),
        centered(s.hyper[3] != 0) {}
  template <class L>
  FASTNN_INLINE vec<T> operator()(vec<T> p, vec<T> g, vec<T> rate, const Segment& s, L at) const {
    const vec<T> v = set<T>(rho) * at.get(s.slot[0]) + set<T>(rest) * (g * g);
    at.put(s.slot[0], v);
    vec<T> d = v;
    if (centered) {
      const vec<T> a = set<T>(rho) * at.get(s.slot[2]) + set<T>(rest) * g;
      at.put(s.slot[2], a);
      d = v - a * a;
    }
    vec<T> u = rate * g / sqrt(d + set<T>(epsilon));
    if (has_momentum) {
      u = set<T>(momentum) * at.get(s.slot[1]) + u;
      at.put(s.slot[1], u);
    }
    return p - u;
  }
};

template <class T>
struct Adam {
  T rest1, rest2, epsilon;
  double correction;
  bool amsgrad;
  explicit Adam(const StepOf& s)
      : rest1(static_cast<T>(1 - s.hyper[0])),
        rest2(static_cast<T>(1 - s.hyper[1])),
        epsilon(static_cast<T>(s.hyper[2])),
        amsgrad(s.hyper[3] != 0) {
    const Pair beta = powers(s.hyper[0], s.hyper[1], s.t);
    correction = __builtin_sqrt(1 - beta[1]) / (1 - beta[0]);
  }
  template <class L>
  FASTNN_INLINE vec<T> operator()(vec<T> p, vec<T> g, vec<T> rate, const Segment& s, L at) const {
    // All lanes of rate are equal: the step size is worked out once, in double.
    const vec<T> alpha = set<T>(static_cast<T>(rate[0] * correction));
    vec<T> m = at.get(s.slot[0]), v = at.get(s.slot[1]);
    m = m + (g - m) * set<T>(rest1);
    v = v + (g * g - v) * set<T>(rest2);
    at.put(s.slot[0], m);
    at.put(s.slot[1], v);
    if (amsgrad) {
      const vec<T> w = at.get(s.slot[2]);
      v = select(w < v, v, w);
      at.put(s.slot[2], v);
    }
    return p - m * alpha / (sqrt(v) + set<T>(epsilon));
  }
};

template <class T>
struct Adamax {
  T rest1, beta2, epsilon, correction;
  explicit Adamax(const StepOf& s)
      : rest1(static_cast<T>(1 - s.hyper[0])),
        beta2(static_cast<T>(s.hyper[1])),
        epsilon(static_cast<T>(s.hyper[2])),
        correction(static_cast<T>(1 - powers(s.hyper[0], 0, s.t)[0])) {}
  template <class L>
  FASTNN_INLINE vec<T> operator()(vec<T> p, vec<T> g, vec<T> rate, const Segment& s, L at) const {
    vec<T> m = at.get(s.slot[0]), u = set<T>(beta2) * at.get(s.slot[1]);
    m = m + (g - m) * set<T>(rest1);
    u = select(u < abs(g), abs(g), u);
    at.put(s.slot[0], m);
    at.put(s.slot[1], u);
    return p - rate * m / (set<T>(correction) * (u + set<T>(epsilon)));
  }
};

template <class T>
struct Nadam {
  T rest1, rest2, epsilon, next, next_rest, now, now_rest, v_rest;
  explicit Nadam(const StepOf& s)
      : rest1(static_cast<T>(1 - s.hyper[0])),
        rest2(static_cast<T>(1 - s.hyper[1])),
        epsilon(static_cast<T>(s.hyper[2])) {
    const Pair power = powers(0.96, s.hyper[1], s.t);
    const double c = s.hyper[0] * (1 - 0.5 * power[0]);
    const double c_next = s.hyper[0] * (1 - 0.5 * (power[0] * 0.96));
    const double product = *s.state *= c;
    next = static_cast<T>(c_next);
    next_rest = static_cast<T>(1 - product * c_next);
    now = static_cast<T>(1 - c);
    now_rest = static_cast<T>(1 - product);
    v_rest = static_cast<T>(1 - power[1]);
  }
  template <class L>
  FASTNN_INLINE vec<T> operator()(vec<T> p, vec<T> g, vec<T> rate, const Segment& s, L at) const {
    vec<T> m = at.get(s.slot[0]), v = at.get(s.slot[1]);
    m = m + (g - m) * set<T>(rest1);
    v = v + (g * g - v) * set<T>(rest2);
    at.put(s.slot[0], m);
    at.put(s.slot[1], v);
    const vec<T> m_hat = set<T>(next) * m / set<T>(next_rest) + set<T>(now) * g / set<T>(now_rest);
    return p - m_hat * rate / (sqrt(v / set<T>(v_rest)) + set<T>(epsilon));
  }
};

template <class T>
struct Adagrad {
  T epsilon;
  explicit Adagrad(const StepOf& s) : epsilon(static_cast<T>(s.hyper[0])) {}
  template <class L>
  FASTNN_INLINE vec<T> operator()(vec<T> p, vec<T> g, vec<T> rate, const Segment& s, L at) const {
    const vec<T> a = at.get(s.slot[0]) + g * g;
    at.put(s.slot[0], a);
    return p - rate * g / sqrt(a + set<T>(epsilon));
  }
};

template <class T>
struct Adadelta {
  T rho, rest, epsilon;
  explicit Adadelta(const StepOf& s)
      : rho(static_cast<T>(s.hyper[0])),
        rest(static_cast<T>(1 - s.hyper[0])),
        epsilon(static_cast<T>(s.hyper[1])) {}
  template <class L>
  FASTNN_INLINE vec<T> operator()(vec<T> p, vec<T> g, vec<T> rate, const Segment& s, L at) const {
    const vec<T> e = set<T>(epsilon), a = set<T>(rho) * at.get(s.slot[0]) + set<T>(rest) * (g * g);
    vec<T> x = at.get(s.slot[1]);
    const vec<T> d = -(sqrt(x + e) * g / sqrt(a + e));
    x = set<T>(rho) * x + set<T>(rest) * (d * d);
    at.put(s.slot[0], a);
    at.put(s.slot[1], x);
    return p + rate * d;
  }
};

template <class T>
struct Lion {
  T beta1, rest1, beta2, rest2;
  explicit Lion(const StepOf& s)
      : beta1(static_cast<T>(s.hyper[0])),
        rest1(1 - beta1),
        beta2(static_cast<T>(s.hyper[1])),
        rest2(1 - beta2) {}
  template <class L>
  FASTNN_INLINE vec<T> operator()(vec<T> p, vec<T> g, vec<T> rate, const Segment& s, L at) const {
    const vec<T> m = at.get(s.slot[0]), zeros = zero<T>();
    const vec<T> c = m * set<T>(beta1) + g * set<T>(rest1);
    at.put(s.slot[0], m * set<T>(beta2) + g * set<T>(rest2));
    const vec<T> sign = select(c > zeros, set<T>(1), select(c < zeros, set<T>(-1), zeros));
    return p - rate * select(c != c, c, sign);
  }
};

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
