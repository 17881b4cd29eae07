// random_permutation: the CPU's, to the bit. Its exchanges, from the last number to the first, seem
// to wait for each other, and hardly do: one depends only on those before it that touch either of
// its places. So in rounds, each that is left reserves its two places, the earliest wins, and who
// has both makes the exchange; three in four are left for the next round.
// Source: Shun, Gu, Blelloch, Fineman, Gibbons, "Sequential random permutation, list contraction
// and tree contraction are highly parallel", SODA 2015.
#include "core/philox.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

// Exchanges are made in chunks, so that most places of a chunk are not wanted twice. After so many
// rounds those left are few, and one block ends it without the host.
constexpr int64_t kChunk = 1 << 19;
constexpr int64_t kFirstRound = 1, kRounds = 16;
constexpr int64_t kFew = 2 * kThreads;
constexpr unsigned kBlocks = 1024;  // at most: rounds are many, and most are short

struct Exchange {
  int64_t place, other;
};

// In round r those of list[r % 2] are left.
struct Work {
  int64_t* out;
  unsigned long long* reserved;  // [n]: by whom, in the latest round that any did
  Exchange* list[2];
  int* left;  // [2]
};

__device__ inline uint64_t word64(const PhiloxStream& s, uint64_t i) {
  const Philox4 block = philox_block(s, 16 * (i / 32) + i % 16);
  const bool second = i / 16 % 2;
  const uint32_t low = second ? block.word[2] : block.word[0];
  const uint32_t high = second ? block.word[3] : block.word[1];
  return low | static_cast<uint64_t>(high) << 32;
}

__device__ void begin_permutation(const Grid& grid, const Work& w, int64_t n) {
  for (int64_t i = grid.first_index(); i < n; i += grid.all_threads()) w.out[i] = i;
}

// The exchanges of the places first .. last - 1. What their places were reserved for before is
// over; several may say so of one place.
__device__ void begin_chunk(const Grid& grid, const Work& w, const PhiloxStream& s, int64_t first,
                            int64_t last) {
  for (int64_t i = first + grid.first_index(); i < last; i += grid.all_threads()) {
    const auto place = static_cast<uint64_t>(i);
    const auto other = static_cast<int64_t>(__umul64hi(word64(s, place), place + 1));
    w.list[kFirstRound % 2][i - first] = {i, other};
    atomicExch(&w.reserved[i], 0ull);
    atomicExch(&w.reserved[other], 0ull);
  }
  if (grid.first_index() == 0) w.left[kFirstRound % 2] = static_cast<int>(last - first);
}

// Larger for a later round, then for an earlier exchange.
__device__ inline unsigned long long ticket(int64_t round, const Exchange& e) {
  return static_cast<unsigned long long>(round) << 40 | static_cast<unsigned long long>(e.place);
}

__device__ void reserve(const Grid& grid, const Work& w, int64_t round) {
  const int at = static_cast<int>(round % 2), left = w.left[at];
  for (int64_t i = grid.first_index(); i < left; i += grid.all_threads()) {
    const Exchange e = w.list[at][i];
    atomicMax(&w.reserved[e.place], ticket(round, e));
    atomicMax(&w.reserved[e.other], ticket(round, e));
  }
  if (grid.first_index() == 0) w.left[1 - at] = 0;
}

__device__ void exchange(const Grid& grid, const Work& w, int64_t round) {
  const int at = static_cast<int>(round % 2), left = w.left[at];
  for (int64_t i = grid.first_index(); i < left; i += grid.all_threads()) {
    const Exchange e = w.list[at][i];
    const unsigned long long mine = ticket(round, e);
    if (w.reserved[e.place] != mine || w.reserved[e.other] != mine) {
      w.list[1 - at][atomicAdd(&w.left[1 - at], 1)] = e;
      continue;
    }
    const int64_t moved = w.out[e.place];
    w.out[e.place] = w.out[e.other];
    w.out[e.other] = moved;
  }
}

// One block makes the rounds that are left.
__device__ void finish(const Grid& grid, const Work& w, int64_t round) {
  for (; w.left[round % 2] > 0; ++round) {
    grid.sync();
    reserve(grid, w, round);
    grid.sync();
    exchange(grid, w, round);
    grid.sync();
  }
}

Work work_of(const PermutationArgs& a, void* workspace) {
  const int64_t most = a.n < kChunk ? a.n : kChunk;
  Work w{a.out, static_cast<unsigned long long*>(workspace), {}, nullptr};
  w.list[0] = reinterpret_cast<Exchange*>(w.reserved + a.n);
  w.list[1] = w.list[0] + most;
  w.left = reinterpret_cast<int*>(w.list[1] + most);
  return w;
}

size_t workspace(const void* args, int32_t) {
  const auto& a = *static_cast<const PermutationArgs*>(args);
  const auto n = static_cast<size_t>(a.n), most = n < size_t{kChunk} ? n : size_t{kChunk};
  return n * sizeof(unsigned long long) + 2 * most * sizeof(Exchange) + 2 * sizeof(int);
}

unsigned blocks_of_round(int64_t n) {
  const unsigned blocks = blocks_for(n);
  return blocks < kBlocks ? blocks : kBlocks;
}

// The step is the context's: a permutation is of a pass, not of a step.
void random_permutation(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const PermutationArgs*>(args);
  const Work w = work_of(a, ctx->workspace);
  const PhiloxStream s = philox_stream(ctx->seed, a.stream, ctx->step, ctx->iteration);
  launch<begin_permutation>(ctx, blocks_for(a.n), kThreads, w, a.n);
  for (int64_t last = a.n, first; last > 1; last = first) {
    first = last - 1 > kChunk ? last - kChunk : 1;
    const unsigned blocks = blocks_of_round(last - first);
    launch<begin_chunk>(ctx, blocks, kThreads, w, s, first, last);
    int64_t round = kFirstRound;
    // Few exchanges are for one block at once.
    for (; last - first > kFew && round < kFirstRound + kRounds; ++round) {
      launch<reserve>(ctx, blocks, kThreads, w, round);
      launch<exchange>(ctx, blocks, kThreads, w, round);
    }
    launch<finish>(ctx, 1, kThreads, w, round);
  }
}

const Entry kEntries[] = {
    {"random_permutation", DType::i64, random_permutation, nullptr, workspace},
};

}  // namespace

const EntryList permutation_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
