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
  static constexpr T kLow = -ExpConstants<T>::kPlain, kHigh = ExpConstants<T>::kPlain;
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return exp_plain<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return exp<T>(x); }
};
template <class T>
struct Log {
  static constexpr T kLow = kIsFloat<T> ? T(0x1p-126) : T(0x1p-1022);
  static constexpr T kHigh = kIsFloat<T> ? T(0x1.fffffep127) : T(0x1.fffffffffffffp1023);
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return log_plain<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return log<T>(x); }
};
template <class T>
struct Log1p : Log<T> {
  static constexpr T kLow = kIsFloat<T> ? T(-0x1.fffffep-1) : T(-0x1.fffffffffffffp-1);
  static FASTNN_INLINE vec<T> plain(vec<T> x) { return log1p_plain<T>(x); }
  static FASTNN_INLINE vec<T> any(vec<T> x) { return log1p<T>(x); }
};

const Entry entries[] = {
    FASTNN_TWO_WAYS("exp", Exp, 1),        FASTNN_TWO_WAYS("exponential", Exp, 1),
    FASTNN_FLOATS("expm1", unary, expm1),  FASTNN_TWO_WAYS("log", Log, 1),
    FASTNN_TWO_WAYS("log1p", Log1p, 1),    FASTNN_FLOATS("sqrt", unary, square_root),
    FASTNN_FLOATS("rsqrt", unary, rsqrt),  FASTNN_FLOATS("erf", unary, erf),
    FASTNN_TWO_WAYS("sin", Sin, 1),        FASTNN_TWO_WAYS("cos", Cos, 1),
    FASTNN_FLOATS("power", binary, power),
};

}  // namespace

const EntryList transcendental_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
