// first_nonfinite: where the first NaN or infinity is.
#include "kernels/cuda/launch.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

__device__ void begin_search(const Grid&, int64_t* out) { *out = -1; }

// -1 is the largest of unsigned numbers.
template <class T>
__device__ void search(const Grid& grid, const FiniteArgs& a) {
  const T* in = static_cast<const T*>(a.in);
  for (int64_t i = grid.first_index(); i < a.n; i += grid.all_threads())
    if (in[i] - in[i] != T(0))
      atomicMin(reinterpret_cast<unsigned long long*>(a.out), static_cast<unsigned long long>(i));
}

template <class T>
void first_nonfinite(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const FiniteArgs*>(args);
  launch<begin_search>(ctx, 1, 1, a.out);
  launch<search<T>>(ctx, blocks_for(a.n), kThreads, a);
}

const Entry kEntries[] = {
    {"first_nonfinite", DType::f32, first_nonfinite<float>, nullptr, nullptr},
    {"first_nonfinite", DType::f64, first_nonfinite<double>, nullptr, nullptr},
};

}  // namespace

const EntryList finite_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
