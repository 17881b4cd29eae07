// The micro-kernel of matmul: a tile of C held in registers while k runs.
//
// Every path ends here (but matmul_narrow.h), so every element is summed in one order: a chain of
// fma over the k of one chunk, from zero; the chunks are added in order; then comes the bias.
#pragma once
#include "kernels/cpu/simd.h"
#include "kernels/kernels.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// A tile has up to kTileRows rows and two vectors of columns. Its accumulators, the two vectors of
// B and the broadcast element of A fill the register file without spilling.
#if defined(FASTNN_ISA_avx512)
constexpr int kTileRows = 14;
#elif defined(FASTNN_ISA_avx2)
constexpr int kTileRows = 6;
#elif defined(FASTNN_ISA_neon)
constexpr int kTileRows = 12;
#else
constexpr int kTileRows = 4;
#endif
template <class T>
constexpr int kTileCols = 2 * kLanes<T>;

// The depth of a tile from which on fetching C ahead costs nothing.
constexpr int64_t kPrefetchDepth = 64;

// A few rows against an unpacked B take wide tiles instead, to read B in long pieces.
constexpr int kWideRows = 3;
#if defined(FASTNN_ISA_avx512) || defined(FASTNN_ISA_neon)
constexpr int kWideVectors = 8;
#else
constexpr int kWideVectors = 4;
#endif
template <class T>
constexpr int kWideCols = kWideVectors * kLanes<T>;

// What to do with a finished tile.
template <class T>
struct TileEnd {
  T* c;  // [row][col]
  int64_t ldc;
  int64_t tail;   // columns of the last vector, where it is not full
  const T* bias;  // [col], or null
  const T* aux;   // [row][col], for relu_grad
  int64_t ldaux;
  bool accumulate;  // C holds the sum of the chunks before
  Epilogue epilogue;
};
// a: [k][row] with k stride sa (trans_a), else [row][k] with row stride sa; sa counts bytes.
// b: [k][col] with k stride sb.
template <class T>
using TileKernel = void (*)(const T* a, int64_t sa, const T* b, int64_t sb, int64_t k,
                            const TileEnd<T>& end);

template <class T, int Vectors, bool Masked>
struct Columns {
  static constexpr int L = kLanes<T>;
  int64_t tail;
  FASTNN_INLINE vec<T> get(const T* p, int v) const {
    return Masked && v == Vectors - 1 ? load_first(p + v * L, tail) : load(p + v * L);
  }
  FASTNN_INLINE void put(T* p, int v, vec<T> x) const {
    if (Masked && v == Vectors - 1)
      store_first(p + v * L, x, tail);
    else
      store(p + v * L, x);
  }
};

#define FASTNN_EACH_ROW _Pragma("GCC unroll 16") for (int r = 0; r < Rows; ++r)
#define FASTNN_EACH_VECTOR _Pragma("GCC unroll 8") for (int v = 0; v < Vectors; ++v)

// The address of A's rows: three rows share a pointer, so that fourteen fit the registers.
template <class T, int Rows, bool TransA>
struct RowsOfA {
  static constexpr int kPointers = TransA ? 1 : (Rows + 2) / 3;
  const char* p[kPointers];
  int64_t stride;

  FASTNN_INLINE RowsOfA(const T* a, int64_t sa) : stride(sa) {
#pragma GCC unroll 16
    for (int i = 0; i < kPointers; ++i) p[i] = reinterpret_cast<const char*>(a) + 3 * i * sa;
  }
  FASTNN_INLINE T operator[](int r) const {
    return TransA ? reinterpret_cast<const T*>(p[0])[r]
                  : *reinterpret_cast<const T*>(p[TransA ? 0 : r / 3] + (r % 3) * stride);
  }
  FASTNN_INLINE void next() {
#pragma GCC unroll 16
    for (int i = 0; i < kPointers; ++i) p[i] += TransA ? stride : static_cast<int64_t>(sizeof(T));
  }
};

