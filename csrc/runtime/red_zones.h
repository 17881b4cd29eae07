// Debugging: memory beside buffers, which nothing may touch.
#pragma once
#include <cstdint>
#include <vector>

namespace fastnn::runtime {

// Writes into a zone are found by intact(). Under AddressSanitizer reads and writes there are
// reported where they happen; what the compiler does not instrument (vector intrinsics with a
// mask) is still found by intact().
class RedZones {
 public:
  static constexpr int64_t kSize = 64;

  RedZones() = default;
  ~RedZones() { clear(); }
  RedZones(const RedZones&) = delete;
  RedZones& operator=(const RedZones&) = delete;

  void add(char* begin, char* end);
  // The zones become ordinary memory again. Needed before it is freed or given another use.
  void clear();
  bool intact() const;

 private:
  struct Zone {
    char *begin, *end;
  };
  std::vector<Zone> zones_;
};

}  // namespace fastnn::runtime
