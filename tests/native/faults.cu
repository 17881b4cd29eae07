// Faults that compute-sanitizer must find (tools/gpu.sh sanitize): a sum over a block's shared
// memory, as reductions do it, which reads one element too many or forgets to wait.
#include <cuda_runtime.h>
#include <stdio.h>
#include <string.h>

constexpr int kThreads = 256;

__global__ void sum(float* out, const float* in, int n, bool waits) {
  __shared__ float partial[kThreads];
  const int t = threadIdx.x;
  float own = 0;
  for (int i = t; i < n; i += kThreads) own += in[i];
  partial[t] = own;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (waits) __syncthreads();
    if (t < half) partial[t] += partial[t + half];
  }
  if (t == 0) *out = partial[0];
}

int main(int argc, char** argv) {
  const char* fault = argc > 1 ? argv[1] : "none";
  const int n = 1000;
  float *in = nullptr, *out = nullptr, result = 0;
  cudaMalloc(&in, n * sizeof(float));
  cudaMalloc(&out, sizeof(float));
  cudaMemset(in, 0, n * sizeof(float));
  // What is allocated is rounded up to 512 bytes; the sanitizer knows the exact end.
  sum<<<1, kThreads>>>(out, in, strcmp(fault, "outside") == 0 ? n + 1 : n,
                       strcmp(fault, "race") != 0);
  const cudaError_t code = cudaMemcpy(&result, out, sizeof result, cudaMemcpyDeviceToHost);
  if (code != cudaSuccess) fprintf(stderr, "%s\n", cudaGetErrorString(code));
  cudaFree(in);
  cudaFree(out);
  return code != cudaSuccess;
}