template <class T, int Rows, int Vectors, bool Masked, bool TransA>
void tile(const T* first_a, int64_t sa, const T* b, int64_t sb, int64_t k, const TileEnd<T>& t) {
  const Columns<T, Vectors, Masked> columns{t.tail};
  vec<T> acc[Rows][Vectors];
  FASTNN_EACH_ROW FASTNN_EACH_VECTOR acc[r][v] = zero<T>();

  // A large C comes from far: ask for it now, and the sums below hide the wait.
  if (k >= kPrefetchDepth) {
    const T* c = t.c;
    for (int r = 0; r < Rows; ++r, c += t.ldc) {
      for (int v = 0; v < Vectors; ++v) __builtin_prefetch(c + v * kLanes<T>, 1);
      __builtin_prefetch(c + Vectors * kLanes<T> - 1, 1);  // C may begin anywhere in a line
    }
  }

  RowsOfA<T, Rows, TransA> a(first_a, sa);
  for (; k > 0; --k) {
    vec<T> x[Vectors];
    FASTNN_EACH_VECTOR x[v] = columns.get(b, v);
    FASTNN_EACH_ROW {
      const vec<T> y = set<T>(a[r]);
      FASTNN_EACH_VECTOR acc[r][v] = fma(y, x[v], acc[r][v]);
    }
    a.next();
    b += sb;
  }

  T* c = t.c;
  const int64_t ldc = t.ldc;
  if (t.accumulate)
    FASTNN_EACH_ROW FASTNN_EACH_VECTOR acc[r][v] = columns.get(c + r * ldc, v) + acc[r][v];
  if (t.bias) {
    vec<T> x[Vectors];
    FASTNN_EACH_VECTOR x[v] = columns.get(t.bias, v);
    FASTNN_EACH_ROW FASTNN_EACH_VECTOR acc[r][v] = acc[r][v] + x[v];
  }
  if (t.epilogue == Epilogue::relu) {
    FASTNN_EACH_ROW FASTNN_EACH_VECTOR acc[r][v] = max(zero<T>(), acc[r][v]);
  } else if (t.epilogue == Epilogue::relu_grad) {
    const T* aux = t.aux;
    const int64_t ldaux = t.ldaux;
    FASTNN_EACH_ROW FASTNN_EACH_VECTOR acc[r][v] =
        select(columns.get(aux + r * ldaux, v) > zero<T>(), acc[r][v], zero<T>());
  }
  FASTNN_EACH_ROW {
    FASTNN_EACH_VECTOR columns.put(c, v, acc[r][v]);
    c += ldc;
  }
}

#undef FASTNN_EACH_ROW
#undef FASTNN_EACH_VECTOR

// of[rows - 1]; entries above kTileRows repeat the last and are never asked for.
template <class T>
struct TileRow {
  TileKernel<T> of[14];
};
template <class T, int Vectors, bool Masked, bool TransA>
struct TileKernels {
  template <int Rows>
  static constexpr TileKernel<T> kernel =
      tile<T, (Rows < kTileRows ? Rows : kTileRows), Vectors, Masked, TransA>;
  static constexpr TileRow<T> row = {{kernel<1>, kernel<2>, kernel<3>, kernel<4>, kernel<5>,
                                      kernel<6>, kernel<7>, kernel<8>, kernel<9>, kernel<10>,
                                      kernel<11>, kernel<12>, kernel<13>, kernel<14>}};
};
static_assert(kTileRows <= 14, "a kernel for every height");

template <class T>
constexpr TileRow<T> kTileKernels[8] = {
    TileKernels<T, 1, false, false>::row, TileKernels<T, 1, false, true>::row,
    TileKernels<T, 1, true, false>::row,  TileKernels<T, 1, true, true>::row,
    TileKernels<T, 2, false, false>::row, TileKernels<T, 2, false, true>::row,
    TileKernels<T, 2, true, false>::row,  TileKernels<T, 2, true, true>::row};

// The kernels for kWideCols columns and up to kWideRows rows.
template <class T>
FASTNN_INLINE const TileKernel<T>* wide_kernels(bool trans_a) {
  static constexpr TileKernel<T> kernels[2][kWideRows] = {
      {tile<T, 1, kWideVectors, false, false>, tile<T, 2, kWideVectors, false, false>,
       tile<T, 3, kWideVectors, false, false>},
      {tile<T, 1, kWideVectors, false, true>, tile<T, 2, kWideVectors, false, true>,
       tile<T, 3, kWideVectors, false, true>}};
  return kernels[trans_a];
}

// TileEnd::tail for a tile of cols columns.
template <class T>
FASTNN_INLINE int64_t tail_of(int64_t cols) {
  return cols > kLanes<T> ? cols - kLanes<T> : cols;
}

// The kernels (by rows - 1) for a tile of cols columns.
template <class T>
FASTNN_INLINE const TileKernel<T>* tile_kernels(int64_t cols, bool trans_a) {
  constexpr int L = kLanes<T>;
  return kTileKernels<T>[4 * (cols > L) + 2 * (cols % L != 0) + trans_a].of;
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
