// Optimizers: the specification. The formulas and their order of operations are those of Keras 3
// (keras.optimizers), so that float64 runs agree with it to rounding; t is the number of this
// update, from 1. Arithmetic is in the variable's type; what depends on the step only is
// worked out in double and rounded once.
#include <algorithm>
#include <cmath>

#include "kernels/reference/lists.h"
#include "kernels/reference/loops.h"

namespace fastnn::kernels::reference {
namespace {

// The values of one update that are the same for every element.
template <class T>
struct Step {
  const OptimizerArgs& args;
  double t;

  double hyper(int i) const { return args.hyper[i]; }
  T rate(const Segment& s) const {
    return static_cast<T>(s.rate_scale * *static_cast<const T*>(args.rate));
  }
};

// Decoupled weight decay comes before the update: p = p - p * decay * rate.
template <class T>
T decayed(T p, const Segment& s, T rate) {
  return s.decay != 0 ? p - p * static_cast<T>(s.decay) * rate : p;
}

// momentum 0: p -= rate g. Else: m = momentum m - rate g; p += m, or with Nesterov's look-ahead
// p += momentum m - rate g.
template <class T>
struct Sgd {
  T momentum;
  bool has_momentum, nesterov;
  explicit Sgd(const Step<T>& step)
      : momentum(static_cast<T>(step.hyper(0))),
        has_momentum(step.hyper(0) != 0),
        nesterov(step.hyper(1) != 0) {}
  T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    if (!has_momentum) return p - g * rate;
    T& m = static_cast<T*>(s.slot[0])[i];
    m = m * momentum - g * rate;
    return nesterov ? p + (m * momentum - g * rate) : p + m;
  }
};

// v = rho v + (1 - rho) g^2; centered: a = rho a + (1 - rho) g, d = v - a^2 + epsilon, else
// d = v + epsilon; u = rate g / sqrt(d); with momentum: m = momentum m + u, p -= m, else p -= u.
// Source: Hinton, Srivastava, Swersky, lecture 6e, 2012; centered: Graves, arXiv 1308.0850.
template <class T>
struct RmsProp {
  T rho, rest, momentum, epsilon;
  bool has_momentum, centered;
  explicit RmsProp(const Step<T>& step)
      : rho(static_cast<T>(step.hyper(0))),
        rest(static_cast<T>(1 - step.hyper(0))),
        momentum(static_cast<T>(step.hyper(1))),
        epsilon(static_cast<T>(step.hyper(2))),
        has_momentum(step.hyper(1) > 0),
        centered(step.hyper(3) != 0) {}
  T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& v = static_cast<T*>(s.slot[0])[i];
    v = rho * v + rest * (g * g);
    T d = v;
    if (centered) {
      T& a = static_cast<T*>(s.slot[2])[i];
      a = rho * a + rest * g;
      d = v - a * a;
    }
    T u = rate * g / std::sqrt(d + epsilon);
    if (has_momentum) {
      T& m = static_cast<T*>(s.slot[1])[i];
      u = m = momentum * m + u;
    }
    return p - u;
  }
};

// m += (g - m)(1 - b1); v += (g^2 - v)(1 - b2); amsgrad: v = w = max(w, v);
// p -= m alpha / (sqrt(v) + epsilon), alpha = rate sqrt(1 - b2^t) / (1 - b1^t).
// Source: Kingma and Ba, arXiv 1412.6980; amsgrad: Reddi, Kale, Kumar, ICLR 2018.
template <class T>
struct Adam {
  T rest1, rest2, epsilon;
  double correction;
  bool amsgrad;
  explicit Adam(const Step<T>& step)
      : rest1(static_cast<T>(1 - step.hyper(0))),
        rest2(static_cast<T>(1 - step.hyper(1))),
        epsilon(static_cast<T>(step.hyper(2))),
        correction(std::sqrt(1 - std::pow(step.hyper(1), step.t)) /
                   (1 - std::pow(step.hyper(0), step.t))),
        amsgrad(step.hyper(3) != 0) {}
  T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& m = static_cast<T*>(s.slot[0])[i];
    T& v = static_cast<T*>(s.slot[1])[i];
    const T alpha = static_cast<T>(rate * correction);
    m = m + (g - m) * rest1;
    v = v + (g * g - v) * rest2;
    T d = v;
    if (amsgrad) {
      T& w = static_cast<T*>(s.slot[2])[i];
      d = w = std::max(w, v);
    }
    return p - m * alpha / (std::sqrt(d) + epsilon);
  }
};

// m += (g - m)(1 - b1); u = max(b2 u, |g|); p -= rate m / ((1 - b1^t)(u + epsilon)).
// Source: Kingma and Ba, arXiv 1412.6980, section 7.1.
template <class T>
struct Adamax {
  T rest1, beta2, epsilon, correction;
  explicit Adamax(const Step<T>& step)
      : rest1(static_cast<T>(1 - step.hyper(0))),
        beta2(static_cast<T>(step.hyper(1))),
        epsilon(static_cast<T>(step.hyper(2))),
        correction(static_cast<T>(1 - std::pow(step.hyper(0), step.t))) {}
  T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& m = static_cast<T*>(s.slot[0])[i];
    T& u = static_cast<T*>(s.slot[1])[i];
    m = m + (g - m) * rest1;
    u = std::max(beta2 * u, std::fabs(g));
    return p - rate * m / (correction * (u + epsilon));
  }
};

