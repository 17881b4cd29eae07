#include "kernels/cuda/emulated/checker.h"

#ifdef FASTNN_EMULATED_CHECKED
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>
#include <memory>

#include "kernels/cuda/emulated/findings.h"

namespace fastnn::emulated::checker {
namespace {

// --- what is known of memory

enum : uint8_t { kWrites = 1, kAtomic = 2, kRange = 4 };

// An access to some of the four bytes of a word.
struct Seen {
  uint32_t block;  // counted over all launches; 0: none
  uint32_t clock;  // barriers that the thread had passed, from 1
  uint32_t place;  // in the program
  uint16_t thread;
  uint8_t bytes, how;  // bit i: byte i
};
struct Word {
  static constexpr int kKept = 4;
  Seen seen[kKept];
};

constexpr int64_t kAll = kSharedRegion + kRegion;

template <class T>
T* reserve(int64_t count) {
  return static_cast<T*>(mmap(nullptr, static_cast<size_t>(count) * sizeof(T),
                              PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                              -1, 0));
}

struct Shadow {
  uintptr_t base = reinterpret_cast<uintptr_t>(memory());
  Range program = image();
  unsigned char* bytes = reserve<unsigned char>(kAll);  // Bytes of each
  Word* words = reserve<Word>(kAll / 4);
};
// Plain variables: what is instrumented may run before any of this file does.
Shadow* shadow;

Shadow& known() {
  if (!shadow) shadow = new Shadow;
  return *shadow;
}

void forget_words(int64_t at, int64_t bytes) {
  const int64_t first = (at / 4 * static_cast<int64_t>(sizeof(Word)) + 4095) / 4096 * 4096;
  const int64_t last = (at + bytes) / 4 * static_cast<int64_t>(sizeof(Word)) / 4096 * 4096;
  if (first < last)
    madvise(reinterpret_cast<char*>(known().words) + first, static_cast<size_t>(last - first),
            MADV_DONTNEED);
}

// --- what comes before what

using Clocks = std::vector<uint32_t>;
struct Thread {
  std::shared_ptr<const Clocks> seen;  // of each thread: the clock up to which it comes before this
  uint32_t clock;
};

std::vector<Thread> threads;
uint32_t next_block = 1, first_block, this_block;

bool comes_before(const Seen& s) {
  return s.block == this_block &&
         (*threads[static_cast<size_t>(running_thread)].seen)[s.thread] >= s.clock;
}

// --- what is told

std::string access_text(uint8_t how, size_t size) {
  return text("%s%s of %zu bytes", how & kAtomic ? "atomic " : "", how & kWrites ? "write" : "read",
              size);
}
std::string own_text(uint8_t how, size_t size, const void* p) {
  return access_text(how, size) + " by " +
         (in_kernel() ? thread_text(block_number(), running_thread) : "the host") + " at " +
         place_text(static_cast<const char*>(p));
}

void tell_race(const Seen& s, const void* p, size_t size, uint8_t how, uint32_t place) {
  tell(s.place, place, [&] {
    const auto* word = reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(p) / 4 * 4);
    return "a race\n  " + own_text(how, size, p) + "\n    " + source_of(place) + "\n  " +
           access_text(s.how, static_cast<size_t>(__builtin_popcount(s.bytes))) + " by " +
           thread_text(s.block - first_block, s.thread) + " at " +
           place_text(word + __builtin_ctz(s.bytes)) + "\n    " + source_of(s.place) +
           "\n  nothing orders them";
  });
}

void tell_bytes(Bytes b, const void* p, size_t size, uint8_t how, uint32_t place) {
  tell(place, static_cast<uint32_t>(b), [&] {
    const char* what = b == Bytes::none        ? "outside of arrays"
                       : b == Bytes::unwritten ? "of what nothing has written"
                                               : "while a copy to it may be under way";
    return own_text(how, size, p) + ", " + what + "\n    " + source_of(place);
  });
}

// --- accesses

// A thread's own memory, the launch's arguments and constants are nobody's concern.
Range arguments;

void elsewhere(const void* p, size_t size, uint8_t how, uint32_t place) {
  if (!in_kernel() || fiber_stacks().has(p) || arguments.has(p) || known().program.has(p)) return;
  tell(place, 0, [&] { return own_text(how, size, p) + "\n    " + source_of(place); });
}

// A structure has bytes that nobody writes: of a read range some bytes are enough.
bool unwritten(const unsigned char* bytes, size_t size, uint8_t how) {
  return how != kWrites &&
         !((how & kRange) && memchr(bytes, static_cast<int>(Bytes::written), size));
}

void check_bytes(const void* p, uintptr_t at, size_t size, uint8_t how, uint32_t place) {
  unsigned char* bytes = known().bytes + at;
  for (size_t i = 0; i < size; ++i) {
    const auto b = static_cast<Bytes>(bytes[i]);
    if (b == Bytes::written || (b == Bytes::unwritten && !unwritten(bytes, size, how))) continue;
    tell_bytes(b, static_cast<const char*>(p) + i, size, how, place);
    break;
  }
  if (how & kWrites) memset(bytes, static_cast<int>(Bytes::written), size);
}

// Whether `a` says all that `b` says of the same bytes.
bool says_more(const Seen& a, const Seen& b) {
  return (b.bytes & ~a.bytes) == 0 && ((a.how & kWrites) || !(b.how & kWrites)) &&
         (!(a.how & kAtomic) || (b.how & kAtomic));
}

void check_word(const void* p, size_t size, Word& word, const Seen& now, bool of_block) {
  static unsigned turn = 0;
  Seen* to = nullptr;
  for (Seen& s : word.seen) {
    if (of_block ? s.block != this_block : s.block < first_block) {
      to = &s;
      continue;
    }
    if (s.block == now.block && s.thread == now.thread) {
      if (s.clock == now.clock && says_more(s, now)) return;
      if (says_more(now, s)) to = &s;
      continue;
    }
    const bool before = comes_before(s);
    const bool both_atomic = s.how & now.how & kAtomic;
    if (!before && (s.bytes & now.bytes) && ((s.how | now.how) & kWrites) && !both_atomic)
      tell_race(s, p, size, now.how, now.place);
    if (before && says_more(now, s)) to = &s;
  }
  *(to ? to : &word.seen[turn++ % Word::kKept]) = now;
}

void see(const void* p, size_t size, uint8_t how, const void* from) {
  const auto place = static_cast<uint32_t>(static_cast<const char*>(from) - known().program.begin);
  const uintptr_t at = reinterpret_cast<uintptr_t>(p) - known().base;
  if (at >= static_cast<uintptr_t>(kAll)) return elsewhere(p, size, how, place);
  if (size == 0) return;
  check_bytes(p, at, size, how, place);
  if (!in_kernel()) return;
  const auto thread = static_cast<size_t>(running_thread);
  const bool of_block = at < static_cast<uintptr_t>(kSharedRegion);
  for (uintptr_t word = at / 4; word <= (at + size - 1) / 4; ++word) {
    const uintptr_t first = std::max(at, word * 4) % 4,
                    last = std::min(at + size - 1, word * 4 + 3);
    const auto bytes = static_cast<uint8_t>((2u << last % 4) - (1u << first));
    const Seen now{this_block, threads[thread].clock, place, static_cast<uint16_t>(thread), bytes,
                   how};
    check_word(p, size, known().words[word], now, of_block);
  }
}

}  // namespace

