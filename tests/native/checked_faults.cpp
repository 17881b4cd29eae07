// Faults that the emulated GPU's checker must find (tests/test_cuda_checker.py): each kernel is
// right until it is told to do one thing wrong.
#include <stdio.h>
#include <string.h>

#include <string>
#include <utility>
#include <vector>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/wide.h"

using namespace fastnn;
using namespace fastnn::kernels::cuda;

namespace fastnn::kernels::cuda {
void fail(const char* why) { fprintf(stderr, "%s\n", why); }
}  // namespace fastnn::kernels::cuda

namespace {

// A block's sum, as reductions make it.
__device__ void sum(const Grid& grid, float* out, const float* in, int n, bool waits, bool apart) {
  FASTNN_SHARED(partial, float[kThreads]);
  const auto t = static_cast<int>(grid.thread);
  float own = 0;
  for (int i = t; i < n; i += kThreads) own += in[i];
  partial[t] = own;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (waits) grid.sync();
    if (t < half) partial[t] += partial[t + half];
  }
  if (t == 0) out[apart ? grid.block.x : 0] = partial[0];
}

// A warp's sum: values come by shuffles, those of memory by __syncwarp.
__device__ void sum_of_warp(const Grid& grid, float* out, const float* in, bool waits,
                            unsigned mask) {
  FASTNN_SHARED(total, float[1]);
  float own = in[grid.thread];
  for (int half = 16; half > 0; half /= 2) own += __shfl_xor_sync(mask, own, half);
  if (grid.thread == 0) total[0] = own;
  if (waits)
    __syncwarp();
  else
    __shfl_sync(~0u, own, 0);
  out[grid.thread] = total[0];
}

// Blocks count by atomics, or as if they were alone.
__device__ void count(const Grid& grid, int* out, bool atomic) {
  if (grid.thread != 0) return;
  if (atomic || grid.block.x % 2 == 0)
    atomicAdd(out, 1);
  else
    *out += 1;
}

enum class Late { no, unwaited, unseen, reused };

// Tiles come by asynchronous copies, one ahead.
__device__ void tiles(const Grid& grid, float* out, const float* in, int count, Late late) {
  FASTNN_SHARED(stages, float[2][4 * 32]);
  const auto t = static_cast<int>(grid.thread);
  auto bring = [&](int tile) {
    copy_async<16>(&stages[tile % 2][4 * t], in + tile * 128 + 4 * t, 16);
    end_group();
  };
  float total = 0;
  bring(0);
  for (int tile = 0; tile < count; ++tile) {
    if (tile + 1 < count) bring(tile + 1);
    if (late == Late::unwaited || tile + 1 < count)
      wait_for_groups<1>();
    else
      wait_for_groups<0>();
    if (late != Late::unseen) grid.sync();
    for (int i = 0; i < 128; i += 32) total += stages[tile % 2][i + 31 - t];
    if (late != Late::reused) grid.sync();
  }
  out[t] = total;
}

enum class Divergent { no, some, ended, elsewhere };

__device__ void wait(const Grid& grid, Divergent how) {
  if (how == Divergent::ended && grid.thread == 5) return;
  if (how == Divergent::elsewhere && grid.thread % 64 < 32) {
    grid.sync();
  } else if (how != Divergent::some || grid.thread < 64) {
    grid.sync();
  }
  if (how == Divergent::some) sync_some(1, 128);
}

__device__ void read_shared(const Grid& grid, float* out, int n, int from) {
  FASTNN_SHARED(own, float[32]);
  float* all = own;
  for (int i = static_cast<int>(grid.thread); i < n; i += 32) all[i] = 1;
  grid.sync();
  out[grid.thread] = all[from + static_cast<int>(grid.thread)];
}

__device__ void copy_wide(const Grid& grid, float* out, const float* in) {
  store(out + 4 * grid.thread, load<4>(in + 4 * grid.thread));
}

__device__ void copy_wide_async(const Grid& grid, float* out, const float* in) {
  FASTNN_SHARED(own, float[128]);
  copy_async<16>(&own[4 * grid.thread], in + 4 * grid.thread, 16);
  end_group();
  wait_for_groups<0>();
  out[grid.thread] = own[4 * grid.thread];
}

template <auto body, class... P>
void run(unsigned blocks, unsigned threads, P... arguments) {
  Launch<body, kThreads, 0, P...>::call(blocks, threads, {arguments...});
}

template <class T>
T* array(int count, bool written = true) {
  const auto bytes = static_cast<int64_t>(sizeof(T)) * count;
  void* p = emulated::allocate(bytes);
  emulated::Access access;
  if (written && emulated::host_writes(p, bytes)) memset(p, 0, static_cast<size_t>(bytes));
  return static_cast<T*>(p);
}

// Every kernel, with at most one fault.
bool run_all(const std::string& fault) {
  auto is = [&](const char* name) { return fault == name; };
  constexpr int n = 1000;
  float *in = array<float>(n), *out = array<float>(n), *fresh = array<float>(n, false);
  float* old = array<float>(n);
  int* counter = array<int>(1);
  const std::vector<float> host(n);
  emulated::release(old);
  const float* from = is("unwritten")  ? fresh
                      : is("released") ? old
                      : is("host")     ? host.data()
                                       : in;
  run<sum>(1, kThreads, is("write outside") ? out + n : out, from, is("outside") ? n + 1 : n,
           !is("barrier"), true);
  run<sum>(2, kThreads, out, static_cast<const float*>(in), n, true, !is("same place"));
  run<sum_of_warp>(1, 32, out, static_cast<const float*>(in), !is("shuffle"),
                   is("mask") ? 0xffffu : ~0u);
  run<count>(4, 32, counter, !is("atomic"));
  const Late late = is("unwaited copy") ? Late::unwaited
                    : is("unseen copy") ? Late::unseen
                    : is("reused copy") ? Late::reused
                                        : Late::no;
  run<tiles>(1, 32, out, static_cast<const float*>(in), 5, late);
  const Divergent how = is("divergent")      ? Divergent::some
                        : is("ended thread") ? Divergent::ended
                        : is("two places")   ? Divergent::elsewhere
                                             : Divergent::no;
  run<wait>(1, 128, how);
  run<read_shared>(1, 32, out,
                   is("write shared")       ? 33
                   : is("unwritten shared") ? 31
                                            : 32,
                   is("read shared") ? 1 : 0);
  const int off = is("misaligned") ? 1 : 0;
  run<copy_wide>(1, 32, out, static_cast<const float*>(in) + off);
  run<copy_wide_async>(1, 32, out, static_cast<const float*>(in) + (is("misaligned copy") ? 1 : 0));
  return emulated::release(in) && emulated::release(out);
}

}  // namespace

int main(int argc, char** argv) { return argc == 2 && run_all(argv[1]) ? 0 : 2; }
