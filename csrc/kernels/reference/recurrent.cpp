// Recurrent layers and their gradients: the specification. The formulas are in recurrent.h.
#include "kernels/recurrent.h"

#include <cmath>
#include <vector>

#include "kernels/reference/lists.h"
#include "kernels/reference/loops.h"

namespace fastnn::kernels::reference {
namespace {

using Row = std::vector<double>;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

template <class T>
const T* at(const void* p, int64_t i) {
  return p ? static_cast<const T*>(p) + i : nullptr;
}
template <class T>
void put(void* p, int64_t i, const Row& values) {
  if (!p) return;
  for (size_t j = 0; j < values.size(); ++j)
    static_cast<T*>(p)[i + static_cast<int64_t>(j)] = static_cast<T>(values[j]);
}
template <class T>
Row row_of(const T* p, int64_t n) {
  return p ? Row(p, p + n) : Row(static_cast<size_t>(n), 0.0);
}

// out[g * units + j] = sum_k h[k] U[k, g * units + j]
template <class T>
Row product(const Row& h, const void* kernel, int64_t width) {
  Row out(static_cast<size_t>(width), 0.0);
  for (size_t k = 0; k < h.size(); ++k) {
    const T* u = at<T>(kernel, static_cast<int64_t>(k) * width);
    for (int64_t j = 0; j < width; ++j) out[static_cast<size_t>(j)] += h[k] * u[j];
  }
  return out;
}
// out[k] = sum_j d[j] U[k, j]
template <class T>
Row product_transposed(const Row& d, const void* kernel, int64_t units) {
  Row out(static_cast<size_t>(units), 0.0);
  for (size_t k = 0; k < out.size(); ++k) {
    const T* u = at<T>(kernel, static_cast<int64_t>(k * d.size()));
    for (size_t j = 0; j < d.size(); ++j) out[k] += d[j] * u[j];
  }
  return out;
}

// The steps of one row, in the order in which they run.
template <class Args, class F>
void each_step(const Args& a, int64_t row, F f) {
  for (int64_t s = 0; s < a.time; ++s) {
    const int64_t t = a.reverse ? a.time - 1 - s : s;
    f(row * a.time + t, !a.mask || a.mask[row * a.time + t]);
  }
}
template <class Args, class F>
void each_step_back(const Args& a, int64_t row, F f) {
  for (int64_t s = a.time - 1; s >= 0; --s) {
    const int64_t t = a.reverse ? a.time - 1 - s : s;
    f(row * a.time + t, !a.mask || a.mask[row * a.time + t], s);
  }
}

struct State {
  Row h, c;
};

// x and p: what inputs and state add. Returns what the gradient needs.
Row lstm_cell(const Row& x, const Row& p, State* s) {
  const size_t n = s->h.size();
  Row gates(4 * n);
  for (size_t j = 0; j < n; ++j) {
    const double i = sigmoid(x[j] + p[j]), f = sigmoid(x[n + j] + p[n + j]),
                 g = std::tanh(x[2 * n + j] + p[2 * n + j]),
                 o = sigmoid(x[3 * n + j] + p[3 * n + j]);
    s->c[j] = f * s->c[j] + i * g;
    s->h[j] = o * std::tanh(s->c[j]);
    gates[j] = i, gates[n + j] = f, gates[2 * n + j] = g, gates[3 * n + j] = o;
  }
  return gates;
}

Row gru_cell(const Row& x, const Row& p, State* s) {
  const size_t n = s->h.size();
  Row gates(4 * n);
  for (size_t j = 0; j < n; ++j) {
    const double z = sigmoid(x[j] + p[j]), r = sigmoid(x[n + j] + p[n + j]), q = p[2 * n + j];
    const double m = std::tanh(x[2 * n + j] + r * q);
    s->h[j] = z * s->h[j] + (1 - z) * m;
    gates[j] = z, gates[n + j] = r, gates[2 * n + j] = m, gates[3 * n + j] = q;
  }
  return gates;
}

Row simple_cell(const Row& x, const Row& p, State* s) {
  for (size_t j = 0; j < s->h.size(); ++j) s->h[j] = std::tanh(x[j] + p[j]);
  return {};
}

template <class T, int64_t kBlocks, int64_t kSaved, Row (*kCell)(const Row&, const Row&, State*)>
void forward(const void* args, const Context*) {
  const auto& a = *static_cast<const RecurrentArgs*>(args);
  const int64_t n = a.units, width = kBlocks * n;
  const Row bias = row_of(at<T>(a.bias, 0), width);
  for (int64_t row = 0; row < a.batch; ++row) {
    State s{row_of(at<T>(a.h0, row * n), n), row_of(at<T>(a.c0, row * n), n)};
    each_step(a, row, [&](int64_t i, bool seen) {
      put<T>(a.before, i * n, s.h);
      Row gates(static_cast<size_t>(kSaved * n), 0.0);
      if (seen) {
        Row p = product<T>(s.h, a.kernel, width);
        for (size_t j = 0; j < p.size(); ++j) p[j] += bias[j];
        gates = kCell(row_of(at<T>(a.x, i * width), width), p, &s);
      }
      put<T>(a.h, i * n, s.h);
      put<T>(a.c, i * n, s.c);
      put<T>(a.gates, i * kSaved * n, gates);
    });
  }
}

// One step back: dh and dc are those after the step, and become those before it, but for what
// comes through the product. Returns dx; dinner where it differs.
template <class T>
Row lstm_back(const RecurrentGradArgs& a, int64_t row, int64_t i, int64_t step, State* d, Row*) {
  const int64_t n = a.units;
  const int64_t before = a.reverse ? i + 1 : i - 1;
  const Row gates = row_of(at<T>(a.gates, i * 4 * n), 4 * n), c = row_of(at<T>(a.c, i * n), n);
  const Row old = step == 0 ? row_of(at<T>(a.c0, row * n), n) : row_of(at<T>(a.c, before * n), n);
  Row dx(static_cast<size_t>(4 * n));
  for (size_t j = 0, m = static_cast<size_t>(n); j < m; ++j) {
    const double in = gates[j], f = gates[m + j], g = gates[2 * m + j], o = gates[3 * m + j];
    const double y = std::tanh(c[j]), dh = d->h[j], dc = d->c[j] + dh * o * (1 - y * y);
    dx[j] = dc * g * in * (1 - in);
    dx[m + j] = dc * old[j] * f * (1 - f);
    dx[2 * m + j] = dc * in * (1 - g * g);
    dx[3 * m + j] = dh * y * o * (1 - o);
    d->c[j] = dc * f;
    d->h[j] = 0;
  }
  return dx;
}

template <class T>
Row gru_back(const RecurrentGradArgs& a, int64_t, int64_t i, int64_t, State* d, Row* inner) {
  const int64_t n = a.units;
  const Row gates = row_of(at<T>(a.gates, i * 4 * n), 4 * n),
            old = row_of(at<T>(a.before, i * n), n);
  Row dx(static_cast<size_t>(3 * n));
  *inner = dx;
  for (size_t j = 0, k = static_cast<size_t>(n); j < k; ++j) {
    const double z = gates[j], r = gates[k + j], m = gates[2 * k + j], q = gates[3 * k + j];
    const double dh = d->h[j], dm = dh * (1 - z) * (1 - m * m);
    dx[j] = (*inner)[j] = dh * (old[j] - m) * z * (1 - z);
    dx[k + j] = (*inner)[k + j] = dm * q * r * (1 - r);
    dx[2 * k + j] = dm;
    (*inner)[2 * k + j] = dm * r;
    d->h[j] = dh * z;
  }
  return dx;
}

template <class T>
Row simple_back(const RecurrentGradArgs& a, int64_t, int64_t i, int64_t, State* d, Row*) {
  const Row h = row_of(at<T>(a.h, i * a.units), a.units);
  Row dx(h.size());
  for (size_t j = 0; j < h.size(); ++j) {
    dx[j] = d->h[j] * (1 - h[j] * h[j]);
    d->h[j] = 0;
  }
  return dx;
}

template <class T, int64_t kBlocks,
          Row (*kBack)(const RecurrentGradArgs&, int64_t, int64_t, int64_t, State*, Row*)>
void backward(const void* args, const Context*) {
  const auto& a = *static_cast<const RecurrentGradArgs*>(args);
  const int64_t n = a.units, width = kBlocks * n;
  for (int64_t row = 0; row < a.batch; ++row) {
    State d{row_of<T>(nullptr, n), row_of<T>(nullptr, n)};
    each_step_back(a, row, [&](int64_t i, bool seen, int64_t step) {
      const Row dh = row_of(at<T>(a.dh, i * n), n), dc = row_of(at<T>(a.dc, i * n), n);
      for (size_t j = 0; j < dh.size(); ++j) d.h[j] += dh[j], d.c[j] += dc[j];
      Row dx(static_cast<size_t>(width), 0.0), inner;
      if (seen) dx = kBack(a, row, i, step, &d, &inner);
      if (inner.empty()) inner = dx;
      put<T>(a.dx, i * width, dx);
      put<T>(a.dinner, i * width, inner);
      const Row back = product_transposed<T>(inner, a.kernel, n);
      for (size_t j = 0; j < back.size(); ++j) d.h[j] += back[j];
    });
    put<T>(a.dh0, row * n, d.h);
    put<T>(a.dc0, row * n, d.c);
  }
}

#define FASTNN_CELL(T, dtype, name, blocks, saved)             \
  entry(#name, dtype, forward<T, blocks, saved, name##_cell>), \
      entry(#name "_grad", dtype, backward<T, blocks, name##_back<T>>)
#define FASTNN_CELLS(T, dtype)                                         \
  FASTNN_CELL(T, dtype, lstm, 4, 4), FASTNN_CELL(T, dtype, gru, 3, 4), \
      entry("simple_rnn", dtype, forward<T, 1, 0, simple_cell>),       \
      entry("simple_rnn_grad", dtype, backward<T, 1, simple_back<T>>)

const Entry kEntries[] = {FASTNN_CELLS(float, DType::f32), FASTNN_CELLS(double, DType::f64)};

}  // namespace

const EntryList recurrent_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::reference
