// Random numbers from Philox. A thread makes one block of four words, whose elements are 16 apart:
// 16 neighbouring threads write 16 neighbouring elements.
#pragma once
#include <cmath>

#include "core/philox.h"
#include "kernels/cuda/launch.h"

namespace fastnn::kernels::cuda {

// A block's words, the fractions in [0, 1) that they stand for, and how many a block has.
template <class T>
struct Fractions;
template <>
struct Fractions<float> {
  static constexpr int kCount = 4;
  static constexpr float unit = 0x1p-24f;
  static __device__ float bits(const Philox4& b, int k) {
    return static_cast<float>(b.word[k] >> 8);
  }
};
template <>
struct Fractions<double> {
  static constexpr int kCount = 2;
  static constexpr double unit = 0x1p-53;
  static __device__ double bits(const Philox4& b, int k) {
    const uint64_t word = b.word[2 * k] | static_cast<uint64_t>(b.word[2 * k + 1]) << 32;
    return static_cast<double>(word >> 11);
  }
};

// Each rule: from the scalars a and b, then all elements of a block.
template <class T, class Out = T>
struct Scalars {
  using Element = Out;
  using F = Fractions<T>;
  static constexpr int kCount = F::kCount;
  T a, b;
  __device__ Scalars(const void* a, const void* b)
      : a(*static_cast<const T*>(a)), b(*static_cast<const T*>(b)) {}
};

template <class T>
struct Uniform : Scalars<T> {
  using typename Scalars<T>::F;
  using Scalars<T>::Scalars;
  __device__ void operator()(const Philox4& block, T* out) const {
    const T scale = this->b - this->a;
    for (int k = 0; k < F::kCount; ++k) out[k] = this->a + scale * (F::bits(block, k) * F::unit);
  }
};

// Box-Muller: elements i and i + 16 share a radius and an angle, of which the distance from the
// nearest quarter of a turn is exact.
template <class T>
struct Normal : Scalars<T> {
  using typename Scalars<T>::F;
  using Scalars<T>::Scalars;
  __device__ void operator()(const Philox4& block, T* out) const {
    const T mean = this->a, deviation = this->b;
    for (int k = 0; k < F::kCount; k += 2) {
      const T u = (F::bits(block, k) + 1) * F::unit, v = F::bits(block, k + 1) * F::unit;
      const T radius = std::sqrt(-2 * std::log(u)), quarter = std::rint(4 * v);
      const T x = (v - quarter * T(0.25)) * T(6.283185307179586476925);
      const T s = std::sin(x), c = std::cos(x);
      const int q = static_cast<int>(quarter) % 4;
      const T cos = q == 0 ? c : q == 1 ? -s : q == 2 ? -c : s;
      const T sin = q == 0 ? s : q == 1 ? c : q == 2 ? -s : -c;
      out[k] = mean + deviation * (radius * cos);
      out[k + 1] = mean + deviation * (radius * sin);
    }
  }
};

// By inversion, symmetric about 0; never beyond 2.
template <class T>
struct TruncatedNormal : Scalars<T> {
  using typename Scalars<T>::F;
  using Scalars<T>::Scalars;

  // The z with erf(z / sqrt 2) = t, for |t| <= erf(sqrt 2): Newton's steps from a bound below.
  static __device__ double inverse_erf(double t) {
    const double root_half_pi = 1.2533141373155002512;
    double z = t * root_half_pi;
    for (int i = 0; i < 60; ++i) {
      const double step =
          (std::erf(z * 0.70710678118654752440) - t) * root_half_pi * std::exp(0.5 * z * z);
      z -= step;
      if (std::fabs(step) <= 1e-16) break;
    }
    return z;
  }

  __device__ void operator()(const Philox4& block, T* out) const {
    for (int k = 0; k < F::kCount; ++k) {
      const double t = (2.0 * F::bits(block, k) + 1) * F::unit - 1;
      const double z = inverse_erf(t * 0.95449973610364158560);  // erf(sqrt 2)
      out[k] = this->a + this->b * static_cast<T>(z > 2 ? 2 : z < -2 ? -2 : z);
    }
  }
};

template <class Out, class T>
struct Bernoulli : Scalars<T, Out> {
  using typename Scalars<T, Out>::F;
  using Scalars<T, Out>::Scalars;
  __device__ void operator()(const Philox4& block, Out* out) const {
    for (int k = 0; k < F::kCount; ++k)
      out[k] = F::bits(block, k) * F::unit < this->a ? Out(1) : Out(0);
  }
};

struct Stream {
  uint64_t seed;
  const DeviceState* state;  // the step
  uint32_t iteration;
};

// Blocks come in groups of 16. Those at both ends may stick out.
template <class Rule>
__device__ void draw(const Grid& grid, const RandomArgs& a, Stream stream, int64_t blocks) {
  constexpr int kCount = Rule::kCount, kGroup = 16 * kCount;
  const PhiloxStream s = philox_stream(stream.seed, a.stream, stream.state->step, stream.iteration);
  const Rule rule(a.a, a.b);
  auto* out = static_cast<typename Rule::Element*>(a.out);
  const uint64_t first_group = a.first / kGroup;
  const auto skip = static_cast<int64_t>(a.first % kGroup);
  for (int64_t b = grid.first_index(); b < blocks; b += grid.all_threads()) {
    typename Rule::Element elements[kCount];
    rule(philox_block(s, 16 * first_group + static_cast<uint64_t>(b)), elements);
    const int64_t at = b / 16 * kGroup + b % 16 - skip;
    for (int k = 0; k < kCount; ++k) {
      const int64_t i = at + 16 * k;
      if (i >= 0 && i < a.n) out[i] = elements[k];
    }
  }
}

}  // namespace fastnn::kernels::cuda
