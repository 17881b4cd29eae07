#include <string.h>

#include "kernels/cuda/bodies/advance.h"
#include "kernels/cuda/bodies/arg_reduce.h"
#include "kernels/cuda/bodies/gather_batch.h"
#include "kernels/cuda/bodies/softmax.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/persistent.h"
#include "kernels/cuda/persistent_touches.h"

namespace fastnn::kernels::cuda {
namespace {

// --- what can be called

// Where a body's parameters lie, one after the other, each at a multiple of its alignment.
template <class... P>
struct Layout {
  template <size_t i>
  __host__ __device__ static constexpr size_t place() {
    constexpr size_t sizes[] = {sizeof(P)...}, aligns[] = {alignof(P)...};
    size_t at = 0, k = 0;
    for (;; ++k) {
      at = (at + aligns[k] - 1) / aligns[k] * aligns[k];
      if (k == i) return at;
      at += sizes[k];
    }
  }
  template <size_t i>
  using Of = std::tuple_element_t<i, std::tuple<P...>>;
  // Parameter i, among the arguments.
  template <size_t i>
  __host__ __device__ static const Of<i>& at(const void* arguments) {
    constexpr size_t where = place<i>();
    return *reinterpret_cast<const Of<i>*>(static_cast<const char*>(arguments) + where);
  }

