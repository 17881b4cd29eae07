// Random numbers from Philox, a group of 16 blocks at a time. Uniform, Bernoulli and integer
// numbers and permutations have the bits of the reference; normal ones differ by the errors of
// log, sin and cos.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/philox_blocks.h"
#include "kernels/cpu/vmath_log.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kThreadsFrom = 32768, kTaskElements = 16384;

// Each of these makes a whole group of elements from its words.
template <class T>
struct Uniform {
  using Element = T;
  using Word = typename Words<T>::Word;
  T a, scale;
  Uniform(const void* low, const void* high)
      : a(*static_cast<const T*>(low)), scale(*static_cast<const T*>(high) - a) {}
  FASTNN_INLINE void group(const Word* words, T* out) const {
    for (int i = 0; i < Words<T>::kGroup; i += kLanes<T>) {
      const vec<T> u = Words<T>::bits(words + i) * Words<T>::kUnit;
      store(out + i, set<T>(a) + set<T>(scale) * u);
    }
  }
};

// sin and cos of 2 pi v for v = k / 2^24 (2^53) in [0, 1). The eighth of a turn around the nearest
// quarter is exact; Taylor's series suffice there (next term below 2e-9, 5e-17).
template <class T>
struct Turn {
  vec<T> sin, cos;
};
template <class T>
FASTNN_INLINE Turn<T> turn(vec<T> v) {
  const vec<T> quarter = round_even(4 * v);
  const vec<T> x = (v - quarter * T(0.25)) * T(6.283185307179586476925), z = x * x;
  vec<T> s, c;
  if constexpr (kIsFloat<T>) {
    s = polynomial<T>(z, T(-1.0 / 6), T(1.0 / 120), T(-1.0 / 5040), T(1.0 / 362880));
    c = polynomial<T>(z, T(-0.5), T(1.0 / 24), T(-1.0 / 720), T(1.0 / 40320));
  } else {
    s = polynomial<T>(z, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800,
                      1.0 / 6227020800, -1.0 / 1307674368000);
    c = polynomial<T>(z, -0.5, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600,
                      -1.0 / 87178291200, 1.0 / 20922789888000);
  }
  s = fma(x * z, s, x);
  c = fma(z, c, set<T>(1));
  const auto odd = (quarter == T(1)) | (quarter == T(3));
  const vec<T> sin = select(odd, c, s), cos = select(odd, s, c);
  const auto sin_minus = (quarter == T(2)) | (quarter == T(3));
  const auto cos_minus = (quarter == T(1)) | (quarter == T(2));
  return {select(sin_minus, -sin, sin), select(cos_minus, -cos, cos)};
}

// Box-Muller on elements i and i + 16 of each 32.
template <class T>
struct Normal {
  using Element = T;
  using Word = typename Words<T>::Word;
  T mean, deviation;
  Normal(const void* a, const void* b)
      : mean(*static_cast<const T*>(a)), deviation(*static_cast<const T*>(b)) {}
  FASTNN_INLINE void group(const Word* words, T* out) const {
    for (int half = 0; half < Words<T>::kGroup; half += 32)
      for (int i = half; i < half + 16; i += kLanes<T>) {
        const vec<T> u = (Words<T>::bits(words + i) + 1) * Words<T>::kUnit;
        const vec<T> radius = sqrt(-2 * log<T>(u));
        const Turn<T> angle = turn<T>(Words<T>::bits(words + i + 16) * Words<T>::kUnit);
        store(out + i, set<T>(mean) + set<T>(deviation) * (radius * angle.cos));
        store(out + i + 16, set<T>(mean) + set<T>(deviation) * (radius * angle.sin));
      }
  }
};

