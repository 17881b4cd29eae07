// Elementwise arithmetic: memory-bound. floor_divide and mod run the reference's loops.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/tiles.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Integers wrap: their vectors are added, subtracted and multiplied as unsigned ones.
template <class T>
struct Wrapping {
  using type = T;
};
template <>
struct Wrapping<int32_t> {
  using type = uint32_t;
};
template <>
struct Wrapping<int64_t> {
  using type = uint64_t;
};
template <class T>
using Wrap = vec<typename Wrapping<T>::type>;
template <class T>
constexpr bool kFloating = T(0.5) != T(0);

template <class T>
FASTNN_INLINE vec<T> add(vec<T> a, vec<T> b) {
  return (vec<T>)((Wrap<T>)a + (Wrap<T>)b);
}
template <class T>
FASTNN_INLINE vec<T> subtract(vec<T> a, vec<T> b) {
  return (vec<T>)((Wrap<T>)a - (Wrap<T>)b);
}
template <class T>
FASTNN_INLINE vec<T> multiply(vec<T> a, vec<T> b) {
  return (vec<T>)((Wrap<T>)a * (Wrap<T>)b);
}
template <class T>
FASTNN_INLINE vec<T> divide(vec<T> a, vec<T> b) {
  return a / b;
}

// NaN wins; equal operands (zeros of both signs) give a.
template <class T>
FASTNN_INLINE vec<T> maximum(vec<T> a, vec<T> b) {
  if constexpr (kFloating<T>)
    return select(b != b, b, max(b, a));
  else
    return a > b ? a : b;
}
template <class T>
FASTNN_INLINE vec<T> minimum(vec<T> a, vec<T> b) {
  if constexpr (kFloating<T>)
    return select(b != b, b, min(b, a));
  else
    return a < b ? a : b;
}

template <class T>
FASTNN_INLINE vec<T> negative(vec<T> x) {
  return (vec<T>)(-(Wrap<T>)x);
}
template <class T>
FASTNN_INLINE vec<T> absolute(vec<T> x) {
  if constexpr (kFloating<T>)
    return abs(x);
  else
    return x < 0 ? negative<T>(x) : x;
}
template <class T>
FASTNN_INLINE vec<T> sign(vec<T> x) {
  if constexpr (kFloating<T>) {
    const vec<T> one = select(x > 0, set<T>(1), select(x < 0, set<T>(-1), zero<T>()));
    return select(x == x, one, x);
  } else {
    return (vec<T>)((x < 0) - (x > 0));  // a true comparison is -1
  }
}
template <class T>
FASTNN_INLINE vec<T> square(vec<T> x) {
  return multiply<T>(x, x);
}
template <class T>
FASTNN_INLINE vec<T> reciprocal(vec<T> x) {
  return 1 / x;
}
template <class T>
FASTNN_INLINE vec<T> round_half_even(vec<T> x) {
  return round_even(x);
}
template <class T>
FASTNN_INLINE vec<T> round_down(vec<T> x) {
  return floor(x);
}
template <class T>
FASTNN_INLINE vec<T> round_up(vec<T> x) {
  return ceil(x);
}

// params = {low, high}. NaN stays NaN; high wins where low > high (NumPy).
template <class T>
void clip(void* out, const void* const* in, int64_t n, const double* params) {
  const T* x = static_cast<const T*>(in[0]);
  T* y = static_cast<T*>(out);
  const vec<T> low = set<T>(static_cast<T>(params[0])), high = set<T>(static_cast<T>(params[1]));
  int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store(y + i, min(high, max(low, load(x + i))));
  if (i < n) store_first(y + i, min(high, max(low, load_first(x + i, n - i))), n - i);
}

const Entry entries[] = {
    FASTNN_NUMBERS("add", binary, add),
    FASTNN_NUMBERS("subtract", binary, subtract),
    FASTNN_NUMBERS("multiply", binary, multiply),
    FASTNN_FLOATS("divide", binary, divide),
    FASTNN_NUMBERS("maximum", binary, maximum),
    FASTNN_NUMBERS("minimum", binary, minimum),
    FASTNN_NUMBERS("negative", unary, negative),
    FASTNN_NUMBERS("absolute", unary, absolute),
    FASTNN_NUMBERS("sign", unary, sign),
    FASTNN_NUMBERS("square", unary, square),
    FASTNN_FLOATS("reciprocal", unary, reciprocal),
    FASTNN_FLOATS("round", unary, round_half_even),
    FASTNN_FLOATS("floor", unary, round_down),
    FASTNN_FLOATS("ceil", unary, round_up),
    FASTNN_TILE("clip", f32, clip<float>),
    FASTNN_TILE("clip", f64, clip<double>),
};

}  // namespace

const EntryList arithmetic_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
