// Reductions over any axes, and argmax/argmin: the specification.
#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/reference/lists.h"
#include "kernels/reference/loops.h"

namespace fastnn::kernels::reference {
namespace {

// Integers wrap around, as NumPy's do.
template <class T, bool = std::is_integral<T>::value>
struct Wrapping {
  using type = T;
};
template <class T>
struct Wrapping<T, true> {
  using type = std::make_unsigned_t<T>;
};

// Neumaier's compensated sum in double: exact to a few ULP of sum|x| for any length.
template <class T, bool = std::is_floating_point<T>::value>
struct Sum {
  double total = 0, lost = 0;
  void add(T value) {
    const double x = value, next = total + x;
    lost += std::fabs(total) >= std::fabs(x) ? (total - next) + x : (x - next) + total;
    total = next;
  }
  // An infinite total has no lost part (it would be inf - inf).
  double result() const { return std::isfinite(total) ? total + lost : total; }
};
template <class T>
struct Sum<T, false> {
  typename Wrapping<T>::type total = 0;
  void add(T value) { total += static_cast<typename Wrapping<T>::type>(value); }
  T result() const { return static_cast<T>(total); }
};

template <class T>
struct SumSquares : Sum<T> {
  void add(T value) { Sum<T>::add(value * value); }
};

template <class T, bool = std::is_floating_point<T>::value>
struct Prod {
  double total = 1;
  void add(T value) { total *= value; }
  double result() const { return total; }
};
template <class T>
struct Prod<T, false> {
  typename Wrapping<T>::type total = 1;
  void add(T value) { total *= static_cast<typename Wrapping<T>::type>(value); }
  T result() const { return static_cast<T>(total); }
};

template <class T>
bool is_nan(T x) {
  return x != x;
}

template <class T>
struct Max {
  using Limits = std::numeric_limits<T>;
  T best = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  void add(T value) {
    if (value > best || is_nan(value)) best = value;
  }
  T result() const { return best; }
};

template <class T>
struct Min {
  using Limits = std::numeric_limits<T>;
  T best = Limits::has_infinity ? Limits::infinity() : Limits::max();
  void add(T value) {
    if (value < best || is_nan(value)) best = value;
  }
  T result() const { return best; }
};

template <class T>
struct Any {
  T found = 0;
  void add(T value) { found |= value != 0; }
  T result() const { return found; }
};

template <class T>
struct All {
  T holds = 1;
  void add(T value) { holds &= value != 0; }
  T result() const { return holds; }
};

template <class T, template <class...> class Op>
void reduce(const void* p, const Context*) {
  const auto& a = *static_cast<const ReduceArgs*>(p);
  const T* in = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  int64_t kept[kMaxRank], summed[kMaxRank];
  for (int d = 0; d < a.rank; ++d) {
    kept[d] = a.reduced[d] ? 1 : a.shape[d];
    summed[d] = a.reduced[d] ? a.shape[d] : 1;
  }
  for_each_index(a.rank, kept, a.out_strides, a.in_strides, [&](int64_t to, int64_t from) {
    Op<T> op;
    for_each_index(a.rank, summed, a.in_strides, a.in_strides,
                   [&](int64_t i, int64_t) { op.add(in[from + i]); });
    if constexpr (std::is_floating_point_v<T>)
      out[to] = static_cast<T>(a.scale * op.result());
    else
      out[to] = op.result();
  });
}

// Sum and Prod have a defaulted second parameter; these give them the one-parameter form.
template <class T>
using SumOf = Sum<T>;
template <class T>
using ProdOf = Prod<T>;

template <class T, bool kMax>
void arg_reduce(const void* p, const Context*) {
  const auto& a = *static_cast<const ArgReduceArgs*>(p);
  const T* in = static_cast<const T*>(a.in);
  int64_t* out = static_cast<int64_t*>(a.out);
  for (int64_t o = 0; o < a.outer; ++o)
    for (int64_t j = 0; j < a.inner; ++j) {
      const T* column = in + o * a.n * a.inner + j;
      int64_t at = 0;
      for (int64_t i = 1; i < a.n && !is_nan(column[at * a.inner]); ++i) {
        const T best = column[at * a.inner], x = column[i * a.inner];
        if ((kMax ? x > best : x < best) || is_nan(x)) at = i;
      }
      out[o * a.inner + j] = at;
    }
}

#define FASTNN_NUMBERS(id, op)                                                         \
  entry(id, DType::f32, reduce<float, op>), entry(id, DType::f64, reduce<double, op>), \
      entry(id, DType::i32, reduce<int32_t, op>), entry(id, DType::i64, reduce<int64_t, op>)
#define FASTNN_ARG(id, max)                                                                      \
  entry(id, DType::f32, arg_reduce<float, max>), entry(id, DType::f64, arg_reduce<double, max>), \
      entry(id, DType::i32, arg_reduce<int32_t, max>),                                           \
      entry(id, DType::i64, arg_reduce<int64_t, max>),                                           \
      entry(id, DType::u8, arg_reduce<uint8_t, max>),                                            \
      entry(id, DType::b8, arg_reduce<uint8_t, max>)

const Entry kEntries[] = {
    FASTNN_NUMBERS("reduce_sum", SumOf),
    entry("reduce_sum_squares", DType::f32, reduce<float, SumSquares>),
    entry("reduce_sum_squares", DType::f64, reduce<double, SumSquares>),
    FASTNN_NUMBERS("reduce_prod", ProdOf),
    FASTNN_NUMBERS("reduce_max", Max),
    FASTNN_NUMBERS("reduce_min", Min),
    entry("reduce_max", DType::u8, reduce<uint8_t, Max>),
    entry("reduce_min", DType::u8, reduce<uint8_t, Min>),
    entry("reduce_any", DType::b8, reduce<uint8_t, Any>),
    entry("reduce_all", DType::b8, reduce<uint8_t, All>),
    FASTNN_ARG("argmax", true),
    FASTNN_ARG("argmin", false),
};

}  // namespace

const EntryList reduce_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::reference
