// Random numbers from Philox: the streams of core/philox.h, so the CPU's bits for uniform and
// Bernoulli numbers; normal ones differ by the errors of log, sin and cos.
//
// A thread makes one block of four words, whose elements are 16 apart: 16 neighbouring threads
// write 16 neighbouring elements.
#include "kernels/cuda/bodies/random.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

template <class Rule>
void random(const void* args, const Context* ctx) {
  constexpr int kGroup = 16 * Rule::kCount;
  const auto& a = *static_cast<const RandomArgs*>(args);
  if (a.n == 0) return;
  const auto reach = static_cast<int64_t>(a.first % kGroup) + a.n;
  const int64_t blocks = (reach + kGroup - 1) / kGroup * 16;
  launch<draw<Rule>>(ctx, blocks_for(blocks), kThreads, a,
                     Stream{ctx->seed, state_of(ctx), ctx->iteration}, blocks);
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
};

}  // namespace

const EntryList random_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
