// What a multiprocessor has time for while memory brings 8 bytes an element are some 70
// instructions of a thread. So a step is read once for four elements, operands come and go 16 bytes
// at a time where they lie so, and indices are divided by multiplications of 32 bits. The program's
// registers are in shared memory, where they can be numbered: a thread's own 16 bytes, without
// conflicts.
#include "kernels/cuda/elementwise_wide.h"
#include "kernels/cuda/wide.h"

namespace fastnn::kernels::cuda {
namespace {

constexpr int kLanes = 4, kWideThreads = 128;

// x / by for x < 2^31 (Granlund and Montgomery 1994, Division by Invariant Integers).
struct Divider {
  uint32_t by, factor, shift;
};
__device__ uint32_t quotient(const Divider& d, uint32_t x) {
  return (static_cast<uint32_t>(static_cast<uint64_t>(x) * d.factor >> 32) + x) >> d.shift;
}

Divider divider(int64_t by) {
  uint32_t shift = 0;
  while ((int64_t{1} << shift) < by) ++shift;
  const uint64_t factor = ((uint64_t{1} << 32) * ((uint64_t{1} << shift) - by)) / by + 1;
  return {static_cast<uint32_t>(by), static_cast<uint32_t>(factor), shift};
}

struct Wide {
  Fused f;
  Divider lengths[kMaxRank];
  uint32_t aligned_in, aligned_out;  // bit i: four elements of array i lie as one access wants them
};
static_assert(sizeof(Wide) <= 4096);

// Four values of a type, as bits. Programs of float32 alone need no more than 32.
template <bool kFloat>
using Bits = std::conditional_t<kFloat, uint32_t, uint64_t>;

template <class T, class B>
__device__ T value(B bits) {
  T result;
  memcpy(&result, &bits, sizeof(T));
  return result;
}
template <class B, class T>
__device__ B bits_of(T value) {
  B result = 0;
  memcpy(&result, &value, sizeof(T));
  return result;
}

// At most one instruction for 16 bytes. U: the unsigned type of an element's size.
template <class U>
constexpr int kPack = sizeof(U) * kLanes <= kWide ? kLanes : kWide / sizeof(U);

template <class U, class B>
__device__ void load_lanes(const U* from, bool aligned, int count, B (&x)[kLanes]) {
  if (aligned && count == kLanes) {
    FASTNN_UNROLL
    for (int l = 0; l < kLanes; l += kPack<U>) {
      const auto pack = load<kPack<U>>(from + l);
      FASTNN_UNROLL
      for (int i = 0; i < kPack<U>; ++i) x[l + i] = pack.x[i];
    }
    return;
  }
  FASTNN_UNROLL
  for (int l = 0; l < kLanes; ++l) x[l] = l < count ? from[l] : 0;
}

template <class U, class B>
__device__ void store_lanes(U* to, bool aligned, int count, const B (&x)[kLanes]) {
  if (aligned && count == kLanes) {
    FASTNN_UNROLL
    for (int l = 0; l < kLanes; l += kPack<U>) {
      Pack<U, kPack<U>> pack;
      FASTNN_UNROLL
      for (int i = 0; i < kPack<U>; ++i) pack.x[i] = static_cast<U>(x[l + i]);
      store(to + l, pack);
    }
    return;
  }
  FASTNN_UNROLL
  for (int l = 0; l < kLanes; ++l)
    if (l < count) to[l] = static_cast<U>(x[l]);
}

// Where element i of an input lies, and how far it is to the end of its row.
struct Place {
  int64_t at;
  uint32_t left;
};
__device__ Place place_of(const Wide& w, int input, uint32_t i) {
  const int last = w.f.rank - 1;
  Place p{0, 0};
  FASTNN_ONE_BY_ONE
  for (int d = last; d >= 0; --d) {
    const uint32_t q = quotient(w.lengths[d], i), r = i - q * w.lengths[d].by;
    if (d == last) p.left = w.lengths[d].by - r;
    p.at += r * w.f.strides[input][d];
    i = q;
  }
  return p;
}

template <class U, class B>
__device__ void load_strided(const Wide& w, int input, int64_t i, int count, B (&x)[kLanes]) {
  const U* in = static_cast<const U*>(w.f.in[input]);
  const Place p = place_of(w, input, static_cast<uint32_t>(i));
  const int64_t stride = w.f.strides[input][w.f.rank - 1];
  if (p.left >= kLanes && count == kLanes) {
    const bool packed = stride == 1 && (w.aligned_in >> input & 1) && p.at % kLanes == 0;
    if (packed) return load_lanes(in + p.at, true, count, x);
    if (stride == 0) {
      const B one = in[p.at];
      FASTNN_UNROLL
      for (int l = 0; l < kLanes; ++l) x[l] = one;
      return;
    }
    FASTNN_UNROLL
    for (int l = 0; l < kLanes; ++l) x[l] = in[p.at + l * stride];
    return;
  }
  FASTNN_UNROLL
  for (int l = 0; l < kLanes; ++l)
    x[l] = l < count ? in[place_of(w, input, static_cast<uint32_t>(i) + l).at] : 0;
}

template <class U, class B>
__device__ void load_input(const Wide& w, int input, int64_t i, int count, B (&x)[kLanes]) {
  const U* in = static_cast<const U*>(w.f.in[input]);
  if (w.f.access[input] == Access::contiguous)
    return load_lanes(in + i, w.aligned_in >> input & 1, count, x);
  if (w.f.access[input] == Access::strided) return load_strided<U>(w, input, i, count, x);
  const B one = in[0];
  FASTNN_UNROLL
  for (int l = 0; l < kLanes; ++l) x[l] = one;
}

// A thread's registers: two arrays of 16 bytes where values may have 64 bits.
template <bool kFloat, int kRegisters>
struct File {
  static constexpr int kHalves = kFloat ? 1 : 2, kEach = kLanes / kHalves;
  using B = Bits<kFloat>;
  Pack<B, kEach> (*at)[kHalves][kWideThreads];
  unsigned thread;

