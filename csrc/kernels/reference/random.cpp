// Random numbers from Philox: the specification. core/philox.h says which word is whose.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/philox.h"
#include "kernels/reference/lists.h"
#include "kernels/reference/loops.h"

namespace fastnn::kernels::reference {
namespace {

PhiloxStream stream_of(const Context* ctx, uint64_t stream) {
  return philox_stream(ctx->seed, stream, ctx->step, ctx->iteration);
}

uint32_t word32(PhiloxStream s, uint64_t i) {
  return philox_block(s, 16 * (i / 64) + i % 16).word[i / 16 % 4];
}

uint64_t word64(PhiloxStream s, uint64_t i) {
  const Philox4 block = philox_block(s, 16 * (i / 32) + i % 16);
  const int half = 2 * (i / 16 % 2);
  return block.word[half] | uint64_t{block.word[half + 1]} << 32;
}

// The fraction's bits, 24 of float's and 53 of double's, and 2 to the power of minus their number.
template <class T>
struct Fraction;
template <>
struct Fraction<float> {
  static constexpr double unit = 0x1p-24;
  static uint64_t bits(PhiloxStream s, uint64_t i) { return word32(s, i) >> 8; }
};
template <>
struct Fraction<double> {
  static constexpr double unit = 0x1p-53;
  static uint64_t bits(PhiloxStream s, uint64_t i) { return word64(s, i) >> 11; }
};

// In [0, 1), exact.
template <class T>
T uniform(PhiloxStream s, uint64_t i) {
  return static_cast<T>(Fraction<T>::bits(s, i) * Fraction<T>::unit);
}

// Box-Muller: elements i and i + 16 of each 32 share a radius and an angle.
template <class T>
T normal(PhiloxStream s, uint64_t i) {
  const uint64_t pair = i & ~uint64_t{16};
  const double u = (Fraction<T>::bits(s, pair) + 1) * Fraction<T>::unit;  // in (0, 1]
  const double v = Fraction<T>::bits(s, pair + 16) * Fraction<T>::unit;
  const double radius = std::sqrt(-2 * std::log(u)), angle = 6.283185307179586476925 * v;
  return static_cast<T>(radius * (i & 16 ? std::sin(angle) : std::cos(angle)));
}

// The z with erf(z / sqrt 2) = t, for |t| <= erf(sqrt 2): Newton's steps from a bound below.
double inverse_erf(double t) {
  const double root_half_pi = 1.2533141373155002512;
  double z = t * root_half_pi;
  for (int i = 0; i < 60; ++i) {
    const double step =
        (std::erf(z * 0.70710678118654752440) - t) * root_half_pi * std::exp(0.5 * z * z);
    z -= step;
    if (std::fabs(step) <= 1e-17) break;
  }
  return z;
}

// By inversion, symmetric about 0; never beyond 2.
template <class T>
T truncated_normal(PhiloxStream s, uint64_t i) {
  const double odd = 2.0 * static_cast<double>(Fraction<T>::bits(s, i)) + 1;
  const double t = odd * Fraction<T>::unit - 1;              // in (-1, 1)
  const double z = inverse_erf(t * 0.95449973610364158560);  // erf(sqrt 2)
  return static_cast<T>(std::min(2.0, std::max(-2.0, z)));
}

template <class T, T (*kDraw)(PhiloxStream, uint64_t), bool kRange>
void random_scaled(const void* p, const Context* ctx) {
  const auto& args = *static_cast<const RandomArgs*>(p);
  const PhiloxStream s = stream_of(ctx, args.stream);
  const T a = *static_cast<const T*>(args.a), b = *static_cast<const T*>(args.b);
  const T scale = kRange ? b - a : b;
  T* out = static_cast<T*>(args.out);
  for (int64_t i = 0; i < args.n; ++i) {
    const T scaled = scale * kDraw(s, args.first + static_cast<uint64_t>(i));
    out[i] = a + scaled;
  }
}

template <class Out, class T>
void random_bernoulli(const void* p, const Context* ctx) {
  const auto& args = *static_cast<const RandomArgs*>(p);
  const PhiloxStream s = stream_of(ctx, args.stream);
  const T probability = *static_cast<const T*>(args.a);
  Out* out = static_cast<Out*>(args.out);
  for (int64_t i = 0; i < args.n; ++i)
    out[i] = uniform<T>(s, args.first + static_cast<uint64_t>(i)) < probability ? Out(1) : Out(0);
}

uint64_t multiply_high(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 Wide;
  return static_cast<uint64_t>(static_cast<Wide>(a) * b >> 64);
}

// a + floor((b - a) * word / 2^64)
void random_integer(const void* p, const Context* ctx) {
  const auto& args = *static_cast<const RandomArgs*>(p);
  const PhiloxStream s = stream_of(ctx, args.stream);
  const uint64_t a = *static_cast<const uint64_t*>(args.a);
  const uint64_t range = *static_cast<const uint64_t*>(args.b) - a;
  int64_t* out = static_cast<int64_t*>(args.out);
  for (int64_t i = 0; i < args.n; ++i)
    out[i] = static_cast<int64_t>(
        a + multiply_high(word64(s, args.first + static_cast<uint64_t>(i)), range));
}

// Fisher-Yates from the end: element i changes places with one of 0 .. i, chosen by word i.
void random_permutation(const void* p, const Context* ctx) {
  const auto& args = *static_cast<const PermutationArgs*>(p);
  const PhiloxStream s = stream_of(ctx, args.stream);
  std::iota(args.out, args.out + args.n, int64_t{0});
  for (int64_t i = args.n - 1; i > 0; --i) {
    const auto n = static_cast<uint64_t>(i);
    std::swap(args.out[i], args.out[multiply_high(word64(s, n), n + 1)]);
  }
}

const Entry kEntries[] = {
    entry("random_uniform", DType::f32, random_scaled<float, uniform<float>, true>),
    entry("random_uniform", DType::f64, random_scaled<double, uniform<double>, true>),
    entry("random_normal", DType::f32, random_scaled<float, normal<float>, false>),
    entry("random_normal", DType::f64, random_scaled<double, normal<double>, false>),
    entry("random_truncated_normal", DType::f32,
          random_scaled<float, truncated_normal<float>, false>),
    entry("random_truncated_normal", DType::f64,
          random_scaled<double, truncated_normal<double>, false>),
    entry("random_bernoulli", DType::f32, random_bernoulli<float, float>),
    entry("random_bernoulli", DType::f64, random_bernoulli<double, double>),
    entry("random_bernoulli", DType::b8, random_bernoulli<uint8_t, float>),
    entry("random_integer", DType::i64, random_integer),
    entry("random_permutation", DType::i64, random_permutation),
};

}  // namespace

const EntryList random_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::reference
