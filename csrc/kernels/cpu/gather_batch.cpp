// gather_batch: rows of the user's arrays become a batch. It runs once a step and input, so the
// usual case, rows contiguous in memory of the model's own type or of double, is one masked load
// and store for each vector.
#include <string.h>

#include "kernels/cpu/lists.h"
#include "kernels/cpu/simd.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kThreadsFrom = 262144, kTaskElements = 32768;

// IEEE 754 binary16, and bool, as types of their own.
struct Half {
  uint16_t bits;
};
struct Bool {
  uint8_t value;
};

FASTNN_INLINE float to_number(Half h) {
  const uint32_t sign = static_cast<uint32_t>(h.bits & 0x8000) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(h.bits & 0x7fff) << 13;
  uint32_t bits;
  float value;
  if (magnitude >= 0x0f800000) {
    bits = sign | (magnitude + 0x70000000);  // infinity and NaN: the exponent stays all ones
  } else if (magnitude >= 0x00800000) {
    bits = sign | (magnitude + 0x38000000);
  } else {  // denormal: its fraction counts units of 2^-24
    value = static_cast<float>(h.bits & 0x3ff) * 0x1p-24f;
    return sign ? -value : value;
  }
  memcpy(&value, &bits, sizeof value);
  return value;
}
template <class S>
FASTNN_INLINE S to_number(S x) {
  return x;
}

template <class T>
struct Convert {
  template <class S>
  static FASTNN_INLINE T from(S x) {
    return static_cast<T>(x);
  }
};
template <>
struct Convert<Bool> {
  template <class S>
  static FASTNN_INLINE Bool from(S x) {
    return {static_cast<uint8_t>(x != 0)};
  }
};

template <class S>
FASTNN_INLINE S read_number(const char* p, bool byteswap) {
  S value;
  memcpy(&value, p, sizeof value);
  if (sizeof(S) > 1 && byteswap) {
    char* bytes = reinterpret_cast<char*>(&value);
    for (size_t i = 0; i < sizeof(S) / 2; ++i) {
      const char other = bytes[sizeof(S) - 1 - i];
      bytes[sizeof(S) - 1 - i] = bytes[i];
      bytes[i] = other;
    }
  }
  return value;
}

// One row at a time, whatever its layout.
template <class T, class S>
void any_rows(const GatherBatchArgs& a, int64_t first, int64_t last) {
  const int rank = a.rank;
  const int64_t inner = rank > 0 ? a.shape[rank - 1] : 1;
  const int64_t step = rank > 0 ? a.strides[rank - 1] : 0;
  int64_t size = 1;
  for (int d = 0; d < rank; ++d) size *= a.shape[d];
  if (size == 0) return;
  T* out = static_cast<T*>(a.out) + first * size;
  for (int64_t r = first; r < last; ++r) {
    const char* p =
        static_cast<const char*>(a.src) + (a.rows ? a.rows[r] : a.first_row + r) * a.row_stride;
    int64_t index[kMaxRank] = {};
    for (int d = 0; d >= 0;) {
      for (int64_t j = 0; j < inner; ++j)
        *out++ = Convert<T>::from(to_number(read_number<S>(p + j * step, a.byteswap != 0)));
      for (d = rank - 2; d >= 0; --d) {
        p += a.strides[d];
        if (++index[d] < a.shape[d]) break;
        p -= a.strides[d] * a.shape[d];
        index[d] = 0;
      }
    }
  }
}

FASTNN_INLINE int64_t at_most(int64_t n, int64_t limit) { return n < limit ? n : limit; }

FASTNN_INLINE const char* row_of(const GatherBatchArgs& a, int64_t r) {
  return static_cast<const char*>(a.src) + (a.rows ? a.rows[r] : a.first_row + r) * a.row_stride;
}

// Rows are read by moves that end where the row ends, and overlap: a masked one waits for the cache
// line behind the row as well, which nobody asked for ahead of time.
template <int kBytes>
struct Piece {
  typedef uint8_t Bytes __attribute__((vector_size(kBytes)));
  static FASTNN_INLINE void copy(char* out, const char* in) {
    Bytes piece;
    memcpy(&piece, in, kBytes);
    memcpy(out, &piece, kBytes);
  }
};

// Rows of kBytes to 2 kBytes, in their own type.
template <int kBytes>
void short_rows(const GatherBatchArgs& a, int64_t bytes, int64_t first, int64_t last) {
  char* out = static_cast<char*>(a.out) + first * bytes;
  const int64_t tail = bytes - kBytes;
  for (int64_t r = first; r < last; ++r, out += bytes) {
    const char* in = row_of(a, r);
    Piece<kBytes>::copy(out, in);
    Piece<kBytes>::copy(out + tail, in + tail);
  }
}

void long_rows(const GatherBatchArgs& a, int64_t bytes, int64_t first, int64_t last) {
  constexpr int64_t kBytes = 64;
  char* out = static_cast<char*>(a.out) + first * bytes;
  for (int64_t r = first; r < last; ++r, out += bytes) {
    const char* in = row_of(a, r);
    if (bytes > 8 * kBytes) {
      memcpy(out, in, static_cast<size_t>(bytes));
      continue;
    }
    for (int64_t b = 0; b < bytes - kBytes; b += kBytes) Piece<kBytes>::copy(out + b, in + b);
    Piece<kBytes>::copy(out + bytes - kBytes, in + bytes - kBytes);
  }
}

