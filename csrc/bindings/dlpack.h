// What DLPack hands from library to library, version 0.8: https://dmlc.github.io/dlpack
#pragma once
#include <stdint.h>

namespace fastnn::bindings::dlpack {

constexpr int32_t kCuda = 2;  // DLDevice::type
enum Code : uint8_t { integer = 0, whole = 1, floating = 2, boolean = 6 };

struct Place {
  int32_t type, number;
};

struct Type {
  uint8_t code, bits;
  uint16_t lanes;
};

struct Array {
  void* data;
  Place place;
  int32_t rank;
  Type type;
  int64_t* shape;
  int64_t* strides;  // elements; null: without gaps
  uint64_t byte_offset;
};

struct Managed {
  Array array;
  void* context;
  void (*deleter)(Managed*);
};

}  // namespace fastnn::bindings::dlpack
