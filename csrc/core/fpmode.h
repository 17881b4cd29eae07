// The floating-point mode of every kernel: round to nearest, no flush to zero, no denormals as
// zero, no traps. A library loaded by the same process may have set another.
// For core and runtime; its inline members must not reach the objects of an ISA.
#pragma once
#include <stdint.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace fastnn {

// Sets the mode and restores the caller's at the end of the scope. The write is skipped where the
// mode is already right (it would cost more than the read).
class FpMode {
 public:
  FpMode() : saved_(read()) {
    const Word wanted = (saved_ & ~kClear) | kSet;
    changed_ = wanted != saved_;
    if (changed_) write(wanted);
  }
  ~FpMode() {
    if (changed_) write(saved_);
  }
  FpMode(const FpMode&) = delete;
  FpMode& operator=(const FpMode&) = delete;

 private:
#if defined(__SSE2__)
  using Word = uint32_t;
  // FTZ (15), rounding (13, 14), DAZ (6) off; all exceptions masked (7..12).
  static constexpr Word kClear = 0xE040, kSet = 0x1F80;
  static Word read() { return _mm_getcsr(); }
  static void write(Word word) { _mm_setcsr(word); }
#elif defined(__aarch64__)
  using Word = uint64_t;
  // FZ (24), rounding (22, 23), FZ16 (19), and the traps (8..12, 15) off.
  static constexpr Word kClear = 0x1C89F00, kSet = 0;
  static Word read() {
    Word word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void write(Word word) { __asm__ volatile("msr fpcr, %0" : : "r"(word)); }
#else
  using Word = uint32_t;
  static constexpr Word kClear = 0, kSet = 0;
  static Word read() { return 0; }
  static void write(Word) {}
#endif

  Word saved_;
  bool changed_;
};

}  // namespace fastnn
