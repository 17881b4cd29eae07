// AVX-512 (F, BW, DQ, VL). Included by simd.h only.
#pragma once
#include <immintrin.h>

namespace fastnn::kernels::FASTNN_ISA {
namespace {

FASTNN_INLINE __mmask16 first16(int64_t n) {
  return static_cast<__mmask16>(_bzhi_u32(0xffff, static_cast<uint32_t>(n)));
}
FASTNN_INLINE __mmask8 first8(int64_t n) {
  return static_cast<__mmask8>(_bzhi_u32(0xff, static_cast<uint32_t>(n)));
}

FASTNN_INLINE F32 load_first(const float* p, int64_t n) {
  return (F32)_mm512_maskz_loadu_ps(first16(n), p);
}
FASTNN_INLINE F64 load_first(const double* p, int64_t n) {
  return (F64)_mm512_maskz_loadu_pd(first8(n), p);
}
FASTNN_INLINE I32 load_first(const int32_t* p, int64_t n) {
  return (I32)_mm512_maskz_loadu_epi32(first16(n), p);
}
FASTNN_INLINE I64 load_first(const int64_t* p, int64_t n) {
  return (I64)_mm512_maskz_loadu_epi64(first8(n), p);
}
FASTNN_INLINE void store_first(float* p, F32 v, int64_t n) {
  _mm512_mask_storeu_ps(p, first16(n), (__m512)v);
}
FASTNN_INLINE void store_first(double* p, F64 v, int64_t n) {
  _mm512_mask_storeu_pd(p, first8(n), (__m512d)v);
}
FASTNN_INLINE void store_first(int32_t* p, I32 v, int64_t n) {
  _mm512_mask_storeu_epi32(p, first16(n), (__m512i)v);
}
FASTNN_INLINE void store_first(int64_t* p, I64 v, int64_t n) {
  _mm512_mask_storeu_epi64(p, first8(n), (__m512i)v);
}

FASTNN_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return (F32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
FASTNN_INLINE F64 fma(F64 a, F64 b, F64 c) {
  return (F64)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}

// The maskz forms where the plain ones leave GCC 12 warning about an undefined source operand.
FASTNN_INLINE F32 sqrt(F32 v) { return (F32)_mm512_maskz_sqrt_ps(0xffff, (__m512)v); }
FASTNN_INLINE F64 sqrt(F64 v) { return (F64)_mm512_maskz_sqrt_pd(0xff, (__m512d)v); }
FASTNN_INLINE F32 min(F32 a, F32 b) {
  return (F32)_mm512_maskz_min_ps(0xffff, (__m512)a, (__m512)b);
}
FASTNN_INLINE F64 min(F64 a, F64 b) {
  return (F64)_mm512_maskz_min_pd(0xff, (__m512d)a, (__m512d)b);
}
FASTNN_INLINE F32 max(F32 a, F32 b) {
  return (F32)_mm512_maskz_max_ps(0xffff, (__m512)a, (__m512)b);
}
FASTNN_INLINE F64 max(F64 a, F64 b) {
  return (F64)_mm512_maskz_max_pd(0xff, (__m512d)a, (__m512d)b);
}
FASTNN_INLINE F32 round_even(F32 v) {
  return (F32)_mm512_maskz_roundscale_ps(0xffff, (__m512)v, _MM_FROUND_TO_NEAREST_INT);
}
FASTNN_INLINE F64 round_even(F64 v) {
  return (F64)_mm512_maskz_roundscale_pd(0xff, (__m512d)v, _MM_FROUND_TO_NEAREST_INT);
}
FASTNN_INLINE F32 floor(F32 v) {
  return (F32)_mm512_maskz_roundscale_ps(0xffff, (__m512)v, _MM_FROUND_TO_NEG_INF);
}
FASTNN_INLINE F64 floor(F64 v) {
  return (F64)_mm512_maskz_roundscale_pd(0xff, (__m512d)v, _MM_FROUND_TO_NEG_INF);
}
FASTNN_INLINE F32 ceil(F32 v) {
  return (F32)_mm512_maskz_roundscale_ps(0xffff, (__m512)v, _MM_FROUND_TO_POS_INF);
}
FASTNN_INLINE F64 ceil(F64 v) {
  return (F64)_mm512_maskz_roundscale_pd(0xff, (__m512d)v, _MM_FROUND_TO_POS_INF);
}

template <class M>
FASTNN_INLINE bool any(M mask) {
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
}

FASTNN_INLINE bool all_in(F32 v, F32 low, F32 high) {
  const __mmask16 above = _mm512_cmp_ps_mask((__m512)v, (__m512)low, _CMP_GE_OQ);
  return _mm512_mask_cmp_ps_mask(above, (__m512)v, (__m512)high, _CMP_LE_OQ) == 0xffff;
}
FASTNN_INLINE bool all_in(F64 v, F64 low, F64 high) {
  const __mmask8 above = _mm512_cmp_pd_mask((__m512d)v, (__m512d)low, _CMP_GE_OQ);
  return _mm512_mask_cmp_pd_mask(above, (__m512d)v, (__m512d)high, _CMP_LE_OQ) == 0xff;
}

FASTNN_INLINE I32 to_int(F32 v) { return (I32)_mm512_maskz_cvtps_epi32(0xffff, (__m512)v); }
FASTNN_INLINE I64 to_int(F64 v) { return (I64)_mm512_maskz_cvtpd_epi64(0xff, (__m512d)v); }
FASTNN_INLINE F32 to_float(I32 v) { return __builtin_convertvector(v, F32); }
FASTNN_INLINE F64 to_float(I64 v) { return __builtin_convertvector(v, F64); }

FASTNN_INLINE F32 scale2(F32 v, F32 n) {
  return (F32)_mm512_maskz_scalef_ps(0xffff, (__m512)v, (__m512)n);
}
FASTNN_INLINE F64 scale2(F64 v, F64 n) {
  return (F64)_mm512_maskz_scalef_pd(0xff, (__m512d)v, (__m512d)n);
}

FASTNN_INLINE U64 multiply_low(U64 a, U64 b) {
  return (U64)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
}

FASTNN_INLINE F32 gather(const float* p, I32 index) {
  return (F32)_mm512_mask_i32gather_ps(_mm512_setzero_ps(), 0xffff, (__m512i)index, p, 4);
}
FASTNN_INLINE F64 gather(const double* p, I64 index) {
  return (F64)_mm512_mask_i64gather_pd(_mm512_setzero_pd(), 0xff, (__m512i)index, p, 8);
}

FASTNN_INLINE F64 look_up(const double* table, I64 i) {
  return (F64)_mm512_permutex2var_pd(_mm512_load_pd(table), (__m512i)i, _mm512_load_pd(table + 8));
}

FASTNN_INLINE __m256 low_half(F32 v) {
  return (__m256)__builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
}
FASTNN_INLINE __m256 high_half(F32 v) {
  return (__m256)__builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
}
FASTNN_INLINE __m256d low_half(F64 v) { return (__m256d)__builtin_shufflevector(v, v, 0, 1, 2, 3); }
FASTNN_INLINE __m256d high_half(F64 v) {
  return (__m256d)__builtin_shufflevector(v, v, 4, 5, 6, 7);
}
FASTNN_INLINE F64 widen_low(F32 v) { return (F64)_mm512_maskz_cvtps_pd(0xff, low_half(v)); }
FASTNN_INLINE F64 widen_high(F32 v) { return (F64)_mm512_maskz_cvtps_pd(0xff, high_half(v)); }
FASTNN_INLINE F32 narrow(F64 low, F64 high) {
  typedef float Half __attribute__((vector_size(32)));
  const Half a = (Half)_mm512_maskz_cvtpd_ps(0xff, (__m512d)low);
  const Half b = (Half)_mm512_maskz_cvtpd_ps(0xff, (__m512d)high);
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

#define FASTNN_REDUCE(name, op)                                                              \
  FASTNN_INLINE float name(F32 v) {                                                          \
    const __m256 y = _mm256_##op##_ps(low_half(v), high_half(v));                            \
    __m128 x = _mm_##op##_ps(_mm256_castps256_ps128(y), _mm256_extractf128_ps(y, 1));        \
    x = _mm_##op##_ps(x, _mm_movehl_ps(x, x));                                               \
    return _mm_cvtss_f32(_mm_##op##_ss(x, _mm_shuffle_ps(x, x, 1)));                         \
  }                                                                                          \
  FASTNN_INLINE double name(F64 v) {                                                         \
    const __m256d y = _mm256_##op##_pd(low_half(v), high_half(v));                           \
    const __m128d x = _mm_##op##_pd(_mm256_castpd256_pd128(y), _mm256_extractf128_pd(y, 1)); \
    return _mm_cvtsd_f64(_mm_##op##_sd(x, _mm_unpackhi_pd(x, x)));                           \
  }
FASTNN_REDUCE(reduce_add, add)
FASTNN_REDUCE(reduce_max, max)
FASTNN_REDUCE(reduce_min, min)
#undef FASTNN_REDUCE

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
