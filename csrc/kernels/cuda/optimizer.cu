// Optimizers: the formulas of the reference (kernels/reference/optimizer.cpp says them and their
// sources), operation for operation. Segments go along as a kernel's parameter, so that a launch
// reads no table in memory; many segments take several launches.
#include "kernels/cuda/bodies/optimizer.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

template <class T, template <class> class Rule>
void run(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const OptimizerArgs*>(args);
  Update u{};
  u.device = state_of(ctx);
  u.rate = a.rate;
  u.step = a.step;
  u.state = a.state;
  for (int k = 0; k < 6; ++k) u.hyper[k] = a.hyper[k];
  for (int64_t first = 0; first < a.count; first += kSegments) {
    u.count = static_cast<int32_t>(a.count - first < kSegments ? a.count - first : kSegments);
    int64_t longest = 0;
    for (int k = 0; k < u.count; ++k) {
      u.segments[k] = a.segments[first + k];
      if (u.segments[k].length > longest) longest = u.segments[k].length;
    }
    // Each block works out its rule, which takes as long as a few thousand elements.
    constexpr unsigned kMostBlocks = 1024;
    const unsigned across = blocks_for(longest);
    const dim3 blocks(across < kMostBlocks ? across : kMostBlocks, static_cast<unsigned>(u.count));
    launch<optimize<T, Rule>>(ctx, blocks, kThreads, u);
  }
}

template <class T>
void run_nadam(const void* args, const Context* ctx) {
  run<T, Nadam>(args, ctx);
  const auto& a = *static_cast<const OptimizerArgs*>(args);
  Update u{};
  u.device = state_of(ctx);
  u.step = a.step;
  u.state = a.state;
  for (int k = 0; k < 6; ++k) u.hyper[k] = a.hyper[k];
  launch<advance_nadam>(ctx, 1, 1, u);
}

#define FASTNN_RULE(id, Rule)                             \
  {id, DType::f32, run<float, Rule>, nullptr, nullptr}, { \
    id, DType::f64, run<double, Rule>, nullptr, nullptr   \
  }

const Entry kEntries[] = {
    FASTNN_RULE("sgd", Sgd),
    FASTNN_RULE("rmsprop", RmsProp),
    FASTNN_RULE("adam", Adam),
    FASTNN_RULE("adamax", Adamax),
    FASTNN_RULE("adagrad", Adagrad),
    FASTNN_RULE("adadelta", Adadelta),
    FASTNN_RULE("lion", Lion),
    {"nadam", DType::f32, run_nadam<float>, nullptr, nullptr},
    {"nadam", DType::f64, run_nadam<double>, nullptr, nullptr},
};

}  // namespace

const EntryList optimizer_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
