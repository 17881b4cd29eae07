// How a kernel reports a bad value. Internal linkage: included by the objects of every ISA.
#pragma once
#include "kernels/kernels.h"

namespace fastnn::kernels {

// Stores the first bad value; safe when several threads find one.
[[maybe_unused]] static inline void report_index(const Context* ctx, int64_t value, int64_t limit) {
  int32_t none = 0;
  if (!__atomic_compare_exchange_n(&ctx->status->code, &none, 1, false, __ATOMIC_RELAXED,
                                   __ATOMIC_RELAXED))
    return;
  ctx->status->value = value;
  ctx->status->limit = limit;
}

}  // namespace fastnn::kernels
