#include "core/memory.h"

#include <string.h>

#include <limits>
#include <new>
#include <vector>

#include "core/error.h"

namespace fastnn {
namespace {

// From here on the start of what was allocated is kept in front of the aligned bytes: glibc finds
// no room for an aligned block where one of the same size was, and a process that makes and drops
// models would grow by each.
constexpr int64_t kLarge = 1 << 16;

void* aligned(void* start) {
  static_assert(kAlignment >= 2 * sizeof(void*));
  const uintptr_t at = reinterpret_cast<uintptr_t>(start) / kAlignment * kAlignment + kAlignment;
  void** data = reinterpret_cast<void**>(at);
  data[-1] = start;  // new aligns to two pointers at least
  return data;
}

void* start_of(void* data) { return static_cast<void**>(data)[-1]; }

}  // namespace

int64_t checked_mul(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    throw SizeError(str("size overflow: ", a, " * ", b, " does not fit in 64 bits"));
  return product;
}

int64_t checked_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    throw SizeError(str("size overflow: ", a, " + ", b, " does not fit in 64 bits"));
  return sum;
}

int64_t checked_size(const int64_t* shape, int rank, int64_t item_size) {
  // A zero extent must not hide an overflow of the others.
  int64_t bytes = item_size, size = 1;
  for (int d = 0; d < rank; ++d) {
    const bool negative = shape[d] < 0;
    if (negative || __builtin_mul_overflow(bytes, shape[d] > 0 ? shape[d] : 1, &bytes)) {
      const std::vector<int64_t> all(shape, shape + rank);
      throw SizeError(
          str("shape ", str_tuple(all),
              negative ? " has a negative extent" : " has more bytes than fit in 64 bits"));
    }
    size *= shape[d];
  }
  return size;
}

Buffer::Buffer(int64_t bytes, Fill fill) : size_(bytes) {
  if (bytes < 0) throw SizeError(str("a buffer cannot have ", bytes, " bytes"));
  if (bytes == 0) return;
  if (bytes > std::numeric_limits<int64_t>::max() - static_cast<int64_t>(kAlignment))
    throw std::bad_alloc();
  data_ = bytes < kLarge ? ::operator new(static_cast<size_t>(bytes), std::align_val_t{kAlignment})
                         : aligned(::operator new(static_cast<size_t>(bytes) + kAlignment));
  if (fill == Fill::zeros) memset(data_, 0, static_cast<size_t>(bytes));
}

Buffer::~Buffer() {
  if (size_ < kLarge) {
    if (data_) ::operator delete(data_, std::align_val_t{kAlignment});
  } else {
    ::operator delete(start_of(data_));
  }
}

}  // namespace fastnn
