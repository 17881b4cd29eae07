// 16-byte vectors with what every x86-64 has (SSE2: no fma, no blend, no round), and plain vector
// extensions anywhere else. Included by simd.h only.
#pragma once
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// One element at any address.
template <class T>
FASTNN_INLINE T read(const T* p) {
  return reinterpret_cast<const Unaligned<T>*>(p)->v;
}
template <class T>
FASTNN_INLINE void write(T* p, T x) {
  reinterpret_cast<Unaligned<T>*>(p)->v = x;
}

template <class T>
FASTNN_INLINE vec<T> load_first4(const T* p, int64_t n) {
  switch (n) {
    case 0:
      return vec<T>{};
    case 1:
      return vec<T>{read(p), 0, 0, 0};
    case 2:
      return vec<T>{read(p), read(p + 1), 0, 0};
    case 3:
      return vec<T>{read(p), read(p + 1), read(p + 2), 0};
    default:
      return load(p);
  }
}
template <class T>
FASTNN_INLINE vec<T> load_first2(const T* p, int64_t n) {
  if (n >= 2) return load(p);
  return n == 1 ? vec<T>{read(p), 0} : vec<T>{};
}
template <class T>
FASTNN_INLINE void store_first4(T* p, vec<T> v, int64_t n) {
  if (n >= 4) return store(p, v);
  if (n > 0) write(p + 0, v[0]);
  if (n > 1) write(p + 1, v[1]);
  if (n > 2) write(p + 2, v[2]);
}
template <class T>
FASTNN_INLINE void store_first2(T* p, vec<T> v, int64_t n) {
  if (n >= 2) return store(p, v);
  if (n > 0) write(p + 0, v[0]);
}
FASTNN_INLINE F32 load_first(const float* p, int64_t n) { return load_first4<float>(p, n); }
FASTNN_INLINE F64 load_first(const double* p, int64_t n) { return load_first2<double>(p, n); }
FASTNN_INLINE I32 load_first(const int32_t* p, int64_t n) { return load_first4<int32_t>(p, n); }
FASTNN_INLINE I64 load_first(const int64_t* p, int64_t n) { return load_first2<int64_t>(p, n); }
FASTNN_INLINE void store_first(float* p, F32 v, int64_t n) { store_first4<float>(p, v, n); }
FASTNN_INLINE void store_first(double* p, F64 v, int64_t n) { store_first2<double>(p, v, n); }
FASTNN_INLINE void store_first(int32_t* p, I32 v, int64_t n) { store_first4<int32_t>(p, v, n); }
FASTNN_INLINE void store_first(int64_t* p, I64 v, int64_t n) { store_first2<int64_t>(p, v, n); }

FASTNN_INLINE F32 fma(F32 a, F32 b, F32 c) { return a * b + c; }
FASTNN_INLINE F64 fma(F64 a, F64 b, F64 c) { return a * b + c; }

#if defined(__SSE2__)
FASTNN_INLINE F32 sqrt(F32 v) { return (F32)_mm_sqrt_ps((__m128)v); }
FASTNN_INLINE F64 sqrt(F64 v) { return (F64)_mm_sqrt_pd((__m128d)v); }
FASTNN_INLINE F32 min(F32 a, F32 b) { return (F32)_mm_min_ps((__m128)a, (__m128)b); }
FASTNN_INLINE F64 min(F64 a, F64 b) { return (F64)_mm_min_pd((__m128d)a, (__m128d)b); }
FASTNN_INLINE F32 max(F32 a, F32 b) { return (F32)_mm_max_ps((__m128)a, (__m128)b); }
FASTNN_INLINE F64 max(F64 a, F64 b) { return (F64)_mm_max_pd((__m128d)a, (__m128d)b); }
FASTNN_INLINE I32 to_int(F32 v) { return (I32)_mm_cvtps_epi32((__m128)v); }
template <class M>
FASTNN_INLINE bool any(M mask) {
  return _mm_movemask_epi8((__m128i)mask) != 0;
}
#else
FASTNN_INLINE F32 sqrt(F32 v) {
  return F32{__builtin_sqrtf(v[0]), __builtin_sqrtf(v[1]), __builtin_sqrtf(v[2]),
             __builtin_sqrtf(v[3])};
}
FASTNN_INLINE F64 sqrt(F64 v) { return F64{__builtin_sqrt(v[0]), __builtin_sqrt(v[1])}; }
FASTNN_INLINE F32 min(F32 a, F32 b) { return a < b ? a : b; }
FASTNN_INLINE F64 min(F64 a, F64 b) { return a < b ? a : b; }
FASTNN_INLINE F32 max(F32 a, F32 b) { return a > b ? a : b; }
FASTNN_INLINE F64 max(F64 a, F64 b) { return a > b ? a : b; }
FASTNN_INLINE I32 to_int(F32 v) {
  return __builtin_convertvector(F32{__builtin_rintf(v[0]), __builtin_rintf(v[1]),
                                     __builtin_rintf(v[2]), __builtin_rintf(v[3])},
                                 I32);
}
template <class M>
FASTNN_INLINE bool any(M mask) {
  const I64 bits = (I64)mask;
  return (bits[0] | bits[1]) != 0;
}
#endif
template <class V>
FASTNN_INLINE bool all_in(V v, V low, V high) {
  return !any(~((v >= low) & (v <= high)));
}
FASTNN_INLINE F32 to_float(I32 v) { return __builtin_convertvector(v, F32); }
// 1.5 * 2^52 leaves the integer in the low bits of the mantissa, in two's complement.
FASTNN_INLINE I64 to_int(F64 v) { return (I64)(v + 0x1.8p52) - (I64)set<double>(0x1.8p52); }
FASTNN_INLINE F64 to_float(I64 v) { return (F64)(v + (I64)set<double>(0x1.8p52)) - 0x1.8p52; }