  template <auto body, size_t... i>
  __device__ static void run(const Grid& grid, const void* arguments, std::index_sequence<i...>) {
    body(grid, at<i>(arguments)...);
  }
  template <auto touch, size_t... i>
  static void touch_all(Command* c, std::index_sequence<i...>) {
    touch(c, at<i>(c->arguments.data())...);
  }
  static constexpr std::index_sequence_for<P...> kAll{};
};

template <auto body_, auto touch_, int kPerRound_ = kMostWarps * kWarpThreads, int kShared_ = 0>
struct Callable {
  static constexpr auto body = body_;
  static constexpr auto touch = touch_;
  static constexpr int kPerRound = kPerRound_;  // results that one block makes at once
  static constexpr int kShared = kShared_;
  static constexpr bool kTogether = kShared_ > 0;
  using Parameters = typename Signature<std::decay_t<decltype(body_)>>::template Parameters<Layout>;
};

// A result's threads: one, a warp, or as many as wait for each other.
constexpr int per_round(int threads) {
  return (threads > kWarpThreads ? kThreads : kMostWarps * kWarpThreads) / threads;
}
template <template <class> class Op, int kSide>
using Reduce =
    Callable<reduce_chunk<float, Op, kSide>, touch_reduce<float>,
             kSide == 8 ? kThreads / 8 : per_round(kSide), kReduceShared<float, Op, kSide>>;
template <class Op, int kSize>
using Rows = Callable<rows_kernel<float, Op, kSize>, touch_rows<float>, per_round(kSize),
                      Team<kSize>::kShared>;
template <bool kSparse, bool kGrad, int kSize>
using Loss = Callable<loss_kernel<float, CrossEntropy<kSparse, kGrad>, kSize>,
                      touch_loss<float, kSparse, kGrad>, per_round(kSize), Team<kSize>::kShared>;
template <template <class> class Rule>
using Prepare = Callable<prepare_update<float, Rule>, touch_prepare<float, Rule>>;
template <template <class> class Rule>
using Apply = Callable<update_all<float, Rule>, touch_update<float, Rule>>;

template <class... C>
struct List {
  static constexpr int kSize = sizeof...(C);
  template <size_t i>
  using At = std::tuple_element_t<i, std::tuple<C...>>;
  // Its place, from 1.
  template <class Wanted>
  static constexpr uint16_t code_of() {
    uint16_t place = 0, code = 0;
    ((++place, code = std::is_same_v<Wanted, C> ? place : code), ...);
    return code;
  }
};

using Interpreter = Callable<fused<false>, touch_fused>;
// What the steps of small networks are made of, in float32.
using Callables =
    List<Callable<gather<float>, touch_gather<float>>,
         Callable<gather<int64_t>, touch_gather<int64_t>>,
         Callable<product_small<float>, touch_product<float>>, Interpreter,       //
         Reduce<Sum, 1>, Reduce<Sum, 8>, Reduce<Sum, 32>, Reduce<Sum, kThreads>,  //
         Reduce<Max, 1>, Reduce<Max, 8>, Reduce<Max, 32>,                         //
         Rows<Softmax, 1>, Rows<SoftmaxGrad, 1>, Rows<LogSoftmax, 1>, Rows<LogSoftmaxGrad, 1>,
         Rows<Softmax, 32>, Rows<SoftmaxGrad, 32>, Loss<false, false, 1>, Loss<false, true, 1>,
         Loss<true, false, 1>, Loss<true, true, 1>, Loss<false, false, 32>, Loss<false, true, 32>,
         Loss<true, false, 32>, Loss<true, true, 32>,
         Callable<best_by_thread<float, true>, touch_best<float>>,
         Callable<best_by_block<float, true>, touch_best<float>, 1, kBestShared<float>>,
         Callable<copy_elements<uint32_t>, touch_copy<uint32_t>>,
         Callable<copy_elements<uint64_t>, touch_copy<uint64_t>>,
         Callable<copy_elements<uint8_t>, touch_copy<uint8_t>>,
         Callable<fill_elements<float>, touch_fill<float>>,
         Callable<zero_elements<float>, touch_zero<float>>,
         Callable<take_elements<uint32_t, false>, touch_take<uint32_t>>,
         Callable<make_keys, touch_make_keys>,
         Callable<order_tiles, touch_order, kTile, kTile * sizeof(Key)>,
         Callable<add_rows<float>, touch_add_rows<float>>,
         Callable<one_hot_elements<float>, touch_one_hot<float>>,
         Callable<draw<Bernoulli<float, float>>, touch_draw<float, 4>>,
         Callable<draw<Bernoulli<uint8_t, float>>, touch_draw<uint8_t, 4>>,
         Callable<draw<Uniform<float>>, touch_draw<float, 4>>,
         Callable<draw<Normal<float>>, touch_draw<float, 4>>,  //
         Prepare<Sgd>, Apply<Sgd>, Prepare<RmsProp>, Apply<RmsProp>, Prepare<Adam>, Apply<Adam>,
         Prepare<Adamax>, Apply<Adamax>, Prepare<Nadam>, Apply<Nadam>, Prepare<Adagrad>,
         Apply<Adagrad>, Prepare<Adadelta>, Apply<Adadelta>, Prepare<Lion>, Apply<Lion>,
         Callable<advance_nadam, touch_advance_nadam>, Callable<advance_state, touch_advance>>;

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

template <size_t i>
__device__ __forceinline__ void call_body(const Grid& grid, const char* arguments) {
  if constexpr (i < Callables::kSize) {
    using C = Callables::At<i>;
    C::Parameters::template run<C::body>(grid, arguments, C::Parameters::kAll);
  }
}

static_assert(Callables::kSize <= 64);
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

constexpr int64_t kMostBytes = 200 << 10;  // of shared memory, where the GPU has as much
// Of a command, on average: what is more work has many blocks of a launch at once.
constexpr int64_t kMostRounds = 4;

struct Known {
  const void* body;
  // False where this launch cannot be called.
  bool (*add)(const Noted&, std::vector<Command>*);
};

template <class C>
Command command(std::vector<unsigned char> arguments) {
  Command c;
  c.code = Callables::code_of<C>();
  c.together = C::kTogether;
  c.shared_bytes = C::kShared;
  c.arguments = std::move(arguments);
  C::Parameters::template touch_all<C::touch>(&c, C::Parameters::kAll);
  c.threads = C::kTogether ? kThreads : c.work * (kMostWarps * kWarpThreads / C::kPerRound);
  c.rounds = (c.work + C::kPerRound - 1) / C::kPerRound;
  return c;
}

template <class C>
bool add(const Noted& launch, std::vector<Command>* commands) {
  if (launch.blocks.y > 1 || launch.blocks.z > 1) return false;
  commands->push_back(command<C>(launch.arguments));
  return true;
}

template <class... P>
std::vector<unsigned char> packed(const P&... values) {
  Noted noted{};
  (noted.append(values), ...);
  return noted.arguments;
}

// A step's powers are taken once, early, and elements of all segments at once.
template <template <class> class Rule>
bool add_update(const Noted& launch, std::vector<Command>* commands) {
  const auto& u = *reinterpret_cast<const Update*>(launch.arguments.data());
  auto* rule = reinterpret_cast<Rule<float>*>(64 * (commands->size() + 1));
  int64_t n = 0;
  for (int k = 0; k < u.count; ++k) n += u.segments[k].length;
  commands->push_back(command<Prepare<Rule>>(packed(rule, u)));
  commands->back().slow = true;
  commands->push_back(command<Apply<Rule>>(packed(rule, n, u)));
  return true;
}

template <class... C>
std::vector<Known> known(const List<C...>&) {
  return {{&identity<fused<true>>, add<Interpreter>},
          {&identity<optimize<float, Sgd>>, add_update<Sgd>},
          {&identity<optimize<float, RmsProp>>, add_update<RmsProp>},
          {&identity<optimize<float, Adam>>, add_update<Adam>},
          {&identity<optimize<float, Adamax>>, add_update<Adamax>},
          {&identity<optimize<float, Nadam>>, add_update<Nadam>},
          {&identity<optimize<float, Adagrad>>, add_update<Adagrad>},
          {&identity<optimize<float, Adadelta>>, add_update<Adadelta>},
          {&identity<optimize<float, Lion>>, add_update<Lion>},
          {&identity<C::body>, add<C>}...};
}

// Nothing where a launch is not known.
std::vector<Command> commands_of(const std::vector<Noted>& launches) {
  static const std::vector<Known> all = known(Callables{});
  std::vector<Command> commands;
  for (const Noted& launch : launches) {
    bool added = false;
    for (const Known& k : all)
      if (k.body == launch.body) {
        added = k.add(launch, &commands);
        break;
      }
    if (!added) return {};
  }
  return commands;
}

bool small(const std::vector<Command>& commands) {
  int64_t rounds = 0, bytes = 0;
  for (const Command& c : commands) {
    rounds += c.rounds;
    bytes += static_cast<int64_t>(c.arguments.size());
    for (const Touch& t : c.touches)
      if (t.end - t.begin > kMostBytes) return false;
  }
  return !commands.empty() && rounds <= kMostRounds * static_cast<int64_t>(commands.size()) &&
         bytes <= kMostBytes;
}

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

std::unique_ptr<Persistent> Persistent::of(const std::vector<Noted>& launches) {
  const std::vector<Command> commands = commands_of(launches);
  if (!small(commands)) return nullptr;
  const Plan plan(commands);
  if (plan.shared_bytes > shared_limit()) return nullptr;
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
      1, threads, shared_bytes_, [](void* f) { (*static_cast<decltype(body)*>(f))(); }, &body);
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
