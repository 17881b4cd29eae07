// Philox 4x32-10: counter-based random numbers.
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// Plain data and functions of internal linkage: kernels compiled per ISA include this file.
//
// The layout. The numbers of (seed, stream, step, iteration) are blocks of four 32-bit words:
//   key, high = philox_stream(seed, stream, step, iteration)
//   block b   = philox(counter = {b low, b high, high[0], high[1]}, key)
// where philox_stream is two rounds of Philox itself, so that its inputs keep all their 288 bits
// of room and near-by streams and steps share nothing:
//   r = philox(counter = {stream low, stream high, iteration, 0}, key = seed)
//   s = philox(counter = {step low, step high, r[2], r[3]}, key = {r[0], r[1]})
//   key = {s[0], s[1]}, high = {s[2], s[3]}
// Elements are dealt to blocks in groups of 16, so that a vector of blocks needs no transposing:
//   32-bit element i is word (i / 16) % 4 of block 16 * (i / 64) + i % 16;
//   64-bit element i is words 2h (low half) and 2h + 1 of block 16 * (i / 32) + i % 16, with
//   h = (i / 16) % 2.
#pragma once
#include <stdint.h>

#ifdef __CUDACC__
#define FASTNN_ANYWHERE __host__ __device__
#else
#define FASTNN_ANYWHERE
#endif

namespace fastnn {

struct Philox4 {
  uint32_t word[4];
};

struct PhiloxStream {
  uint32_t key[2];
  uint32_t high[2];
};

constexpr uint32_t kPhiloxMul0 = 0xD2511F53, kPhiloxMul1 = 0xCD9E8D57;
constexpr uint32_t kPhiloxWeyl0 = 0x9E3779B9, kPhiloxWeyl1 = 0xBB67AE85;
constexpr int kPhiloxRounds = 10;

[[maybe_unused]] FASTNN_ANYWHERE static inline Philox4 philox(Philox4 counter, uint32_t key0,
                                                              uint32_t key1) {
  uint32_t* c = counter.word;
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const uint64_t p0 = (uint64_t)kPhiloxMul0 * c[0];
    const uint64_t p1 = (uint64_t)kPhiloxMul1 * c[2];
    const uint32_t c1 = c[1], c3 = c[3];
    c[0] = (uint32_t)(p1 >> 32) ^ c1 ^ key0;
    c[1] = (uint32_t)p1;
    c[2] = (uint32_t)(p0 >> 32) ^ c3 ^ key1;
    c[3] = (uint32_t)p0;
    key0 += kPhiloxWeyl0;
    key1 += kPhiloxWeyl1;
  }
  return counter;
}

[[maybe_unused]] FASTNN_ANYWHERE static inline PhiloxStream philox_stream(uint64_t seed,
                                                                          uint64_t stream,
                                                                          uint64_t step,
                                                                          uint32_t iteration) {
  const Philox4 r = philox({{(uint32_t)stream, (uint32_t)(stream >> 32), iteration, 0}},
                           (uint32_t)seed, (uint32_t)(seed >> 32));
  const Philox4 s = philox({{(uint32_t)step, (uint32_t)(step >> 32), r.word[2], r.word[3]}},
                           r.word[0], r.word[1]);
  return {{s.word[0], s.word[1]}, {s.word[2], s.word[3]}};
}

[[maybe_unused]] FASTNN_ANYWHERE static inline Philox4 philox_block(PhiloxStream s,
                                                                    uint64_t block) {
  return philox({{(uint32_t)block, (uint32_t)(block >> 32), s.high[0], s.high[1]}}, s.key[0],
                s.key[1]);
}

}  // namespace fastnn