  __device__ void load(int index, B (&x)[kLanes]) const {
    FASTNN_UNROLL
    for (int h = 0; h < kHalves; ++h) {
      const auto pack = cuda::load<kEach>(at[index][h][thread].x);
      FASTNN_UNROLL
      for (int i = 0; i < kEach; ++i) x[h * kEach + i] = pack.x[i];
    }
  }
  __device__ void store(int index, const B (&x)[kLanes]) const {
    FASTNN_UNROLL
    for (int h = 0; h < kHalves; ++h) FASTNN_UNROLL
    for (int i = 0; i < kEach; ++i) at[index][h][thread].x[i] = x[h * kEach + i];
  }
};

template <bool kFloat, int kRegisters>
struct Elements {
  using B = Bits<kFloat>;
  const Wide& w;
  File<kFloat, kRegisters> file;
  int64_t i;  // the first of them
  int count;  // up to kLanes

  __device__ void fetch(Operand o, B (&x)[kLanes]) const {
    if (o.place == Operand::reg) return file.load(o.index, x);
    if constexpr (kFloat) {
      if (o.place == Operand::input) return load_input<uint32_t>(w, o.index, i, count, x);
      return load_lanes(output<uint32_t>(o.index), aligned(o.index), count, x);
    } else {
      const bool input = o.place == Operand::input;
      const int size = input ? w.f.input_size[o.index] : w.f.output_size[o.index];
      if (size == 1) return fetch_as<uint8_t>(input, o.index, x);
      if (size == 4) return fetch_as<uint32_t>(input, o.index, x);
      return fetch_as<uint64_t>(input, o.index, x);
    }
  }
  __device__ void put(Operand o, const B (&x)[kLanes]) const {
    if (o.place == Operand::reg) return file.store(o.index, x);
    const int size = kFloat ? 4 : w.f.output_size[o.index];
    if (size == 4) return store_lanes(output<uint32_t>(o.index), aligned(o.index), count, x);
    if constexpr (!kFloat) {
      if (size == 1) return store_lanes(output<uint8_t>(o.index), aligned(o.index), count, x);
      store_lanes(output<uint64_t>(o.index), aligned(o.index), count, x);
    }
  }

