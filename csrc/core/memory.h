// Owned, aligned memory, and sizes that cannot wrap around.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <utility>

namespace fastnn {

constexpr size_t kAlignment = 64;

// a * b and a + b of sizes; SizeError where the result does not fit in int64_t.
int64_t checked_mul(int64_t a, int64_t b);
int64_t checked_add(int64_t a, int64_t b);

// The number of elements of a shape, such that their bytes fit in int64_t too.
int64_t checked_size(const int64_t* shape, int rank, int64_t item_size = 1);

constexpr int64_t align_up(int64_t bytes, int64_t to = kAlignment) {
  return (bytes + to - 1) / to * to;
}

// 64-byte aligned bytes, zeroed unless said otherwise. std::bad_alloc where there are none.
class Buffer {
 public:
  enum class Fill { zeros, none };

  Buffer() = default;
  explicit Buffer(int64_t bytes, Fill fill = Fill::zeros);
  ~Buffer();
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void* data() { return data_; }
  const void* data() const { return data_; }
  template <class T>
  T* as() {
    return static_cast<T*>(data_);
  }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data_);
  }
  int64_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace fastnn
