// Many products with one B: it is put into the order in which matmul reads it once, not in each.
// Declared as in kernels.h. The order is the table's own, so both kernels come from one table.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels {

// matmul_pack: out, of K * (N rounded up to kPackedCols) elements, receives op(B). (f32, f64)
constexpr int64_t kPackedCols = 32;
struct MatmulPackArgs {
  void* out;
  const void* b;
  int64_t n, k, ldb;
  int32_t trans_b;
};
// matmul_packed: matmul with the bits of matmul. The product is no batch; its B is there as well,
// for small and narrow products read it where it lies. Workspace: matmul's. (f32, f64)
struct PackedMatmulArgs {
  const MatmulArgs* product;
  const void* b;  // matmul_pack's out
};

}  // namespace fastnn::kernels
