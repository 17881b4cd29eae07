// Philox on vectors: kLanes<uint64_t> blocks at once, a word to each 64-bit lane. The words are
// those of core/philox.h, which documents their layout.
#pragma once
#include <string.h>

#include "core/philox.h"
#include "kernels/cpu/lanes.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// The upper halves of the lanes hold leftovers until the last round: the products do not read them.
FASTNN_INLINE void philox_vector(PhiloxStream s, uint64_t first_block, U64* word) {
  const U64 m0 = set<uint64_t>(kPhiloxMul0), m1 = set<uint64_t>(kPhiloxMul1);
  const U64 block = set<uint64_t>(first_block) + (U64)(lane_numbers<int64_t>());
  U64 c0 = block, c1 = block >> 32, c2 = set<uint64_t>(s.high[0]), c3 = set<uint64_t>(s.high[1]);
  uint32_t key0 = s.key[0], key1 = s.key[1];
  FASTNN_EACH (round, kPhiloxRounds) {
    const U64 p0 = multiply_low(c0, m0), p1 = multiply_low(c2, m1);
    c0 = (p1 >> 32) ^ c1 ^ set<uint64_t>(key0);
    c1 = p1;
    c2 = (p0 >> 32) ^ c3 ^ set<uint64_t>(key1);
    c3 = p0;
    key0 += kPhiloxWeyl0;
    key1 += kPhiloxWeyl1;
  }
  const U64 low = set<uint64_t>(0xffffffff);
  word[0] = c0 & low;
  word[1] = c1 & low;
  word[2] = c2 & low;
  word[3] = c3 & low;
}

// The 64 32-bit words of a group of 16 blocks, in the order of the elements.
FASTNN_INLINE void group_words(PhiloxStream s, uint64_t group, uint32_t* words) {
  typedef uint32_t Half __attribute__((vector_size(kVectorBytes / 2)));
  constexpr int D = kLanes<uint64_t>;
  for (int b = 0; b < 16; b += D) {
    U64 word[4];
    philox_vector(s, 16 * group + static_cast<uint64_t>(b), word);
    FASTNN_EACH (w, 4) {
      const Half half = __builtin_convertvector(word[w], Half);
      memcpy(words + 16 * w + b, &half, sizeof half);
    }
  }
}

// The 32 64-bit words of a group of 16 blocks.
FASTNN_INLINE void group_words(PhiloxStream s, uint64_t group, uint64_t* words) {
  constexpr int D = kLanes<uint64_t>;
  for (int b = 0; b < 16; b += D) {
    U64 word[4];
    philox_vector(s, 16 * group + static_cast<uint64_t>(b), word);
    store(words + b, word[0] | word[1] << 32);
    store(words + 16 + b, word[2] | word[3] << 32);
  }
}

template <class T>
struct Words;
template <>
struct Words<float> {
  using Word = uint32_t;
  static constexpr int kGroup = 64;  // elements of a group
  static constexpr float kUnit = 0x1p-24f;
  // The upper 24 bits of each word, as floats.
  static FASTNN_INLINE F32 bits(const uint32_t* words) { return to_float((I32)(load(words) >> 8)); }
};
template <>
struct Words<double> {
  using Word = uint64_t;
  static constexpr int kGroup = 32;  // elements of a group
  static constexpr double kUnit = 0x1p-53;
  // The upper 53 bits, as doubles: in two parts, since 53 is more than to_float takes.
  static FASTNN_INLINE F64 bits(const uint64_t* words) {
    const U64 v = load(words) >> 11;
    return to_float((I64)(v >> 27)) * 0x1p27 + to_float((I64)(v & 0x7ffffff));
  }
};

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
