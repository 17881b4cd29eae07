// The element types of fastnn. Plain data: kernels compiled per ISA include this file.
#pragma once
#include <stdint.h>

namespace fastnn {

enum class DType : uint8_t { f32 = 0, f64 = 1, i32 = 2, i64 = 3, u8 = 4, b8 = 5 };

constexpr int kDTypes = 6;

constexpr int64_t dtype_size(DType t) {
  return t == DType::f32 ? 4 : t == DType::f64 ? 8 : t == DType::i32 ? 4 : t == DType::i64 ? 8 : 1;
}

constexpr const char* dtype_name(DType t) {
  return t == DType::f32   ? "float32"
         : t == DType::f64 ? "float64"
         : t == DType::i32 ? "int32"
         : t == DType::i64 ? "int64"
         : t == DType::u8  ? "uint8"
                           : "bool";
}

constexpr bool is_floating(DType t) { return t == DType::f32 || t == DType::f64; }

}  // namespace fastnn
