// AVX2 with FMA. Included by simd.h only.
#pragma once
#include <immintrin.h>

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Windows into these are the masks of the first n lanes.
alignas(64) constexpr int32_t kFirst32[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                              0,  0,  0,  0,  0,  0,  0,  0};
alignas(64) constexpr int64_t kFirst64[8] = {-1, -1, -1, -1, 0, 0, 0, 0};

FASTNN_INLINE __m256i first8(int64_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst32 + 8 - n));
}
FASTNN_INLINE __m256i first4(int64_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst64 + 4 - n));
}

FASTNN_INLINE F32 load_first(const float* p, int64_t n) {
  return (F32)_mm256_maskload_ps(p, first8(n));
}
FASTNN_INLINE F64 load_first(const double* p, int64_t n) {
  return (F64)_mm256_maskload_pd(p, first4(n));
}
FASTNN_INLINE I32 load_first(const int32_t* p, int64_t n) {
  return (I32)_mm256_maskload_epi32(p, first8(n));
}
FASTNN_INLINE I64 load_first(const int64_t* p, int64_t n) {
  return (I64)_mm256_maskload_epi64(reinterpret_cast<const long long*>(p), first4(n));
}
FASTNN_INLINE void store_first(float* p, F32 v, int64_t n) {
  _mm256_maskstore_ps(p, first8(n), (__m256)v);
}
FASTNN_INLINE void store_first(double* p, F64 v, int64_t n) {
  _mm256_maskstore_pd(p, first4(n), (__m256d)v);
}
FASTNN_INLINE void store_first(int32_t* p, I32 v, int64_t n) {
  _mm256_maskstore_epi32(p, first8(n), (__m256i)v);
}
FASTNN_INLINE void store_first(int64_t* p, I64 v, int64_t n) {
  _mm256_maskstore_epi64(reinterpret_cast<long long*>(p), first4(n), (__m256i)v);
}

FASTNN_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return (F32)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
FASTNN_INLINE F64 fma(F64 a, F64 b, F64 c) {
  return (F64)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
FASTNN_INLINE F32 sqrt(F32 v) { return (F32)_mm256_sqrt_ps((__m256)v); }
FASTNN_INLINE F64 sqrt(F64 v) { return (F64)_mm256_sqrt_pd((__m256d)v); }
FASTNN_INLINE F32 min(F32 a, F32 b) { return (F32)_mm256_min_ps((__m256)a, (__m256)b); }
FASTNN_INLINE F64 min(F64 a, F64 b) { return (F64)_mm256_min_pd((__m256d)a, (__m256d)b); }
FASTNN_INLINE F32 max(F32 a, F32 b) { return (F32)_mm256_max_ps((__m256)a, (__m256)b); }
FASTNN_INLINE F64 max(F64 a, F64 b) { return (F64)_mm256_max_pd((__m256d)a, (__m256d)b); }
FASTNN_INLINE F32 round_even(F32 v) {
  return (F32)_mm256_round_ps((__m256)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
FASTNN_INLINE F64 round_even(F64 v) {
  return (F64)_mm256_round_pd((__m256d)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
FASTNN_INLINE F32 floor(F32 v) { return (F32)_mm256_floor_ps((__m256)v); }
FASTNN_INLINE F64 floor(F64 v) { return (F64)_mm256_floor_pd((__m256d)v); }
FASTNN_INLINE F32 ceil(F32 v) { return (F32)_mm256_ceil_ps((__m256)v); }
FASTNN_INLINE F64 ceil(F64 v) { return (F64)_mm256_ceil_pd((__m256d)v); }

template <class M>
FASTNN_INLINE bool any(M mask) {
  return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
}

FASTNN_INLINE bool all_in(F32 v, F32 low, F32 high) {
  return _mm256_movemask_ps((__m256)((v >= low) & (v <= high))) == 0xff;
}
FASTNN_INLINE bool all_in(F64 v, F64 low, F64 high) {
  return _mm256_movemask_pd((__m256d)((v >= low) & (v <= high))) == 0xf;
}

FASTNN_INLINE I32 to_int(F32 v) { return (I32)_mm256_cvtps_epi32((__m256)v); }
FASTNN_INLINE F32 to_float(I32 v) { return (F32)_mm256_cvtepi32_ps((__m256i)v); }
// 1.5 * 2^52 leaves the integer in the low bits of the mantissa, in two's complement.
FASTNN_INLINE I64 to_int(F64 v) { return (I64)(v + 0x1.8p52) - (I64)set<double>(0x1.8p52); }
FASTNN_INLINE F64 to_float(I64 v) { return (F64)(v + (I64)set<double>(0x1.8p52)) - 0x1.8p52; }

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
  return (U64)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}

FASTNN_INLINE F32 gather(const float* p, I32 index) {
  return (F32)_mm256_i32gather_ps(p, (__m256i)index, 4);
}
FASTNN_INLINE F64 gather(const double* p, I64 index) {
  return (F64)_mm256_i64gather_pd(p, (__m256i)index, 8);
}

FASTNN_INLINE F64 widen_low(F32 v) {
  return (F64)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)v));
}
FASTNN_INLINE F64 widen_high(F32 v) {
  return (F64)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)v, 1));
}
FASTNN_INLINE F32 narrow(F64 low, F64 high) {
  const __m128 a = _mm256_cvtpd_ps((__m256d)low), b = _mm256_cvtpd_ps((__m256d)high);
  return (F32)_mm256_insertf128_ps(_mm256_castps128_ps256(a), b, 1);
}

#define FASTNN_REDUCE(name, op)                                                                  \
  FASTNN_INLINE float name(F32 v) {                                                              \
    __m128 x =                                                                                   \
        _mm_##op##_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));   \
    x = _mm_##op##_ps(x, _mm_movehl_ps(x, x));                                                   \
    return _mm_cvtss_f32(_mm_##op##_ss(x, _mm_shuffle_ps(x, x, 1)));                             \
  }                                                                                              \
  FASTNN_INLINE double name(F64 v) {                                                             \
    const __m128d x =                                                                            \
        _mm_##op##_pd(_mm256_castpd256_pd128((__m256d)v), _mm256_extractf128_pd((__m256d)v, 1)); \
    return _mm_cvtsd_f64(_mm_##op##_sd(x, _mm_unpackhi_pd(x, x)));                               \
  }
FASTNN_REDUCE(reduce_add, add)
FASTNN_REDUCE(reduce_max, max)
FASTNN_REDUCE(reduce_min, min)
#undef FASTNN_REDUCE

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
