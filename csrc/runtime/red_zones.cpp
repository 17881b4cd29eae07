#include "runtime/red_zones.h"

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define FASTNN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FASTNN_ASAN 1
#endif
#endif

#ifdef FASTNN_ASAN
#include <sanitizer/asan_interface.h>
#define FASTNN_UNCHECKED __attribute__((no_sanitize("address")))
#else
#define FASTNN_UNCHECKED
#define ASAN_POISON_MEMORY_REGION(begin, bytes) ((void)(begin), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(begin, bytes) ((void)(begin), (void)(bytes))
#endif

namespace fastnn::runtime {
namespace {

constexpr char kPattern = static_cast<char>(0xa5);

// Loops of their own: memset and memcmp are checked wherever they are called from.
FASTNN_UNCHECKED void fill(char* begin, char* end) {
  for (volatile char* p = begin; p != end; ++p) *p = kPattern;
}

FASTNN_UNCHECKED bool is_filled(const char* begin, const char* end) {
  for (const volatile char* p = begin; p != end; ++p)
    if (*p != kPattern) return false;
  return true;
}

}  // namespace

void RedZones::add(char* begin, char* end) {
  fill(begin, end);
  ASAN_POISON_MEMORY_REGION(begin, static_cast<size_t>(end - begin));
  zones_.push_back({begin, end});
}

void RedZones::clear() {
  for (const Zone& z : zones_)
    ASAN_UNPOISON_MEMORY_REGION(z.begin, static_cast<size_t>(z.end - z.begin));
  zones_.clear();
}

bool RedZones::intact() const {
  for (const Zone& z : zones_)
    if (!is_filled(z.begin, z.end)) return false;
  return true;
}

}  // namespace fastnn::runtime
