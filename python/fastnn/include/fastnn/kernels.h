/* clang-format off */
/* Made by tools/generate_cython.py.
 *
 * fastnn's kernels as C functions: contiguous arrays, one thread, no Python inside. Names start
 * with s (float) or d (double). Call fastnn_import_kernels() once, with the GIL held, in each
 * source file that uses them; -1 means that a Python exception is set.
 */
#ifndef FASTNN_KERNELS_H
#define FASTNN_KERNELS_H

#include <Python.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  void (*smatmul)(float *c, float const *a, float const *b, int64_t m, int64_t n, int64_t k, int transpose_a, int transpose_b);
  void (*dmatmul)(double *c, double const *a, double const *b, int64_t m, int64_t n, int64_t k, int transpose_a, int transpose_b);
  void (*srelu)(float *out, float const *x, int64_t n);
  void (*drelu)(double *out, double const *x, int64_t n);
  void (*srelu6)(float *out, float const *x, int64_t n);
  void (*drelu6)(double *out, double const *x, int64_t n);
  void (*sselu)(float *out, float const *x, int64_t n);
  void (*dselu)(double *out, double const *x, int64_t n);
  void (*sgelu)(float *out, float const *x, int64_t n);
  void (*dgelu)(double *out, double const *x, int64_t n);
  void (*sgelu_tanh)(float *out, float const *x, int64_t n);
  void (*dgelu_tanh)(double *out, double const *x, int64_t n);
  void (*ssilu)(float *out, float const *x, int64_t n);
  void (*dsilu)(double *out, double const *x, int64_t n);
  void (*smish)(float *out, float const *x, int64_t n);
  void (*dmish)(double *out, double const *x, int64_t n);
  void (*ssoftplus)(float *out, float const *x, int64_t n);
  void (*dsoftplus)(double *out, double const *x, int64_t n);
  void (*ssoftsign)(float *out, float const *x, int64_t n);
  void (*dsoftsign)(double *out, double const *x, int64_t n);
  void (*ssigmoid)(float *out, float const *x, int64_t n);
  void (*dsigmoid)(double *out, double const *x, int64_t n);
  void (*slog_sigmoid)(float *out, float const *x, int64_t n);
  void (*dlog_sigmoid)(double *out, double const *x, int64_t n);
  void (*shard_sigmoid)(float *out, float const *x, int64_t n);
  void (*dhard_sigmoid)(double *out, double const *x, int64_t n);
  void (*shard_silu)(float *out, float const *x, int64_t n);
  void (*dhard_silu)(double *out, double const *x, int64_t n);
  void (*stanh)(float *out, float const *x, int64_t n);
  void (*dtanh)(double *out, double const *x, int64_t n);
  void (*shard_tanh)(float *out, float const *x, int64_t n);
  void (*dhard_tanh)(double *out, double const *x, int64_t n);
  void (*sexp)(float *out, float const *x, int64_t n);
  void (*dexp)(double *out, double const *x, int64_t n);
  void (*slog)(float *out, float const *x, int64_t n);
  void (*dlog)(double *out, double const *x, int64_t n);
  void (*sleaky_relu)(float *out, float const *x, int64_t n, double slope);
  void (*dleaky_relu)(double *out, double const *x, int64_t n, double slope);
  void (*selu)(float *out, float const *x, int64_t n, double alpha);
  void (*delu)(double *out, double const *x, int64_t n, double alpha);
  void (*scelu)(float *out, float const *x, int64_t n, double alpha);
  void (*dcelu)(double *out, double const *x, int64_t n, double alpha);
  void (*srelu_grad)(float *out, float const *g, float const *y, int64_t n);
  void (*drelu_grad)(double *out, double const *g, double const *y, int64_t n);
  void (*ssigmoid_grad)(float *out, float const *g, float const *y, int64_t n);
  void (*dsigmoid_grad)(double *out, double const *g, double const *y, int64_t n);
  void (*stanh_grad)(float *out, float const *g, float const *y, int64_t n);
  void (*dtanh_grad)(double *out, double const *g, double const *y, int64_t n);
  void (*srelu6_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*drelu6_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*sselu_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*dselu_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*sgelu_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*dgelu_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*sgelu_tanh_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*dgelu_tanh_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*ssilu_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*dsilu_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*smish_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*dmish_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*ssoftplus_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*dsoftplus_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*ssoftsign_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*dsoftsign_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*slog_sigmoid_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*dlog_sigmoid_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*shard_sigmoid_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*dhard_sigmoid_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*shard_silu_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*dhard_silu_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*shard_tanh_grad)(float *out, float const *g, float const *x, int64_t n);
  void (*dhard_tanh_grad)(double *out, double const *g, double const *x, int64_t n);
  void (*sleaky_relu_grad)(float *out, float const *g, float const *x, int64_t n, double slope);
  void (*dleaky_relu_grad)(double *out, double const *g, double const *x, int64_t n, double slope);
  void (*selu_grad)(float *out, float const *g, float const *x, int64_t n, double alpha);
  void (*delu_grad)(double *out, double const *g, double const *x, int64_t n, double alpha);
  void (*scelu_grad)(float *out, float const *g, float const *x, int64_t n, double alpha);
  void (*dcelu_grad)(double *out, double const *g, double const *x, int64_t n, double alpha);
  void (*ssoftmax)(float *out, float const *x, int64_t rows, int64_t columns);
  void (*dsoftmax)(double *out, double const *x, int64_t rows, int64_t columns);
  void (*slog_softmax)(float *out, float const *x, int64_t rows, int64_t columns);
  void (*dlog_softmax)(double *out, double const *x, int64_t rows, int64_t columns);
  void (*ssoftmax_grad)(float *out, float const *g, float const *y, int64_t rows, int64_t columns);
  void (*dsoftmax_grad)(double *out, double const *g, double const *y, int64_t rows, int64_t columns);
  void (*slog_softmax_grad)(float *out, float const *g, float const *y, int64_t rows, int64_t columns);
  void (*dlog_softmax_grad)(double *out, double const *g, double const *y, int64_t rows, int64_t columns);
} fastnn_kernels_t;

