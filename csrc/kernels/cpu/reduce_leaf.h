// The loops at the bottom of a reduction, and the order they sum in.
//
// A row (contiguous elements to one result) goes through blocks of 64 vectors, a set of columns
// (rows of elements to a row of results) through blocks of 64 rows; a block has four chains, that
// of vector (or row) i being i % 4, in the element type. Blocks are added in double, in order, to
// a chunk of 65536 elements (4096 rows), and chunks to the result. So an error grows with the 16
// steps of a chain and not with the length, chunks can be the tasks of threads, and a result's
// bits depend on the length alone: not on its place among the columns, nor on the number of
// results beside it.
#pragma once
#include "kernels/cpu/lanes.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int kChains = 4;
template <class T>
constexpr int64_t kRowBlock = 16 * kChains * kLanes<T>;
constexpr int64_t kRowChunk = 65536;
constexpr int64_t kColumnBlock = 16 * kChains, kColumnChunk = 4096;

// What is joined is Op::of(element).
struct Elements {
  template <class V>
  static FASTNN_INLINE V of(V v) {
    return v;
  }
};
struct Sum : Elements {
  static constexpr double kStart = 0;
  template <class V>
  static FASTNN_INLINE V join(V a, V b) {
    return a + b;
  }
};
struct SumSquares : Sum {
  template <class V>
  static FASTNN_INLINE V of(V v) {
    return v * v;
  }
};
struct Prod : Elements {
  static constexpr double kStart = 1;
  template <class V>
  static FASTNN_INLINE V join(V a, V b) {
    return a * b;
  }
};
// A NaN, once met, stays.
struct Max : Elements {
  static constexpr double kStart = -__builtin_inf();
  template <class V>
  static FASTNN_INLINE V join(V a, V b) {
    return select(b != b, b, max(b, a));
  }
  static FASTNN_INLINE double join(double a, double b) { return b > a || b != b ? b : a; }
};
struct Min : Elements {
  static constexpr double kStart = __builtin_inf();
  template <class V>
  static FASTNN_INLINE V join(V a, V b) {
    return select(b != b, b, min(b, a));
  }
  static FASTNN_INLINE double join(double a, double b) { return b < a || b != b ? b : a; }
};

template <class Op>
FASTNN_INLINE double across(Op, F64 v) {
  double result = v[0];
  for (int i = 1; i < kLanes<double>; ++i) result = Op::join(result, v[i]);
  return result;
}
FASTNN_INLINE double across(Sum, F64 v) { return reduce_add(v); }
FASTNN_INLINE double across(SumSquares, F64 v) { return reduce_add(v); }
FASTNN_INLINE double across(Max, F64 v) {
  return any(v != v) ? static_cast<double>(__builtin_nan("")) : reduce_max(v);
}
FASTNN_INLINE double across(Min, F64 v) {
  return any(v != v) ? static_cast<double>(__builtin_nan("")) : reduce_min(v);
}

template <class Op>
FASTNN_INLINE F64 halves(F32 v) {
  return Op::join(widen_low(v), widen_high(v));
}
template <class Op>
FASTNN_INLINE F64 halves(F64 v) {
  return v;
}

// The first n lanes of p, the others Op's start.
template <class T, class Op>
FASTNN_INLINE vec<T> load_some(const T* p, int64_t n) {
  return Op::kStart == 0 ? load_first(p, n) : load_or(p, n, static_cast<T>(Op::kStart));
}

// At most kRowBlock elements.
template <class T, class Op>
FASTNN_INLINE F64 row_block(const T* p, int64_t n) {
  constexpr int64_t L = kLanes<T>;
  if (n <= L) return halves<Op>(Op::of(load_some<T, Op>(p, n)));
  vec<T> chain[kChains];
  FASTNN_EACH (k, kChains) chain[k] = set<T>(static_cast<T>(Op::kStart));
  for (; n >= kChains * L; n -= kChains * L, p += kChains * L)
    FASTNN_EACH (k, kChains) chain[k] = Op::join(chain[k], Op::of(load(p + k * L)));
  FASTNN_EACH (k, kChains) {
    const int64_t here = n - k * L;
    if (here >= L)
      chain[k] = Op::join(chain[k], Op::of(load(p + k * L)));
    else if (here > 0)
      chain[k] = Op::join(chain[k], Op::of(load_some<T, Op>(p + k * L, here)));
  }
  return halves<Op>(Op::join(Op::join(chain[0], chain[1]), Op::join(chain[2], chain[3])));
}

