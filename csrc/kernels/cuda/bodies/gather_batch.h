// Rows of a resident data set, converted on the way; arrays of any dtype, byte order, strides and
// alignment.
#pragma once
#include <string.h>

#include <type_traits>

#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

// IEEE 754 binary16, as bits.
struct Half {
  uint16_t bits;
};
// Bool is a type of its own so that conversion to it means "is not zero".
enum class Bool : uint8_t {};

__device__ inline float to_number(Half h) {
  const uint32_t sign = static_cast<uint32_t>(h.bits & 0x8000) << 16;
  uint32_t exponent = (h.bits >> 10) & 31, fraction = h.bits & 1023;
  if (exponent == 31) {
    exponent = 255;
  } else if (exponent != 0) {
    exponent += 112;
  } else if (fraction != 0) {  // denormal there, normal here
    exponent = 113;
    while (!(fraction & 1024)) {
      fraction <<= 1;
      --exponent;
    }
    fraction &= 1023;
  }
  const uint32_t bits = sign | exponent << 23 | fraction << 13;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
template <class S>
__device__ S to_number(S x) {
  return x;
}

// Byte by byte: what the user gave may lie anywhere.
template <class S>
__device__ S read(const char* p, bool byteswap) {
  unsigned char bytes[sizeof(S)];
  for (size_t i = 0; i < sizeof(S); ++i)
    bytes[byteswap ? sizeof(S) - 1 - i : i] = static_cast<unsigned char>(p[i]);
  S value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

template <class T, class S>
__device__ void convert(T* out, const char* p, bool plain, bool byteswap) {
  const auto x = to_number(plain ? *reinterpret_cast<const S*>(p) : read<S>(p, byteswap));
  if constexpr (std::is_same_v<T, Bool>)
    *out = static_cast<Bool>(x != 0);
  else
    *out = static_cast<T>(x);
}

template <class T>
__device__ void gather(const Grid& grid, const GatherBatchArgs& a, const DeviceState* state,
                       int64_t row_elements, bool plain) {
  T* out = static_cast<T*>(a.out);
  const int64_t done = state ? state->row : 0;
  for (int64_t e = grid.first_index(); e < a.n * row_elements; e += grid.all_threads()) {
    const int64_t r = quotient(e, row_elements), at = done + r;
    const int64_t row = a.rows ? a.rows[at] : a.first_row + at;
    const char* p = static_cast<const char*>(a.src) + row * a.row_stride;
    int64_t rest = e - r * row_elements;
    for (int d = a.rank - 1; d >= 0; --d) {
      const int64_t i = d == 0 ? rest : take_digit(&rest, a.shape[d]);
      p += i * a.strides[d];
    }
    switch (a.source) {
      case Source::f32:
        convert<T, float>(out + e, p, plain, a.byteswap);
        break;
      case Source::f64:
        convert<T, double>(out + e, p, plain, a.byteswap);
        break;
      case Source::i32:
        convert<T, int32_t>(out + e, p, plain, a.byteswap);
        break;
      case Source::i64:
        convert<T, int64_t>(out + e, p, plain, a.byteswap);
        break;
      case Source::u8:
      case Source::b8:
        convert<T, uint8_t>(out + e, p, plain, a.byteswap);
        break;
      case Source::i8:
        convert<T, int8_t>(out + e, p, plain, a.byteswap);
        break;
      case Source::i16:
        convert<T, int16_t>(out + e, p, plain, a.byteswap);
        break;
      case Source::u16:
        convert<T, uint16_t>(out + e, p, plain, a.byteswap);
        break;
      case Source::u32:
        convert<T, uint32_t>(out + e, p, plain, a.byteswap);
        break;
      case Source::u64:
        convert<T, uint64_t>(out + e, p, plain, a.byteswap);
        break;
      case Source::f16:
        convert<T, Half>(out + e, p, plain, a.byteswap);
        break;
    }
  }
}

}  // namespace fastnn::kernels::cuda
