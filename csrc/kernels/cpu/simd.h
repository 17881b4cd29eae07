// The vector layer: one kernel source for every ISA. Arithmetic, comparisons and `mask ? a : b` are
// GCC/Clang vector extensions; what those lack stands in simd_<isa>.h as overloads on the vector
// type. Everything has internal linkage, so no symbol of one ISA can stand in for another's.
//
//   vec<T>          a register of T (float, double, int32_t, int64_t, uint32_t, uint64_t)
//   kLanes<T>       its number of elements
//   Bits<T>         the signed integer of T's size; a comparison of vec<T> is a vec<Bits<T>> of
//                   0 and -1, and may be combined with & | ~
//
//   load(p), store(p, v)                    unaligned
//   load_first(p, n), store_first(p, v, n)  the first 0 <= n <= kLanes elements; the other lanes
//                                           load as 0 and are not written, their memory is not read
//   set<T>(x), zero<T>()                    all lanes equal
//   fma(a, b, c)                            a * b + c; one rounding, except on the baseline (two)
//   sqrt, abs, copysign, round_even, floor, ceil
//   min(a, b), max(a, b)                    b where either is NaN, b where they are equal (x86)
//   select(mask, a, b), any(mask)           a mask of either signed type (compilers differ: int64_t
//                                           or long long)
//   all_in(v, low, high)                    low <= v <= high in every lane (so no NaN)
//   as_bits(v), as_float(v)                 same bits, as integers or floats
//   to_int(v)                   round to nearest even; |v| < 2^31 (float), 2^51 (double)
//   to_float(i)                 |i| < 2^51 for int64
//   scale2(v, n)                v * 2^n with one rounding, n integral (where kLooksUp: n's floor),
//                               |n| <= 2000 (double) or 250 (float); exact into the denormals
//   multiply_low(a, b)          the products of the lower halves of 64-bit lanes
//   gather(p, index)            p[index[lane]] (32-bit indices for float, 64 for double)
//   look_up(table, i)           only where kLooksUp: table[the lowest 4 bits of i's lane], of 16
//                               doubles that lie on a boundary of 64 bytes
//   widen_low(f), widen_high(f) the lower, upper half of a vec<float> as doubles
//   narrow(low, high)           the inverse, rounded
//   reduce_add, reduce_max, reduce_min      lane i with lane i + half, half by half
#pragma once
#include <stddef.h>
#include <stdint.h>

#define FASTNN_INLINE inline __attribute__((always_inline))

namespace fastnn::kernels::FASTNN_ISA {
namespace {

#if defined(FASTNN_ISA_avx512)
constexpr int kVectorBytes = 64;
#elif defined(FASTNN_ISA_avx2)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

// Whether 16 doubles can be looked up in registers.
#if defined(FASTNN_ISA_avx512)
constexpr bool kLooksUp = true;
#else
constexpr bool kLooksUp = false;
#endif

template <class T, int Bytes>
struct VectorType {
  typedef T type __attribute__((vector_size(Bytes)));
};
template <class T>
using vec = typename VectorType<T, kVectorBytes>::type;
template <class T>
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

template <size_t Size>
struct IntegerOf;
template <>
struct IntegerOf<4> {
  using type = int32_t;
};
template <>
struct IntegerOf<8> {
  using type = int64_t;
};
template <class T>
using Bits = typename IntegerOf<sizeof(T)>::type;

using F32 = vec<float>;
using F64 = vec<double>;
using I32 = vec<int32_t>;
using I64 = vec<int64_t>;
using U32 = vec<uint32_t>;
using U64 = vec<uint64_t>;

// A vector at any address: the unaligned, aliasing twin of V.
template <class V>
struct Unaligned {
  V v;
} __attribute__((packed, may_alias));

template <class T>
FASTNN_INLINE vec<T> load(const T* p) {
  return reinterpret_cast<const Unaligned<vec<T>>*>(p)->v;
}
template <class T>
FASTNN_INLINE void store(T* p, vec<T> v) {
  reinterpret_cast<Unaligned<vec<T>>*>(p)->v = v;
}

// v in a register. Compilers load what is used twice twice, where an instruction may do so: from an
// address that is no boundary that is four cache lines instead of two.
template <class V>
FASTNN_INLINE V in_register(V v) {
#if defined(FASTNN_ISA_neon)
  __asm__("" : "+w"(v));
#else
  __asm__("" : "+v"(v));
#endif
  return v;
}

template <class T>
FASTNN_INLINE vec<T> zero() {
  return vec<T>{};
}
template <class T>
FASTNN_INLINE vec<T> set(T x) {
  return x - vec<T>{};  // x - 0 is x for every x, -0 included; the compiler emits a broadcast
}

FASTNN_INLINE I32 as_bits(F32 v) { return (I32)v; }
FASTNN_INLINE I64 as_bits(F64 v) { return (I64)v; }
FASTNN_INLINE F32 as_float(I32 v) { return (F32)v; }
FASTNN_INLINE F64 as_float(I64 v) { return (F64)v; }

template <class M, class V>
FASTNN_INLINE V select(M mask, V a, V b) {
  return mask ? a : b;
}

FASTNN_INLINE F32 abs(F32 v) { return (F32)((I32)v & 0x7fffffff); }
FASTNN_INLINE F64 abs(F64 v) { return (F64)((I64)v & 0x7fffffffffffffff); }
FASTNN_INLINE F32 copysign(F32 v, F32 s) {
  return (F32)(((I32)v & 0x7fffffff) | ((I32)s & INT32_MIN));
}
FASTNN_INLINE F64 copysign(F64 v, F64 s) {
  return (F64)(((I64)v & 0x7fffffffffffffff) | ((I64)s & INT64_MIN));
}

// 2^n as bits; n must be a normal exponent. Unsigned: lanes of NaN come with any n.
FASTNN_INLINE F32 exp2_bits(I32 n) { return (F32)(((U32)n + 127) << 23); }
FASTNN_INLINE F64 exp2_bits(I64 n) { return (F64)(((U64)n + 1023) << 52); }

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA

#if defined(FASTNN_ISA_avx512)
#include "kernels/cpu/simd_avx512.h"
#elif defined(FASTNN_ISA_avx2)
#include "kernels/cpu/simd_avx2.h"
#elif defined(FASTNN_ISA_neon)
#include "kernels/cpu/simd_neon.h"
#else
#include "kernels/cpu/simd_baseline.h"
#endif