// Adding and taking away 2^23 (2^52) rounds what is smaller; anything larger is integral already.
FASTNN_INLINE F32 round_even(F32 v) {
  const F32 a = abs(v), r = (a + 0x1p23f) - 0x1p23f;
  return select(a < 0x1p23f, copysign(r, v), v);
}
FASTNN_INLINE F64 round_even(F64 v) {
  const F64 a = abs(v), r = (a + 0x1p52) - 0x1p52;
  return select(a < 0x1p52, copysign(r, v), v);
}
template <class V>
FASTNN_INLINE V floor_of(V v) {
  const V r = round_even(v);
  return select(r > v, r - 1, r);
}
FASTNN_INLINE F32 floor(F32 v) { return floor_of(v); }
FASTNN_INLINE F64 floor(F64 v) { return floor_of(v); }
FASTNN_INLINE F32 ceil(F32 v) { return -floor_of(-v); }
FASTNN_INLINE F64 ceil(F64 v) { return -floor_of(-v); }

// Two steps: the first stays normal, so only the second rounds.
FASTNN_INLINE F32 scale2(F32 v, F32 n) {
  const I32 i = to_int(n), half = i >> 1;
  return v * exp2_bits(half) * exp2_bits(i - half);
}
FASTNN_INLINE F64 scale2(F64 v, F64 n) {
  const I64 i = to_int(n), half = to_int(n * 0.5);
  return v * exp2_bits(half) * exp2_bits(i - half);
}

FASTNN_INLINE U64 multiply_low(U64 a, U64 b) {
#if defined(__SSE2__)
  return (U64)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffff) * (b & 0xffffffff);
#endif
}

FASTNN_INLINE F32 gather(const float* p, I32 i) { return F32{p[i[0]], p[i[1]], p[i[2]], p[i[3]]}; }
FASTNN_INLINE F64 gather(const double* p, I64 i) { return F64{p[i[0]], p[i[1]]}; }

FASTNN_INLINE F64 widen_low(F32 v) { return F64{v[0], v[1]}; }
FASTNN_INLINE F64 widen_high(F32 v) { return F64{v[2], v[3]}; }
FASTNN_INLINE F32 narrow(F64 a, F64 b) {
  return F32{static_cast<float>(a[0]), static_cast<float>(a[1]), static_cast<float>(b[0]),
             static_cast<float>(b[1])};
}

FASTNN_INLINE float reduce_add(F32 v) { return (v[0] + v[2]) + (v[1] + v[3]); }
FASTNN_INLINE double reduce_add(F64 v) { return v[0] + v[1]; }
FASTNN_INLINE float reduce_max(F32 v) {
  const F32 a = max(v, F32{v[2], v[3], 0, 0});
  return max(a, F32{a[1], 0, 0, 0})[0];
}
FASTNN_INLINE float reduce_min(F32 v) {
  const F32 a = min(v, F32{v[2], v[3], 0, 0});
  return min(a, F32{a[1], 0, 0, 0})[0];
}
FASTNN_INLINE double reduce_max(F64 v) { return max(v, F64{v[1], 0})[0]; }
FASTNN_INLINE double reduce_min(F64 v) { return min(v, F64{v[1], 0})[0]; }

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
