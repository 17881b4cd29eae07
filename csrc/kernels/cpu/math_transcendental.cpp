// Elementary functions. sin and cos run the reference's loops.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/tiles.h"
#include "kernels/cpu/vmath_erf.h"
#include "kernels/cpu/vmath_pow.h"

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

const Entry entries[] = {
    FASTNN_FLOATS("exp", unary, exp),      FASTNN_FLOATS("exponential", unary, exp),
    FASTNN_FLOATS("expm1", unary, expm1),  FASTNN_FLOATS("log", unary, log),
    FASTNN_FLOATS("log1p", unary, log1p),  FASTNN_FLOATS("sqrt", unary, square_root),
    FASTNN_FLOATS("rsqrt", unary, rsqrt),  FASTNN_FLOATS("erf", unary, erf),
    FASTNN_FLOATS("power", binary, power),
};

}  // namespace

const EntryList transcendental_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
