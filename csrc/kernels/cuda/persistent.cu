#include <string.h>

#include "kernels/cuda/device.h"
#include "kernels/cuda/persistent.h"
#include "kernels/cuda/persistent_bodies.h"
#include "kernels/cuda/persistent_commands.h"

namespace fastnn::kernels::cuda {
namespace {

// --- on the device

// Program: the head, then where it has addresses, then the regions, each at a multiple of 16 bytes.
struct Program {
  const char* image;
  int32_t head_bytes, addresses, regions, levels, warps, slow, joined;
  uint32_t slots, slot_bytes;
  int64_t times;

  __device__ const uint32_t* address_list() const {
    return reinterpret_cast<const uint32_t*>(image + head_bytes);
  }
  __device__ const Region* region_list() const {
    return reinterpret_cast<const Region*>(image + head_bytes + (addresses * 4 + 15) / 16 * 16);
  }
};

__device__ void copy_bytes(void* to, const void* from, uint32_t bytes) {
  const auto both = reinterpret_cast<uintptr_t>(to) | reinterpret_cast<uintptr_t>(from) | bytes;
  if (both % 4 == 0)
    for (uint32_t i = threadIdx.x; i < bytes / 4; i += blockDim.x)
      static_cast<uint32_t*>(to)[i] = static_cast<const uint32_t*>(from)[i];
  else
    for (uint32_t i = threadIdx.x; i < bytes; i += blockDim.x)
      static_cast<char*>(to)[i] = static_cast<const char*>(from)[i];
}

__device__ void bring(const Program& p, char* shared) {
  copy_bytes(shared, p.image, static_cast<uint32_t>(p.head_bytes));
  for (int r = 0; r < p.regions; ++r) {
    const Region region = p.region_list()[r];
    if (region.copied_in)
      copy_bytes(shared + region.at, reinterpret_cast<const void*>(region.from), region.bytes);
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < p.addresses; i += static_cast<int>(blockDim.x))
    *reinterpret_cast<uint64_t*>(shared + p.address_list()[i]) +=
        reinterpret_cast<uintptr_t>(shared);
  __syncthreads();
}

__device__ void take_back(const Program& p, const char* shared) {
  for (int r = 0; r < p.regions; ++r) {
    const Region region = p.region_list()[r];
    if (region.copied_out)
      copy_bytes(reinterpret_cast<void*>(region.from), shared + region.at, region.bytes);
  }
}

// The same threads, as blocks of a warp.
__device__ inline Grid by_warps(const Grid& grid) {
  return {dim3(grid.thread / kWarpThreads, 0, 0),
          dim3(grid.threads / kWarpThreads, 1, 1),
          grid.thread % kWarpThreads,
          kWarpThreads,
          nullptr,
          Grid::kOfWarp};
}

template <size_t i>
__device__ __forceinline__ void call_body(const Grid& grid, const char* arguments) {
  if constexpr (i < Callables::kSize) {
    using C = Callables::At<i>;
    const Grid own = C::kByWarps ? by_warps(grid) : grid;
    C::Parameters::template run<C::body>(own, arguments, C::Parameters::kAll);
  }
}

static_assert(Callables::kSize <= 96);
__device__ __forceinline__ void call_body(int code, const Grid& grid, const char* arguments) {
#define FASTNN_CASE(i)             \
  case i + 1:                      \
    call_body<i>(grid, arguments); \
    return;
#define FASTNN_CASES(i) \
  FASTNN_CASE(i)        \
  FASTNN_CASE(i + 1)    \
  FASTNN_CASE(i + 2)    \
  FASTNN_CASE(i + 3) FASTNN_CASE(i + 4) FASTNN_CASE(i + 5) FASTNN_CASE(i + 6) FASTNN_CASE(i + 7)
  switch (code) {
    FASTNN_CASES(0)
    FASTNN_CASES(8)
    FASTNN_CASES(16)
    FASTNN_CASES(24)
    FASTNN_CASES(32)
    FASTNN_CASES(40)
    FASTNN_CASES(48)
    FASTNN_CASES(56)
    FASTNN_CASES(64)
    FASTNN_CASES(72)
    FASTNN_CASES(80)
    FASTNN_CASES(88)
    default:
      return;
  }
#undef FASTNN_CASES
#undef FASTNN_CASE
}

// Barriers of the levels' warps, and of all; smaller numbers are those of bodies.
constexpr unsigned kLevels = 14, kAll = 15;

// A warp runs its own places one after the other, those of the levels or the slow ones. There is
// one call of the bodies, so that they are part of this function and not called by the stack.
__device__ void run_steps(const Program& p, char* shared) {
  bring(p, shared);
  const auto warp = static_cast<int>(threadIdx.x) / kWarpThreads;
  const bool slow = warp >= p.warps;
  const int count = slow ? p.slow : p.levels, apart = slow ? 1 : p.warps;
  const auto* places = reinterpret_cast<const Place*>(shared) + (slow ? p.levels * p.warps : warp);
  const auto threads = static_cast<unsigned>(p.warps) * kWarpThreads;
  Place next = places[0];
  for (int64_t step = 0; step < p.times; ++step)
    for (int level = 1; level <= count; ++level) {
      const Place place = next;
      next = places[level == count ? 0 : level * apart];  // read while this one is at work
      const unsigned first = place.first * kWarpThreads;
      const Grid grid{dim3(0, 0, 0),
                      dim3(1, 1, 1),
                      threadIdx.x - first,
                      static_cast<unsigned>(place.warps) * kWarpThreads,
                      shared + p.slots + place.slot * p.slot_bytes,
                      1u + place.slot};
      call_body(place.code, grid, shared + place.arguments * 16);
      if (slow ? level == count : level == p.levels || level == p.joined)
        sync_some(kAll, blockDim.x);
      else if (!slow)
        sync_some(kLevels, threads);
      if (slow && level == count && p.joined < p.levels) sync_some(kAll, blockDim.x);
    }
  take_back(p, shared);
}

#ifndef FASTNN_EMULATED
__global__ void __launch_bounds__((kMostWarps + 1) * kWarpThreads, 1)
    persistent(const __grid_constant__ Program p) {
  extern __shared__ __align__(16) char shared[];
  run_steps(p, shared);
}
#endif

// --- on the host

constexpr int64_t kMostBytes = 227 << 10;  // of shared memory, where the GPU has as much
// Until a graph has come from one tiny kernel to the next: some 2 us.
constexpr double kLaunchCycles = 3000;

template <class T>
void append(std::vector<unsigned char>* to, const std::vector<T>& values) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  to->insert(to->end(), bytes, bytes + values.size() * sizeof(T));
  to->resize((to->size() + 15) / 16 * 16);
}

// What a block may have of shared memory. 0 where the GPU does not say.
int64_t shared_limit() {
#ifdef FASTNN_EMULATED
  return kMostBytes;
#else
  static const int64_t limit = [] {
    int bytes = 0;
    bool is =
        cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0) == cudaSuccess;
    is = is && cudaFuncSetAttribute(persistent, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    bytes) == cudaSuccess;
    cudaGetLastError();  // the recording stays a graph
    return int64_t{is ? bytes : 0};
  }();
  return limit < kMostBytes ? limit : kMostBytes;
#endif
}

}  // namespace

