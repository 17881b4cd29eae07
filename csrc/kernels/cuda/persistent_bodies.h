// The bodies that a persistent program can call.
#pragma once
#include <tuple>
#include <type_traits>
#include <utility>

#include "kernels/cuda/bodies/advance.h"
#include "kernels/cuda/bodies/arg_reduce.h"
#include "kernels/cuda/bodies/softmax.h"
#include "kernels/cuda/persistent_own.h"
#include "kernels/cuda/persistent_touches.h"
#include "kernels/cuda/persistent_touches_training.h"

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
  static constexpr bool kByWarps = false;  // each is a block
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
template <class T, template <class> class Op, int kSide>
struct Reduce : Callable<reduce_all_chunks<T, Op, kSide>, touch_reduce<T, Op, kSide>,
                         per_result(kSide), kReduceShared<T, Op, kSide>> {
  static constexpr auto launched = reduce_chunk<T, Op, kSide>;
};
template <class T, int kSide>
using Totals = Callable<reduce_chunks<T, Sum, kSide>, touch_totals<T, Sum, kSide>,
                        per_result(kSide), kReduceShared<T, Sum, kSide>>;
template <class T, int kRows, int kCols>
using ByPatches = Callable<product_patches<T, kRows, kCols>, touch_patches<T, kRows, kCols>>;
template <class T>
using BatchedProduct = Callable<product_small<T>, touch_product<T>>;
template <class T, class Op, int kSize>
using Rows = Callable<rows_kernel<T, Op, kSize>, touch_rows<T, kSize>, per_round(kSize),
                      Team<kSize>::kShared>;
template <class T, bool kSparse, bool kGrad, int kSize>
using Loss = Callable<loss_kernel<T, CrossEntropy<kSparse, kGrad>, kSize>,
                      touch_loss<T, kSparse, kGrad, kSize>, per_round(kSize), Team<kSize>::kShared>;
template <class T>
using Gather = Callable<gather<T>, touch_gather<T>>;
template <class T, int kAtOnce>
using GatherRows = Callable<gather_rows<T, kAtOnce>, touch_gather_rows<T, kAtOnce>>;
template <class T>
using BestByThread = Callable<best_by_thread<T, true>, touch_best<T, 1>>;
template <class T>
using BestByBlock = Callable<best_by_block<T, true>, touch_best<T, kThreads>, 1, kBestShared<T>>;
template <class U>
using Copied = Callable<copy_elements<U>, touch_copy<U>>;
template <class U, bool kAlong>
using Taken = Callable<take_elements<U, kAlong>, touch_take<U, kAlong>>;
template <class Rule, class T>
using Drawn = Callable<draw<Rule>, touch_draw<typename Rule::Element, sizeof(T)>>;
template <class T, template <class> class Rule>
using Prepare = Callable<prepare_update<T, Rule>, touch_prepare<T, Rule>>;
template <class T, template <class> class Rule>
using Apply = Callable<update_all<T, Rule>, touch_update<T, Rule>>;
template <class T, template <class> class Rule>
struct UpdateRows : Callable<update_rows_alone<T, Rule>, touch_update_rows<T>> {
  static constexpr auto launched = update_rows<T, Rule>;
};
// A warp for each row.
template <class T, class Cell, auto body, auto touch>
struct ByRows : Callable<body, touch, kMostWarps> {
  static constexpr bool kByWarps = true;
};
template <class T, class Cell>
using Forward = ByRows<T, Cell, recurrent::forward<T, Cell, 1>, touch_forward<T, Cell>>;
template <class T, class Cell>
using Backward = ByRows<T, Cell, recurrent::backward<T, Cell, 1>, touch_backward<T, Cell>>;
using Interpreter = Callable<fused<false>, touch_fused>;

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

// What the steps of small networks are made of: T is what they reckon in.
template <class T, class... More>
using CallablesOf = List<
    Gather<T>, Gather<int64_t>, GatherRows<T, 1>, GatherRows<T, 4>, BatchedProduct<T>,
    ByPatches<T, 1, 1>, ByPatches<T, 2, 2>, ByPatches<T, 4, 2>, Interpreter,  //
    Totals<T, 8>, Totals<T, 64>,                                              //
    Reduce<T, Sum, 1>, Reduce<T, Sum, 8>, Reduce<T, Sum, 32>, Reduce<T, Sum, kThreads>,
    Reduce<T, Max, 1>, Reduce<T, Max, 8>, Reduce<T, Max, 32>, Reduce<uint8_t, All, 1>,
    Reduce<uint8_t, Any, 1>,  //
    Rows<T, Softmax, 1>, Rows<T, SoftmaxGrad, 1>, Rows<T, LogSoftmax, 1>,
    Rows<T, LogSoftmaxGrad, 1>, Rows<T, Softmax, 32>, Rows<T, SoftmaxGrad, 32>,
    Loss<T, false, false, 1>, Loss<T, false, true, 1>, Loss<T, true, false, 1>,
    Loss<T, true, true, 1>, Loss<T, false, false, 32>, Loss<T, false, true, 32>,
    Loss<T, true, false, 32>, Loss<T, true, true, 32>, BestByThread<T>, BestByBlock<T>,
    Copied<uint8_t>, Copied<uint32_t>, Copied<uint64_t>, Callable<fill_elements<T>, touch_fill<T>>,
    Callable<zero_elements<T>, touch_zero<T>>, Taken<uint32_t, false>, Taken<uint32_t, true>,
    Taken<uint64_t, false>, Callable<make_keys, touch_make_keys>,
    Callable<order_tiles, touch_order, kTile, kTile * sizeof(Key)>,
    Callable<add_rows<T>, touch_add_rows<T>>, Callable<one_hot_elements<T>, touch_one_hot<T>>,  //
    Drawn<Bernoulli<T, T>, T>, Drawn<Bernoulli<uint8_t, T>, T>, Drawn<Uniform<T>, T>,
    Drawn<Normal<T>, T>,  //
    Prepare<T, Sgd>, Apply<T, Sgd>, Prepare<T, RmsProp>, Apply<T, RmsProp>, Prepare<T, Adam>,
    Apply<T, Adam>, Prepare<T, Adamax>, Apply<T, Adamax>, Prepare<T, Nadam>, Apply<T, Nadam>,
    Prepare<T, Adagrad>, Apply<T, Adagrad>, Prepare<T, Adadelta>, Apply<T, Adadelta>,
    Prepare<T, Lion>, Apply<T, Lion>, Callable<advance_nadam, touch_advance_nadam>,
    Callable<advance_state, touch_advance>,                                              //
    Callable<claim_rows, touch_claim_rows>, UpdateRows<T, Sgd>, UpdateRows<T, Adagrad>,  //
    Forward<T, recurrent::Lstm>, Backward<T, recurrent::Lstm>, Forward<T, recurrent::Gru>,
    Backward<T, recurrent::Gru>, Forward<T, recurrent::SimpleRnn>,
    Backward<T, recurrent::SimpleRnn>, More...>;
// Structs, so that kernels have names that can be read. Metrics count in float64; inputs are cast.
struct CallablesF32
    : CallablesOf<float, Gather<double>, ByPatches<float, 4, 4>, BatchedProduct<double>,
                  Reduce<double, Sum, 1>, Reduce<double, Sum, 8>, Reduce<double, Sum, 32>,
                  Reduce<double, Sum, kThreads>> {};
struct CallablesF64 : CallablesOf<double, Gather<float>, Taken<uint64_t, true>> {};

}  // namespace fastnn::kernels::cuda
