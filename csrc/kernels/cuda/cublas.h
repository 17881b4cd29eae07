// Large products by NVIDIA's cublasLt, where it is found.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels::cuda {

// Whether a product is one for cublasLt. Each side has to fill its tiles, and the work (2^27 fma
// are 5 us of an H100) to outweigh what the choice of a kernel costs; below, and where the library
// is missing, matmul's own kernels run.
inline bool is_large(const MatmulArgs& g) {
  constexpr int64_t kSide = 64;
  constexpr double kWork = 134217728;
  double work = static_cast<double>(g.m) * static_cast<double>(g.n) * static_cast<double>(g.k);
  for (int32_t d = 0; d < g.batch_rank; ++d) work *= static_cast<double>(g.batch_shape[d]);
  return g.m >= kSide && g.n >= kSide && g.k >= kSide && work >= kWork;
}

// The product with its bias, without an activation (cublasLt's relu makes NaN zero). *biased:
// whether the bias is in it; not every type has that. False where cublasLt does not do it: the
// caller does. Bits are those of the shape, layouts and alignment, run after run on one kind of
// GPU; those of a row may depend on how many rows there are.
template <class T>
bool multiply_large(const MatmulArgs& g, const Context* ctx, bool* biased);

// Bytes that a large product needs. Loads the library: not while a graph is recorded.
size_t large_workspace();

// Where it is, or why not. Loads it.
const char* cublas_description(bool* there);
// Folders to look for it in, one a line. For the first use.
void set_cublas_folders(const char* folders);
// Whether large products of float32 may use TF32, for those launched from now on.
void set_tf32(bool on);

}  // namespace fastnn::kernels::cuda
