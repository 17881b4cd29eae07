// Kernels as plain C functions, in capsules that Cython's cimport (and Numba) can read: one thread,
// no Python inside, safe without the GIL. A capsule's name is its signature as Cython writes it.
#include <string>
#include <type_traits>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/register.h"
#include "core/fpmode.h"
#include "core/memory.h"
#include "runtime/registry.h"

namespace fastnn::bindings {
namespace {

template <class T>
constexpr DType kType = std::is_same_v<T, float> ? DType::f32 : DType::f64;

// The active table's entry, looked up once a thread and table.
template <class Op, class T>
const kernels::Entry* entry() {
  thread_local const kernels::Table* table = nullptr;
  thread_local const kernels::Entry* found = nullptr;
  const kernels::Table* now = &runtime::active_table();
  if (now != table) {
    found = runtime::find_kernel(Op::id(), kType<T>).entry;
    table = now;
  }
  return found;
}

template <class Op, class T>
void unary(T* out, const T* x, int64_t n) {
  FpMode mode;
  const void* in[] = {x};
  entry<Op, T>()->tile(out, in, n, nullptr);
}

template <class Op, class T>
void unary_of(T* out, const T* x, int64_t n, double parameter) {
  FpMode mode;
  const void* in[] = {x};
  entry<Op, T>()->tile(out, in, n, &parameter);
}

template <class Op, class T>
void gradient(T* out, const T* g, const T* x, int64_t n) {
  FpMode mode;
  const void* in[] = {g, x};
  entry<Op, T>()->tile(out, in, n, nullptr);
}

template <class Op, class T>
void gradient_of(T* out, const T* g, const T* x, int64_t n, double parameter) {
  FpMode mode;
  const void* in[] = {g, x};
  entry<Op, T>()->tile(out, in, n, &parameter);
}

template <class Op, class T>
void rows_gradient(T* out, const T* g, const T* y, int64_t count, int64_t length) {
  FpMode mode;
  kernels::Status status{};
  kernels::Context context = runtime::plain_context(&status);
  context.threads = 1;
  kernels::RowArgs args{out, g, y, count, length};
  entry<Op, T>()->run(&args, &context);
}

template <class Op, class T>
void rows(T* out, const T* x, int64_t count, int64_t length) {
  rows_gradient<Op, T>(out, x, nullptr, count, length);
}

template <class Op, class T>
void matmul(T* c, const T* a, const T* b, int64_t m, int64_t n, int64_t k, int transpose_a,
            int transpose_b) {
  FpMode mode;
  kernels::Status status{};
  kernels::Context context = runtime::plain_context(&status);
  context.threads = 1;
  kernels::MatmulArgs args{};
  args.c = c;
  args.a = a;
  args.b = b;
  args.m = m;
  args.n = n;
  args.k = k;
  args.trans_a = transpose_a != 0;
  args.trans_b = transpose_b != 0;
  args.lda = transpose_a ? m : k;
  args.ldb = transpose_b ? k : n;
  args.ldc = n;
  const kernels::Entry* found = entry<Op, T>();
  thread_local Buffer workspace;
  const auto bytes =
      static_cast<int64_t>(found->workspace ? found->workspace(&args, 1) : size_t{0});
  if (workspace.size() < bytes) workspace = Buffer(bytes, Buffer::Fill::none);
  context.workspace = workspace.data();
  found->run(&args, &context);
}

struct Exported {
  std::string name;
  std::string arguments;  // "float *out, float const *x, int64_t n"
  void (*pointer)();
};

// `pattern` with T for the type, such as "T *out, T const *x, int64_t n".
template <class T>
std::string typed(const char* pattern) {
  const std::string name = std::is_same_v<T, float> ? "float" : "double";
  std::string result;
  for (const char* p = pattern; *p; ++p) {
    if (*p == 'T' && (p == pattern || p[-1] == ' '))
      result += name;
    else
      result += *p;
  }
  return result;
}

template <class F>
void (*plain(F* function))() {
  return reinterpret_cast<void (*)()>(function);
}

#define FASTNN_EXPORT(op, form, pattern)                                        \
  {                                                                             \
    struct Op {                                                                 \
      static const char* id() { return #op; }                                   \
    };                                                                          \
    all.push_back({"s" #op, typed<float>(pattern), plain(&form<Op, float>)});   \
    all.push_back({"d" #op, typed<double>(pattern), plain(&form<Op, double>)}); \
  }

#define FASTNN_UNARY(op) FASTNN_EXPORT(op, unary, "T *out, T const *x, int64_t n")
#define FASTNN_GRADIENT(op, of) \
  FASTNN_EXPORT(op, gradient, "T *out, T const *g, T const *" of ", int64_t n")

std::vector<Exported> exported() {
  std::vector<Exported> all;
  FASTNN_EXPORT(matmul, matmul,
                "T *c, T const *a, T const *b, int64_t m, int64_t n, int64_t k, int transpose_a, "
                "int transpose_b")
  FASTNN_UNARY(relu)
  FASTNN_UNARY(relu6)
  FASTNN_UNARY(selu)
  FASTNN_UNARY(gelu)
  FASTNN_UNARY(gelu_tanh)
  FASTNN_UNARY(silu)
  FASTNN_UNARY(mish)
  FASTNN_UNARY(softplus)
  FASTNN_UNARY(softsign)
  FASTNN_UNARY(sigmoid)
  FASTNN_UNARY(log_sigmoid)
  FASTNN_UNARY(hard_sigmoid)
  FASTNN_UNARY(hard_silu)
  FASTNN_UNARY(tanh)
  FASTNN_UNARY(hard_tanh)
  FASTNN_UNARY(exp)
  FASTNN_UNARY(log)
  FASTNN_EXPORT(leaky_relu, unary_of, "T *out, T const *x, int64_t n, double slope")
  FASTNN_EXPORT(elu, unary_of, "T *out, T const *x, int64_t n, double alpha")
  FASTNN_EXPORT(celu, unary_of, "T *out, T const *x, int64_t n, double alpha")
  FASTNN_GRADIENT(relu_grad, "y")
  FASTNN_GRADIENT(sigmoid_grad, "y")
  FASTNN_GRADIENT(tanh_grad, "y")
  FASTNN_GRADIENT(relu6_grad, "x")
  FASTNN_GRADIENT(selu_grad, "x")
  FASTNN_GRADIENT(gelu_grad, "x")
  FASTNN_GRADIENT(gelu_tanh_grad, "x")
  FASTNN_GRADIENT(silu_grad, "x")
  FASTNN_GRADIENT(mish_grad, "x")
  FASTNN_GRADIENT(softplus_grad, "x")
  FASTNN_GRADIENT(softsign_grad, "x")
  FASTNN_GRADIENT(log_sigmoid_grad, "x")
  FASTNN_GRADIENT(hard_sigmoid_grad, "x")
  FASTNN_GRADIENT(hard_silu_grad, "x")
  FASTNN_GRADIENT(hard_tanh_grad, "x")
  FASTNN_EXPORT(leaky_relu_grad, gradient_of,
                "T *out, T const *g, T const *x, int64_t n, double slope")
  FASTNN_EXPORT(elu_grad, gradient_of, "T *out, T const *g, T const *x, int64_t n, double alpha")
  FASTNN_EXPORT(celu_grad, gradient_of, "T *out, T const *g, T const *x, int64_t n, double alpha")
  FASTNN_EXPORT(softmax, rows, "T *out, T const *x, int64_t rows, int64_t columns")
  FASTNN_EXPORT(log_softmax, rows, "T *out, T const *x, int64_t rows, int64_t columns")
  FASTNN_EXPORT(softmax_grad, rows_gradient,
                "T *out, T const *g, T const *y, int64_t rows, int64_t columns")
  FASTNN_EXPORT(log_softmax_grad, rows_gradient,
                "T *out, T const *g, T const *y, int64_t rows, int64_t columns")
  return all;
}

// "float *out, int64_t n" to "void (float *, int64_t)".
std::string signature(const std::string& arguments) {
  std::string result = "void (";
  size_t start = 0;
  while (start < arguments.size()) {
    size_t end = arguments.find(", ", start);
    if (end == std::string::npos) end = arguments.size();
    std::string argument = arguments.substr(start, end - start);
    size_t name = argument.find_last_of(" *");
    std::string type = argument.substr(0, name + 1);
    if (type.back() == ' ') type.pop_back();
    result += (start ? ", " : "") + type;
    start = end + 2;
  }
  return result + ")";
}

}  // namespace

void register_cython(py::module_& m) {
  m.def(
      "cython_functions",
      [] {
        // Capsules keep a pointer to their names: these live as long as the process.
        static const std::vector<Exported> all = exported();
        static const std::vector<std::string> signatures = [] {
          std::vector<std::string> found;
          for (const Exported& e : all) found.push_back(signature(e.arguments));
          return found;
        }();
        py::list result;
        for (size_t i = 0; i < all.size(); ++i) {
          py::capsule capsule(reinterpret_cast<void*>(all[i].pointer), signatures[i].c_str());
          result.append(py::make_tuple(all[i].name, all[i].arguments, signatures[i], capsule));
        }
        return result;
      },
      "Name, arguments, signature and capsule of each kernel that C code may call.");
}

}  // namespace fastnn::bindings