void mark(const void* p, int64_t bytes, Bytes as) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(p) - known().base;
  if (at >= static_cast<uintptr_t>(kAll)) return;
  memset(known().bytes + at, static_cast<int>(as), static_cast<size_t>(bytes));
  if (as == Bytes::none && bytes > 0) forget_words(static_cast<int64_t>(at), bytes);
}

bool all_written(const void* p, int64_t bytes) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(p) - known().base;
  if (at >= static_cast<uintptr_t>(kAll)) return true;
  const unsigned char* first = known().bytes + at;
  if (bytes == 0) return true;
  return *first == static_cast<unsigned char>(Bytes::written) &&
         memcmp(first, first + 1, static_cast<size_t>(bytes) - 1) == 0;
}

void begin_launch() {
  thread_local char* const end = [] {
    pthread_attr_t attributes;
    void* low = nullptr;
    size_t size = 0;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    return static_cast<char*>(low) + size;
  }();
  arguments = {static_cast<const char*>(__builtin_frame_address(0)), end};
  const uint64_t blocks = uint64_t{launch.blocks.x} * launch.blocks.y * launch.blocks.z;
  if (next_block + blocks > UINT32_MAX) {
    forget_words(0, kAll);
    next_block = 1;
  }
  first_block = next_block;
  next_block += static_cast<uint32_t>(blocks);
}

