// Memory of the device and of blocks, with a pattern between arrays that nothing may write.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "kernels/cuda/emulated/checker.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, bytes)
#define ASAN_UNPOISON_MEMORY_REGION(p, bytes)
#endif

namespace fastnn::emulated {
namespace {

constexpr int64_t kRedZone = 256;
constexpr unsigned char kPattern = 0xa5;

int64_t pages(int64_t bytes) { return (bytes + 4095) / 4096 * 4096; }
int64_t slot(int64_t bytes) { return (bytes + 2 * kRedZone + 255) / 256 * 256; }

bool is_pattern(const char* begin, const char* end) {
  return std::all_of(begin, end, [](char c) { return static_cast<unsigned char>(c) == kPattern; });
}

using Arrays = std::map<int64_t, int64_t>;  // offset to bytes asked for

struct Region {
  char* base;
  Arrays used;
  int64_t top = 0;  // bytes ever used, whole pages
  int open = 0;
  std::recursive_mutex mutex;

  Region() : base(memory() + kSharedRegion) {}
  void protect(int how) {
    if (top > 0) mprotect(base, static_cast<size_t>(top), how);
  }
  // Protecting costs what lies below the top: what was freed there is given back.
  void lower_top() {
    const int64_t end =
        used.empty() ? 0 : pages(used.rbegin()->first + slot(used.rbegin()->second));
    if (end == top) return;
    madvise(base + end, static_cast<size_t>(top - end), MADV_DONTNEED);
    mprotect(base + end, static_cast<size_t>(top - end), PROT_NONE);
    top = end;
  }
};

Region& region() {
  static auto* r = new Region;
  return *r;
}

// --- shared memory: variables one after the other, from the first use in a launch on

constexpr int64_t kSharedZone = 128;

struct SharedMemory {
  Arrays used;
  int64_t top = kSharedZone;
  void* dynamic = nullptr;
};
SharedMemory shared;

void clear_shared(int64_t at, int64_t bytes) {
  memset(memory() + at, 0xff, static_cast<size_t>(bytes));
  checker::mark(memory() + at, bytes, checker::Bytes::unwritten);
}

// As little aligned as the hardware's are: at 16 bytes and no more.
void* take_shared(int64_t bytes) {
  const int64_t at = (shared.top + 31) / 32 * 32 + 16;
  const int64_t top = at + bytes + kSharedZone;
  if (top > kSharedRegion) stop("a block has not so much shared memory");
  ASAN_UNPOISON_MEMORY_REGION(memory() + shared.top, static_cast<size_t>(top - shared.top));
  memset(memory() + shared.top, kPattern, static_cast<size_t>(top - shared.top));
  ASAN_POISON_MEMORY_REGION(memory() + shared.top, static_cast<size_t>(top - shared.top));
  ASAN_UNPOISON_MEMORY_REGION(memory() + at, static_cast<size_t>(bytes));
  shared.used[at] = bytes;
  shared.top = top;
  clear_shared(at, bytes);
  return memory() + at;
}

// The array at or before an offset. Null: none.
const Arrays::value_type* before(const Arrays& arrays, int64_t offset) {
  auto after = arrays.upper_bound(offset);
  return after == arrays.begin() ? nullptr : &*std::prev(after);
}

std::string place_among(const Arrays& arrays, int64_t offset, const char* of) {
  const auto* array = before(arrays, offset);
  if (array && offset < array->first + array->second)
    return text("byte %ld of the %ld of %s", static_cast<long>(offset - array->first),
                static_cast<long>(array->second), of);
  const auto after = arrays.upper_bound(offset);
  const int64_t behind = array ? offset - array->first - array->second : INT64_MAX;
  const int64_t ahead = after == arrays.end() ? INT64_MAX : after->first - offset;
  if (behind == INT64_MAX && ahead == INT64_MAX) return std::string("no byte of ") + of;
  if (behind <= ahead)
    return text("%ld bytes behind the end of the %ld of %s", static_cast<long>(behind),
                static_cast<long>(array->second), of);
  return text("%ld bytes before the %ld of %s", static_cast<long>(ahead),
              static_cast<long>(after->second), of);
}

// Whether bytes are all of one array, or not of the device at all.
bool within_one(const void* p, int64_t bytes) {
  Region& r = region();
  std::lock_guard<std::recursive_mutex> lock(r.mutex);
  const int64_t at = static_cast<const char*>(p) - r.base;
  if (at < 0 || at >= kRegion || bytes == 0) return true;
  const auto* array = before(r.used, at - kRedZone);
  return array && at + bytes <= array->first + kRedZone + array->second;
}

}  // namespace

std::string text(const char* format, ...) {
  char buffer[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

// "... [with auto body = fastnn::kernels::cuda::fused<true>; int kMost = 256; ...]"
std::string kernel_text() {
  const std::string name = launch.name, space = "fastnn::kernels::cuda::";
  const size_t at = name.find("body = ");
  if (at == std::string::npos) return name;
  std::string kernel = name.substr(at + 7, name.find("; ", at) - at - 7);
  for (size_t p; (p = kernel.find(space)) != std::string::npos;) kernel.erase(p, space.size());
  return kernel;
}

void stop(const std::string& what) {
  fprintf(stderr, "emulated GPU, kernel %s: %s\n", kernel_text().c_str(), what.c_str());
  abort();
}

char* memory() {
  static auto* all = static_cast<char*>(mmap(nullptr, kSharedRegion + kRegion, PROT_NONE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  static const int opened = mprotect(all, kSharedRegion, PROT_READ | PROT_WRITE);
  return opened == 0 ? all : nullptr;
}

std::string place_text(const char* p) {
  const int64_t at = p - memory();
  if (at < 0 || at >= kSharedRegion + kRegion) return "the host's memory";
  if (at < kSharedRegion) return place_among(shared.used, at, "shared memory");
  // As their owners see them, without what lies before.
  Arrays seen;
  for (const auto& [offset, bytes] : region().used) seen[offset + kRedZone] = bytes;
  return place_among(seen, at - kSharedRegion, "an array of the device");
}

void begin_launch_memory(size_t shared_bytes) {
  for (const auto& [at, bytes] : shared.used)
    checker::mark(memory() + at, bytes, checker::Bytes::none);
  shared.used.clear();
  shared.top = kSharedZone;
  shared.dynamic = shared_bytes > 0 ? take_shared(static_cast<int64_t>(shared_bytes)) : nullptr;
}

void begin_block_memory() {
  for (const auto& [at, bytes] : shared.used) clear_shared(at, bytes);
}

void end_block_memory() {
  int64_t end = kSharedZone;
  for (const auto& [at, bytes] : shared.used) {
    const char* zone = memory() + at + bytes;
    ASAN_UNPOISON_MEMORY_REGION(memory() + end, static_cast<size_t>(at - end));
    ASAN_UNPOISON_MEMORY_REGION(zone, static_cast<size_t>(kSharedZone));
    if (!is_pattern(memory() + end, memory() + at) || !is_pattern(zone, zone + kSharedZone))
      stop(text("something was written beside the %ld bytes of a shared variable",
                static_cast<long>(bytes)));
    ASAN_POISON_MEMORY_REGION(memory() + end, static_cast<size_t>(at - end));
    ASAN_POISON_MEMORY_REGION(zone, static_cast<size_t>(kSharedZone));
    end = at + bytes + kSharedZone;
  }
}

void* shared_memory() { return shared.dynamic; }

void* shared_variable(Place* place, size_t bytes) {
  if (place->launch != launch.number)
    *place = {launch.number, take_shared(static_cast<int64_t>(bytes))};
  return place->address;
}

Access::Access() {
  region().mutex.lock();
  if (region().open++ == 0) region().protect(PROT_READ | PROT_WRITE);
}

Access::~Access() {
  if (--region().open == 0) region().protect(PROT_NONE);
  region().mutex.unlock();
}

void* allocate(int64_t bytes) {
  Region& r = region();
  std::lock_guard<std::recursive_mutex> lock(r.mutex);
  if (bytes > kRegion - 2 * kRedZone) return nullptr;
  const int64_t want = slot(bytes);
  int64_t at = 0;
  for (const auto& [offset, size] : r.used) {
    if (offset - at >= want) break;
    at = offset + slot(size);
  }
  if (at + want > kRegion) return nullptr;
  r.used[at] = bytes;
  r.top = std::max(r.top, pages(at + want));
  Access access;
  char* p = r.base + at + kRedZone;
  ASAN_UNPOISON_MEMORY_REGION(r.base + at, static_cast<size_t>(want));
  memset(r.base + at, kPattern, static_cast<size_t>(want));
  ASAN_POISON_MEMORY_REGION(r.base + at, static_cast<size_t>(want));
  ASAN_UNPOISON_MEMORY_REGION(p, static_cast<size_t>(bytes));
  checker::mark(p, bytes, checker::Bytes::unwritten);
  return p;
}

bool release(void* p) {
  Region& r = region();
  Access access;
  const int64_t at = static_cast<char*>(p) - kRedZone - r.base;
  const int64_t bytes = r.used.at(at);
  r.used.erase(at);
  checker::mark(p, bytes, checker::Bytes::none);
  const char* begin = r.base + at;
  ASAN_UNPOISON_MEMORY_REGION(begin, static_cast<size_t>(slot(bytes)));
  const bool whole = is_pattern(begin, begin + kRedZone) &&
                     is_pattern(begin + kRedZone + bytes, begin + slot(bytes));
  ASAN_POISON_MEMORY_REGION(begin, static_cast<size_t>(slot(bytes)));
  r.lower_top();
  return whole;
}

int64_t free_bytes() {
  std::lock_guard<std::recursive_mutex> lock(region().mutex);
  int64_t used = 0;
  for (const auto& [offset, bytes] : region().used) used += slot(bytes);
  return kRegion - used;
}

bool host_reads(const void* from, int64_t bytes) {
  return within_one(from, bytes) && checker::all_written(from, bytes);
}

bool host_writes(void* to, int64_t bytes) {
  if (!within_one(to, bytes)) return false;
  checker::mark(to, bytes, checker::Bytes::written);
  return true;
}

}  // namespace fastnn::emulated
