// Casts between all dtypes. Integers wrap; floats go to the nearest value (float64 to float32) or
// are cut (to integers), where NaN and what does not fit give the lowest int32 or int64, as the
// x86 instructions do. uint8 takes the low byte of the int32. Anything but 0 is true, NaN too.
#include <limits>
#include <type_traits>

#include "kernels/reference/lists.h"
#include "kernels/reference/tiles.h"

namespace fastnn::kernels::reference {
namespace {

template <class I, class F>
I cut(F x) {
  constexpr F limit = -static_cast<F>(std::numeric_limits<I>::min());
  if (x >= -limit && x < limit) return static_cast<I>(x);
  return std::numeric_limits<I>::min();
}

struct Bool {};

template <class From, class To>
void cast(void* out, const void* const* in, int64_t n, const double*) {
  const From* x = static_cast<const From*>(in[0]);
  if constexpr (std::is_same_v<To, Bool>) {
    uint8_t* y = static_cast<uint8_t*>(out);
    for (int64_t i = 0; i < n; ++i) y[i] = x[i] != 0;
  } else {
    To* y = static_cast<To*>(out);
    for (int64_t i = 0; i < n; ++i) {
      if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, uint8_t>)
        y[i] = static_cast<uint8_t>(cut<int32_t>(x[i]));
      else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>)
        y[i] = cut<To>(x[i]);
      else
        y[i] = static_cast<To>(x[i]);
    }
  }
}

// b8 is read as 0 or 1 whatever its byte.
template <class To>
void cast_bool(void* out, const void* const* in, int64_t n, const double*) {
  const uint8_t* x = static_cast<const uint8_t*>(in[0]);
  To* y = static_cast<To*>(out);
  for (int64_t i = 0; i < n; ++i) y[i] = static_cast<To>(x[i] != 0);
}

#define FASTNN_CASTS(id, To)                                                                \
  FASTNN_TILE(id, f32, (cast<float, To>)), FASTNN_TILE(id, f64, (cast<double, To>)),        \
      FASTNN_TILE(id, i32, (cast<int32_t, To>)), FASTNN_TILE(id, i64, (cast<int64_t, To>)), \
      FASTNN_TILE(id, u8, (cast<uint8_t, To>))

const Entry entries[] = {
    FASTNN_CASTS("cast_float32", float),  FASTNN_TILE("cast_float32", b8, cast_bool<float>),
    FASTNN_CASTS("cast_float64", double), FASTNN_TILE("cast_float64", b8, cast_bool<double>),
    FASTNN_CASTS("cast_int32", int32_t),  FASTNN_TILE("cast_int32", b8, cast_bool<int32_t>),
    FASTNN_CASTS("cast_int64", int64_t),  FASTNN_TILE("cast_int64", b8, cast_bool<int64_t>),
    FASTNN_CASTS("cast_uint8", uint8_t),  FASTNN_TILE("cast_uint8", b8, cast_bool<uint8_t>),
    FASTNN_CASTS("cast_bool", Bool),      FASTNN_TILE("cast_bool", b8, cast_bool<uint8_t>),
};

}  // namespace

const EntryList cast_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::reference
