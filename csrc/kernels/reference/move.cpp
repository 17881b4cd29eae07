// Moving data inside a program: copies, gathers and their gradients: the specification.
#include <algorithm>
#include <cmath>

#include "kernels/reference/lists.h"
#include "kernels/reference/loops.h"
#include "kernels/status.h"

namespace fastnn::kernels::reference {
namespace {

template <class T>
void copy(const void* p, const Context*) {
  const auto& a = *static_cast<const CopyArgs*>(p);
  const T* in = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  for_each_index(a.rank, a.shape, a.out_strides, a.in_strides,
                 [&](int64_t to, int64_t from) { out[to] = in[from]; });
}

template <class T>
void fill(const void* p, const Context*) {
  const auto& a = *static_cast<const FillArgs*>(p);
  T* out = static_cast<T*>(a.out);
  std::fill(out, out + a.n, static_cast<T>(a.value));
}

void fill_bool(const void* p, const Context*) {
  const auto& a = *static_cast<const FillArgs*>(p);
  uint8_t* out = static_cast<uint8_t*>(a.out);
  std::fill(out, out + a.n, static_cast<uint8_t>(a.value != 0));
}

// A negative index counts from the end; -1 and a report where it is out of range.
int64_t row_of(int64_t index, int64_t rows, const Context* ctx) {
  const int64_t row = index < 0 ? index + rows : index;
  if (row >= 0 && row < rows) return row;
  report_index(ctx, index, rows);
  return -1;
}

// out[o, i, j] = table[o, index[i], j]
template <class T>
void take(const void* p, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(p);
  const T* table = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  for (int64_t o = 0; o < a.outer; ++o)
    for (int64_t i = 0; i < a.count; ++i) {
      const int64_t row = row_of(a.index[i], a.rows, ctx);
      for (int64_t j = 0; j < a.inner; ++j)
        out[(o * a.count + i) * a.inner + j] =
            row < 0 ? T(0) : table[(o * a.rows + row) * a.inner + j];
    }
}

// out[o, index[i], j] += g[o, i, j]
template <class T>
void add_rows(const TakeArgs& a, const Context* ctx) {
  const T* g = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  for (int64_t o = 0; o < a.outer; ++o)
    for (int64_t i = 0; i < a.count; ++i) {
      const int64_t row = row_of(a.index[i], a.rows, ctx);
      if (row < 0) continue;
      for (int64_t j = 0; j < a.inner; ++j)
        out[(o * a.rows + row) * a.inner + j] += g[(o * a.count + i) * a.inner + j];
    }
}

template <class T>
void take_grad(const void* p, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(p);
  T* out = static_cast<T*>(a.out);
  std::fill(out, out + a.outer * a.rows * a.inner, T(0));
  add_rows<T>(a, ctx);
}

template <class T>
void take_grad_rows(const void* p, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(p);
  T* out = static_cast<T*>(a.out);
  for (int64_t o = 0; o < a.outer; ++o)
    for (int64_t i = 0; i < a.count; ++i) {
      const int64_t row = row_of(a.index[i], a.rows, ctx);
      T* at = out + (o * a.rows + row) * a.inner;
      if (row >= 0) std::fill(at, at + a.inner, T(0));
    }
  add_rows<T>(a, ctx);
}

// out[o, i, j] = table[o, index[o, i, j], j]
template <class T>
void take_along(const void* p, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(p);
  const T* table = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  for (int64_t o = 0; o < a.outer; ++o)
    for (int64_t i = 0; i < a.count; ++i)
      for (int64_t j = 0; j < a.inner; ++j) {
        const int64_t at = (o * a.count + i) * a.inner + j;
        const int64_t row = row_of(a.index[at], a.rows, ctx);
        out[at] = row < 0 ? T(0) : table[(o * a.rows + row) * a.inner + j];
      }
}

// out[o, index[o, i, j], j] += g[o, i, j]
template <class T>
void take_along_grad(const void* p, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(p);
  const T* g = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  std::fill(out, out + a.outer * a.rows * a.inner, T(0));
  for (int64_t o = 0; o < a.outer; ++o)
    for (int64_t i = 0; i < a.count; ++i)
      for (int64_t j = 0; j < a.inner; ++j) {
        const int64_t at = (o * a.count + i) * a.inner + j;
        const int64_t row = row_of(a.index[at], a.rows, ctx);
        if (row >= 0) out[(o * a.rows + row) * a.inner + j] += g[at];
      }
}

// out[i, c] = c == index[i]
template <class T>
void one_hot(const void* p, const Context*) {
  const auto& a = *static_cast<const OneHotArgs*>(p);
  T* out = static_cast<T*>(a.out);
  for (int64_t i = 0; i < a.count; ++i)
    for (int64_t c = 0; c < a.classes; ++c) out[i * a.classes + c] = T(c == a.index[i]);
}

template <class T>
void first_nonfinite(const void* p, const Context*) {
  const auto& a = *static_cast<const FiniteArgs*>(p);
  const T* in = static_cast<const T*>(a.in);
  *a.out = -1;
  for (int64_t i = 0; i < a.n; ++i)
    if (!std::isfinite(in[i])) {
      *a.out = i;
      return;
    }
}

#define FASTNN_NUMBERS(kernel)                                                                  \
  entry(#kernel, DType::f32, kernel<float>), entry(#kernel, DType::f64, kernel<double>),        \
      entry(#kernel, DType::i32, kernel<int32_t>), entry(#kernel, DType::i64, kernel<int64_t>), \
      entry(#kernel, DType::u8, kernel<uint8_t>)
#define FASTNN_ALL(kernel) FASTNN_NUMBERS(kernel), entry(#kernel, DType::b8, kernel<uint8_t>)
#define FASTNN_FLOATS(kernel) \
  entry(#kernel, DType::f32, kernel<float>), entry(#kernel, DType::f64, kernel<double>)

const Entry kEntries[] = {
    FASTNN_ALL(copy),
    FASTNN_ALL(take),
    FASTNN_ALL(take_along),
    FASTNN_FLOATS(take_grad),
    FASTNN_FLOATS(take_grad_rows),
    FASTNN_FLOATS(take_along_grad),
    FASTNN_NUMBERS(fill),
    entry("fill", DType::b8, fill_bool),
    FASTNN_ALL(one_hot),
    FASTNN_FLOATS(first_nonfinite),
};

}  // namespace

const EntryList move_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::reference