void begin_block() {
  static const auto none = std::make_shared<const Clocks>(kMaxThreads);
  this_block = first_block + static_cast<uint32_t>(block_number());
  const dim3 n = launch.threads;
  threads.assign(static_cast<size_t>(n.x) * n.y * n.z, {none, 1});
}

void waited(const std::vector<int>& those) {
  auto joined = std::make_shared<Clocks>(threads.size());
  const Clocks* last = nullptr;
  for (int t : those) {
    const Thread& thread = threads[static_cast<size_t>(t)];
    if (thread.seen.get() != last) {
      last = thread.seen.get();
      for (size_t k = 0; k < joined->size(); ++k) (*joined)[k] = std::max((*joined)[k], (*last)[k]);
    }
  }
  for (int t : those) {
    Thread& thread = threads[static_cast<size_t>(t)];
    (*joined)[static_cast<size_t>(t)] = thread.clock++;
    thread.seen = joined;
  }
}

void writes(void* to, int bytes) {
  see(to, static_cast<size_t>(bytes), kWrites, __builtin_return_address(0));
}
void reads(const void* from, int bytes) {
  see(from, static_cast<size_t>(bytes), 0, __builtin_return_address(0));
}

}  // namespace fastnn::emulated::checker

namespace fastnn::emulated {
void note_atomic(const void* p, size_t bytes) {
  checker::see(p, bytes, checker::kWrites | checker::kAtomic, __builtin_return_address(0));
}
}  // namespace fastnn::emulated

// --- what the compiler calls

// NOLINTBEGIN: names are the compiler's
#define FASTNN_SEE(name, size, how)                                         \
  extern "C" void __tsan_##name(void* p) {                                  \
    fastnn::emulated::checker::see(p, size, fastnn::emulated::checker::how, \
                                   __builtin_return_address(0));            \
  }
#define FASTNN_SEE_SIZE(size)                                                   \
  extern "C" void __tsan_read##size(void* p) {                                  \
    fastnn::emulated::checker::see(p, size, 0, __builtin_return_address(0));    \
  }                                                                             \
  extern "C" void __tsan_volatile_read##size(void* p) {                         \
    fastnn::emulated::checker::see(p, size, fastnn::emulated::checker::kAtomic, \
                                   __builtin_return_address(0));                \
  }                                                                             \
  FASTNN_SEE(write##size, size, kWrites)
FASTNN_SEE_SIZE(1)
FASTNN_SEE_SIZE(2)
FASTNN_SEE_SIZE(4)
FASTNN_SEE_SIZE(8)
FASTNN_SEE_SIZE(16)
extern "C" void __tsan_read_range(void* p, size_t size) {
  fastnn::emulated::checker::see(p, size, fastnn::emulated::checker::kRange,
                                 __builtin_return_address(0));
}
extern "C" void __tsan_write_range(void* p, size_t size) {
  fastnn::emulated::checker::see(p, size, fastnn::emulated::checker::kWrites,
                                 __builtin_return_address(0));
}
// Atomics of the host's code.
#define FASTNN_ATOMIC(bits)                                                                   \
  extern "C" uint##bits##_t __tsan_atomic##bits##_load(const uint##bits##_t* p, int) {        \
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                              \
  }                                                                                           \
  extern "C" void __tsan_atomic##bits##_store(uint##bits##_t* p, uint##bits##_t value, int) { \
    __atomic_store_n(p, value, __ATOMIC_SEQ_CST);                                             \
  }                                                                                           \
  extern "C" uint##bits##_t __tsan_atomic##bits##_exchange(uint##bits##_t* p,                 \
                                                           uint##bits##_t value, int) {       \
    return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);                                   \
  }                                                                                           \
  extern "C" uint##bits##_t __tsan_atomic##bits##_fetch_add(uint##bits##_t* p,                \
                                                            uint##bits##_t value, int) {      \
    return __atomic_fetch_add(p, value, __ATOMIC_SEQ_CST);                                    \
  }
FASTNN_ATOMIC(8)
FASTNN_ATOMIC(32)
FASTNN_ATOMIC(64)
extern "C" void __tsan_init() {}
extern "C" void __tsan_vptr_update(void*, void*) {}
// NOLINTEND
#endif
