// One product of matmul's batch, and its order of summation.
#pragma once
#include "kernels/cpu/simd.h"
#include "kernels/kernels.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <class T>
struct Product {
  T* c;
  const T* a;
  const T* b;
  const T* bias;
  const T* aux;
  int64_t m, n, k;
  int64_t lda, ldb, ldc, ldaux;
  bool trans_a, trans_b;
  const T* packed_b;  // see matmul_pack.h, or null
  bool narrow;        // see matmul_narrow.h
  Epilogue epilogue;
  Tile epilogue_tile;
  const double* epilogue_params;
};

// The longest chunk of K: long enough that fetching C again for the next one is cheap, short enough
// that a tile's panels of A and B come from the caches near the core.
#if defined(FASTNN_ISA_avx512)
constexpr int64_t kChunk = 512;
#else
constexpr int64_t kChunk = 384;
#endif
constexpr int64_t kNarrowChunk = 1024;
constexpr int64_t kNarrowCols = 4;
constexpr int64_t kNarrowDepth = 64;

FASTNN_INLINE bool is_narrow(int64_t n, int64_t k) { return n <= kNarrowCols && k >= kNarrowDepth; }

// K is cut into the fewest chunks of at most kChunk, equal but for the last.
struct Chunks {
  int64_t count, length;
};
template <class T>
Chunks chunks_of(const Product<T>& p) {
  const int64_t most = p.narrow ? kNarrowChunk : kChunk;
  if (p.k <= most) return {1, p.k};
  const int64_t length = ceil_div(ceil_div(p.k, ceil_div(p.k, most)), 16) * 16;
  return {ceil_div(p.k, length), length};
}

template <class T>
Product<T> product_of(const MatmulArgs& g) {
  Product<T> p;
  p.c = static_cast<T*>(g.c);
  p.a = static_cast<const T*>(g.a);
  p.b = static_cast<const T*>(g.b);
  p.bias = static_cast<const T*>(g.bias);
  p.aux = static_cast<const T*>(g.aux);
  p.m = g.m, p.n = g.n, p.k = g.k;
  p.lda = g.lda, p.ldb = g.ldb, p.ldc = g.ldc, p.ldaux = g.ldaux;
  p.trans_a = g.trans_a != 0, p.trans_b = g.trans_b != 0;
  p.packed_b = nullptr;
  p.narrow = is_narrow(g.n, g.k);
  p.epilogue = g.epilogue;
  p.epilogue_tile = g.epilogue_tile;
  p.epilogue_params = g.epilogue_params;
  return p;
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
