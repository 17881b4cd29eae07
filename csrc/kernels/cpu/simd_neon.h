// NEON on AArch64. Included by simd.h only.
#pragma once
#include <arm_neon.h>

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

FASTNN_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return (F32)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
FASTNN_INLINE F64 fma(F64 a, F64 b, F64 c) {
  return (F64)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
FASTNN_INLINE F32 sqrt(F32 v) { return (F32)vsqrtq_f32((float32x4_t)v); }
FASTNN_INLINE F64 sqrt(F64 v) { return (F64)vsqrtq_f64((float64x2_t)v); }
// NEON's own min and max hand NaN on; these are x86's.
FASTNN_INLINE F32 min(F32 a, F32 b) { return a < b ? a : b; }
FASTNN_INLINE F64 min(F64 a, F64 b) { return a < b ? a : b; }
FASTNN_INLINE F32 max(F32 a, F32 b) { return a > b ? a : b; }
FASTNN_INLINE F64 max(F64 a, F64 b) { return a > b ? a : b; }
FASTNN_INLINE F32 round_even(F32 v) { return (F32)vrndnq_f32((float32x4_t)v); }
FASTNN_INLINE F64 round_even(F64 v) { return (F64)vrndnq_f64((float64x2_t)v); }
FASTNN_INLINE F32 floor(F32 v) { return (F32)vrndmq_f32((float32x4_t)v); }
FASTNN_INLINE F64 floor(F64 v) { return (F64)vrndmq_f64((float64x2_t)v); }
FASTNN_INLINE F32 ceil(F32 v) { return (F32)vrndpq_f32((float32x4_t)v); }
FASTNN_INLINE F64 ceil(F64 v) { return (F64)vrndpq_f64((float64x2_t)v); }

template <class M>
FASTNN_INLINE bool any(M mask) {
  return vmaxvq_u32((uint32x4_t)mask) != 0;
}

template <class V>
FASTNN_INLINE bool all_in(V v, V low, V high) {
  return vminvq_u32((uint32x4_t)((v >= low) & (v <= high))) != 0;
}

FASTNN_INLINE I32 to_int(F32 v) { return (I32)vcvtnq_s32_f32((float32x4_t)v); }
FASTNN_INLINE I64 to_int(F64 v) { return (I64)vcvtnq_s64_f64((float64x2_t)v); }
FASTNN_INLINE F32 to_float(I32 v) { return (F32)vcvtq_f32_s32((int32x4_t)v); }
FASTNN_INLINE F64 to_float(I64 v) { return (F64)vcvtq_f64_s64((int64x2_t)v); }

// Two steps: the first stays normal, so only the second rounds.
FASTNN_INLINE F32 scale2(F32 v, F32 n) {
  const I32 i = to_int(n), half = i >> 1;
  return v * exp2_bits(half) * exp2_bits(i - half);
}
FASTNN_INLINE F64 scale2(F64 v, F64 n) {
  const I64 i = to_int(n), half = i >> 1;
  return v * exp2_bits(half) * exp2_bits(i - half);
}

FASTNN_INLINE U64 multiply_low(U64 a, U64 b) {
  return (U64)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
}

FASTNN_INLINE F32 gather(const float* p, I32 i) { return F32{p[i[0]], p[i[1]], p[i[2]], p[i[3]]}; }
FASTNN_INLINE F64 gather(const double* p, I64 i) { return F64{p[i[0]], p[i[1]]}; }

FASTNN_INLINE F64 widen_low(F32 v) { return (F64)vcvt_f64_f32(vget_low_f32((float32x4_t)v)); }
FASTNN_INLINE F64 widen_high(F32 v) { return (F64)vcvt_high_f64_f32((float32x4_t)v); }
FASTNN_INLINE F32 narrow(F64 low, F64 high) {
  return (F32)vcvt_high_f32_f64(vcvt_f32_f64((float64x2_t)low), (float64x2_t)high);
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
