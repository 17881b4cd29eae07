// What the softmax family does along one row. Sums go in blocks: one chain of vectors in the
// element type within a block, the blocks in double; the order depends on the row's length alone.
#pragma once
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/vmath_exp.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kBlockVectors = 64;

// Calls f(i, at) for every vector of a row, where at.load_at(p, fill) gives the vector of p at i
// (with fill where the row has ended), store_at(p, v) writes it, and only(v) makes lanes beyond the
// end 0.
template <class T>
struct WholeVector {
  FASTNN_INLINE vec<T> load_at(const T* p, T) const { return load(p); }
  FASTNN_INLINE void store_at(T* p, vec<T> v) const { store(p, v); }
  FASTNN_INLINE vec<T> only(vec<T> v) const { return v; }
};
template <class T>
struct PartVector {
  int64_t n;
  FASTNN_INLINE vec<T> load_at(const T* p, T fill) const {
    return fill == 0 ? load_first(p, n) : load_or(p, n, fill);
  }
  FASTNN_INLINE void store_at(T* p, vec<T> v) const { store_first(p, v, n); }
  FASTNN_INLINE vec<T> only(vec<T> v) const {
    return select(lane_numbers<T>() < static_cast<T>(n), v, zero<T>());
  }
};

template <class T, class F>
FASTNN_INLINE void each_vector(int64_t n, const F& f) {
  constexpr int64_t L = kLanes<T>;
  int64_t i = 0;
  for (; i + L <= n; i += L) f(i, WholeVector<T>{});
  if (i < n) f(i, PartVector<T>{n - i});
}

FASTNN_INLINE double lane_sum(F32 v) { return reduce_add(widen_low(v) + widen_high(v)); }
FASTNN_INLINE double lane_sum(F64 v) { return reduce_add(v); }

// The sum over a row of what f gives for each vector; f's lanes beyond the row must be 0.
template <class T, class F>
FASTNN_INLINE double sum_vectors(int64_t n, const F& f) {
  constexpr int64_t kBlock = kBlockVectors * kLanes<T>;
  double total = 0;
  for (int64_t start = 0; start < n; start += kBlock) {
    vec<T> chain = zero<T>();
    each_vector<T>(n - start < kBlock ? n - start : kBlock,
                   [&](int64_t i, auto at) { chain += f(start + i, at); });
    total += lane_sum(chain);
  }
  return total;
}

// How the exponentials of a row are taken. The usual way is e^x 2^-n for all of it, with n ln2 near
// the largest x: the power is taken off x's own exponent, so that nothing is subtracted from x, and
// nothing lost. It needs logits of moderate size that do not lie too far apart; the other way is
// e^(x - max). NaN is not looked for: it goes the other way, and comes back with the exponentials.
template <class T>
struct RowShift {
  T max, n;
  bool usual;

  // log(sum) + n ln2 - max, where sum is the exponentials'.
  double log_sum(double sum) const {
    using C = ExpConstants<double>;
    const double rest = usual ? (n * C::kLn2High - max) + n * C::kLn2Low : 0;
    return __builtin_log(sum) + rest;
  }
};
template <class T>
constexpr T kModerate = kIsFloat<T> ? T(1024) : T(0x1p20);
template <class T>
constexpr T kApart = ExpConstants<T>::kPlain - 2;

template <class T>
FASTNN_INLINE RowShift<T> shift_of(T largest, T smallest) {
  using C = ExpConstants<T>;
  const bool usual = largest - smallest <= kApart<T> && __builtin_fabs(largest) <= kModerate<T>;
  return {largest, usual ? (largest * C::kLog2e + C::kRound) - C::kRound : 0, usual};
}

template <class T>
FASTNN_INLINE RowShift<T> row_shift(const T* x, int64_t n) {
  constexpr int64_t L = kLanes<T>;
  constexpr int kChains = 4;
  const vec<T> infinity = set<T>(__builtin_inf());
  vec<T> high[kChains], low[kChains];
  FASTNN_EACH (k, kChains) high[k] = -(low[k] = infinity);
  int64_t i = 0;
  for (; i + kChains * L <= n; i += kChains * L)
    FASTNN_EACH (k, kChains) {
      const vec<T> v = load(x + i + k * L);
      high[k] = max(v, high[k]);
      low[k] = min(v, low[k]);
    }
  each_vector<T>(n - i, [&](int64_t j, auto at) {
    high[0] = max(at.load_at(x + i + j, -infinity[0]), high[0]);
    low[0] = min(at.load_at(x + i + j, infinity[0]), low[0]);
  });
  return shift_of<T>(reduce_max(max(max(high[0], high[1]), max(high[2], high[3]))),
                     reduce_min(min(min(low[0], low[1]), min(low[2], low[3]))));
}

