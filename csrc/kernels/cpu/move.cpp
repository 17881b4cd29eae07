// Moving data: copies between any strides, fills, gathers and their gradients. What moves has a
// size, not a type: one function serves all dtypes of 4, of 8 and of 1 byte.
#include <string.h>

#include "kernels/cpu/lists.h"
#include "kernels/cpu/simd.h"
#include "kernels/status.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kThreadsFrom = 65536, kTaskElements = 16384;

FASTNN_INLINE int64_t at_most(int64_t n, int64_t limit) { return n < limit ? n : limit; }

// n contiguous elements; short rows (the usual ones) without a call.
template <class T>
FASTNN_INLINE void move_row(T* out, const T* in, int64_t n) {
  if (n * static_cast<int64_t>(sizeof(T)) > 16) {
    memcpy(out, in, static_cast<size_t>(n) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i < n; ++i) out[i] = in[i];
}

// --- copy -----------------------------------------------------------------------------------

struct CopyAxis {
  int64_t n, out, in;
};

FASTNN_INLINE int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

// Axes of one element dropped, the others in the order of the output's strides (each element is
// written once, so any order will do), neighbours merged where they step as one.
FASTNN_INLINE int sort_and_merge(const CopyArgs& a, CopyAxis* axes) {
  int rank = 0;
  for (int d = 0; d < a.rank; ++d) {
    if (a.shape[d] == 1) continue;
    const CopyAxis axis = {a.shape[d], a.out_strides[d], a.in_strides[d]};
    int at = rank++;
    for (; at > 0 && magnitude(axes[at - 1].out) < magnitude(axis.out); --at)
      axes[at] = axes[at - 1];
    axes[at] = axis;
  }
  int merged = 0;
  for (int d = 0; d < rank; ++d) {
    CopyAxis* last = axes + merged - 1;
    if (merged > 0 && last->out == axes[d].out * axes[d].n && last->in == axes[d].in * axes[d].n)
      *last = {last->n * axes[d].n, axes[d].out, axes[d].in};
    else
      axes[merged++] = axes[d];
  }
  return merged;
}

template <class T>
FASTNN_INLINE void copy_line(T* out, const T* in, const CopyAxis& axis) {
  if (axis.out == 1 && axis.in == 1) return move_row(out, in, axis.n);
  for (int64_t i = 0; i < axis.n; ++i) out[i * axis.out] = in[i * axis.in];
}

// A matrix whose rows are contiguous in the output and its columns in the input, by squares that
// stay in the first-level cache.
template <class T>
void transpose(T* out, const T* in, const CopyAxis& row, const CopyAxis& column) {
  constexpr int64_t kSquare = 16;
  for (int64_t i0 = 0; i0 < row.n; i0 += kSquare) {
    const int64_t i1 = at_most(row.n, i0 + kSquare);
    for (int64_t j0 = 0; j0 < column.n; j0 += kSquare) {
      const int64_t j1 = at_most(column.n, j0 + kSquare);
      for (int64_t i = i0; i < i1; ++i)
        for (int64_t j = j0; j < j1; ++j) out[i * row.out + j] = in[i + j * column.in];
    }
  }
}

// The axes from `first` on, by loops over all but the last one or two.
template <class T>
void copy_axes(T* out, const T* in, const CopyAxis* axes, int rank) {
  if (rank == 0) {
    *out = *in;
    return;
  }
  if (rank == 1) return copy_line(out, in, axes[0]);
  const CopyAxis& axis = axes[0];
  if (rank == 2) {
    if (axes[1].out == 1 && axes[1].in != 1 && axis.in == 1)
      return transpose(out, in, axis, axes[1]);
    for (int64_t i = 0; i < axis.n; ++i) copy_line(out + i * axis.out, in + i * axis.in, axes[1]);
    return;
  }
  for (int64_t i = 0; i < axis.n; ++i)
    copy_axes(out + i * axis.out, in + i * axis.in, axes + 1, rank - 1);
}

// The input's contiguous axis is brought next to the output's, for transpose to find it.
FASTNN_INLINE void pair_contiguous(CopyAxis* axes, int rank) {
  if (rank < 3 || axes[rank - 1].in == 1 || axes[rank - 1].out != 1) return;
  for (int d = 0; d < rank - 2; ++d)
    if (axes[d].in == 1) {
      const CopyAxis contiguous = axes[d];
      for (int k = d; k < rank - 2; ++k) axes[k] = axes[k + 1];
      axes[rank - 2] = contiguous;
      return;
    }
}

template <class T>
struct CopyCall {
  T* out;
  const T* in;
  const CopyAxis* axes;
  int rank;
  int64_t per_task;
};

// A slice of the outermost axis.
template <class T>
void copy_task(void* arg, int64_t i) {
  const CopyCall<T>& c = *static_cast<const CopyCall<T>*>(arg);
  CopyAxis axes[kMaxRank];
  for (int d = 0; d < c.rank; ++d) axes[d] = c.axes[d];
  const int64_t first = i * c.per_task;
  axes[0].n = at_most(c.per_task, axes[0].n - first);
  copy_axes(c.out + first * axes[0].out, c.in + first * axes[0].in, axes, c.rank);
}

template <class T>
void copy(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const CopyArgs*>(args);
  CopyAxis axes[kMaxRank];
  const int rank = sort_and_merge(a, axes);
  int64_t elements = 1;
  for (int d = 0; d < rank; ++d) elements *= axes[d].n;
  if (elements == 0) return;
  pair_contiguous(axes, rank);
  CopyCall<T> c = {static_cast<T*>(a.out), static_cast<const T*>(a.in), axes, rank, 0};
  if (ctx->threads > 1 && elements >= kThreadsFrom) {
    c.per_task = kTaskElements * axes[0].n / elements + 1;
    const int64_t tasks = (axes[0].n + c.per_task - 1) / c.per_task;
    if (tasks > 1) return ctx->parallel_for(ctx->pool, tasks, copy_task<T>, &c);
  }
  copy_axes(c.out, c.in, axes, rank);
}

// --- fill, one_hot ----------------------------------------------------------------------------

template <class T>
void fill(const void* args, const Context*) {
  const auto& a = *static_cast<const FillArgs*>(args);
  const T value = static_cast<T>(a.value);
  T* out = static_cast<T*>(a.out);
  if (value == 0 && !__builtin_signbit(a.value)) {
    memset(out, 0, static_cast<size_t>(a.n) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i < a.n; ++i) out[i] = value;
}

void fill_bool(const void* args, const Context*) {
  const auto& a = *static_cast<const FillArgs*>(args);
  memset(a.out, a.value != 0, static_cast<size_t>(a.n));
}

template <class T>
void one_hot(const void* args, const Context*) {
  const auto& a = *static_cast<const OneHotArgs*>(args);
  T* out = static_cast<T*>(a.out);
  memset(out, 0, static_cast<size_t>(a.count * a.classes) * sizeof(T));
  for (int64_t i = 0; i < a.count; ++i)
    if (a.index[i] >= 0 && a.index[i] < a.classes) out[i * a.classes + a.index[i]] = 1;
}

// --- take -------------------------------------------------------------------------------------

// A negative index counts from the end; -1 and a report where it is out of range.
FASTNN_INLINE int64_t row_of(int64_t index, int64_t rows, const Context* ctx) {
  const int64_t row = index < 0 ? index + rows : index;
  if (__builtin_expect(row >= 0 && row < rows, 1)) return row;
  report_index(ctx, index, rows);
  return -1;
}

struct TakeCall {
  const TakeArgs* args;
  const Context* ctx;
  int64_t per_task;
};

// Rows [first, last) of the outer * count rows of the output.
template <class T>
void take_rows(const TakeArgs& a, const Context* ctx, int64_t first, int64_t last) {
  const T* table = static_cast<const T*>(a.in) + first / a.count * a.rows * a.inner;
  T* out = static_cast<T*>(a.out) + first * a.inner;
  int64_t i = first % a.count;
  for (int64_t k = first; k < last; ++k, out += a.inner) {
    const int64_t row = row_of(a.index[i], a.rows, ctx);
    if (row >= 0)
      move_row(out, table + row * a.inner, a.inner);
    else
      memset(out, 0, static_cast<size_t>(a.inner) * sizeof(T));
    if (++i == a.count) {
      i = 0;
      table += a.rows * a.inner;
    }
  }
}

template <class T>
void take_task(void* arg, int64_t i) {
  const TakeCall& c = *static_cast<const TakeCall*>(arg);
  const int64_t first = i * c.per_task;
  take_rows<T>(*c.args, c.ctx, first, at_most(first + c.per_task, c.args->outer * c.args->count));
}

template <class T>
void take(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  const int64_t rows = a.outer * a.count;
  if (rows == 0) return;
  if (ctx->threads > 1 && rows * a.inner >= kThreadsFrom) {
    TakeCall c = {&a, ctx, kTaskElements / a.inner + 1};
    ctx->parallel_for(ctx->pool, (rows + c.per_task - 1) / c.per_task, take_task<T>, &c);
    return;
  }
  take_rows<T>(a, ctx, 0, rows);
}

template <class T>
FASTNN_INLINE void add_row(T* out, const T* in, int64_t n) {
  constexpr int64_t L = kLanes<T>;
  int64_t i = 0;
  for (; i + L <= n; i += L) store(out + i, load(out + i) + load(in + i));
  if (i < n) store_first(out + i, load_first(out + i, n - i) + load_first(in + i, n - i), n - i);
}

struct AllRows {
  FASTNN_INLINE static void zero(const TakeArgs& a, const Context*, char* out, size_t step,
                                 size_t bytes) {
    for (int64_t r = 0; r < a.outer * a.rows; ++r, out += step) memset(out, 0, bytes);
  }
};
struct NamedRows {
  FASTNN_INLINE static void zero(const TakeArgs& a, const Context* ctx, char* out, size_t step,
                                 size_t bytes) {
    for (int64_t o = 0; o < a.outer; ++o, out += static_cast<size_t>(a.rows) * step)
      for (int64_t i = 0; i < a.count; ++i) {
        const int64_t row = row_of(a.index[i], a.rows, ctx);
        if (row >= 0) memset(out + static_cast<size_t>(row) * step, 0, bytes);
      }
  }
};

// Columns [first, last) of every row: they are independent, and each adds in the order of i.
template <class T, class Zeroed>
void take_grad_columns(const TakeArgs& a, const Context* ctx, int64_t first, int64_t last) {
  const T* g = static_cast<const T*>(a.in) + first;
  T* out = static_cast<T*>(a.out) + first;
  Zeroed::zero(a, ctx, reinterpret_cast<char*>(out), static_cast<size_t>(a.inner) * sizeof(T),
               static_cast<size_t>(last - first) * sizeof(T));
  for (int64_t o = 0; o < a.outer; ++o, out += a.rows * a.inner)
    for (int64_t i = 0; i < a.count; ++i, g += a.inner) {
      const int64_t row = row_of(a.index[i], a.rows, ctx);
      if (row >= 0) add_row(out + row * a.inner, g, last - first);
    }
}

template <class T, class Zeroed>
void take_grad_task(void* arg, int64_t i) {
  const TakeCall& c = *static_cast<const TakeCall*>(arg);
  const int64_t first = i * c.per_task;
  take_grad_columns<T, Zeroed>(*c.args, c.ctx, first, at_most(first + c.per_task, c.args->inner));
}

template <class T, class Zeroed>
void take_grad_of(const TakeArgs& a, const Context* ctx, int64_t rows) {
  constexpr int64_t kStrip = 64 / static_cast<int64_t>(sizeof(T));  // a cache line
  const int64_t work = a.outer * (rows + a.count) * a.inner;
  if (ctx->threads > 1 && work >= kThreadsFrom && a.inner >= 2 * kStrip) {
    const int64_t lines = (a.inner + kStrip - 1) / kStrip;
    TakeCall c = {&a, ctx, (lines + ctx->threads - 1) / ctx->threads * kStrip};
    const int64_t tasks = (a.inner + c.per_task - 1) / c.per_task;
    return ctx->parallel_for(ctx->pool, tasks, take_grad_task<T, Zeroed>, &c);
  }
  take_grad_columns<T, Zeroed>(a, ctx, 0, a.inner);
}

template <class T>
void take_grad(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  take_grad_of<T, AllRows>(a, ctx, a.rows);
}

template <class T>
void take_grad_rows(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  take_grad_of<T, NamedRows>(a, ctx, a.count);
}

// out[o, i, j] = table[o, index[o, i, j], j]
template <class T>
void take_along(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  const T* table = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  const int64_t* index = a.index;
  for (int64_t o = 0; o < a.outer; ++o, table += a.rows * a.inner)
    for (int64_t i = 0; i < a.count; ++i)
      for (int64_t j = 0; j < a.inner; ++j) {
        const int64_t row = row_of(*index++, a.rows, ctx);
        *out++ = row < 0 ? T(0) : table[row * a.inner + j];
      }
}

// out[o, index[o, i, j], j] += g[o, i, j]
template <class T>
void take_along_grad(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const TakeArgs*>(args);
  const T* g = static_cast<const T*>(a.in);
  T* out = static_cast<T*>(a.out);
  const int64_t* index = a.index;
  memset(out, 0, static_cast<size_t>(a.outer * a.rows * a.inner) * sizeof(T));
  for (int64_t o = 0; o < a.outer; ++o, out += a.rows * a.inner)
    for (int64_t i = 0; i < a.count; ++i)
      for (int64_t j = 0; j < a.inner; ++j, ++g) {
        const int64_t row = row_of(*index++, a.rows, ctx);
        if (row >= 0) out[row * a.inner + j] += *g;
      }
}

// --- first_nonfinite -----------------------------------------------------------------------------

// x - x is 0 for every finite x, and NaN for the others.
template <class T>
void first_nonfinite(const void* args, const Context*) {
  const auto& a = *static_cast<const FiniteArgs*>(args);
  constexpr int64_t L = kLanes<T>;
  const T* in = static_cast<const T*>(a.in);
  *a.out = -1;
  int64_t i = 0;
  for (; i + 4 * L <= a.n; i += 4 * L) {
    vec<T> sum = zero<T>();
    for (int64_t k = 0; k < 4; ++k) {
      const vec<T> x = load(in + i + k * L);
      sum += x - x;
    }
    if (any(sum != sum)) break;
  }
  for (; i < a.n; ++i)
    if (in[i] - in[i] != 0) {
      *a.out = i;
      return;
    }
}

#define FASTNN_RUN(id, dtype, kernel) {id, DType::dtype, kernel, nullptr, nullptr}
#define FASTNN_BY_SIZE(kernel)                                                                \
  FASTNN_RUN(#kernel, f32, kernel<uint32_t>), FASTNN_RUN(#kernel, i32, kernel<uint32_t>),     \
      FASTNN_RUN(#kernel, f64, kernel<uint64_t>), FASTNN_RUN(#kernel, i64, kernel<uint64_t>), \
      FASTNN_RUN(#kernel, u8, kernel<uint8_t>), FASTNN_RUN(#kernel, b8, kernel<uint8_t>)
#define FASTNN_NUMBERS(kernel)                                                             \
  FASTNN_RUN(#kernel, f32, kernel<float>), FASTNN_RUN(#kernel, i32, kernel<int32_t>),      \
      FASTNN_RUN(#kernel, f64, kernel<double>), FASTNN_RUN(#kernel, i64, kernel<int64_t>), \
      FASTNN_RUN(#kernel, u8, kernel<uint8_t>)
#define FASTNN_FLOATS(kernel) \
  FASTNN_RUN(#kernel, f32, kernel<float>), FASTNN_RUN(#kernel, f64, kernel<double>)

const Entry kEntries[] = {
    FASTNN_BY_SIZE(copy),           FASTNN_BY_SIZE(take),
    FASTNN_BY_SIZE(take_along),     FASTNN_FLOATS(take_grad),
    FASTNN_FLOATS(take_grad_rows),  FASTNN_FLOATS(take_along_grad),
    FASTNN_NUMBERS(fill),           FASTNN_RUN("fill", b8, fill_bool),
    FASTNN_NUMBERS(one_hot),        FASTNN_RUN("one_hot", b8, one_hot<uint8_t>),
    FASTNN_FLOATS(first_nonfinite),
};

}  // namespace

const EntryList move_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
