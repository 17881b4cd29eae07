// What the arithmetic units can do, with nothing but registers: the roof of a roofline.
#include "kernels/cpu/lists.h"
#include "kernels/cpu/simd.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// 12 independent chains cover the latency of two fma units.
template <class T>
void peak(const void* raw, const Context*) {
  const PeakArgs& args = *static_cast<const PeakArgs*>(raw);
  constexpr int kChains = 12;
  vec<T> sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = set<T>(static_cast<T>(i));
  const vec<T> a = set<T>(static_cast<T>(0.999)), b = set<T>(static_cast<T>(0.001));
  for (int64_t n = 0; n < args.iterations; ++n) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = fma(sums[i], a, b);
  }
  vec<T> total = sums[0];
  for (int i = 1; i < kChains; ++i) total = total + sums[i];
  args.out[0] = static_cast<double>(total[0]);  // or the compiler would drop it all
  args.out[1] = 2.0 * kChains * kLanes<T> * static_cast<double>(args.iterations);
}

const Entry entries[] = {
    {"peak", DType::f32, peak<float>, nullptr, nullptr},
    {"peak", DType::f64, peak<double>, nullptr, nullptr},
};

}  // namespace

extern const EntryList peak_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::FASTNN_ISA
