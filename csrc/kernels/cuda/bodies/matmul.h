// A product of matrices, an element a thread.
#pragma once
#include <cmath>
#include <type_traits>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/math_arithmetic.h"

namespace fastnn::kernels::cuda {

// MatmulArgs by value, with strides instead of transposes.
struct Product {
  void* c;
  const void *a, *b, *bias, *aux;
  int64_t m, n, k;
  int64_t a_row, a_k, b_k, b_col, ldc, ldaux;
  Epilogue epilogue;
  int32_t batch_rank;
  int64_t batch_shape[kMaxRank], batch_a[kMaxRank], batch_b[kMaxRank], batch_c[kMaxRank];
};

// Of one product of the batch.
struct Offsets {
  int64_t a = 0, b = 0, c = 0;
};

__device__ inline Offsets offsets_of(const Product& p, int64_t product) {
  Offsets o;
  for (int d = p.batch_rank - 1; d >= 0; --d) {
    const int64_t i = d == 0 ? product : take_digit(&product, p.batch_shape[d]);
    o.a += i * p.batch_a[d];
    o.b += i * p.batch_b[d];
    o.c += i * p.batch_c[d];
  }
  return o;
}

template <class T>
__device__ T multiply_add(T a, T b, T c) {
  if constexpr (std::is_integral_v<T>)
    return add<T>(multiply<T>(a, b, nullptr), c, nullptr);
  else
    return std::fma(a, b, c);
}

// P: Product, or who has its fields.
template <class T, class P>
__device__ T activated(const P& p, int64_t offset, int64_t i, int64_t j, T sum) {
  if (p.epilogue == Epilogue::relu) return sum < 0 ? T(0) : sum;
  if (p.epilogue != Epilogue::relu_grad) return sum;
  return static_cast<const T*>(p.aux)[offset + i * p.ldaux + j] > 0 ? sum : T(0);
}

template <class T, class P>
__device__ void store(const P& p, int64_t offset, int64_t i, int64_t j, T sum) {
  if (p.bias) sum = add<T>(sum, static_cast<const T*>(p.bias)[j], nullptr);
  static_cast<T*>(p.c)[offset + i * p.ldc + j] = activated(p, offset, i, j, sum);
}

// A thread for each element. For products so small that the launch is what costs.
template <class T>
__device__ void product_small(const Grid& grid, const Product& p, int64_t count) {
  const int64_t size = p.m * p.n;
  for (int64_t e = grid.first_index(); e < count * size; e += grid.all_threads()) {
    const int64_t product = count == 1 ? 0 : quotient(e, size), place = e - product * size;
    const int64_t i = quotient(place, p.n), j = place - i * p.n;
    const Offsets o = offsets_of(p, product);
    const T* a = static_cast<const T*>(p.a) + o.a + i * p.a_row;
    const T* b = static_cast<const T*>(p.b) + o.b + j * p.b_col;
    T sum = 0;
    for (int64_t k = 0; k < p.k; ++k) sum = multiply_add(a[k * p.a_k], b[k * p.b_k], sum);
    store(p, o.c, i, j, sum);
  }
}

}  // namespace fastnn::kernels::cuda