// sqrt(2) erfinv(t erf(sqrt 2)) for |t| < 1, as t times a ratio of polynomials in t^2 - 3/4 that
// was fitted by interpolation at Chebyshev's nodes; relative error 3e-13.
FASTNN_INLINE F64 truncated(F64 t) {
  const F64 x = t * t - 0.75;
  const F64 p = polynomial<double>(
      x, 0x1.9271331181a2cp+0, -0x1.4201eded0c9f7p+4, 0x1.afe7f251f8a59p+6, -0x1.3b562eae83695p+8,
      0x1.108e0367fc213p+9, -0x1.1c4200e3e68dfp+9, 0x1.5db7a0e748406p+8, -0x1.db33f631821a5p+6,
      0x1.3880f728ae457p+4, -0x1.2dcf48e0bf1afp+0, 0x1.782f2fbe78375p-7);
  const F64 q = polynomial<double>(
      x, 1.0, -0x1.ad58d1d326e23p+3, 0x1.301defce29b11p+6, -0x1.d9c620115e099p+7,
      0x1.bad1423c3c335p+8, -0x1.fcd83fc366c32p+8, 0x1.6262ab5618b20p+8, -0x1.1c5ada261c9a1p+7,
      0x1.daf1bc60596a6p+4, -0x1.5285e0f874864p+1, 0x1.011edc1aacda4p-4);
  return clamp<double>(t * p / q, -2, 2);
}

template <class T>
struct TruncatedNormal {
  using Element = T;
  using Word = typename Words<T>::Word;
  T mean, deviation;
  TruncatedNormal(const void* a, const void* b)
      : mean(*static_cast<const T*>(a)), deviation(*static_cast<const T*>(b)) {}
  FASTNN_INLINE void group(const Word* words, T* out) const {
    for (int i = 0; i < Words<T>::kGroup; i += kLanes<T>) {
      // 2 u + 1 unit - 1: odd multiples of the unit, symmetric about 0.
      const vec<T> bits = Words<T>::bits(words + i);
      vec<T> z;
      if constexpr (kIsFloat<T>)
        z = narrow(truncated((2 * widen_low(bits) + 1) * 0x1p-24 - 1),
                   truncated((2 * widen_high(bits) + 1) * 0x1p-24 - 1));
      else
        z = truncated((2 * bits + 1) * 0x1p-53 - 1);
      store(out + i, set<T>(mean) + set<T>(deviation) * z);
    }
  }
};

template <class Out, class T>
struct Bernoulli {
  using Element = Out;
  using Word = typename Words<T>::Word;
  T p;
  Bernoulli(const void* a, const void*) : p(*static_cast<const T*>(a)) {}
  FASTNN_INLINE void group(const Word* words, Out* out) const {
    T one[Words<T>::kGroup];
    for (int i = 0; i < Words<T>::kGroup; i += kLanes<T>) {
      const vec<T> u = Words<T>::bits(words + i) * Words<T>::kUnit;
      store(one + i, select(u < set<T>(p), set<T>(1), zero<T>()));
    }
    for (int i = 0; i < Words<T>::kGroup; ++i) out[i] = static_cast<Out>(one[i]);
  }
};

FASTNN_INLINE uint64_t multiply_high(uint64_t a, uint64_t b) {
  __extension__ typedef unsigned __int128 Wide;
  return static_cast<uint64_t>(static_cast<Wide>(a) * b >> 64);
}

struct Integer {
  using Element = uint64_t;
  using Word = uint64_t;
  uint64_t a, range;
  Integer(const void* low, const void* high)
      : a(*static_cast<const uint64_t*>(low)), range(*static_cast<const uint64_t*>(high) - a) {}
  FASTNN_INLINE void group(const Word* words, uint64_t* out) const {
    for (int i = 0; i < 32; ++i) out[i] = a + multiply_high(words[i], range);
  }
};

template <class Rule>
struct Call {
  const RandomArgs* args;
  PhiloxStream stream;
  Rule rule;
};

