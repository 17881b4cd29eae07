# Made by tools/generate_cython.py. See cython_kernels.py for what these are.
from libc.stdint cimport int64_t

cdef void smatmul(float *c, const float *a, const float *b, int64_t m, int64_t n, int64_t k, bint transpose_a, bint transpose_b) noexcept nogil
cdef void dmatmul(double *c, const double *a, const double *b, int64_t m, int64_t n, int64_t k, bint transpose_a, bint transpose_b) noexcept nogil
cdef void srelu(float *out, const float *x, int64_t n) noexcept nogil
cdef void drelu(double *out, const double *x, int64_t n) noexcept nogil
cdef void srelu6(float *out, const float *x, int64_t n) noexcept nogil
cdef void drelu6(double *out, const double *x, int64_t n) noexcept nogil
cdef void sselu(float *out, const float *x, int64_t n) noexcept nogil
cdef void dselu(double *out, const double *x, int64_t n) noexcept nogil
cdef void sgelu(float *out, const float *x, int64_t n) noexcept nogil
cdef void dgelu(double *out, const double *x, int64_t n) noexcept nogil
cdef void sgelu_tanh(float *out, const float *x, int64_t n) noexcept nogil
cdef void dgelu_tanh(double *out, const double *x, int64_t n) noexcept nogil
cdef void ssilu(float *out, const float *x, int64_t n) noexcept nogil
cdef void dsilu(double *out, const double *x, int64_t n) noexcept nogil
cdef void smish(float *out, const float *x, int64_t n) noexcept nogil
cdef void dmish(double *out, const double *x, int64_t n) noexcept nogil
cdef void ssoftplus(float *out, const float *x, int64_t n) noexcept nogil
cdef void dsoftplus(double *out, const double *x, int64_t n) noexcept nogil
cdef void ssoftsign(float *out, const float *x, int64_t n) noexcept nogil
cdef void dsoftsign(double *out, const double *x, int64_t n) noexcept nogil
cdef void ssigmoid(float *out, const float *x, int64_t n) noexcept nogil
cdef void dsigmoid(double *out, const double *x, int64_t n) noexcept nogil
cdef void slog_sigmoid(float *out, const float *x, int64_t n) noexcept nogil
cdef void dlog_sigmoid(double *out, const double *x, int64_t n) noexcept nogil
cdef void shard_sigmoid(float *out, const float *x, int64_t n) noexcept nogil
cdef void dhard_sigmoid(double *out, const double *x, int64_t n) noexcept nogil
cdef void shard_silu(float *out, const float *x, int64_t n) noexcept nogil
cdef void dhard_silu(double *out, const double *x, int64_t n) noexcept nogil
cdef void stanh(float *out, const float *x, int64_t n) noexcept nogil
cdef void dtanh(double *out, const double *x, int64_t n) noexcept nogil
cdef void shard_tanh(float *out, const float *x, int64_t n) noexcept nogil
cdef void dhard_tanh(double *out, const double *x, int64_t n) noexcept nogil
cdef void sexp(float *out, const float *x, int64_t n) noexcept nogil
cdef void dexp(double *out, const double *x, int64_t n) noexcept nogil
cdef void slog(float *out, const float *x, int64_t n) noexcept nogil
cdef void dlog(double *out, const double *x, int64_t n) noexcept nogil
cdef void sleaky_relu(float *out, const float *x, int64_t n, double slope) noexcept nogil
cdef void dleaky_relu(double *out, const double *x, int64_t n, double slope) noexcept nogil
cdef void selu(float *out, const float *x, int64_t n, double alpha) noexcept nogil
cdef void delu(double *out, const double *x, int64_t n, double alpha) noexcept nogil
cdef void scelu(float *out, const float *x, int64_t n, double alpha) noexcept nogil
cdef void dcelu(double *out, const double *x, int64_t n, double alpha) noexcept nogil
cdef void srelu_grad(float *out, const float *g, const float *y, int64_t n) noexcept nogil
cdef void drelu_grad(double *out, const double *g, const double *y, int64_t n) noexcept nogil
cdef void ssigmoid_grad(float *out, const float *g, const float *y, int64_t n) noexcept nogil
cdef void dsigmoid_grad(double *out, const double *g, const double *y, int64_t n) noexcept nogil
cdef void stanh_grad(float *out, const float *g, const float *y, int64_t n) noexcept nogil
cdef void dtanh_grad(double *out, const double *g, const double *y, int64_t n) noexcept nogil
cdef void srelu6_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void drelu6_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void sselu_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void dselu_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void sgelu_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void dgelu_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void sgelu_tanh_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void dgelu_tanh_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void ssilu_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void dsilu_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void smish_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void dmish_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void ssoftplus_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void dsoftplus_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void ssoftsign_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void dsoftsign_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void slog_sigmoid_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void dlog_sigmoid_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void shard_sigmoid_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void dhard_sigmoid_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void shard_silu_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void dhard_silu_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void shard_tanh_grad(float *out, const float *g, const float *x, int64_t n) noexcept nogil
cdef void dhard_tanh_grad(double *out, const double *g, const double *x, int64_t n) noexcept nogil
cdef void sleaky_relu_grad(float *out, const float *g, const float *x, int64_t n, double slope) noexcept nogil
cdef void dleaky_relu_grad(double *out, const double *g, const double *x, int64_t n, double slope) noexcept nogil
cdef void selu_grad(float *out, const float *g, const float *x, int64_t n, double alpha) noexcept nogil
cdef void delu_grad(double *out, const double *g, const double *x, int64_t n, double alpha) noexcept nogil
cdef void scelu_grad(float *out, const float *g, const float *x, int64_t n, double alpha) noexcept nogil
cdef void dcelu_grad(double *out, const double *g, const double *x, int64_t n, double alpha) noexcept nogil
cdef void ssoftmax(float *out, const float *x, int64_t rows, int64_t columns) noexcept nogil
cdef void dsoftmax(double *out, const double *x, int64_t rows, int64_t columns) noexcept nogil
cdef void slog_softmax(float *out, const float *x, int64_t rows, int64_t columns) noexcept nogil
cdef void dlog_softmax(double *out, const double *x, int64_t rows, int64_t columns) noexcept nogil
cdef void ssoftmax_grad(float *out, const float *g, const float *y, int64_t rows, int64_t columns) noexcept nogil
cdef void dsoftmax_grad(double *out, const double *g, const double *y, int64_t rows, int64_t columns) noexcept nogil
cdef void slog_softmax_grad(float *out, const float *g, const float *y, int64_t rows, int64_t columns) noexcept nogil
cdef void dlog_softmax_grad(double *out, const double *g, const double *y, int64_t rows, int64_t columns) noexcept nogil