std::unique_ptr<Persistent> Persistent::of(const std::vector<Noted>& launches,
                                           std::string* why_not) {
  const std::vector<Command> commands = commands_of(launches, why_not);
  if (commands.empty()) return nullptr;
  size_t bytes = 0;
  for (const Command& c : commands) bytes += c.arguments.size();
  if (bytes > static_cast<size_t>(shared_limit())) {
    *why_not = "its arguments alone are " + std::to_string(bytes) + " bytes";
    return nullptr;
  }
  const Plan plan(commands, static_cast<uint32_t>(shared_limit()));
  double graph = kLaunchCycles * static_cast<double>(launches.size());
  for (const Command& c : commands) graph += c.launched;
  auto whole = [](double x) { return std::to_string(static_cast<int64_t>(x)); };
  if (plan.shared_bytes > shared_limit())
    *why_not = "it needs " + std::to_string(plan.shared_bytes) + " bytes of shared memory";
  else if (plan.cycles > graph)
    *why_not = "a block takes " + whole(plan.cycles) + " cycles, a graph " + whole(graph);
  if (!why_not->empty()) return nullptr;
  std::vector<unsigned char> image = plan.head;
  append(&image, plan.addresses);
  append(&image, plan.regions);
  std::unique_ptr<Persistent> p(new Persistent);
  p->head_bytes_ = static_cast<int32_t>(plan.head.size());
  p->addresses_ = static_cast<int32_t>(plan.addresses.size());
  p->regions_ = static_cast<int32_t>(plan.regions.size());
  p->levels_ = plan.levels;
  p->warps_ = plan.warps;
  p->slow_ = plan.slow;
  p->joined_ = plan.joined;
  p->slots_ = plan.slots;
  p->slot_bytes_ = plan.slot_bytes;
  p->shared_bytes_ = plan.shared_bytes;
  const DeviceModule& device = device_module();
  p->image_ = device.allocate(static_cast<int64_t>(image.size()));
  const bool there =
      p->image_ && device.copy_in(p->image_, image.data(), static_cast<int64_t>(image.size()));
  return there ? std::move(p) : nullptr;
}

Persistent::~Persistent() {
  if (image_) device_module().release(image_);
}

bool Persistent::replay(int64_t times) const {
  const Program program{static_cast<const char*>(image_),
                        head_bytes_,
                        addresses_,
                        regions_,
                        levels_,
                        warps_,
                        slow_,
                        joined_,
                        slots_,
                        slot_bytes_,
                        times};
  const auto threads = static_cast<unsigned>((warps_ + (slow_ > 0)) * kWarpThreads);
#ifdef FASTNN_EMULATED
  auto body = [&] { run_steps(program, static_cast<char*>(emulated::shared_memory())); };
  emulated::run_grid(
      "persistent", 1, threads, shared_bytes_,
      [](void* f) { (*static_cast<decltype(body)*>(f))(); }, &body);
#else
  // clang-format off: it knows no >>> here
  persistent<<<1, threads, shared_bytes_, main_queue()->stream>>>(program);
  // clang-format on
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) {
    fail(cudaGetErrorString(error));
    return false;
  }
#endif
  return true;
}

}  // namespace fastnn::kernels::cuda