// Elements [first, last) of the output. Groups that stick out are made whole, and cut.
template <class Rule>
void draw(const Call<Rule>& c, int64_t first, int64_t last) {
  using T = typename Rule::Element;
  using Word = typename Rule::Word;
  constexpr int64_t kGroup = 256 / static_cast<int64_t>(sizeof(Word));
  T* out = static_cast<T*>(c.args->out);
  Word words[kGroup];
  T some[kGroup];
  for (int64_t i = first; i < last;) {
    const uint64_t element = c.args->first + static_cast<uint64_t>(i);
    const int64_t skip = static_cast<int64_t>(element % kGroup);
    const int64_t n = kGroup - skip < last - i ? kGroup - skip : last - i;
    group_words(c.stream, element / kGroup, words);
    if (n == kGroup) {
      c.rule.group(words, out + i);
    } else {
      c.rule.group(words, some);
      memcpy(out + i, some + skip, static_cast<size_t>(n) * sizeof(T));
    }
    i += n;
  }
}

template <class Rule>
void task(void* arg, int64_t i) {
  const Call<Rule>& c = *static_cast<const Call<Rule>*>(arg);
  const int64_t first = i * kTaskElements, last = first + kTaskElements;
  draw(c, first, last < c.args->n ? last : c.args->n);
}

template <class Rule>
void random(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const RandomArgs*>(args);
  Call<Rule> c = {&a, philox_stream(ctx->seed, a.stream, ctx->step, ctx->iteration),
                  Rule(a.a, a.b)};
  if (ctx->threads > 1 && a.n >= kThreadsFrom)
    ctx->parallel_for(ctx->pool, (a.n + kTaskElements - 1) / kTaskElements, task<Rule>, &c);
  else
    draw(c, 0, a.n);
}

// The places with which those of a group of 32 change theirs.
FASTNN_INLINE void other_places(const PhiloxStream& s, int64_t group, uint64_t* others) {
  group_words(s, static_cast<uint64_t>(group), others);
  for (int64_t i = 0; i < 32; ++i)
    others[i] = multiply_high(others[i], static_cast<uint64_t>(32 * group + i) + 1);
}

// Fisher-Yates from the end. Where the numbers leave the near caches, places are asked for some
// groups ahead.
void random_permutation(const void* args, const Context* ctx) {
  constexpr int64_t kFar = 1 << 14, kAhead = 3;
  const auto& a = *static_cast<const PermutationArgs*>(args);
  const PhiloxStream s = philox_stream(ctx->seed, a.stream, ctx->step, ctx->iteration);
  int64_t* out = a.out;
  for (int64_t i = 0; i < a.n; ++i) out[i] = i;
  if (a.n < 2) return;
  uint64_t others[kAhead + 1][32];
  int64_t top = a.n - 1, made = top / 32;
  for (int64_t group = top / 32; group >= 0; --group) {
    for (; made >= 0 && made >= group - kAhead; --made) {
      uint64_t* next = others[made % (kAhead + 1)];
      other_places(s, made, next);
      if (a.n > kFar)
        for (int64_t i = 0; i < 32; ++i) __builtin_prefetch(out + next[i], 1);
    }
    const uint64_t* own = others[group % (kAhead + 1)];
    for (; top >= 32 * group; --top) {
      const uint64_t other = own[top % 32];
      const int64_t moved = out[top];
      out[top] = out[other];
      out[other] = moved;
    }
  }
}

#define FASTNN_RANDOM(id, dtype, ...) {id, DType::dtype, random<__VA_ARGS__>, nullptr, nullptr}

const Entry kEntries[] = {
    FASTNN_RANDOM("random_uniform", f32, Uniform<float>),
    FASTNN_RANDOM("random_uniform", f64, Uniform<double>),
    FASTNN_RANDOM("random_normal", f32, Normal<float>),
    FASTNN_RANDOM("random_normal", f64, Normal<double>),
    FASTNN_RANDOM("random_truncated_normal", f32, TruncatedNormal<float>),
    FASTNN_RANDOM("random_truncated_normal", f64, TruncatedNormal<double>),
    FASTNN_RANDOM("random_bernoulli", f32, Bernoulli<float, float>),
    FASTNN_RANDOM("random_bernoulli", f64, Bernoulli<double, double>),
    FASTNN_RANDOM("random_bernoulli", b8, Bernoulli<uint8_t, float>),
    FASTNN_RANDOM("random_integer", i64, Integer),
    {"random_permutation", DType::i64, random_permutation, nullptr, nullptr},
};

}  // namespace

const EntryList random_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
