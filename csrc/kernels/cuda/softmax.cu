// Softmax over rows and the cross entropies, with their gradients: the formulas of the reference.
// A row is one thread's where it is short, a warp's, or a block's; sums are in double, in an order
// that the row's length decides.
#include "kernels/cuda/bodies/softmax.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

constexpr int64_t kShort = 32, kMiddling = 1024;
template <class T, class Op>
void rows(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const RowArgs*>(args);
  if (a.cols <= kShort)
    launch<rows_kernel<T, Op, 1>>(ctx, blocks_for(a.rows), kThreads, a);
  else if (a.cols <= kMiddling)
    launch<rows_kernel<T, Op, 32>>(ctx, blocks_for(a.rows, kThreads / 32), kThreads, a);
  else
    launch<rows_kernel<T, Op, kThreads>, kThreads, Team<kThreads>::kShared>(
        ctx, blocks_for(a.rows, 1), kThreads, a);
}

template <class T, class Loss>
void loss(const void* args, const Context* ctx) {
  const auto& a = *static_cast<const CrossEntropyArgs*>(args);
  if (a.cols <= kShort)
    launch<loss_kernel<T, Loss, 1>>(ctx, blocks_for(a.rows), kThreads, a, state_of(ctx));
  else if (a.cols <= kMiddling)
    launch<loss_kernel<T, Loss, 32>>(ctx, blocks_for(a.rows, kThreads / 32), kThreads, a,
                                     state_of(ctx));
  else
    launch<loss_kernel<T, Loss, kThreads>, kThreads, Team<kThreads>::kShared>(
        ctx, blocks_for(a.rows, 1), kThreads, a, state_of(ctx));
}

#define FASTNN_ROWS(id, Op)                              \
  {id, DType::f32, rows<float, Op>, nullptr, nullptr}, { \
    id, DType::f64, rows<double, Op>, nullptr, nullptr   \
  }
#define FASTNN_LOSS(id, sparse, grad)                                            \
  {id, DType::f32, loss<float, CrossEntropy<sparse, grad>>, nullptr, nullptr}, { \
    id, DType::f64, loss<double, CrossEntropy<sparse, grad>>, nullptr, nullptr   \
  }

const Entry kEntries[] = {
    FASTNN_ROWS("softmax", Softmax),
    FASTNN_ROWS("softmax_grad", SoftmaxGrad),
    FASTNN_ROWS("log_softmax", LogSoftmax),
    FASTNN_ROWS("log_softmax_grad", LogSoftmaxGrad),
    FASTNN_LOSS("softmax_cross_entropy", false, false),
    FASTNN_LOSS("softmax_cross_entropy_grad", false, true),
    FASTNN_LOSS("sparse_softmax_cross_entropy", true, false),
    FASTNN_LOSS("sparse_softmax_cross_entropy_grad", true, true),
};

}  // namespace

const EntryList softmax_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
