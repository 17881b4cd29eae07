// Errors, and the building of their messages. Which Python exception each becomes:
// std::invalid_argument -> ValueError, std::length_error -> ValueError, std::out_of_range ->
// IndexError, std::bad_alloc -> MemoryError, TypeError -> TypeError, std::runtime_error ->
// RuntimeError, DeviceError -> fastnn.DeviceError, which is a RuntimeError.
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace fastnn {

using ValueError = std::invalid_argument;
using IndexError = std::out_of_range;
// A size that does not fit: the product of a shape overflows, say.
using SizeError = std::length_error;

struct TypeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A device that is not there, has no memory left or has failed.
struct DeviceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// str("expected ", 3, " values") -> "expected 3 values".
template <class... Parts>
std::string str(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// (2, 3), and (2,) for one item, as Python writes shapes.
template <class Items>
std::string str_tuple(const Items& items) {
  std::ostringstream out;
  out << '(';
  size_t i = 0;
  for (const auto& item : items) out << (i++ ? ", " : "") << item;
  out << (i == 1 ? ",)" : ")");
  return out.str();
}

}  // namespace fastnn
