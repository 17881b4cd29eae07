// Casts between all dtypes (see the reference): plain loops, which the compiler vectorises.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/tiles.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

struct Bool {};

// How one element goes over; what does not fit gives the lowest integer.
template <class To>
struct Convert {
  template <class From>
  static FASTNN_INLINE To from(From x) {
    return static_cast<To>(x);
  }
};
template <>
struct Convert<int32_t> {
  template <class From>
  static FASTNN_INLINE int32_t from(From x) {
    return static_cast<int32_t>(x);
  }
  static FASTNN_INLINE int32_t from(float x) {
    const bool fits = (x >= -0x1p31f) & (x < 0x1p31f);
    return fits ? static_cast<int32_t>(fits ? x : 0) : INT32_MIN;
  }
  static FASTNN_INLINE int32_t from(double x) {
    const bool fits = (x > -0x1p31 - 1) & (x < 0x1p31);
    return fits ? static_cast<int32_t>(fits ? x : 0) : INT32_MIN;
  }
};
template <>
struct Convert<int64_t> {
  template <class From>
  static FASTNN_INLINE int64_t from(From x) {
    return static_cast<int64_t>(x);
  }
  static FASTNN_INLINE int64_t from(float x) {
    const bool fits = (x >= -0x1p63f) & (x < 0x1p63f);
    return fits ? static_cast<int64_t>(fits ? x : 0) : INT64_MIN;
  }
  static FASTNN_INLINE int64_t from(double x) {
    const bool fits = (x >= -0x1p63) & (x < 0x1p63);
    return fits ? static_cast<int64_t>(fits ? x : 0) : INT64_MIN;
  }
};
template <>
struct Convert<uint8_t> {
  template <class From>
  static FASTNN_INLINE uint8_t from(From x) {
    return static_cast<uint8_t>(Convert<int32_t>::from(x));
  }
};
template <>
struct Convert<Bool> {
  template <class From>
  static FASTNN_INLINE uint8_t from(From x) {
    return x != 0;
  }
};

template <class To>
struct Stored {
  using type = To;
};
template <>
struct Stored<Bool> {
  using type = uint8_t;
};
template <class From>
FASTNN_INLINE From read(const From* x, int64_t i, From*) {
  return x[i];
}
FASTNN_INLINE uint8_t read(const uint8_t* x, int64_t i, Bool*) { return x[i] != 0; }

template <class From, class To>
void cast(void* out, const void* const* in, int64_t n, const double*) {
  using Source = typename Stored<From>::type;
  const Source* x = static_cast<const Source*>(in[0]);
  typename Stored<To>::type* y = static_cast<typename Stored<To>::type*>(out);
  FASTNN_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = Convert<To>::from(read(x, i, static_cast<From*>(nullptr)));
}

#define FASTNN_CASTS(id, To)                                                            \
  FASTNN_TILE(id, f32, cast<float, To>), FASTNN_TILE(id, f64, cast<double, To>),        \
      FASTNN_TILE(id, i32, cast<int32_t, To>), FASTNN_TILE(id, i64, cast<int64_t, To>), \
      FASTNN_TILE(id, u8, cast<uint8_t, To>), FASTNN_TILE(id, b8, cast<Bool, To>)

const Entry entries[] = {
    FASTNN_CASTS("cast_float32", float), FASTNN_CASTS("cast_float64", double),
    FASTNN_CASTS("cast_int32", int32_t), FASTNN_CASTS("cast_int64", int64_t),
    FASTNN_CASTS("cast_uint8", uint8_t), FASTNN_CASTS("cast_bool", Bool),
};

}  // namespace

const EntryList cast_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