// c_t = b1 (1 - 0.5 * 0.96^t); C = C c_t (kept in state); m, v as Adam's;
// p -= rate (c_(t+1) m / (1 - C c_(t+1)) + (1 - c_t) g / (1 - C)) / (sqrt(v / (1 - b2^t)) + eps).
// Source: Dozat, ICLR 2016 workshop.
template <class T>
struct Nadam {
  T rest1, rest2, epsilon, next, next_rest, now, now_rest, v_rest;
  explicit Nadam(const Step<T>& step)
      : rest1(static_cast<T>(1 - step.hyper(0))),
        rest2(static_cast<T>(1 - step.hyper(1))),
        epsilon(static_cast<T>(step.hyper(2))) {
    const double c = step.hyper(0) * (1 - 0.5 * std::pow(0.96, step.t));
    const double c_next = step.hyper(0) * (1 - 0.5 * std::pow(0.96, step.t + 1));
    const double product = *step.args.state *= c;
    next = static_cast<T>(c_next);
    next_rest = static_cast<T>(1 - product * c_next);
    now = static_cast<T>(1 - c);
    now_rest = static_cast<T>(1 - product);
    v_rest = static_cast<T>(1 - std::pow(step.hyper(1), step.t));
  }
  T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& m = static_cast<T*>(s.slot[0])[i];
    T& v = static_cast<T*>(s.slot[1])[i];
    m = m + (g - m) * rest1;
    v = v + (g * g - v) * rest2;
    const T m_hat = next * m / next_rest + now * g / now_rest;
    return p - m_hat * rate / (std::sqrt(v / v_rest) + epsilon);
  }
};

// a += g^2; p -= rate g / sqrt(a + epsilon). Source: Duchi, Hazan, Singer, JMLR 12, 2011.
template <class T>
struct Adagrad {
  T epsilon;
  explicit Adagrad(const Step<T>& step) : epsilon(static_cast<T>(step.hyper(0))) {}
  T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& a = static_cast<T*>(s.slot[0])[i];
    a = a + g * g;
    return p - rate * g / std::sqrt(a + epsilon);
  }
};

// a = rho a + (1 - rho) g^2; d = -sqrt(x + epsilon) g / sqrt(a + epsilon);
// x = rho x + (1 - rho) d^2; p += rate d. Source: Zeiler, arXiv 1212.5701.
template <class T>
struct Adadelta {
  T rho, rest, epsilon;
  explicit Adadelta(const Step<T>& step)
      : rho(static_cast<T>(step.hyper(0))),
        rest(static_cast<T>(1 - step.hyper(0))),
        epsilon(static_cast<T>(step.hyper(1))) {}
  T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& a = static_cast<T*>(s.slot[0])[i];
    T& x = static_cast<T*>(s.slot[1])[i];
    a = rho * a + rest * (g * g);
    const T d = -(std::sqrt(x + epsilon) * g / std::sqrt(a + epsilon));
    x = rho * x + rest * (d * d);
    return p + rate * d;
  }
};

// p -= rate sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g. Source: Chen et al., arXiv 2302.06675.
template <class T>
struct Lion {
  T beta1, rest1, beta2, rest2;
  explicit Lion(const Step<T>& step)
      : beta1(static_cast<T>(step.hyper(0))),
        rest1(1 - beta1),
        beta2(static_cast<T>(step.hyper(1))),
        rest2(1 - beta2) {}
  T operator()(T p, T g, T rate, const Segment& s, int64_t i) const {
    T& m = static_cast<T*>(s.slot[0])[i];
    const T c = m * beta1 + g * rest1;
    m = m * beta2 + g * rest2;
    const T sign = c != c ? c : T(c > 0) - T(c < 0);
    return p - rate * sign;
  }
};

template <class T, template <class> class Rule>
void optimize(const void* p, const Context*) {
  const auto& args = *static_cast<const OptimizerArgs*>(p);
  const Step<T> step = {args, static_cast<double>(*args.step + 1)};
  const Rule<T> rule(step);
  for (int64_t k = 0; k < args.count; ++k) {
    const Segment& s = args.segments[k];
    const T rate = step.rate(s);
    T* param = static_cast<T*>(s.param);
    const T* grad = static_cast<const T*>(s.grad);
    for (int64_t i = 0; i < s.length; ++i)
      param[i] = rule(decayed(param[i], s, rate), grad[i], rate, s, i);
  }
}

#define FASTNN_RULE(id, Rule) \
  entry(id, DType::f32, optimize<float, Rule>), entry(id, DType::f64, optimize<double, Rule>)

const Entry kEntries[] = {
    FASTNN_RULE("sgd", Sgd),           FASTNN_RULE("rmsprop", RmsProp),
    FASTNN_RULE("adam", Adam),         FASTNN_RULE("adamax", Adamax),
    FASTNN_RULE("nadam", Nadam),       FASTNN_RULE("adagrad", Adagrad),
    FASTNN_RULE("adadelta", Adadelta), FASTNN_RULE("lion", Lion),
};

}  // namespace

const EntryList optimizer_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::reference