// The blocks of n contiguous elements, joined to what came before them in the chunk.
template <class T, class Op>
FASTNN_INLINE F64 row_blocks(const T* p, int64_t n, F64 total) {
  for (int64_t i = 0; i < n; i += kRowBlock<T>)
    total = Op::join(total, row_block<T, Op>(p + i, n - i < kRowBlock<T> ? n - i : kRowBlock<T>));
  return total;
}

// At most kRowChunk contiguous elements.
template <class T, class Op>
FASTNN_INLINE double row_chunk(const T* p, int64_t n) {
  return across(Op(), row_blocks<T, Op>(p, n, set<double>(Op::kStart)));
}

// The elements of a strided row are brought together first: its bits are a contiguous row's.
template <class T, class Op>
__attribute__((noinline)) double strided_row_chunk(const T* p, int64_t n, int64_t stride) {
  constexpr int64_t kPiece = 4 * kRowBlock<T>;
  F64 total = set<double>(Op::kStart);
  T buffer[kPiece];
  for (int64_t i = 0; i < n; i += kPiece) {
    const int64_t piece = n - i < kPiece ? n - i : kPiece;
    for (int64_t k = 0; k < piece; ++k) buffer[k] = p[(i + k) * stride];
    total = row_blocks<T, Op>(buffer, piece, total);
  }
  return across(Op(), total);
}

// Doubles for V vectors of T.
template <class T, int V>
struct Wide {
  static constexpr int kPer = static_cast<int>(sizeof(double) / sizeof(T));
  F64 v[V * kPer];
};
FASTNN_INLINE void widen(F32 v, F64* out) {
  out[0] = widen_low(v);
  out[1] = widen_high(v);
}
FASTNN_INLINE void widen(F64 v, F64* out) { out[0] = v; }
FASTNN_INLINE F32 narrow_to(float, const F64* v) { return narrow(v[0], v[1]); }
FASTNN_INLINE F64 narrow_to(double, const F64* v) { return v[0]; }

// V vectors of columns; of the last one `last` lanes where kTail.
template <class T, int V, bool kTail>
FASTNN_INLINE vec<T> load_column(const T* p, int v, int64_t last) {
  return kTail && v == V - 1 ? load_first(p + v * kLanes<T>, last) : load(p + v * kLanes<T>);
}

// At most kColumnBlock rows of V vectors of columns.
template <class T, class Op, int V, bool kTail>
FASTNN_INLINE void column_block(const T* p, int64_t rows, int64_t stride, int64_t last,
                                Wide<T, V>* out) {
  vec<T> chain[kChains][V];
  FASTNN_EACH (k, kChains)
    FASTNN_EACH (v, V) chain[k][v] = set<T>(static_cast<T>(Op::kStart));
  int64_t i = 0;
  for (; i + kChains <= rows; i += kChains)
    FASTNN_EACH (k, kChains)
      FASTNN_EACH (v, V)
        chain[k][v] =
            Op::join(chain[k][v], Op::of(load_column<T, V, kTail>(p + (i + k) * stride, v, last)));
  FASTNN_EACH (k, kChains - 1)
    if (i + k < rows)
      FASTNN_EACH (v, V)
        chain[k][v] =
            Op::join(chain[k][v], Op::of(load_column<T, V, kTail>(p + (i + k) * stride, v, last)));
  FASTNN_EACH (v, V)
    widen(Op::join(Op::join(chain[0][v], chain[1][v]), Op::join(chain[2][v], chain[3][v])),
          out->v + v * Wide<T, V>::kPer);
}

// At most kColumnChunk rows.
template <class T, class Op, int V, bool kTail>
FASTNN_INLINE void column_chunk(const T* p, int64_t rows, int64_t stride, int64_t last,
                                Wide<T, V>* total) {
  FASTNN_EACH (x, V * Wide<T, V>::kPer) total->v[x] = set<double>(Op::kStart);
  for (int64_t i = 0; i < rows; i += kColumnBlock) {
    Wide<T, V> block;
    column_block<T, Op, V, kTail>(p + i * stride, rows - i < kColumnBlock ? rows - i : kColumnBlock,
                                  stride, last, &block);
    FASTNN_EACH (x, V * Wide<T, V>::kPer) total->v[x] = Op::join(total->v[x], block.v[x]);
  }
}

