// The GPU's memory, queue and errors.
//
// There is one queue, a stream of its own: launches and copies of all threads are in order, so
// whoever reads a variable sees the last write without waiting for more.
#include <string.h>

#include <atomic>
#include <mutex>
#include <string>

#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/lists.h"

namespace fastnn::kernels::cuda {
namespace {

struct Failure {
  std::string text, told;
};

Failure& failure() {
  static thread_local Failure f;
  return f;
}

const char* error() {
  Failure& f = failure();
  if (f.text.empty()) return nullptr;
  f.told = std::move(f.text);
  f.text.clear();
  return f.told.c_str();
}

std::atomic<int64_t> bytes_in{0}, bytes_out{0};

#ifdef FASTNN_EMULATED

const char* describe() { return "emulated GPU"; }

void* allocate(int64_t bytes) {
  void* p = emulated::allocate(bytes);
  if (!p) fail(("out of memory, " + std::to_string(emulated::free_bytes()) + " are free").c_str());
  return p;
}

void release(void* p) {
  if (!emulated::release(p)) fail("something was written beside memory that is now freed");
}

bool free_memory(int64_t* bytes) {
  *bytes = emulated::free_bytes();
  return true;
}

bool move_bytes(void* to, const void* from, int64_t bytes) {
  emulated::Access access;
  memmove(to, from, static_cast<size_t>(bytes));
  return true;
}

bool copy_in(void* to, const void* from, int64_t bytes) {
  bytes_in += bytes;
  return move_bytes(to, from, bytes);
}

bool copy_out(void* to, const void* from, int64_t bytes) {
  bytes_out += bytes;
  return move_bytes(to, from, bytes);
}

bool copy(void* to, const void* from, int64_t bytes) { return move_bytes(to, from, bytes); }

bool fill(void* to, uint8_t byte, int64_t bytes) {
  emulated::Access access;
  memset(to, byte, static_cast<size_t>(bytes));
  return true;
}

bool synchronise() { return true; }
bool wait_for(void*) { return true; }
void* queue() { return nullptr; }

#else

bool done(cudaError_t code) {
  if (code == cudaSuccess) return true;
  fail(cudaGetErrorString(code));
  return false;
}

cudaStream_t stream() {
  static const cudaStream_t made = [] {
    cudaStream_t s = nullptr;
    done(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
    return s;
  }();
  return made;
}

// What is missing, in words: asked once, before anything else.
const char* describe() {
  static std::string name;
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  if (!name.empty()) return name.c_str();
  int driver = 0, count = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
    fail("no NVIDIA driver was found (libcuda.so.1): a GPU needs one");
    return nullptr;
  }
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code == cudaErrorInsufficientDriver) {
    fail(("the NVIDIA driver is for CUDA " + std::to_string(driver / 1000) + "." +
          std::to_string(driver % 1000 / 10) + ", this build needs " +
          std::to_string(CUDART_VERSION / 1000) + ".0 or newer")
             .c_str());
    return nullptr;
  }
  if (code == cudaErrorNoDevice || (code == cudaSuccess && count == 0)) {
    fail("the NVIDIA driver finds no GPU (CUDA_VISIBLE_DEVICES may hide it)");
    return nullptr;
  }
  cudaDeviceProp properties;
  if (!done(code) || !done(cudaGetDeviceProperties(&properties, 0))) return nullptr;
  name = properties.name;
  return name.c_str();
}

bool free_memory(int64_t* bytes) {
  size_t free = 0, total = 0;
  if (!done(cudaMemGetInfo(&free, &total))) return false;
  *bytes = static_cast<int64_t>(free);
  return true;
}

void* allocate(int64_t bytes) {
  void* p = nullptr;
  const cudaError_t code = cudaMalloc(&p, static_cast<size_t>(bytes));
  if (code == cudaSuccess) return p;
  cudaGetLastError();  // it is told here, not at the next launch
  int64_t free = 0;
  if (code == cudaErrorMemoryAllocation && free_memory(&free))
    fail(("out of memory, " + std::to_string(free) + " are free").c_str());
  else
    done(code);
  return nullptr;
}

void release(void* p) { done(cudaFree(p)); }

bool copy_in(void* to, const void* from, int64_t bytes) {
  bytes_in += bytes;
  return done(
      cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyHostToDevice, stream()));
}

bool copy_out(void* to, const void* from, int64_t bytes) {
  bytes_out += bytes;
  return done(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToHost,
                              stream())) &&
         done(cudaStreamSynchronize(stream()));
}

bool copy(void* to, const void* from, int64_t bytes) {
  return done(
      cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToDevice, stream()));
}

bool fill(void* to, uint8_t byte, int64_t bytes) {
  return done(cudaMemsetAsync(to, byte, static_cast<size_t>(bytes), stream()));
}

bool synchronise() { return done(cudaStreamSynchronize(stream())); }

bool wait_for(void* other) {
  cudaEvent_t event = nullptr;
  if (!done(cudaEventCreateWithFlags(&event, cudaEventDisableTiming))) return false;
  const bool waits = done(cudaEventRecord(event, static_cast<cudaStream_t>(other))) &&
                     done(cudaStreamWaitEvent(stream(), event, 0));
  return done(cudaEventDestroy(event)) && waits;  // freed once it has happened
}

void* queue() { return stream(); }

#endif

}  // namespace

void fail(const char* why) {
  if (failure().text.empty()) failure().text = why;
}

Traffic traffic() { return {bytes_in, bytes_out}; }

const DeviceModule& device_module() {
  static const DeviceModule module = {
      DeviceModule::kVersion,
      "cuda",
      &table(),
      describe,
      allocate,
      release,
      free_memory,
      copy_in,
      copy_out,
      copy,
      fill,
      synchronise,
      wait_for,
      queue,
      error,
  };
  return module;
}

}  // namespace fastnn::kernels::cuda
