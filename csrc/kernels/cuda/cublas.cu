// Large products by cublasLt. It stores matrices by columns, so what it is given are the
// transposes: C' = B' A', whose columns are the rows here.
#include <atomic>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "kernels/cuda/cublas.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/vendor/cublas_lt.h"

#if !defined(FASTNN_EMULATED) && __has_include(<cublasLt.h>)
#include <cublasLt.h>
#define FASTNN_SAME(ours, theirs) \
  static_assert(static_cast<int64_t>(ours) == static_cast<int64_t>(theirs), #theirs)
namespace fastnn::kernels::cuda::lt {
FASTNN_SAME(sizeof(Algorithm), sizeof(cublasLtMatmulAlgo_t));
FASTNN_SAME(sizeof(Found), sizeof(cublasLtMatmulHeuristicResult_t));
FASTNN_SAME(offsetof(Found, workspace), offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
FASTNN_SAME(offsetof(Found, status), offsetof(cublasLtMatmulHeuristicResult_t, state));
FASTNN_SAME(kSuccess, CUBLAS_STATUS_SUCCESS);
FASTNN_SAME(kNotSupported, CUBLAS_STATUS_NOT_SUPPORTED);
FASTNN_SAME(kFloat, CUDA_R_32F);
FASTNN_SAME(kDouble, CUDA_R_64F);
FASTNN_SAME(kExactFloat, CUBLAS_COMPUTE_32F);
FASTNN_SAME(kTf32, CUBLAS_COMPUTE_32F_FAST_TF32);
FASTNN_SAME(kExactDouble, CUBLAS_COMPUTE_64F);
FASTNN_SAME(kTransposeA, CUBLASLT_MATMUL_DESC_TRANSA);
FASTNN_SAME(kTransposeB, CUBLASLT_MATMUL_DESC_TRANSB);
FASTNN_SAME(kEpilogue, CUBLASLT_MATMUL_DESC_EPILOGUE);
FASTNN_SAME(kBias, CUBLASLT_MATMUL_DESC_BIAS_POINTER);
FASTNN_SAME(kBatchCount, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT);
FASTNN_SAME(kBatchStride, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
FASTNN_SAME(kMaxWorkspace, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
FASTNN_SAME(kReductionSchemes, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK);
FASTNN_SAME(kAlignmentA, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
FASTNN_SAME(kAlignmentB, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
FASTNN_SAME(kAlignmentC, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
FASTNN_SAME(kAlignmentD, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
FASTNN_SAME(kTransposed, CUBLAS_OP_T);
FASTNN_SAME(kEpilogueBias, CUBLASLT_EPILOGUE_BIAS);
FASTNN_SAME(kReduceApart, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
static_assert(
    std::is_same_v<decltype(&cublasLtMatmulAlgoGetHeuristic),
                   cublasStatus_t (*)(
                       cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                       cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                       cublasLtMatmulPreference_t, int, cublasLtMatmulHeuristicResult_t*, int*)>);
}  // namespace fastnn::kernels::cuda::lt
#endif

namespace fastnn::kernels::cuda {
namespace {

constexpr size_t kWorkspace = size_t{32} << 20;  // what NVIDIA advises for Hopper

std::atomic<bool> tf32{false};

// One product, or products at equal distances.
struct Batch {
  int64_t count = 1, a = 0, b = 0, c = 0;
};

// False where the distances are not equal.
bool as_strided(const MatmulArgs& g, Batch* batch) {
  for (int32_t d = g.batch_rank - 1; d >= 0; --d) {
    const int64_t length = g.batch_shape[d];
    if (length == 1) continue;
    const Batch inner = *batch;
    if (inner.count == 1)
      *batch = {length, g.batch_a[d], g.batch_b[d], g.batch_c[d]};
    else if (g.batch_a[d] == inner.count * inner.a && g.batch_b[d] == inner.count * inner.b &&
             g.batch_c[d] == inner.count * inner.c)
      batch->count *= length;
    else
      return false;
  }
  return true;
}

// What decides which algorithm runs.
struct Shape {
  int64_t m, n, k, lda, ldb, ldc;
  Batch batch;
  int32_t trans_a, trans_b, compute, alignment;
  bool bias;

  auto tied() const {
    return std::tie(m, n, k, lda, ldb, ldc, batch.count, batch.a, batch.b, batch.c, trans_a,
                    trans_b, compute, alignment, bias);
  }
  bool operator<(const Shape& other) const { return tied() < other.tied(); }
};

// A way to compute products of a shape. Found once and kept.
struct Plan {
  lt::Operation* operation = nullptr;
  lt::Layout *a = nullptr, *b = nullptr, *c = nullptr;
  lt::Found found{};
  bool usable = false;
};

class Plans {
 public:
  std::mutex mutex;  // plans are changed (the bias's address) from the search to the launch

  // Null after a failure.
  Plan* find(const Shape& s, int32_t type) {
    const auto known = plans_.find(s);
    if (known != plans_.end()) return &known->second;
    if (plans_.size() == kMost) forget();
    Plan& plan = plans_[s];
    if (make(s, type, &plan)) return &plan;
    destroy(plan);
    plans_.erase(s);
    return nullptr;
  }

 private:
  const lt::Library& lib() const { return *lt::loaded().library; }

  bool layout(lt::Layout** made, int32_t type, int64_t rows, int64_t cols, int64_t ld,
              int64_t count, int64_t stride) {
    const auto n = static_cast<int32_t>(count);
    return lib().MatrixLayoutCreate(made, type, static_cast<uint64_t>(rows),
                                    static_cast<uint64_t>(cols), ld) == lt::kSuccess &&
           lib().MatrixLayoutSetAttribute(*made, lt::kBatchCount, &n, sizeof n) == lt::kSuccess &&
           lib().MatrixLayoutSetAttribute(*made, lt::kBatchStride, &stride, sizeof stride) ==
               lt::kSuccess;
  }

  bool describe(const Shape& s, int32_t type, Plan* plan) {
    auto set = [&](int32_t attribute, int32_t value) {
      return lib().MatmulDescSetAttribute(plan->operation, attribute, &value, sizeof value) ==
             lt::kSuccess;
    };
    return lib().MatmulDescCreate(&plan->operation, s.compute, type) == lt::kSuccess &&
           (!s.trans_b || set(lt::kTransposeA, lt::kTransposed)) &&
           (!s.trans_a || set(lt::kTransposeB, lt::kTransposed)) &&
           (!s.bias || set(lt::kEpilogue, lt::kEpilogueBias)) &&
           layout(&plan->b, type, s.trans_b ? s.k : s.n, s.trans_b ? s.n : s.k, s.ldb,
                  s.batch.count, s.batch.b) &&
           layout(&plan->a, type, s.trans_a ? s.m : s.k, s.trans_a ? s.k : s.m, s.lda,
                  s.batch.count, s.batch.a) &&
           layout(&plan->c, type, s.n, s.m, s.ldc, s.batch.count, s.batch.c);
  }

  // The heuristic's first choice among the algorithms whose sums have a fixed order.
  int32_t search(const Shape& s, Plan* plan) {
    lt::Preference* preference = nullptr;
    int32_t status = lib().MatmulPreferenceCreate(&preference);
    auto prefer = [&](int32_t attribute, auto value) {
      if (status == lt::kSuccess)
        status = lib().MatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value);
    };
    prefer(lt::kMaxWorkspace, uint64_t{kWorkspace});
    prefer(lt::kReductionSchemes, lt::kReduceApart);
    for (int32_t matrix : {lt::kAlignmentA, lt::kAlignmentB, lt::kAlignmentC, lt::kAlignmentD})
      prefer(matrix, static_cast<uint32_t>(s.alignment));
    int32_t count = 0;
    if (status == lt::kSuccess)
      status = lib().MatmulAlgoGetHeuristic(lt::loaded().handle, plan->operation, plan->b, plan->a,
                                            plan->c, plan->c, preference, 1, &plan->found, &count);
    lib().MatmulPreferenceDestroy(preference);
    plan->usable = status == lt::kSuccess && count > 0 && plan->found.status == lt::kSuccess;
    return status;
  }

  bool make(const Shape& s, int32_t type, Plan* plan) {
    if (!describe(s, type, plan)) {
      fail("cublasLt refuses to describe a product");
      return false;
    }
    const int32_t status = search(s, plan);
    if (plan->usable || status == lt::kSuccess || status == lt::kNotSupported) return true;
    fail(("cublasLtMatmulAlgoGetHeuristic gave status " + std::to_string(status)).c_str());
    return false;
  }

  void destroy(const Plan& plan) {
    if (plan.operation) lib().MatmulDescDestroy(plan.operation);
    for (lt::Layout* l : {plan.a, plan.b, plan.c})
      if (l) lib().MatrixLayoutDestroy(l);
  }

  void forget() {
    for (const auto& shape_and_plan : plans_) destroy(shape_and_plan.second);
    plans_.clear();
  }

  static constexpr size_t kMost = 4096;
  std::map<Shape, Plan> plans_;
};

Plans& plans() {
  static auto* all = new Plans;
  return *all;
}

// Of addresses: the largest power of two up to 16, the most that any load wants.
int32_t alignment_of(std::initializer_list<const void*> pointers) {
  uintptr_t bits = 16;
  for (const void* p : pointers) bits |= reinterpret_cast<uintptr_t>(p);
  return static_cast<int32_t>(bits & (~bits + 1));
}

// A product by its plan, as it may be run again.
template <class T>
struct Call {
  lt::Operation* operation;
  lt::Layout *layout_a, *layout_b, *layout_c;
  lt::Algorithm algorithm;
  const void *a, *b, *bias;
  void *c, *workspace;

  int32_t run(void* stream) const {
    const lt::Library& lib = *lt::loaded().library;
    const T one = 1, zero = 0;
    int32_t status = lt::kSuccess;
    if (bias) status = lib.MatmulDescSetAttribute(operation, lt::kBias, &bias, sizeof bias);
    if (status != lt::kSuccess) return status;
    return lib.Matmul(lt::loaded().handle, operation, &one, b, layout_b, a, layout_a, &zero, c,
                      layout_c, c, layout_c, &algorithm, workspace, kWorkspace, stream);
  }
};

// On the context's queue, as kernels are launched.
template <class T>
bool launch_call(const Call<T>& call, const Context* ctx) {
  const Queue& queue = *static_cast<const Queue*>(ctx->pool);
#ifdef FASTNN_EMULATED
  if (queue.recording) {
    Noted noted{reinterpret_cast<const void*>(&launch_call<T>), "cublasLt", 1, 1};
    noted.append(call);
    noted.run = [](const Noted& n) { std::get<0>(n.arguments_of<Call<T>>()).run(nullptr); };
    queue.recording->note(std::move(noted));
  }
  const int32_t status = queue.recording ? lt::kSuccess : call.run(nullptr);
#else
  const int32_t status = call.run(queue.stream);
#endif
  if (queue.recording) queue.recording->note_library();
  if (status == lt::kSuccess) return true;
  fail(("cublasLtMatmul gave status " + std::to_string(status)).c_str());
  return false;
}

}  // namespace

template <class T>
bool multiply_large(const MatmulArgs& g, const Context* ctx, bool* biased) {
  *biased = false;
  if (!lt::loaded().library) return false;
  constexpr bool kIsFloat = std::is_same_v<T, float>;
  Shape s{g.m, g.n, g.k, g.lda, g.ldb, g.ldc, {}, g.trans_a, g.trans_b, lt::kExactDouble, 0, false};
  if (kIsFloat) s.compute = tf32 ? lt::kTf32 : lt::kExactFloat;
  // Rows that overlap (broadcast ones) are no matrices of cublasLt.
  if (s.lda < (g.trans_a ? g.m : g.k) || s.ldb < (g.trans_b ? g.k : g.n) ||
      !as_strided(g, &s.batch))
    return false;
  s.alignment = alignment_of({g.a, g.b, g.c});
  Plans& all = plans();
  std::lock_guard<std::mutex> lock(all.mutex);
  for (bool bias : {true, false}) {
    if (bias && !g.bias) continue;
    s.bias = bias;
    Plan* plan = all.find(s, kIsFloat ? lt::kFloat : lt::kDouble);
    if (plan && !plan->usable) continue;
    if (plan) {
      const Call<T> call{
          plan->operation,         plan->a, plan->b,       plan->c, plan->found.algorithm, g.a, g.b,
          bias ? g.bias : nullptr, g.c,     ctx->workspace};
      *biased = launch_call(call, ctx) && bias;
    }
    return true;  // failures are told by fail()
  }
  return false;
}
template bool multiply_large<float>(const MatmulArgs&, const Context*, bool*);
template bool multiply_large<double>(const MatmulArgs&, const Context*, bool*);

size_t large_workspace() { return lt::loaded().library ? kWorkspace : 0; }

void set_tf32(bool on) { tf32 = on; }

}  // namespace fastnn::kernels::cuda
