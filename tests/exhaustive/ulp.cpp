// Measures the error of elementwise kernels against long double, in units in the last place:
// float32 over all 2^32 values (or every stride-th), float64 over samples. See README.md.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "runtime/registry.h"

namespace {

using fastnn::DType;
using fastnn::kernels::Table;
using fastnn::kernels::Tile;
using Wide = long double;
static_assert(std::numeric_limits<Wide>::digits >= 64, "needs a long double wider than double");

// The long double functions, with a series where they are slow and the value is plain.
Wide exp_exact(Wide x) {
  if (std::fabs(x) < 0x1p-20L) return 1 + x * (1 + x * (0.5L + x / 6));
  return x < -800 ? 0 : x > 800 ? INFINITY : std::exp(x);
}
Wide sigmoid_exact(Wide x) {
  if (std::fabs(x) < 0x1p-20L) return 0.5L + x * (0.25L - x * x / 48);
  const Wide e = exp_exact(-std::fabs(x));
  return (x < 0 ? e : 1) / (1 + e);
}
Wide tanh_exact(Wide x) {
  if (std::fabs(x) < 0x1p-20L) return x * (1 - x * x / 3);  // keeps -0
  return std::fabs(x) > 30 ? std::copysign(1.0L, x) : std::tanh(x);
}
Wide expm1_exact(Wide x) { return x > 800 ? INFINITY : std::expm1(x); }
Wide log_exact(Wide x) { return std::log(x); }
Wide log1p_exact(Wide x) { return std::log1p(x); }
Wide softplus_exact(Wide x) { return (x > 0 ? x : 0) + std::log1p(exp_exact(-std::fabs(x))); }
Wide erf_exact(Wide x) { return std::fabs(x) > 10 ? std::copysign(1.0L, x) : std::erf(x); }
Wide gelu_exact(Wide x) {
  if (std::fabs(x) > 60) return x > 0 ? x : -0.0L;
  return x * 0.5L * std::erfc(x * -0.70710678118654752440084436210485L);
}
Wide silu_exact(Wide x) { return x < -20000 ? -0.0L : x > 200 ? x : x * sigmoid_exact(x); }

Wide sin_exact(Wide x) { return std::sin(x); }
Wide cos_exact(Wide x) { return std::cos(x); }

struct Function {
  const char* name;
  Wide (*exact)(Wide);
};
const Function kFunctions[] = {
    {"exp", exp_exact},           {"sigmoid", sigmoid_exact}, {"tanh", tanh_exact},
    {"expm1", expm1_exact},       {"log", log_exact},         {"log1p", log1p_exact},
    {"softplus", softplus_exact}, {"erf", erf_exact},         {"gelu", gelu_exact},
    {"silu", silu_exact},         {"sin", sin_exact},         {"cos", cos_exact},
};

// What one thread finds for one table.
template <class T>
struct Result {
  double worst = 0;  // ULP
  T worst_at = 0;
  int64_t values = 0;
  int64_t rounded = 0;    // correctly rounded
  int64_t above_one = 0;  // more than 1 ULP off
  int64_t wrong = 0;      // NaN, infinity or the sign of zero differ
  T wrong_at = 0;

