// What fastnn uses of NVIDIA's cublasLt: functions, taken from the library when it is loaded, and
// the numbers that they are told. They are written down here, so that building needs no cuBLAS;
// where its header is at hand, cublas.cu compares them with it.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace fastnn::kernels::cuda::lt {

struct Handle;
struct Operation;
struct Layout;
struct Preference;

struct Algorithm {
  uint64_t data[8];
};
// What a search for algorithms finds.
struct Found {
  Algorithm algorithm;
  size_t workspace;
  int32_t status;
  float waves;
  int32_t reserved[4];
};

constexpr int32_t kSuccess = 0, kNotSupported = 15;
constexpr int32_t kFloat = 0, kDouble = 1;  // cudaDataType_t
// cublasComputeType_t: float32 in full, by TF32, float64.
constexpr int32_t kExactFloat = 68, kTf32 = 77, kExactDouble = 70;

enum OperationAttribute : int32_t { kTransposeA = 3, kTransposeB = 4, kEpilogue = 7, kBias = 8 };
enum LayoutAttribute : int32_t { kBatchCount = 5, kBatchStride = 6 };
enum PreferenceAttribute : int32_t {
  kMaxWorkspace = 1,
  kReductionSchemes = 3,
  kAlignmentA = 5,
  kAlignmentB = 6,
  kAlignmentC = 7,
  kAlignmentD = 8,
};
constexpr int32_t kTransposed = 1;
constexpr int32_t kEpilogueBias = 4;
// Sums over parts of K are added in a step of their own, in a fixed order.
constexpr uint32_t kReduceApart = 2;

// The functions by the names that cublasLt... has.
struct Library {
  size_t (*GetVersion)();
  int32_t (*Create)(Handle**);
  int32_t (*MatmulDescCreate)(Operation**, int32_t compute, int32_t scale);
  int32_t (*MatmulDescDestroy)(Operation*);
  int32_t (*MatmulDescSetAttribute)(Operation*, int32_t attribute, const void*, size_t bytes);
  int32_t (*MatrixLayoutCreate)(Layout**, int32_t type, uint64_t rows, uint64_t cols, int64_t ld);
  int32_t (*MatrixLayoutDestroy)(Layout*);
  int32_t (*MatrixLayoutSetAttribute)(Layout*, int32_t attribute, const void*, size_t bytes);
  int32_t (*MatmulPreferenceCreate)(Preference**);
  int32_t (*MatmulPreferenceDestroy)(Preference*);
  int32_t (*MatmulPreferenceSetAttribute)(Preference*, int32_t attribute, const void*, size_t);
  int32_t (*MatmulAlgoGetHeuristic)(Handle*, Operation*, Layout* a, Layout* b, Layout* c, Layout* d,
                                    Preference*, int32_t asked, Found*, int32_t* found);
  int32_t (*Matmul)(Handle*, Operation*, const void* alpha, const void* a, Layout*, const void* b,
                    Layout*, const void* beta, const void* c, Layout*, void* d, Layout*,
                    const Algorithm*, void* workspace, size_t workspace_bytes, void* stream);
};

// Null where it is not found; `where` then says what was looked for, else what was found.
struct Loaded {
  const Library* library;
  Handle* handle;
  const char* where;
};
const Loaded& loaded();

Library emulated_library();  // of emulated builds

}  // namespace fastnn::kernels::cuda::lt
