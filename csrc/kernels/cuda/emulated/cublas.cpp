// cublasLt for tests: what fastnn tells the library is checked and done by plain loops. Products by
// TF32 round their operands as the hardware does, so that they can be told from others.
#include <string.h>

#include <cmath>
#include <vector>

#include "kernels/cuda/emulated/emulator.h"
#include "kernels/cuda/vendor/cublas_lt.h"

namespace fastnn::kernels::cuda::lt {

struct Operation {
  int32_t compute, type, transpose[2], epilogue;
  const void* bias;
};
struct Layout {
  int32_t type;
  int64_t rows, cols, ld;
  int32_t count;
  int64_t stride;
};
struct Preference {
  uint64_t workspace = 0;
  uint32_t schemes = 7, alignment[4] = {256, 256, 256, 256};
};
struct Handle {};

namespace {

constexpr int32_t kInvalid = 7;
constexpr uint64_t kMagic = 0x6661737463626c61;

template <class T>
int32_t set(T* to, const void* from, size_t bytes) {
  if (bytes != sizeof(T)) return kInvalid;
  memcpy(to, from, bytes);
  return kSuccess;
}

size_t version() { return 130000; }

int32_t create(Handle** handle) {
  static Handle one;
  *handle = &one;
  return kSuccess;
}

int32_t create_operation(Operation** made, int32_t compute, int32_t type) {
  const bool fits = type == kFloat ? compute == kExactFloat || compute == kTf32
                                   : type == kDouble && compute == kExactDouble;
  if (!fits) return kInvalid;
  *made = new Operation{compute, type, {0, 0}, 1, nullptr};
  return kSuccess;
}

int32_t set_operation(Operation* o, int32_t attribute, const void* value, size_t bytes) {
  switch (attribute) {
    case kTransposeA:
      return set(&o->transpose[0], value, bytes);
    case kTransposeB:
      return set(&o->transpose[1], value, bytes);
    case kEpilogue:
      return set(&o->epilogue, value, bytes);
    case kBias:
      return set(&o->bias, value, bytes);
    default:
      return kInvalid;
  }
}

int32_t create_layout(Layout** made, int32_t type, uint64_t rows, uint64_t cols, int64_t ld) {
  if (ld < static_cast<int64_t>(rows)) return kInvalid;
  *made = new Layout{type, static_cast<int64_t>(rows), static_cast<int64_t>(cols), ld, 1, 0};
  return kSuccess;
}

int32_t set_layout(Layout* l, int32_t attribute, const void* value, size_t bytes) {
  switch (attribute) {
    case kBatchCount:
      return set(&l->count, value, bytes);
    case kBatchStride:
      return set(&l->stride, value, bytes);
    default:
      return kInvalid;
  }
}

int32_t create_preference(Preference** made) {
  *made = new Preference;
  return kSuccess;
}

int32_t set_preference(Preference* p, int32_t attribute, const void* value, size_t bytes) {
  if (attribute == kMaxWorkspace) return set(&p->workspace, value, bytes);
  if (attribute == kReductionSchemes) return set(&p->schemes, value, bytes);
  if (attribute < kAlignmentA || attribute > kAlignmentD) return kInvalid;
  return set(&p->alignment[attribute - kAlignmentA], value, bytes);
}

int32_t destroy_operation(Operation* o) { return delete o, kSuccess; }
int32_t destroy_layout(Layout* l) { return delete l, kSuccess; }
int32_t destroy_preference(Preference* p) { return delete p, kSuccess; }

bool conform(const Operation& o, const Layout& a, const Layout& b, const Layout& d) {
  const int64_t m = o.transpose[0] ? a.cols : a.rows, k = o.transpose[0] ? a.rows : a.cols;
  const int64_t n = o.transpose[1] ? b.rows : b.cols, depth = o.transpose[1] ? b.cols : b.rows;
  return m == d.rows && n == d.cols && k == depth && a.count == d.count && b.count == d.count &&
         a.type == o.type && b.type == o.type && d.type == o.type;
}

// As for float64 there: a product has no bias.
int32_t choose(Handle*, Operation* o, Layout* a, Layout* b, Layout*, Layout* d, Preference* p,
               int32_t asked, Found* found, int32_t* count) {
  *count = 0;
  if (!conform(*o, *a, *b, *d) || asked < 1 || p->schemes & 1) return kInvalid;
  if (o->epilogue == kEpilogueBias && o->type == kDouble) return kNotSupported;
  *found = {};
  found->algorithm.data[0] = kMagic;
  found->algorithm.data[1] = p->alignment[0];
  found->workspace = 4096;
  *count = 1;
  return kSuccess;
}

template <class T>
T rounded(T x, int32_t compute) {
  if (compute != kTf32) return x;
  const auto narrow = static_cast<float>(x);
  uint32_t bits;
  memcpy(&bits, &narrow, 4);
  if (std::isfinite(narrow)) bits = (bits + 0x0fff + (bits >> 13 & 1)) & ~0x1fffu;
  float result;
  memcpy(&result, &bits, 4);
  return result;
}

// What the library would read or write, line by line: all of it has to be there.
template <class T>
bool there(const T* matrix, const Layout& l, bool written) {
  const int64_t bytes = l.rows * static_cast<int64_t>(sizeof(T));
  for (int64_t z = 0; z < l.count; ++z)
    for (int64_t j = 0; j < l.cols; ++j) {
      const T* line = matrix + z * l.stride + j * l.ld;
      const bool is = written ? emulated::host_writes(const_cast<T*>(line), bytes)
                              : emulated::host_reads(line, bytes);
      if (!is) return false;
    }
  return true;
}

// The operand as rows of length k, rounded.
template <class T>
std::vector<T> rows_of(const T* from, const Layout& l, bool rows_are_columns, int32_t compute) {
  const int64_t count = rows_are_columns ? l.cols : l.rows, k = rows_are_columns ? l.rows : l.cols;
  std::vector<T> all(static_cast<size_t>(count * k));
  for (int64_t r = 0; r < count; ++r)
    for (int64_t i = 0; i < k; ++i)
      all[static_cast<size_t>(r * k + i)] =
          rounded(from[rows_are_columns ? r * l.ld + i : i * l.ld + r], compute);
  return all;
}

template <class T>
int32_t multiply(const Operation& o, const T* a, const Layout& la, const T* b, const Layout& lb,
                 T* d, const Layout& ld) {
  const int64_t k = o.transpose[0] ? la.rows : la.cols;
  if (!there(a, la, false) || !there(b, lb, false) || !there(d, ld, true)) return kInvalid;
  for (int64_t z = 0; z < ld.count; ++z) {
    const auto left = rows_of(a + z * la.stride, la, o.transpose[0] != 0, o.compute);
    const auto right = rows_of(b + z * lb.stride, lb, o.transpose[1] == 0, o.compute);
    for (int64_t j = 0; j < ld.cols; ++j)
      for (int64_t i = 0; i < ld.rows; ++i) {
        constexpr int kLanes = 16;  // vectors, and another order than that of the own kernels
        T sums[kLanes] = {};
        const T *x = &left[static_cast<size_t>(i * k)], *y = &right[static_cast<size_t>(j * k)];
        int64_t e = 0;
        for (; e + kLanes <= k; e += kLanes)
          for (int l = 0; l < kLanes; ++l) sums[l] += x[e + l] * y[e + l];
        for (; e < k; ++e) sums[0] += x[e] * y[e];
        for (int l = 1; l < kLanes; ++l) sums[0] += sums[l];
        if (o.epilogue == kEpilogueBias) sums[0] += static_cast<const T*>(o.bias)[i];
        d[z * ld.stride + j * ld.ld + i] = sums[0];
      }
  }
  return kSuccess;
}

int32_t run(Handle*, Operation* o, const void* alpha, const void* a, Layout* la, const void* b,
            Layout* lb, const void* beta, const void*, Layout*, void* d, Layout* ld,
            const Algorithm* algorithm, void* workspace, size_t bytes, void*) {
  const bool known = algorithm->data[0] == kMagic && workspace && bytes >= 4096;
  const auto bits = reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b) |
                    reinterpret_cast<uintptr_t>(d);
  if (!known || bits % algorithm->data[1] != 0 || !conform(*o, *la, *lb, *ld)) return kInvalid;
  emulated::Access access;
  memset(workspace, 0xff, 4096);
  if (o->type == kFloat) {
    if (*static_cast<const float*>(alpha) != 1 || *static_cast<const float*>(beta) != 0)
      return kInvalid;
    return multiply(*o, static_cast<const float*>(a), *la, static_cast<const float*>(b), *lb,
                    static_cast<float*>(d), *ld);
  }
  if (*static_cast<const double*>(alpha) != 1 || *static_cast<const double*>(beta) != 0)
    return kInvalid;
  return multiply(*o, static_cast<const double*>(a), *la, static_cast<const double*>(b), *lb,
                  static_cast<double*>(d), *ld);
}

}  // namespace

Library emulated_library() {
  return {version,
          create,
          create_operation,
          destroy_operation,
          set_operation,
          create_layout,
          destroy_layout,
          set_layout,
          create_preference,
          destroy_preference,
          set_preference,
          choose,
          run};
}

}  // namespace fastnn::kernels::cuda::lt