  void join(const Result& o) {
    if (o.worst > worst) worst = o.worst, worst_at = o.worst_at;
    if (o.wrong) wrong_at = o.wrong_at;
    values += o.values, rounded += o.rounded, above_one += o.above_one, wrong += o.wrong;
  }
};

// Of the exact value's own binade; among the denormals the smallest of them.
template <class T>
Wide ulp_of(Wide exact) {
  using Limits = std::numeric_limits<T>;
  int e = Limits::min_exponent;
  if (exact != 0) std::frexp(exact, &e);
  return std::ldexp(1.0L, std::max(e, Limits::min_exponent) - Limits::digits);
}

template <class T>
void check_off(T x, T got, T rounded, Wide exact, Result<T>& r) {
  if (std::isnan(got) && std::isnan(rounded)) {
    ++r.rounded;
    return;
  }
  if (!std::isfinite(got) || !std::isfinite(rounded) || got == rounded) {
    ++r.wrong;
    r.wrong_at = x;
    return;
  }
  const double error = static_cast<double>(std::fabs(got - exact) / ulp_of<T>(exact));
  r.above_one += error > 1;
  if (error > r.worst) r.worst = error, r.worst_at = x;
}

// Most results are the rounded exact value, bit for bit.
template <class T>
void check(const T* x, const T* got, const T* rounded, const Wide* exact, int64_t n, Result<T>& r) {
  r.values += n;
  for (int64_t i = 0; i < n; ++i) {
    if (std::memcmp(got + i, rounded + i, sizeof(T)) == 0)
      ++r.rounded;
    else
      check_off(x[i], got[i], rounded[i], exact[i], r);
  }
}

constexpr int64_t kBlock = 4096;

// Block b of the arguments: bit patterns for float; for double a mix of uniform values in ranges
// that matter and of random bits, drawn from a counter.
void fill(int64_t block, int64_t stride, float* x) {
  for (int64_t i = 0; i < kBlock; ++i) {
    const uint32_t bits = static_cast<uint32_t>((block * kBlock + i) * stride);
    std::memcpy(x + i, &bits, sizeof bits);
  }
}
void fill(int64_t block, int64_t, double* x) {
  static const double ranges[] = {0.01, 1, 2, 10, 40, 750};
  for (int64_t i = 0; i < kBlock; ++i) {
    uint64_t z = static_cast<uint64_t>(block * kBlock + i + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    if (i % 8 >= 6)
      std::memcpy(x + i, &z, sizeof z);
    else
      x[i] = (static_cast<double>(z >> 11) * 0x1p-52 - 1) * ranges[i % 8];
  }
}

template <class T>
void sweep(const Function& f, DType dtype, int64_t blocks, int64_t stride, int threads) {
  std::vector<std::string> names;
  std::vector<Tile> tiles;
  for (const Table* t : fastnn::runtime::available_tables()) {
    const auto* e = fastnn::runtime::find_in(*t, f.name, dtype);
    if (!e || std::strcmp(t->name, "reference") == 0) continue;
    names.push_back(t->name);
    tiles.push_back(e->tile);
  }
  std::vector<std::vector<Result<T>>> results(threads, std::vector<Result<T>>(tiles.size()));
  auto work = [&](int thread) {
    std::vector<T> x(kBlock), y(kBlock), rounded(kBlock);
    std::vector<Wide> exact(kBlock);
    const void* in[] = {x.data()};
    for (int64_t b = thread; b < blocks; b += threads) {
      fill(b, stride, x.data());
      for (int64_t i = 0; i < kBlock; ++i) {
        exact[i] = f.exact(x[i]);
        rounded[i] = static_cast<T>(exact[i]);
      }
      for (size_t k = 0; k < tiles.size(); ++k) {
        tiles[k](y.data(), in, kBlock, nullptr);
        check(x.data(), y.data(), rounded.data(), exact.data(), kBlock, results[thread][k]);
      }
    }
  };
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) pool.emplace_back(work, t);
  for (auto& t : pool) t.join();
  for (size_t k = 0; k < tiles.size(); ++k) {
    Result<T> sum;
    for (const auto& r : results) sum.join(r[k]);
    std::printf(
        "%-8s %-8s %-9s %11lld values  worst %.3f ULP at %-17.9g  rounded %.3f %%  above 1 ULP "
        "%.4f %%",
        f.name, dtype_name(dtype), names[k].c_str(), static_cast<long long>(sum.values), sum.worst,
        static_cast<double>(sum.worst_at), 100.0 * sum.rounded / sum.values,
        100.0 * sum.above_one / sum.values);
    if (sum.wrong)
      std::printf("  WRONG at %lld values, such as %.9g", static_cast<long long>(sum.wrong),
                  static_cast<double>(sum.wrong_at));
    std::printf("\n");
  }
  std::fflush(stdout);
}

}  // namespace

// ulp [--stride N] [--samples N] [--threads N] [function ...]
int main(int argc, char** argv) {
  int64_t stride = 1, samples = 20'000'000;
  int threads = 1;
  std::vector<std::string> wanted;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    const bool more = i + 1 < argc;
    if (a == "--stride" && more)
      stride = std::atoll(argv[++i]);
    else if (a == "--samples" && more)
      samples = std::atoll(argv[++i]);
    else if (a == "--threads" && more)
      threads = std::atoi(argv[++i]);
    else
      wanted.push_back(a);
  }
  if (stride < 1 || threads < 1) {
    std::fprintf(stderr, "expected a stride and a number of threads of at least 1\n");
    return 2;
  }
  if (wanted.empty()) wanted = {"exp", "sigmoid", "tanh"};
  for (const std::string& name : wanted) {
    const Function* f = nullptr;
    for (const Function& g : kFunctions)
      if (name == g.name) f = &g;
    if (!f) {
      std::fprintf(stderr, "no function '%s' here\n", name.c_str());
      return 2;
    }
    sweep<float>(*f, DType::f32, (int64_t{1} << 32) / (kBlock * stride), stride, threads);
    sweep<double>(*f, DType::f64, samples / kBlock, 1, threads);
  }
}
