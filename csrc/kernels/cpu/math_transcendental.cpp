// Elementary functions.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/tiles.h"
#include "kernels/cpu/vmath_erf.h"
#include "kernels/cpu/vmath_pow.h"
#include "kernels/cpu/vmath_trig.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

template <class T>
FASTNN_INLINE vec<T> square_root(vec<T> x) {
  return sqrt(x);
}
template <class T>
FASTNN_INLINE vec<T> rsqrt(vec<T> x) {
  return 1 / sqrt(x);
}

template <class T>
struct Exp {
  static constexpr bool kSame = true;
  static constexpr T kLow = -ExpConstants<T>::kPlain, kHigh = ExpConstants<T>::kPlain;
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return exp_plain<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return exp<T>(x); }
};
template <class T>
struct Log {
  static constexpr bool kSame = true;
  static constexpr T kLow = kIsFloat<T> ? T(0x1p-126) : T(0x1p-1022);
  static constexpr T kHigh = kIsFloat<T> ? T(0x1.fffffep127) : T(0x1.fffffffffffffp1023);
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return log_plain<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return log<T>(x); }
};
template <class T>
struct Log1p : Log<T> {
  static constexpr T kLow = kIsFloat<T> ? T(-0x1.fffffep-1) : T(-0x1.fffffffffffffp-1);
  static constexpr T kHigh = kLog1pPlain<T>;
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return log1p_plain<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return log1p<T>(x); }
};

template <class T>
void quick_power(void* out, const void* const* in, int64_t n, const double*) {
  constexpr int64_t L = kLanes<T>, kBlock = 16 * L;
  const T* a = static_cast<const T*>(in[0]);
  const T* b = static_cast<const T*>(in[1]);
  T* y = static_cast<T*>(out);
  T buffer[2 * kBlock];
  int64_t i = 0;
  for (int64_t here; (here = (n - i < kBlock ? n - i : kBlock) / L * L) > 0; i += here)
    power_block(y + i, a + i, b + i, here, buffer);
  if (i < n)
    store_first(y + i, power<T>(load_first(a + i, n - i), load_first(b + i, n - i)), n - i);
}
template <class T>
constexpr auto power_tile() {
  if constexpr (kQuickPower<T>)
    return quick_power<T>;
  else
    return binary<T, power<T>>;
}

const Entry entries[] = {
    FASTNN_TWO_WAYS("exp", Exp, 1),
    FASTNN_TWO_WAYS("exponential", Exp, 1),
    FASTNN_FLOATS("expm1", unary, expm1),
    FASTNN_TWO_WAYS("log", Log, 1),
    FASTNN_TWO_WAYS("log1p", Log1p, 1),
    FASTNN_FLOATS("sqrt", unary, square_root),
    FASTNN_FLOATS("rsqrt", unary, rsqrt),
    FASTNN_FLOATS("erf", unary, erf),
    FASTNN_TWO_WAYS("sin", Sin, 1),
    FASTNN_TWO_WAYS("cos", Cos, 1),
    FASTNN_TILE("power", f32, power_tile<float>()),
    FASTNN_TILE("power", f64, power_tile<double>()),
};

}  // namespace

const EntryList transcendental_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
