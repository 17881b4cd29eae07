// Comparisons, logic and selection. Results are b8: 0 or 1. Comparisons with NaN are false,
// not_equal is true.
#include <cmath>

#include "kernels/reference/lists.h"
#include "kernels/reference/tiles.h"

namespace fastnn::kernels::reference {
namespace {

template <class T>
uint8_t equal(T a, T b) {
  return a == b;
}
template <class T>
uint8_t not_equal(T a, T b) {
  return a != b;
}
template <class T>
uint8_t less(T a, T b) {
  return a < b;
}
template <class T>
uint8_t less_equal(T a, T b) {
  return a <= b;
}
template <class T>
uint8_t greater(T a, T b) {
  return a > b;
}
template <class T>
uint8_t greater_equal(T a, T b) {
  return a >= b;
}

uint8_t logical_and(uint8_t a, uint8_t b) { return a != 0 && b != 0; }
uint8_t logical_or(uint8_t a, uint8_t b) { return a != 0 || b != 0; }
uint8_t logical_not(uint8_t a) { return a == 0; }

template <class T>
uint8_t is_finite(T x) {
  return std::isfinite(x);
}
template <class T>
uint8_t is_nan(T x) {
  return x != x;
}

// in = {condition b8, a, b}: condition ? a : b.
template <class T>
void where(void* out, const void* const* in, int64_t n, const double*) {
  const uint8_t* condition = static_cast<const uint8_t*>(in[0]);
  const T* a = static_cast<const T*>(in[1]);
  const T* b = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = condition[i] ? a[i] : b[i];
}

#define FASTNN_COMPARE1(id, f, dtype, T) FASTNN_TILE(id, dtype, (unary_exact<T, uint8_t, f<T>>))
#define FASTNN_COMPARE2(id, f, dtype, T) FASTNN_TILE(id, dtype, (binary_exact<T, uint8_t, f<T>>))
#define FASTNN_COMPARE(id, f)                                                     \
  FASTNN_COMPARE2(id, f, f32, float), FASTNN_COMPARE2(id, f, f64, double),        \
      FASTNN_COMPARE2(id, f, i32, int32_t), FASTNN_COMPARE2(id, f, i64, int64_t), \
      FASTNN_COMPARE2(id, f, u8, uint8_t), FASTNN_COMPARE2(id, f, b8, uint8_t)

const Entry entries[] = {
    FASTNN_COMPARE("equal", equal),
    FASTNN_COMPARE("not_equal", not_equal),
    FASTNN_COMPARE("less", less),
    FASTNN_COMPARE("less_equal", less_equal),
    FASTNN_COMPARE("greater", greater),
    FASTNN_COMPARE("greater_equal", greater_equal),
    FASTNN_TILE("logical_and", b8, (binary_exact<uint8_t, uint8_t, logical_and>)),
    FASTNN_TILE("logical_or", b8, (binary_exact<uint8_t, uint8_t, logical_or>)),
    FASTNN_TILE("logical_not", b8, (unary_exact<uint8_t, uint8_t, logical_not>)),
    FASTNN_COMPARE1("isfinite", is_finite, f32, float),
    FASTNN_COMPARE1("isfinite", is_finite, f64, double),
    FASTNN_COMPARE1("isnan", is_nan, f32, float),
    FASTNN_COMPARE1("isnan", is_nan, f64, double),
    FASTNN_TILE("where", f32, where<float>),
    FASTNN_TILE("where", f64, where<double>),
    FASTNN_TILE("where", i32, where<int32_t>),
    FASTNN_TILE("where", i64, where<int64_t>),
    FASTNN_TILE("where", u8, where<uint8_t>),
    FASTNN_TILE("where", b8, where<uint8_t>),
};

}  // namespace

const EntryList compare_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::reference