static fastnn_kernels_t fastnn_kernels;

static int fastnn_import_kernels(void) {
  static const struct {
    const char* name;
    const char* signature;
  } functions[] = {
    {"smatmul", "void (float *, float const *, float const *, int64_t, int64_t, int64_t, int, int)"},
    {"dmatmul", "void (double *, double const *, double const *, int64_t, int64_t, int64_t, int, int)"},
    {"srelu", "void (float *, float const *, int64_t)"},
    {"drelu", "void (double *, double const *, int64_t)"},
    {"srelu6", "void (float *, float const *, int64_t)"},
    {"drelu6", "void (double *, double const *, int64_t)"},
    {"sselu", "void (float *, float const *, int64_t)"},
    {"dselu", "void (double *, double const *, int64_t)"},
    {"sgelu", "void (float *, float const *, int64_t)"},
    {"dgelu", "void (double *, double const *, int64_t)"},
    {"sgelu_tanh", "void (float *, float const *, int64_t)"},
    {"dgelu_tanh", "void (double *, double const *, int64_t)"},
    {"ssilu", "void (float *, float const *, int64_t)"},
    {"dsilu", "void (double *, double const *, int64_t)"},
    {"smish", "void (float *, float const *, int64_t)"},
    {"dmish", "void (double *, double const *, int64_t)"},
    {"ssoftplus", "void (float *, float const *, int64_t)"},
    {"dsoftplus", "void (double *, double const *, int64_t)"},
    {"ssoftsign", "void (float *, float const *, int64_t)"},
    {"dsoftsign", "void (double *, double const *, int64_t)"},
    {"ssigmoid", "void (float *, float const *, int64_t)"},
    {"dsigmoid", "void (double *, double const *, int64_t)"},
    {"slog_sigmoid", "void (float *, float const *, int64_t)"},
    {"dlog_sigmoid", "void (double *, double const *, int64_t)"},
    {"shard_sigmoid", "void (float *, float const *, int64_t)"},
    {"dhard_sigmoid", "void (double *, double const *, int64_t)"},
    {"shard_silu", "void (float *, float const *, int64_t)"},
    {"dhard_silu", "void (double *, double const *, int64_t)"},
    {"stanh", "void (float *, float const *, int64_t)"},
    {"dtanh", "void (double *, double const *, int64_t)"},
    {"shard_tanh", "void (float *, float const *, int64_t)"},
    {"dhard_tanh", "void (double *, double const *, int64_t)"},
    {"sexp", "void (float *, float const *, int64_t)"},
    {"dexp", "void (double *, double const *, int64_t)"},
    {"slog", "void (float *, float const *, int64_t)"},
    {"dlog", "void (double *, double const *, int64_t)"},
    {"sleaky_relu", "void (float *, float const *, int64_t, double)"},
    {"dleaky_relu", "void (double *, double const *, int64_t, double)"},
    {"selu", "void (float *, float const *, int64_t, double)"},
    {"delu", "void (double *, double const *, int64_t, double)"},
    {"scelu", "void (float *, float const *, int64_t, double)"},
    {"dcelu", "void (double *, double const *, int64_t, double)"},
    {"srelu_grad", "void (float *, float const *, float const *, int64_t)"},
    {"drelu_grad", "void (double *, double const *, double const *, int64_t)"},
    {"ssigmoid_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dsigmoid_grad", "void (double *, double const *, double const *, int64_t)"},
    {"stanh_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dtanh_grad", "void (double *, double const *, double const *, int64_t)"},
    {"srelu6_grad", "void (float *, float const *, float const *, int64_t)"},
    {"drelu6_grad", "void (double *, double const *, double const *, int64_t)"},
    {"sselu_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dselu_grad", "void (double *, double const *, double const *, int64_t)"},
    {"sgelu_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dgelu_grad", "void (double *, double const *, double const *, int64_t)"},
    {"sgelu_tanh_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dgelu_tanh_grad", "void (double *, double const *, double const *, int64_t)"},
    {"ssilu_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dsilu_grad", "void (double *, double const *, double const *, int64_t)"},
    {"smish_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dmish_grad", "void (double *, double const *, double const *, int64_t)"},
    {"ssoftplus_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dsoftplus_grad", "void (double *, double const *, double const *, int64_t)"},
    {"ssoftsign_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dsoftsign_grad", "void (double *, double const *, double const *, int64_t)"},
    {"slog_sigmoid_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dlog_sigmoid_grad", "void (double *, double const *, double const *, int64_t)"},
    {"shard_sigmoid_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dhard_sigmoid_grad", "void (double *, double const *, double const *, int64_t)"},
    {"shard_silu_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dhard_silu_grad", "void (double *, double const *, double const *, int64_t)"},
    {"shard_tanh_grad", "void (float *, float const *, float const *, int64_t)"},
    {"dhard_tanh_grad", "void (double *, double const *, double const *, int64_t)"},
    {"sleaky_relu_grad", "void (float *, float const *, float const *, int64_t, double)"},
    {"dleaky_relu_grad", "void (double *, double const *, double const *, int64_t, double)"},
    {"selu_grad", "void (float *, float const *, float const *, int64_t, double)"},
    {"delu_grad", "void (double *, double const *, double const *, int64_t, double)"},
    {"scelu_grad", "void (float *, float const *, float const *, int64_t, double)"},
    {"dcelu_grad", "void (double *, double const *, double const *, int64_t, double)"},
    {"ssoftmax", "void (float *, float const *, int64_t, int64_t)"},
    {"dsoftmax", "void (double *, double const *, int64_t, int64_t)"},
    {"slog_softmax", "void (float *, float const *, int64_t, int64_t)"},
    {"dlog_softmax", "void (double *, double const *, int64_t, int64_t)"},
    {"ssoftmax_grad", "void (float *, float const *, float const *, int64_t, int64_t)"},
    {"dsoftmax_grad", "void (double *, double const *, double const *, int64_t, int64_t)"},
    {"slog_softmax_grad", "void (float *, float const *, float const *, int64_t, int64_t)"},
    {"dlog_softmax_grad", "void (double *, double const *, double const *, int64_t, int64_t)"},
  };
  void** slot = (void**)&fastnn_kernels;
  size_t i;
  PyObject* module = PyImport_ImportModule("fastnn.cython_kernels");
  PyObject* capsules = module ? PyObject_GetAttrString(module, "__pyx_capi__") : NULL;
  Py_XDECREF(module);
  if (!capsules) return -1;
  for (i = 0; i < sizeof functions / sizeof functions[0]; ++i) {
    PyObject* capsule = PyDict_GetItemString(capsules, functions[i].name);
    if (!capsule) {
      PyErr_Format(PyExc_ImportError, "fastnn has no kernel %s", functions[i].name);
      Py_DECREF(capsules);
      return -1;
    }
    slot[i] = PyCapsule_GetPointer(capsule, functions[i].signature);
    if (!slot[i]) {
      Py_DECREF(capsules);
      return -1;
    }
  }
  Py_DECREF(capsules);
  return 0;
}

#ifdef __cplusplus
}
#endif

#endif
