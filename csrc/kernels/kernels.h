// Every kernel is declared here once: its arguments, shapes, aliasing, workspace and error bound.
// Plain data only: this file is compiled into objects of every ISA.
//
// A kernel is a plain function (arguments, context). Outputs come first. All strides and leading
// dimensions count elements, not bytes. Unless a comment says otherwise, outputs do not overlap
// inputs, arrays are contiguous in C order, and any pointer may be unaligned.
//
// Bits: the result of a kernel is a function of its arguments' values and shapes, the dtype and
// the ISA. It never depends on the number of threads, on addresses, or (for the rows of matmul,
// softmax and elementwise work) on how many other rows there are.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "core/dtype.h"

namespace fastnn::kernels {

constexpr int kMaxRank = 8;

// A kernel that meets a bad value (an index out of range, say) stores its kind once and goes on
// without touching memory it must not; the executor turns it into an exception after the run.
struct Status {
  int32_t code;   // 0: fine, 1: index out of range
  int64_t value;  // the offending value
  int64_t limit;  // what it had to be below
};

// Where a kernel runs. parallel_for calls body(arg, i) for every i in [0, tasks), possibly on
// several threads, and returns when all are done; which thread runs which i is fixed by (tasks,
// threads). Kernels split work into tasks by shape, and call it only when there is enough work.
struct Context {
  void (*parallel_for)(void* pool, int64_t tasks, void (*body)(void* arg, int64_t i), void* arg);
  void* pool;
  int32_t threads;  // 1: never call parallel_for
  void* workspace;  // at least what the entry's Workspace function asked for; 64-byte aligned
  Status* status;
  uint64_t seed;  // random kernels: see RandomArgs
  uint64_t step;
  uint32_t iteration;
};

using Kernel = void (*)(const void* args, const Context* ctx);
using Workspace = size_t (*)(const void* args, int32_t threads);

// An elementwise function over n contiguous elements: out[i] = f(in[0][i], in[1][i], ...).
// out may be equal to any input of the same element size (no other overlap). The number and
// dtypes of the inputs follow from the op; params are its constant attributes (slope, limits).
// Element i's result does not depend on n or i: tails run the same masked vector code.
using Tile = void (*)(void* out, const void* const* in, int64_t n, const double* params);

// One implementation of a kernel id for a dtype (that of its first input unless said otherwise).
struct Entry {
  const char* id;
  DType dtype;
  Kernel run;  // one of run and tile is set
  Tile tile;
  Workspace workspace;  // null: none needed
};

struct EntryList {
  const Entry* entries;
  int32_t size;
};

struct Table {
  const char* name;        // "reference", "baseline", "avx2", "avx512", "neon"
  const EntryList* lists;  // one a source file
  int32_t size;
};

const Table& reference_table();
namespace baseline {
const Table& table();
}
namespace avx2 {
const Table& table();
}
namespace avx512 {
const Table& table();
}
namespace neon {
const Table& table();
}

// --- matmul (matmul.cpp) ------------------------------------------------------------------
// C[M,N] = epilogue(op(A)[M,K] @ op(B)[K,N] + bias[N]), for every index of the batch.
// op(X) is X or its transpose (trans_*): lda is the distance of A's rows as stored.
// aux [M,N] has C's batch strides. colsum_b, where set, receives sum_k op(B)[k, :] (the bias
// gradient beside the weight gradient), [N] for each product of the batch, one after the other.
// Order of summation: element (i, j) is one chain of fma over k = 0 .. K-1, cut only into chunks
// (and lanes, where N is tiny) fixed by (N, K, dtype, ISA), which are added in a fixed order; then
// comes the bias. So a row's bits depend neither on M nor on the transposes.
// Workspace: packed panels, and partial sums where threads share K; it grows with M, N, K.
// Error: |C - exact| <= K * eps * sum_k |a||b|. K = 0 gives bias (or zeros).
enum class Epilogue : int32_t {
  none = 0,
  relu = 1,       // max(c, 0), NaN stays NaN
  relu_grad = 2,  // aux > 0 ? c : 0
  tile = 3,       // epilogue_tile(c, {c, aux}): any activation of one or two inputs, c first
};
struct MatmulArgs {
  void* c;
  void* colsum_b;
  const void* a;
  const void* b;
  const void* bias;
  const void* aux;
  int64_t m, n, k;
  int64_t lda, ldb, ldc, ldaux;
  int32_t trans_a, trans_b;
  Epilogue epilogue;
  int32_t batch_rank;  // 0: one product
  int64_t batch_shape[kMaxRank];
  int64_t batch_a[kMaxRank], batch_b[kMaxRank], batch_c[kMaxRank];  // strides; 0 broadcasts
  Tile epilogue_tile;
  const double* epilogue_params;
};
// ids: "matmul" (f32, f64 fast; i32, i64 reference; bias, aux, colsum_b null for integers)

// --- reductions (reduce.cpp) ----------------------------------------------------------------
// out[...] = scale * reduce(in[...]); axis d is reduced where reduced[d] != 0. out has strides 0
// there. The shape arrives as given by the user; the kernel may collapse axes. An empty
// reduction gives the identity (sum 0, prod 1, max -inf, min inf); integers: the lowest/highest.
// max and min give NaN where any element is NaN. Sums of f32 keep an error of a few ULP of
// sum|x| for 10^7 elements (blocks are summed in f64), in an order fixed by shape and layout.
// ids: reduce_sum, reduce_prod, reduce_max, reduce_min (f32 f64 i32 i64, u8: max min),
//      reduce_any, reduce_all (b8), reduce_sum_squares (f32 f64; host only; squares are rounded)
struct ReduceArgs {
  void* out;
  const void* in;
  int32_t rank;
  int64_t shape[kMaxRank];
  int64_t in_strides[kMaxRank];
  int64_t out_strides[kMaxRank];
  uint8_t reduced[kMaxRank];
  double scale;  // 1, or 1/count for a mean; floating dtypes only
};

// argmax, argmin: out is i64, the first index of the extreme value; NaN counts as the extreme
// (NumPy). ids: argmax, argmin (f32 f64 i32 i64 u8 b8). in: [outer, n, inner] contiguous.
struct ArgReduceArgs {
  void* out;       // [outer, inner]
  const void* in;  // [outer, n, inner]
  int64_t outer, n, inner;
};

// --- rows (softmax.cpp) -----------------------------------------------------------------------
// softmax, log_softmax: out[r, :] from in[r, :], stable for any finite input; out may equal in.
// softmax_grad: in2 = y: out = (g - sum(g*y)) * y. log_softmax_grad: out = g - exp(y)*sum(g).
// (f32, f64). Error 4 ULP plus the exponential's.
struct RowArgs {
  void* out;
  const void* in;   // softmax: x; gradients: g
  const void* in2;  // gradients: y
  int64_t rows, cols;
};
// softmax_cross_entropy: loss[r] = sum_c t[r,c] * (logsumexp(x[r]) - x[r,c]); with labels
// (sparse): loss[r] = logsumexp(x[r]) - x[r, label[r]]. grad = g[r] * (softmax(x) * sum(t) - t).
// ids: softmax_cross_entropy, softmax_cross_entropy_grad, sparse_softmax_cross_entropy,
//      sparse_softmax_cross_entropy_grad (dtype of x). A label out of [0, cols): status code 1.
struct CrossEntropyArgs {
  void* out;           // loss [rows], or the gradient [rows, cols]
  const void* x;       // logits [rows, cols]
  const void* target;  // dense: [rows, cols] of x's dtype; sparse: i64 [rows]
  const void* g;       // gradients: [rows]
  int64_t rows, cols;
};

// --- moving data (move.cpp) -------------------------------------------------------------------
// copy: out[i...] = in[i...] with any strides (0 and negative too, out has none that overlap).
// Entries for f32 f64 i32 i64 u8 b8. Covers concatenate, split, slice, transpose, flip, pad.
struct CopyArgs {
  void* out;
  const void* in;
  int32_t rank;
  int64_t shape[kMaxRank];
  int64_t out_strides[kMaxRank];
  int64_t in_strides[kMaxRank];
};
// fill: n elements of the value (any dtype).
struct FillArgs {
  void* out;
  int64_t n;
  double value;
};
// take: out[o, i, :] = table[o, index[i], :]; negative indices count from the end; out of range:
// status code 1. (dtype of the table; index i64) take_grad: out is the table's gradient, zeroed and
// then added to in the order of i (never atomics: the bits are fixed); take_grad_rows: the same,
// but rows that no index names stay as they were. take_along: out[o, i, j] =
// table[o, index[o, i, j], j]; take_along_grad likewise.
struct TakeArgs {
  void* out;
  const void* in;  // table, or the gradient of out
  const int64_t* index;
  int64_t outer, rows, inner;  // the table is [outer, rows, inner]
  int64_t count;               // length of index (take), or of its axis (take_along)
};
// one_hot: out[i, c] = c == index[i], rows of zeros for indices outside. (dtype of out)
struct OneHotArgs {
  void* out;
  const int64_t* index;
  int64_t count, classes;
};
// gather_batch: the Trainer's way into the data set. out[r, ...] = (dtype) src[rows[r], ...].
// The entry's dtype is out's; the source may have any dtype (numpy kinds too narrow or wide for
// DType included), byte order and strides (in bytes). rows null: rows 0 .. n-1 from first_row.
enum class Source : int32_t { f32, f64, i32, i64, u8, b8, i8, i16, u16, u32, u64, f16 };
struct GatherBatchArgs {
  void* out;
  const void* src;
  const int64_t* rows;
  int64_t first_row, n;
  int64_t row_stride;  // bytes
  Source source;
  int32_t byteswap;
  int32_t rank;  // of one row
  int64_t shape[kMaxRank];
  int64_t strides[kMaxRank];  // bytes
};
// first_nonfinite: out (int64_t*) = index of the first NaN or infinity among n elements, or -1.
struct FiniteArgs {
  int64_t* out;
  const void* in;
  int64_t n;
};

// --- random numbers (random.cpp) ----------------------------------------------------------------
// Counter-based Philox 4x32-10 (Salmon et al. 2011): element i of stream s at (seed, step,
// iteration) has the same bits on any device, thread count and batch split.
// random_uniform: a + (b - a) * u, u in [0, 1) with 24 (f32) or 53 (f64) bits.
// random_normal: a + b * z (Box-Muller); truncated: |z| <= 2 (by inversion).
// random_bernoulli: 1 where u < a, else 0 (f32, f64, b8). random_integer: i64 in [a, b).
// ids: random_uniform, random_normal, random_truncated_normal, random_bernoulli, random_integer.
struct RandomArgs {
  void* out;
  int64_t n;
  uint64_t stream;
  uint64_t first;  // global index of out[0]
  const void* a;   // scalars of the entry's dtype (f32 for b8, i64 for integers)
  const void* b;
};
// random_permutation: a uniform permutation of 0 .. n-1 (Fisher-Yates).
struct PermutationArgs {
  int64_t* out;  // [n]
  int64_t n;
  uint64_t stream;
};

// --- optimizers (optimizer.cpp) ------------------------------------------------------------------
// One call updates every parameter: a table of segments, each contiguous. Formulas and their
// order of operations are those of Keras 3.16 (see the comment at each kernel); t = *step + 1.
// ids: sgd, rmsprop, adam, adamax, nadam, adagrad, adadelta, lion (AdamW is adam with decay).
struct Segment {
  void* param;
  const void* grad;
  void* slot[4];
  int64_t length;
  double rate_scale;  // multiplies the learning rate
  double decay;       // decoupled weight decay (param -= param * decay * rate), 0: none
};
struct OptimizerArgs {
  const Segment* segments;
  int64_t count;
  const void* rate;     // the learning rate, a scalar of the entry's dtype
  const int64_t* step;  // updates done before this one
  double* state;        // nadam: the running product of its momentum schedule
  double hyper[6];      // sgd: momentum, nesterov; rmsprop: rho, momentum, epsilon, centered;
                        // adam, adamax, nadam: beta_1, beta_2, epsilon, amsgrad;
                        // adagrad: epsilon; adadelta: rho, epsilon; lion: beta_1, beta_2
  // slots: sgd momentum; rmsprop velocity, momentum, average gradient; adam m, v, v_hat;
  // adamax m, u; nadam m, v; adagrad accumulator; adadelta E[g^2], E[dx^2]; lion m
};

// --- the machine (peak.cpp)
// ------------------------------------------------------------------------ peak: multiply-adds on
// registers alone; out[0] is their sum, out[1] the operations done.
struct PeakArgs {
  double* out;
  int64_t iterations;
};

}  // namespace fastnn::kernels
