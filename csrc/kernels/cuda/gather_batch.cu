// gather_batch: rows of a resident data set, converted on the way; arrays of any dtype, byte order,
// strides and alignment. Where the context has a state, its row is added to the place of each row
// of the batch: so the same launch gathers batch after batch.
#include <string.h>

#include <type_traits>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

// IEEE 754 binary16, as bits.
struct Half {
  uint16_t bits;
};
// Bool is a type of its own so that conversion to it means "is not zero".
enum class Bool : uint8_t {};

__device__ float to_number(Half h) {
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
    const int64_t r = e / row_elements, at = done + r;
    const int64_t row = a.rows ? a.rows[at] : a.first_row + at;
    const char* p = static_cast<const char*>(a.src) + row * a.row_stride;
    int64_t rest = e - r * row_elements;
    for (int d = a.rank - 1; d >= 0; --d) {
      p += rest % a.shape[d] * a.strides[d];
      rest /= a.shape[d];
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

int64_t size_of(Source s) {
  switch (s) {
    case Source::f64:
    case Source::i64:
    case Source::u64:
      return 8;
    case Source::f32:
    case Source::i32:
    case Source::u32:
      return 4;
    case Source::i16:
    case Source::u16:
    case Source::f16:
      return 2;
    default:
      return 1;
  }
}

template <class T>
void gather_batch(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const GatherBatchArgs*>(args);
  const int64_t size = size_of(a.source);
  bool plain = !a.byteswap &&
               reinterpret_cast<uintptr_t>(a.src) % static_cast<uintptr_t>(size) == 0 &&
               a.row_stride % size == 0;
  int64_t elements = 1;
  for (int d = 0; d < a.rank; ++d) {
    elements *= a.shape[d];
    plain = plain && a.strides[d] % size == 0;
  }
  launch<gather<T>>(ctx, blocks_for(a.n * elements), kThreads, a, state_of(ctx), elements, plain);
}

const Entry kEntries[] = {
    {"gather_batch", DType::f32, gather_batch<float>, nullptr, nullptr},
    {"gather_batch", DType::f64, gather_batch<double>, nullptr, nullptr},
    {"gather_batch", DType::i32, gather_batch<int32_t>, nullptr, nullptr},
    {"gather_batch", DType::i64, gather_batch<int64_t>, nullptr, nullptr},
    {"gather_batch", DType::u8, gather_batch<uint8_t>, nullptr, nullptr},
    {"gather_batch", DType::b8, gather_batch<Bool>, nullptr, nullptr},
};

}  // namespace

const EntryList gather_batch_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