// The same for many columns at once, at most kPanel<T>, of at most kColumnChunk rows: the chains
// stay in memory, so that rows are read from one end to the other. Strips of long rows would touch
// a page with every load. Eight rows of a chain at a time make its loads and stores few, and are
// what processors still fetch ahead and keep apart in their nearest cache where rows are powers of
// two. Adding goes in the same order, so the bits are the same.
template <class T>
constexpr int64_t kPanel = 8192 / static_cast<int64_t>(sizeof(T));
constexpr int kPanelRows = 8;
template <class T>
struct Panel {
  int64_t width, head;  // elements before the first boundary of a vector
  alignas(64) T chain[kChains][kPanel<T> + kLanes<T>];

  // What belongs to the elements of a row, so that both meet such boundaries.
  FASTNN_INLINE T* of(int k) { return chain[k] + (head > 0 ? kLanes<T> - head : 0); }
};
// Elements of p beyond a boundary of a vector.
template <class T>
FASTNN_INLINE int64_t past_boundary(const T* p) {
  return static_cast<int64_t>(reinterpret_cast<uintptr_t>(p) % kVectorBytes / sizeof(T));
}
// R rows, `stride` apart, joined to a chain, or to Op's start where they are the first.
template <class T, class Op, int R>
FASTNN_INLINE void panel_rows(Panel<T>* panel, int k, bool first, const T* p, int64_t stride) {
  constexpr int64_t L = kLanes<T>;
  const vec<T> start = set<T>(static_cast<T>(Op::kStart));
  const int64_t width = panel->width;
  T* chain = panel->of(k);
  int64_t part = panel->head;
  for (int64_t j = 0;;) {
    if (part > 0) {
      vec<T> v = first ? start : load_first(chain + j, part);
      FASTNN_EACH (r, R) v = Op::join(v, Op::of(load_first(p + r * stride + j, part)));
      store_first(chain + j, v, part);
    }
    for (j += part; j + 2 * L <= width; j += 2 * L) {
      vec<T> v[2];
      FASTNN_EACH (x, 2) v[x] = first ? start : load(chain + j + x * L);
      FASTNN_EACH (r, R)
        FASTNN_EACH (x, 2) v[x] = Op::join(v[x], Op::of(load(p + r * stride + j + x * L)));
      FASTNN_EACH (x, 2) store(chain + j + x * L, v[x]);
    }
    if (j >= width) return;
    part = width - j < L ? width - j : L;
  }
}
// At most kColumnBlock rows, into the chains.
template <class T, class Op>
FASTNN_INLINE void panel_block(Panel<T>* panel, const T* p, int64_t rows, int64_t stride) {
  const int64_t step = kChains * stride;
  for (int64_t i = 0; i < rows || i < kChains;) {
    const bool eight = i + kChains * kPanelRows <= rows;
    for (int k = 0; k < kChains; ++k) {
      const T* at = p + (i + k) * stride;
      if (eight)
        panel_rows<T, Op, kPanelRows>(panel, k, i == 0, at, step);
      else if (i + k < rows)
        panel_rows<T, Op, 1>(panel, k, i == 0, at, step);
      else if (i == 0)
        panel_rows<T, Op, 0>(panel, k, true, at, step);
    }
    i += eight ? kChains * kPanelRows : kChains;
  }
}
template <class T, class Op>
__attribute__((noinline)) void panel_chunk(const T* p, int64_t rows, int64_t stride, int64_t width,
                                           double* total) {
  constexpr int64_t L = kLanes<T>, D = kLanes<double>;
  constexpr int kPer = Wide<T, 1>::kPer;
  const int64_t past = past_boundary(p), head = past == 0 || stride % L != 0 ? 0 : L - past;
  Panel<T> panel;
  panel.width = width;
  panel.head = head < width ? head : width;
  for (int64_t j = 0; j < width; ++j) total[j] = Op::kStart;
  for (int64_t first = 0; first < rows; first += kColumnBlock) {
    const int64_t here = rows - first < kColumnBlock ? rows - first : kColumnBlock;
    panel_block<T, Op>(&panel, p + first * stride, here, stride);
    for (int64_t j = 0; j < width; j += L) {
      const int64_t some = width - j < L ? width - j : L;
      vec<T> v[kChains];
      FASTNN_EACH (k, kChains) v[k] = load_first(panel.of(k) + j, some);
      F64 wide[kPer];
      widen(Op::join(Op::join(v[0], v[1]), Op::join(v[2], v[3])), wide);
      FASTNN_EACH (x, kPer) {
        const int64_t at = j + x * D, n = width - at < D ? width - at : D;
        if (n > 0) store_first(total + at, Op::join(load_first(total + at, n), wide[x]), n);
      }
    }
  }
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