// e^x 2^-n, base = kRound - n / kStep.
template <class T>
FASTNN_INLINE vec<T> exp_scaled(vec<T> x, vec<T> base) {
  using C = ExpConstants<T>;
  const vec<T> rounded = fma(x, set<T>(C::kLog2e / kStep<T>), base), k = rounded - base;
  const vec<T> r = fma(k, set<T>(-kStep<T> * C::kLn2High), x);
  return exp_normal<T>(expm1_reduced<T>(fma(k, set<T>(-kStep<T> * C::kLn2Low), r)), rounded);
}

// e^(x - shift) for x <= shift, as e^high (1 + lost). The difference's rounding error is not lost:
// it would be as large as the difference, counted in ULP of the result.
// What is too far below becomes 0 without being computed: a product that underflows is slow, and
// the lanes beyond a row's end are all of that kind.
template <class T>
FASTNN_INLINE vec<T> exp_shifted(vec<T> x, vec<T> shift) {
  const vec<T> high = x - shift, back = high + shift;
  const vec<T> lost = (x - back) - (shift - (back - high));
  const auto gone = high < ExpConstants<T>::kLowest;
  const ExpFactors<T> e = exp_factors<T>(select(gone, zero<T>(), high));
  return select(gone, zero<T>(), scale2(fma(e.p, lost, e.p), e.n));
}

// The sum of the exponentials, which are stored too where kStore.
template <class T, bool kStore>
__attribute__((noinline)) double exp_row_apart(T* out, const T* x, int64_t n, T shift) {
  const T lowest = -static_cast<T>(__builtin_inf());
  return sum_vectors<T>(n, [&](int64_t i, auto at) {
    const vec<T> e = exp_shifted<T>(at.load_at(x + i, lowest), set<T>(shift));
    if (kStore) at.store_at(out + i, e);
    return e;
  });
}
template <class T, bool kStore>
FASTNN_INLINE double exp_row(T* out, const T* x, int64_t n, RowShift<T> shift) {
  if (!shift.usual) return exp_row_apart<T, kStore>(out, x, n, shift.max);
  const vec<T> base = set<T>(ExpConstants<T>::kRound - shift.n / kStep<T>);
  return sum_vectors<T>(n, [&](int64_t i, auto at) {
    const vec<T> e = at.only(exp_scaled<T>(at.load_at(x + i, 0), base));
    if (kStore) at.store_at(out + i, e);
    return e;
  });
}

// A row of V vectors, whose exponentials stay in registers.
template <class T, int V, class F>
FASTNN_INLINE void short_row(const T* x, int64_t n, double numerator, const F& f) {
  constexpr int64_t L = kLanes<T>;
  const T lowest = -static_cast<T>(__builtin_inf());
  const PartVector<T> end = {n - (V - 1) * L};
  vec<T> e[V], best = set<T>(lowest), sum = zero<T>();
  FASTNN_EACH (k, V) {
    e[k] = k < V - 1 ? load(x + k * L) : end.load_at(x + k * L, lowest);
    best = max(e[k], best);
  }
  const vec<T> shift = set<T>(reduce_max(best));
  FASTNN_EACH (k, V) {
    e[k] = exp_shifted<T>(e[k], shift);
    sum += e[k];
  }
  const vec<T> scale = set<T>(static_cast<T>(numerator / lane_sum(sum)));
  FASTNN_EACH (k, V - 1) f(k * L, WholeVector<T>{}, e[k] * scale);
  f((V - 1) * L, end, e[V - 1] * scale);
}

// Calls f(i, at, numerator * softmax) for every vector of a row. Long rows keep their exponentials
// in out.
template <class T, class F>
FASTNN_INLINE void softmax_row(T* out, const T* x, int64_t n, double numerator, const F& f) {
  constexpr int64_t L = kLanes<T>;
  if (n <= 0) return;
  if (n <= L) return short_row<T, 1>(x, n, numerator, f);
  if (n <= 2 * L) return short_row<T, 2>(x, n, numerator, f);
  const double sum = exp_row<T, true>(out, x, n, row_shift(x, n));
  const vec<T> scale = set<T>(static_cast<T>(numerator / sum));
  each_vector<T>(n, [&](int64_t i, auto at) { f(i, at, at.load_at(out + i, 0) * scale); });
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