// Contiguous rows of this type.
template <class T>
void contiguous_rows(const GatherBatchArgs& a, int64_t size, int64_t first, int64_t last) {
  if (size == 1) {
    T* out = static_cast<T*>(a.out);
    for (int64_t r = first; r < last; ++r) memcpy(out + r, row_of(a, r), sizeof(T));
    return;
  }
  const int64_t bytes = size * static_cast<int64_t>(sizeof(T));
  if (bytes == 0) return;
  if (bytes <= 4) return short_rows<2>(a, bytes, first, last);
  if (bytes <= 8) return short_rows<4>(a, bytes, first, last);
  if (bytes <= 16) return short_rows<8>(a, bytes, first, last);
  if (bytes <= 32) return short_rows<16>(a, bytes, first, last);
  if (bytes <= 64) return short_rows<32>(a, bytes, first, last);
  long_rows(a, bytes, first, last);
}

// Contiguous rows of doubles to floats.
void narrowed_rows(const GatherBatchArgs& a, int64_t size, int64_t first, int64_t last) {
  constexpr int64_t D = kLanes<double>;
  typedef float Half __attribute__((vector_size(kVectorBytes / 2)));
  float* out = static_cast<float*>(a.out) + first * size;
  auto piece = [](float* to, const double* from) {
    const Half half = __builtin_convertvector(load(from), Half);
    memcpy(to, &half, sizeof half);
  };
  for (int64_t r = first; r < last; ++r, out += size) {
    const char* row = row_of(a, r);
    const double* in = reinterpret_cast<const double*>(row);
    if (size < D) {
      for (int64_t j = 0; j < size; ++j)
        out[j] = static_cast<float>(read_number<double>(row + 8 * j, false));
      continue;
    }
    for (int64_t j = 0; j < size - D; j += D) piece(out + j, in + j);
    piece(out + size - D, in + size - D);
  }
}

template <class T>
void any_source(const GatherBatchArgs& a, int64_t first, int64_t last) {
  switch (a.source) {
    case Source::f32:
      return any_rows<T, float>(a, first, last);
    case Source::f64:
      return any_rows<T, double>(a, first, last);
    case Source::i32:
      return any_rows<T, int32_t>(a, first, last);
    case Source::i64:
      return any_rows<T, int64_t>(a, first, last);
    case Source::u8:
    case Source::b8:
      return any_rows<T, uint8_t>(a, first, last);
    case Source::i8:
      return any_rows<T, int8_t>(a, first, last);
    case Source::i16:
      return any_rows<T, int16_t>(a, first, last);
    case Source::u16:
      return any_rows<T, uint16_t>(a, first, last);
    case Source::u32:
      return any_rows<T, uint32_t>(a, first, last);
    case Source::u64:
      return any_rows<T, uint64_t>(a, first, last);
    case Source::f16:
      return any_rows<T, Half>(a, first, last);
  }
}

// The elements of a row, where it is contiguous with this element size and byte order; else -1.
FASTNN_INLINE int64_t contiguous_size(const GatherBatchArgs& a, int64_t item) {
  if (a.byteswap) return -1;
  int64_t size = 1;
  for (int d = a.rank - 1; d >= 0; --d) {
    if (a.shape[d] != 1 && a.strides[d] != size * item) return -1;
    size *= a.shape[d];
  }
  return size;
}

template <class T>
struct Own;
template <>
struct Own<double> {
  [[maybe_unused]] static constexpr Source source = Source::f64;
};
template <>
struct Own<int32_t> {
  [[maybe_unused]] static constexpr Source source = Source::i32;
};
template <>
struct Own<int64_t> {
  [[maybe_unused]] static constexpr Source source = Source::i64;
};
template <>
struct Own<uint8_t> {
  [[maybe_unused]] static constexpr Source source = Source::u8;
};

template <class T>
FASTNN_INLINE bool quick_rows(T*, const GatherBatchArgs& a, int64_t first, int64_t last) {
  if (a.source != Own<T>::source) return false;
  const int64_t size = contiguous_size(a, sizeof(T));
  if (size < 0) return false;
  contiguous_rows<T>(a, size, first, last);
  return true;
}
FASTNN_INLINE bool quick_rows(float*, const GatherBatchArgs& a, int64_t first, int64_t last) {
  const bool narrowing = a.source == Source::f64;
  if (a.source != Source::f32 && !narrowing) return false;
  const int64_t size = contiguous_size(a, narrowing ? 8 : 4);
  if (size < 0) return false;
  if (narrowing)
    narrowed_rows(a, size, first, last);
  else
    contiguous_rows<float>(a, size, first, last);
  return true;
}
// What is true in a file of bytes may be any number but 0, and becomes 1.
FASTNN_INLINE bool quick_rows(Bool*, const GatherBatchArgs&, int64_t, int64_t) { return false; }

template <class T>
FASTNN_INLINE void gather_rows(const GatherBatchArgs& a, int64_t first, int64_t last) {
  if (!quick_rows(static_cast<T*>(nullptr), a, first, last)) any_source<T>(a, first, last);
}

struct Call {
  const GatherBatchArgs* args;
  int64_t rows_per_task;
};

template <class T>
void task(void* arg, int64_t i) {
  const Call& c = *static_cast<const Call*>(arg);
  const int64_t first = i * c.rows_per_task;
  gather_rows<T>(*c.args, first, at_most(first + c.rows_per_task, c.args->n));
}

template <class T>
void gather_batch(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const GatherBatchArgs*>(args);
  if (ctx->threads > 1) {
    int64_t size = 1;
    for (int d = 0; d < a.rank; ++d) size *= a.shape[d];
    if (size > 0 && size * a.n >= kThreadsFrom) {
      Call c = {&a, kTaskElements / size + 1};
      ctx->parallel_for(ctx->pool, (a.n + c.rows_per_task - 1) / c.rows_per_task, task<T>, &c);
      return;
    }
  }
  gather_rows<T>(a, 0, a.n);
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

}  // namespace fastnn::kernels::FASTNN_ISA
