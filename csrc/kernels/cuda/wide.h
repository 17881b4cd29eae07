// Accesses of 16 bytes, and copies to shared memory that go on while a thread works.
#pragma once
#include <stdint.h>
#include <string.h>

#include "kernels/cuda/launch.h"

// Loops over arrays that are to stay in registers have to be unrolled.
#ifdef FASTNN_EMULATED
#define FASTNN_UNROLL
#define FASTNN_ONE_BY_ONE
#else
#define FASTNN_UNROLL _Pragma("unroll")
#define FASTNN_ONE_BY_ONE _Pragma("unroll 1")
#endif

namespace fastnn::kernels::cuda {

constexpr int kWide = 16;  // bytes, the most that one instruction moves

// kCount values that are loaded and stored as one, up to 16 bytes.
template <class T, int kCount>
struct alignas(sizeof(T) * kCount) Pack {
  static_assert(sizeof(T) * kCount <= kWide);
  T x[kCount];
};
#ifdef FASTNN_EMULATED
template <int kCount, class T>
__device__ Pack<T, kCount> load(const T* from) {
  return *reinterpret_cast<const Pack<T, kCount>*>(from);
}
template <class T, int kCount>
__device__ void store(T* to, const Pack<T, kCount>& pack) {
  *reinterpret_cast<Pack<T, kCount>*>(to) = pack;
}
#else
// A plain assignment of a vector the compiler may take apart, and does.
template <int kBytes>
struct Vector;
template <>
struct Vector<1> {
  using type = uint8_t;
};
template <>
struct Vector<2> {
  using type = uint16_t;
};
template <>
struct Vector<4> {
  using type = uint32_t;
};
template <>
struct Vector<8> {
  using type = uint2;
};
template <>
struct Vector<16> {
  using type = uint4;
};
template <int kCount, class T>
__device__ Pack<T, kCount> load(const T* from) {
  using V = typename Vector<sizeof(T) * kCount>::type;
  const V vector = *reinterpret_cast<const V*>(from);
  Pack<T, kCount> pack;
  memcpy(&pack, &vector, sizeof pack);
  return pack;
}
template <class T, int kCount>
__device__ void store(T* to, const Pack<T, kCount>& pack) {
  using V = typename Vector<sizeof(T) * kCount>::type;
  V v;
  memcpy(&v, &pack, sizeof pack);
  const size_t at = __cvta_generic_to_global(to);
  if constexpr (sizeof v == 16)
    asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(at), "r"(v.x), "r"(v.y), "r"(v.z),
                 "r"(v.w)
                 : "memory");
  else if constexpr (sizeof v == 8)
    asm volatile("st.global.v2.b32 [%0], {%1, %2};" ::"l"(at), "r"(v.x), "r"(v.y) : "memory");
  else
    *reinterpret_cast<V*>(to) = v;
}
#endif

template <class... P>
bool all_wide(const P*... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) | ...) % kWide) == 0;
}

// kBytes (4, 8 or 16) to shared memory, the first `valid` of them from device memory, zeros after
// them. They have arrived after the wait for their group.
template <int kBytes>
__device__ inline void copy_async(void* to, const void* from, int valid) {
#ifdef FASTNN_EMULATED
  emulated::copy_async(to, from, kBytes, valid);
#else
  const auto shared = static_cast<uint32_t>(__cvta_generic_to_shared(to));
  if constexpr (kBytes == 16)  // past the first cache, which nobody would find it in
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(from),
                 "r"(valid));
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared), "l"(from),
                 "n"(kBytes), "r"(valid));
#endif
}
// Ends a thread's group of copies. Groups may be empty.
__device__ inline void end_group() {
#ifdef FASTNN_EMULATED
  emulated::end_group();
#else
  asm volatile("cp.async.commit_group;");
#endif
}
// Until at most kOpen of a thread's last groups are under way.
template <int kOpen>
__device__ inline void wait_for_groups() {
#ifdef FASTNN_EMULATED
  emulated::wait_for_groups(kOpen);
#else
  asm volatile("cp.async.wait_group %0;" ::"n"(kOpen) : "memory");
#endif
}

}  // namespace fastnn::kernels::cuda
