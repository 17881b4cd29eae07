// The bodies that a persistent program can call: what the steps of small networks are made of, in
// float32.
#pragma once
#include <tuple>
#include <type_traits>
#include <utility>

#include "kernels/cuda/bodies/advance.h"
#include "kernels/cuda/bodies/arg_reduce.h"
#include "kernels/cuda/bodies/softmax.h"
#include "kernels/cuda/persistent_own.h"
#include "kernels/cuda/persistent_touches.h"

namespace fastnn::kernels::cuda {

// Where a body's parameters lie, one after the other, each at a multiple of its alignment.
template <class... P>
struct Layout {
  template <size_t i>
  __host__ __device__ static constexpr size_t place() {
    constexpr size_t sizes[] = {sizeof(P)...}, aligns[] = {alignof(P)...};
    size_t at = 0, k = 0;
    for (;; ++k) {
      at = (at + aligns[k] - 1) / aligns[k] * aligns[k];
      if (k == i) return at;
      at += sizes[k];
    }
  }
  template <size_t i>
  using Of = std::tuple_element_t<i, std::tuple<P...>>;
  // Parameter i, among the arguments.
  template <size_t i>
  __host__ __device__ static const Of<i>& at(const void* arguments) {
    constexpr size_t where = place<i>();
    return *reinterpret_cast<const Of<i>*>(static_cast<const char*>(arguments) + where);
  }

