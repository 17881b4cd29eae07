// Matrix products: the specification.
#include <type_traits>

#include "kernels/reference/lists.h"

namespace fastnn::kernels::reference {
namespace {

// Integers wrap around, as NumPy's do.
template <class T, bool = std::is_integral<T>::value>
struct Wrapping {
  using type = T;
};
template <class T>
struct Wrapping<T, true> {
  using type = std::make_unsigned_t<T>;
};

template <class T>
T finish(T c, const MatmulArgs& g, int64_t aux_offset) {
  const T* aux = static_cast<const T*>(g.aux);
  if (g.epilogue == Epilogue::relu) return c < 0 ? T(0) : c;
  if (g.epilogue == Epilogue::relu_grad) return aux[aux_offset] > 0 ? c : T(0);
  return c;
}

// c, a and b are the offsets of one product of the batch.
template <class T>
void product(const MatmulArgs& g, int64_t c0, int64_t a0, int64_t b0) {
  using U = typename Wrapping<T>::type;
  T* c = static_cast<T*>(g.c) + c0;
  const T* a = static_cast<const T*>(g.a) + a0;
  const T* b = static_cast<const T*>(g.b) + b0;
  const T* bias = static_cast<const T*>(g.bias);
  const T* aux = g.aux ? static_cast<const T*>(g.aux) + c0 : nullptr;
  for (int64_t i = 0; i < g.m; ++i) {
    for (int64_t j = 0; j < g.n; ++j) {
      U sum = 0;
      for (int64_t k = 0; k < g.k; ++k)
        sum += static_cast<U>(g.trans_a ? a[k * g.lda + i] : a[i * g.lda + k]) *
               static_cast<U>(g.trans_b ? b[j * g.ldb + k] : b[k * g.ldb + j]);
      if (bias) sum += static_cast<U>(bias[j]);
      c[i * g.ldc + j] = finish<T>(static_cast<T>(sum), g, c0 + i * g.ldaux + j);
    }
    if (g.epilogue != Epilogue::tile) continue;
    const void* in[2] = {c + i * g.ldc, aux ? aux + i * g.ldaux : nullptr};
    g.epilogue_tile(c + i * g.ldc, in, g.n, g.epilogue_params);
  }
}

template <class T>
void column_sums(const MatmulArgs& g, T* out, const T* b) {
  for (int64_t j = 0; j < g.n; ++j) {
    T sum = 0;
    for (int64_t k = 0; k < g.k; ++k) sum += g.trans_b ? b[j * g.ldb + k] : b[k * g.ldb + j];
    out[j] = sum;
  }
}

template <class T>
void matmul(const void* args, const Context*) {
  const MatmulArgs& g = *static_cast<const MatmulArgs*>(args);
  int64_t count = 1;
  for (int d = 0; d < g.batch_rank; ++d) count *= g.batch_shape[d];
  for (int64_t p = 0; p < count; ++p) {
    int64_t a = 0, b = 0, c = 0, rest = p;
    for (int d = g.batch_rank - 1; d >= 0; --d) {
      const int64_t i = rest % g.batch_shape[d];
      rest /= g.batch_shape[d];
      a += i * g.batch_a[d], b += i * g.batch_b[d], c += i * g.batch_c[d];
    }
    product<T>(g, c, a, b);
    if (std::is_floating_point<T>::value && g.colsum_b)
      column_sums<T>(g, static_cast<T*>(g.colsum_b) + p * g.n, static_cast<const T*>(g.b) + b);
  }
}

const Entry entries[] = {
    {"matmul", DType::f32, matmul<float>, nullptr, nullptr},
    {"matmul", DType::f64, matmul<double>, nullptr, nullptr},
    {"matmul", DType::i32, matmul<int32_t>, nullptr, nullptr},
    {"matmul", DType::i64, matmul<int64_t>, nullptr, nullptr},
};

}  // namespace

const EntryList matmul_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::reference
