// gather_batch, the way from the user's arrays into a batch: the specification.
#include <string.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/reference/lists.h"
#include "kernels/reference/loops.h"

namespace fastnn::kernels::reference {
namespace {

// IEEE 754 binary16, as bits.
struct Half {
  uint16_t bits;
};

double to_number(Half h) {
  const double sign = h.bits & 0x8000 ? -1 : 1;
  const int exponent = (h.bits >> 10) & 31, fraction = h.bits & 1023;
  if (exponent == 31) return fraction ? std::nan("") : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}
template <class S>
S to_number(S x) {
  return x;
}

template <class S>
S read(const char* p, bool byteswap) {
  unsigned char bytes[sizeof(S)];
  memcpy(bytes, p, sizeof(S));
  if (byteswap) std::reverse(bytes, bytes + sizeof(S));
  S value;
  memcpy(&value, bytes, sizeof(S));
  return value;
}

// Bool is a type of its own so that conversion to it means "is not zero".
enum class Bool : uint8_t {};

template <class T, class S>
T convert(S x) {
  if constexpr (std::is_same_v<T, Bool>)
    return static_cast<Bool>(x != 0);
  else
    return static_cast<T>(x);
}

template <class T, class S>
void gather(const GatherBatchArgs& a) {
  T* out = static_cast<T*>(a.out);
  for (int64_t r = 0; r < a.n; ++r) {
    const int64_t row = a.rows ? a.rows[r] : a.first_row + r;
    const char* src = static_cast<const char*>(a.src) + row * a.row_stride;
    for_each_index(a.rank, a.shape, a.strides, a.strides, [&](int64_t from, int64_t) {
      *out++ = convert<T>(to_number(read<S>(src + from, a.byteswap)));
    });
  }
}

template <class T>
void gather_batch(const void* p, const Context*) {
  const auto& a = *static_cast<const GatherBatchArgs*>(p);
  switch (a.source) {
    case Source::f32:
      return gather<T, float>(a);
    case Source::f64:
      return gather<T, double>(a);
    case Source::i32:
      return gather<T, int32_t>(a);
    case Source::i64:
      return gather<T, int64_t>(a);
    case Source::u8:
    case Source::b8:
      return gather<T, uint8_t>(a);
    case Source::i8:
      return gather<T, int8_t>(a);
    case Source::i16:
      return gather<T, int16_t>(a);
    case Source::u16:
      return gather<T, uint16_t>(a);
    case Source::u32:
      return gather<T, uint32_t>(a);
    case Source::u64:
      return gather<T, uint64_t>(a);
    case Source::f16:
      return gather<T, Half>(a);
  }
}

const Entry kEntries[] = {
    entry("gather_batch", DType::f32, gather_batch<float>),
    entry("gather_batch", DType::f64, gather_batch<double>),
    entry("gather_batch", DType::i32, gather_batch<int32_t>),
    entry("gather_batch", DType::i64, gather_batch<int64_t>),
    entry("gather_batch", DType::u8, gather_batch<uint8_t>),
    entry("gather_batch", DType::b8, gather_batch<Bool>),
};

}  // namespace

const EntryList gather_batch_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::reference