  template <auto body, size_t... i>
  __device__ static void run(const Grid& grid, const void* arguments, std::index_sequence<i...>) {
    body(grid, at<i>(arguments)...);
  }
  template <auto touch, size_t... i>
  static void touch_all(Command* c, std::index_sequence<i...>) {
    touch(c, at<i>(c->arguments.data())...);
  }
  static constexpr std::index_sequence_for<P...> kAll{};
};

template <auto body_, auto touch_, int kPerRound_ = kMostWarps * kWarpThreads, int kShared_ = 0>
struct Callable {
  static constexpr auto body = body_;
  static constexpr auto launched = body_;  // which body stands in the recording
  static constexpr auto touch = touch_;
  static constexpr int kPerRound = kPerRound_;  // results that one block makes at once
  static constexpr int kShared = kShared_;
  static constexpr bool kTogether = kShared_ > 0;
  using Parameters = typename Signature<std::decay_t<decltype(body_)>>::template Parameters<Layout>;
};

// A result's threads: one, a warp, or as many as wait for each other.
constexpr int per_round(int threads) {
  return (threads > kWarpThreads ? kThreads : kMostWarps * kWarpThreads) / threads;
}
// Of reductions whose results lie side by side, threads of a block share them.
constexpr int per_result(int side) {
  return side == 8 || side == 64 ? kThreads / side : per_round(side);
}
template <template <class> class Op, int kSide>
struct Reduce : Callable<reduce_all_chunks<float, Op, kSide>, touch_reduce<float, Op, kSide>,
                         per_result(kSide), kReduceShared<float, Op, kSide>> {
  static constexpr auto launched = reduce_chunk<float, Op, kSide>;
};
template <int kSide>
using Totals = Callable<reduce_chunks<float, Sum, kSide>, touch_totals<float, Sum, kSide>,
                        per_result(kSide), kReduceShared<float, Sum, kSide>>;
template <int kRows, int kCols>
using ByPatches =
    Callable<product_patches<float, kRows, kCols>, touch_patches<float, kRows, kCols>>;
template <class Op, int kSize>
using Rows = Callable<rows_kernel<float, Op, kSize>, touch_rows<float, kSize>, per_round(kSize),
                      Team<kSize>::kShared>;
template <bool kSparse, bool kGrad, int kSize>
using Loss =
    Callable<loss_kernel<float, CrossEntropy<kSparse, kGrad>, kSize>,
             touch_loss<float, kSparse, kGrad, kSize>, per_round(kSize), Team<kSize>::kShared>;
template <template <class> class Rule>
using Prepare = Callable<prepare_update<float, Rule>, touch_prepare<float, Rule>>;
template <template <class> class Rule>
using Apply = Callable<update_all<float, Rule>, touch_update<float, Rule>>;

template <class... C>
struct List {
  static constexpr int kSize = sizeof...(C);
  template <size_t i>
  using At = std::tuple_element_t<i, std::tuple<C...>>;
  // Its place, from 1.
  template <class Wanted>
  static constexpr uint16_t code_of() {
    uint16_t place = 0, code = 0;
    ((++place, code = std::is_same_v<Wanted, C> ? place : code), ...);
    return code;
  }
};

template <class T>
using Gather = Callable<gather<T>, touch_gather<T>>;
template <int kAtOnce>
using GatherRows = Callable<gather_rows<float, kAtOnce>, touch_gather_rows<float, kAtOnce>>;
using BestByThread = Callable<best_by_thread<float, true>, touch_best<float, 1>>;
using BestByBlock =
    Callable<best_by_block<float, true>, touch_best<float, kThreads>, 1, kBestShared<float>>;
using BatchedProduct = Callable<product_small<float>, touch_product<float>>;
using Interpreter = Callable<fused<false>, touch_fused>;
// What the steps of small networks are made of, in float32.
using Callables =
    List<Gather<float>, Gather<int64_t>, GatherRows<1>, GatherRows<4>, BatchedProduct,
         ByPatches<1, 1>, ByPatches<2, 2>, ByPatches<4, 2>, ByPatches<4, 4>, Interpreter, Totals<8>,
         Totals<64>,                                                              //
         Reduce<Sum, 1>, Reduce<Sum, 8>, Reduce<Sum, 32>, Reduce<Sum, kThreads>,  //
         Reduce<Max, 1>, Reduce<Max, 8>, Reduce<Max, 32>,                         //
         Rows<Softmax, 1>, Rows<SoftmaxGrad, 1>, Rows<LogSoftmax, 1>, Rows<LogSoftmaxGrad, 1>,
         Rows<Softmax, 32>, Rows<SoftmaxGrad, 32>, Loss<false, false, 1>, Loss<false, true, 1>,
         Loss<true, false, 1>, Loss<true, true, 1>, Loss<false, false, 32>, Loss<false, true, 32>,
         Loss<true, false, 32>, Loss<true, true, 32>, BestByThread, BestByBlock,
         Callable<copy_elements<uint32_t>, touch_copy<uint32_t>>,
         Callable<copy_elements<uint64_t>, touch_copy<uint64_t>>,
         Callable<copy_elements<uint8_t>, touch_copy<uint8_t>>,
         Callable<fill_elements<float>, touch_fill<float>>,
         Callable<zero_elements<float>, touch_zero<float>>,
         Callable<take_elements<uint32_t, false>, touch_take<uint32_t>>,
         Callable<make_keys, touch_make_keys>,
         Callable<order_tiles, touch_order, kTile, kTile * sizeof(Key)>,
         Callable<add_rows<float>, touch_add_rows<float>>,
         Callable<one_hot_elements<float>, touch_one_hot<float>>,
         Callable<draw<Bernoulli<float, float>>, touch_draw<float, 4>>,
         Callable<draw<Bernoulli<uint8_t, float>>, touch_draw<uint8_t, 4>>,
         Callable<draw<Uniform<float>>, touch_draw<float, 4>>,
         Callable<draw<Normal<float>>, touch_draw<float, 4>>,  //
         Prepare<Sgd>, Apply<Sgd>, Prepare<RmsProp>, Apply<RmsProp>, Prepare<Adam>, Apply<Adam>,
         Prepare<Adamax>, Apply<Adamax>, Prepare<Nadam>, Apply<Nadam>, Prepare<Adagrad>,
         Apply<Adagrad>, Prepare<Adadelta>, Apply<Adadelta>, Prepare<Lion>, Apply<Lion>,
         Callable<advance_nadam, touch_advance_nadam>, Callable<advance_state, touch_advance>>;

}  // namespace fastnn::kernels::cuda
