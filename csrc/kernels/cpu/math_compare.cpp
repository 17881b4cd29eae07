// Comparisons, logic and selection: plain loops, which the compiler vectorises. Results are exact,
// so how it does that is of no consequence to an element's bits.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/tiles.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

#define FASTNN_COMPARISON(name, op)                                       \
  template <class T>                                                      \
  void name(void* out, const void* const* in, int64_t n, const double*) { \
    const T* a = static_cast<const T*>(in[0]);                            \
    const T* b = static_cast<const T*>(in[1]);                            \
    uint8_t* y = static_cast<uint8_t*>(out);                              \
    FASTNN_INDEPENDENT                                                    \
    for (int64_t i = 0; i < n; ++i) y[i] = a[i] op b[i];                  \
  }
FASTNN_COMPARISON(equal, ==)
FASTNN_COMPARISON(not_equal, !=)
FASTNN_COMPARISON(less, <)
FASTNN_COMPARISON(less_equal, <=)
FASTNN_COMPARISON(greater, >)
FASTNN_COMPARISON(greater_equal, >=)
#undef FASTNN_COMPARISON

void logical_and(void* out, const void* const* in, int64_t n, const double*) {
  const uint8_t* a = static_cast<const uint8_t*>(in[0]);
  const uint8_t* b = static_cast<const uint8_t*>(in[1]);
  uint8_t* y = static_cast<uint8_t*>(out);
  FASTNN_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = (a[i] != 0) & (b[i] != 0);
}
void logical_or(void* out, const void* const* in, int64_t n, const double*) {
  const uint8_t* a = static_cast<const uint8_t*>(in[0]);
  const uint8_t* b = static_cast<const uint8_t*>(in[1]);
  uint8_t* y = static_cast<uint8_t*>(out);
  FASTNN_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = (a[i] | b[i]) != 0;
}
void logical_not(void* out, const void* const* in, int64_t n, const double*) {
  const uint8_t* x = static_cast<const uint8_t*>(in[0]);
  uint8_t* y = static_cast<uint8_t*>(out);
  FASTNN_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] == 0;
}

template <class T>
void is_nan(void* out, const void* const* in, int64_t n, const double*) {
  const T* x = static_cast<const T*>(in[0]);
  uint8_t* y = static_cast<uint8_t*>(out);
  FASTNN_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] != x[i];
}
// Finite: the difference of x from itself is 0.
template <class T>
void is_finite(void* out, const void* const* in, int64_t n, const double*) {
  const T* x = static_cast<const T*>(in[0]);
  uint8_t* y = static_cast<uint8_t*>(out);
  FASTNN_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] - x[i] == 0;
}

// in = {condition b8, a, b}. Both sides are read, whatever the condition.
template <class T>
void where(void* out, const void* const* in, int64_t n, const double*) {
  const uint8_t* condition = static_cast<const uint8_t*>(in[0]);
  const T* a = static_cast<const T*>(in[1]);
  const T* b = static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  FASTNN_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    const T yes = a[i], no = b[i];
    y[i] = condition[i] != 0 ? yes : no;
  }
}

#define FASTNN_ALL(id, f)                                                 \
  FASTNN_TILE(id, f32, f<float>), FASTNN_TILE(id, f64, f<double>),        \
      FASTNN_TILE(id, i32, f<int32_t>), FASTNN_TILE(id, i64, f<int64_t>), \
      FASTNN_TILE(id, u8, f<uint8_t>), FASTNN_TILE(id, b8, f<uint8_t>)

const Entry entries[] = {
    FASTNN_ALL("equal", equal),
    FASTNN_ALL("not_equal", not_equal),
    FASTNN_ALL("less", less),
    FASTNN_ALL("less_equal", less_equal),
    FASTNN_ALL("greater", greater),
    FASTNN_ALL("greater_equal", greater_equal),
    FASTNN_TILE("logical_and", b8, logical_and),
    FASTNN_TILE("logical_or", b8, logical_or),
    FASTNN_TILE("logical_not", b8, logical_not),
    FASTNN_TILE("isnan", f32, is_nan<float>),
    FASTNN_TILE("isnan", f64, is_nan<double>),
    FASTNN_TILE("isfinite", f32, is_finite<float>),
    FASTNN_TILE("isfinite", f64, is_finite<double>),
    FASTNN_ALL("where", where),
};

}  // namespace

const EntryList compare_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