 private:
  template <class U>
  __device__ U* output(int index) const {
    return static_cast<U*>(w.f.out[index]) + i;
  }
  __device__ bool aligned(int index) const { return w.aligned_out >> index & 1; }
  template <class U>
  __device__ void fetch_as(bool input, int index, B (&x)[kLanes]) const {
    if (input)
      load_input<U>(w, index, i, count, x);
    else
      load_lanes(output<U>(index), aligned(index), count, x);
  }
};

template <class R, class T, R (*f)(T, const double*), class B>
__device__ void lanes_1(const B (&x)[3][kLanes], B (&y)[kLanes], const double* params) {
  FASTNN_UNROLL
  for (int l = 0; l < kLanes; ++l) y[l] = bits_of<B>(f(value<T>(x[0][l]), params));
}
template <class R, class T, R (*f)(T, T, const double*), class B>
__device__ void lanes_2(const B (&x)[3][kLanes], B (&y)[kLanes], const double* params) {
  FASTNN_UNROLL
  for (int l = 0; l < kLanes; ++l)
    y[l] = bits_of<B>(f(value<T>(x[0][l]), value<T>(x[1][l]), params));
}
template <class R, class T, R (*f)(T, T, T, const double*), class B>
__device__ void lanes_3(const B (&x)[3][kLanes], B (&y)[kLanes], const double* params) {
  FASTNN_UNROLL
  for (int l = 0; l < kLanes; ++l)
    y[l] = bits_of<B>(f(value<T>(x[0][l]), value<T>(x[1][l]), value<T>(x[2][l]), params));
}
template <class R, class T, R (*f)(uint8_t, T, T, const double*), class B>
__device__ void lanes_select(const B (&x)[3][kLanes], B (&y)[kLanes], const double* params) {
  FASTNN_UNROLL
  for (int l = 0; l < kLanes; ++l)
    y[l] = bits_of<B>(f(value<uint8_t>(x[0][l]), value<T>(x[1][l]), value<T>(x[2][l]), params));
}

template <bool kFloat, class B>
__device__ void apply(const Step& step, const B (&x)[3][kLanes], B (&y)[kLanes]) {
  switch (step.code) {
    case Code::none:
      return;
#define X(id, dtype, inputs, R, T, ...)                                              \
  case Code::id##_##dtype:                                                           \
    if constexpr (!kFloat || (std::is_same_v<R, float> && std::is_same_v<T, float>)) \
      lanes_##inputs<R, T, __VA_ARGS__>(x, y, step.params);                          \
    return;
      FASTNN_TILES(X)
#undef X
  }
}

template <bool kFloat, int kRegisters>
__device__ void fused_wide(const Grid& grid, const Wide& w) {
  using Words = File<kFloat, kRegisters>;
  using B = Bits<kFloat>;
  FASTNN_SHARED(registers, Pack<B, Words::kEach>[kRegisters][Words::kHalves][kWideThreads]);
  if (spoiled(w.f.state)) return;
  const Words file{registers, grid.thread};
  const int64_t step = grid.all_threads() * kLanes;
  for (int64_t i = grid.first_index() * kLanes; i < w.f.n; i += step) {
    const int count = w.f.n - i < kLanes ? static_cast<int>(w.f.n - i) : kLanes;
    const Elements<kFloat, kRegisters> elements{w, file, i, count};
    FASTNN_ONE_BY_ONE
    for (int s = 0; s < w.f.length; ++s) {
      const Step& now = w.f.steps[s];
      B x[3][kLanes] = {}, y[kLanes] = {};
      FASTNN_UNROLL
      for (int k = 0; k < 3; ++k)
        if (k < now.inputs) elements.fetch(now.in[k], x[k]);
      apply<kFloat>(now, x, y);
      elements.put(now.out, y);
    }
  }
}

// Of a program: one more than the largest number.
int registers_of(const Fused& f) {
  int count = 0;
  for (int s = 0; s < f.length; ++s)
    if (f.steps[s].out.place == Operand::reg && f.steps[s].out.index >= count)
      count = f.steps[s].out.index + 1;
  return count;
}

bool any_strided(const Fused& f) {
  for (int i = 0; i < kMaxFusedInputs; ++i)
    if (f.in[i] && f.access[i] == Access::strided) return true;
  return false;
}

// Whether all arrays have elements of 32 bits: a condition has 8.
bool all_words(const Fused& f) {
  for (int i = 0; i < kMaxFusedInputs; ++i)
    if (f.in[i] && f.input_size[i] != 4) return false;
  for (int i = 0; i < kMaxFusedOutputs; ++i)
    if (f.out[i] && f.output_size[i] != 4) return false;
  return true;
}

bool lies_well(const void* p, int32_t size) {
  const int64_t bytes = int64_t{size} * kLanes;
  return p && reinterpret_cast<uintptr_t>(p) % (bytes < kWide ? bytes : kWide) == 0;
}

// Few registers let more blocks be at work; the most of them that 48 KB hold.
constexpr int kFew = 4, kManyFloat = 24, kMany = 12;
static_assert(kManyFloat >= kMaxFusedRegisters);

}  // namespace

bool is_wide(const Fused& f) {
  constexpr int64_t kElements = 4096;  // below, the launch is what costs
  const bool small_indices = f.n < INT32_MAX || !any_strided(f);
  return f.n >= kElements && small_indices && registers_of(f) <= kMany;
}

void launch_wide(const Fused& f, bool all_float, const Context* ctx) {
  Wide w{f, {}, 0, 0};
  for (int d = 0; d < f.rank; ++d) w.lengths[d] = divider(f.shape[d]);
  for (int i = 0; i < kMaxFusedInputs; ++i)
    w.aligned_in |= uint32_t{lies_well(f.in[i], f.input_size[i])} << i;
  for (int i = 0; i < kMaxFusedOutputs; ++i)
    w.aligned_out |= uint32_t{lies_well(f.out[i], f.output_size[i])} << i;
  const unsigned blocks = blocks_for((f.n + kLanes - 1) / kLanes, kWideThreads);
  const bool few = registers_of(f) <= kFew, words = all_float && all_words(f);
  if (words && few)
    launch<fused_wide<true, kFew>, kWideThreads>(ctx, blocks, kWideThreads, w);
  else if (words)
    launch<fused_wide<true, kManyFloat>, kWideThreads>(ctx, blocks, kWideThreads, w);
  else if (few)
    launch<fused_wide<false, kFew>, kWideThreads>(ctx, blocks, kWideThreads, w);
  else
    launch<fused_wide<false, kMany>, kWideThreads>(ctx, blocks, kWideThreads, w);
}

}  // namespace fastnn::kernels::cuda
