// The roof of a roofline, in plain scalar code.
#include "kernels/reference/lists.h"

namespace fastnn::kernels::reference {
namespace {

template <class T>
void peak(const void* raw, const Context*) {
  const PeakArgs& args = *static_cast<const PeakArgs*>(raw);
  constexpr int kChains = 12;
  T sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = static_cast<T>(i);
  for (int64_t n = 0; n < args.iterations; ++n)
    for (T& s : sums) s = s * static_cast<T>(0.999) + static_cast<T>(0.001);
  T total = 0;
  for (T s : sums) total += s;
  args.out[0] = static_cast<double>(total);
  args.out[1] = 2.0 * kChains * static_cast<double>(args.iterations);
}

const Entry entries[] = {
    {"peak", DType::f32, peak<float>, nullptr, nullptr},
    {"peak", DType::f64, peak<double>, nullptr, nullptr},
};

}  // namespace

extern const EntryList peak_list = {entries, sizeof(entries) / sizeof(entries[0])};

}  // namespace fastnn::kernels::reference
