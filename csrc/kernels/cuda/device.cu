// The GPU's memory, queue and errors.
//
// There is one queue, a stream of its own: launches and copies of all threads are in order, so
// whoever reads a variable sees the last write without waiting for more. What is recorded meanwhile
// (recording.h) joins it when it is replayed.
#include <string.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

#include "kernels/cuda/bodies/advance.h"
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
std::atomic<int64_t> recordings{0}, persistent_recordings{0}, replay_calls{0}, replay_times{0};

struct Last {
  std::mutex mutex;
  std::string why_not;
};

Last& last() {
  static auto* l = new Last;  // outlives static objects
  return *l;
}

// What is not a launch would run at once, ahead of what is being recorded.
bool outside_recording() {
  if (!Recording::here()) return true;
  fail("only kernels can be recorded");
  return false;
}

#ifdef FASTNN_EMULATED

const char* describe() { return "emulated GPU"; }

void* allocate(int64_t bytes) {
  if (!outside_recording()) return nullptr;
  void* p = emulated::allocate(bytes);
  if (!p) fail(("out of memory, " + std::to_string(emulated::free_bytes()) + " are free").c_str());
  return p;
}

void release(void* p) {
  if (!outside_recording()) return;
  if (!emulated::release(p)) fail("something was written beside memory that is now freed");
}

bool free_memory(int64_t* bytes) {
  *bytes = emulated::free_bytes();
  return true;
}

bool move_bytes(void* to, const void* from, int64_t bytes) {
  if (!outside_recording()) return false;
  emulated::Access access;
  if (!emulated::host_reads(from, bytes) || !emulated::host_writes(to, bytes)) {
    fail("a copy of more than one array, or of what was never written");
    return false;
  }
  memmove(to, from, static_cast<size_t>(bytes));
  return true;
}

void* allocate_pinned(int64_t bytes) {
  return outside_recording() ? emulated::allocate_pinned(bytes) : nullptr;
}

// Until here the copies from pinned memory may still be under way.
bool reach(uint64_t mark) {
  const bool intact = emulated::reach(mark);
  if (!intact) fail("memory has changed while it was copied from");
  return intact;
}

void release_pinned(void* p) {
  if (!outside_recording()) return;
  reach(UINT64_MAX);
  emulated::release_pinned(p);
}

bool copy_in(void* to, const void* from, int64_t bytes) {
  bytes_in += bytes;
  emulated::copies_from(from, bytes);
  return move_bytes(to, from, bytes);
}

bool copy_out(void* to, const void* from, int64_t bytes) {
  bytes_out += bytes;
  return reach(UINT64_MAX) && move_bytes(to, from, bytes);
}

bool copy(void* to, const void* from, int64_t bytes) { return move_bytes(to, from, bytes); }

bool fill(void* to, uint8_t byte, int64_t bytes) {
  if (!outside_recording()) return false;
  emulated::Access access;
  if (!emulated::host_writes(to, bytes)) {
    fail("a fill of more than one array");
    return false;
  }
  memset(to, byte, static_cast<size_t>(bytes));
  return true;
}

bool synchronise() { return outside_recording() && reach(UINT64_MAX); }
bool wait_for(void*) { return true; }
void* stream() { return nullptr; }
void* mark() { return reinterpret_cast<void*>(static_cast<uintptr_t>(emulated::mark())); }
bool wait(void* mark) { return reach(reinterpret_cast<uintptr_t>(mark)); }

#else

bool done(cudaError_t code) {
  if (code == cudaSuccess) return true;
  fail(cudaGetErrorString(code));
  return false;
}

cudaStream_t main_stream() { return main_queue()->stream; }

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
  constexpr int kLeast = 8;  // copies to shared memory go on while a thread works
  if (properties.major < kLeast) {
    fail((std::string(properties.name) + " has compute capability " +
          std::to_string(properties.major) + "." + std::to_string(properties.minor) + ", " +
          std::to_string(kLeast) + ".0 or newer is needed")
             .c_str());
    return nullptr;
  }
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
  if (!outside_recording()) return nullptr;
  WithoutCapture lock;
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

void release(void* p) {
  if (!outside_recording()) return;
  WithoutCapture lock;
  done(cudaFree(p));
}

void* allocate_pinned(int64_t bytes) {
  if (!outside_recording()) return nullptr;
  WithoutCapture lock;
  void* p = nullptr;
  if (done(cudaMallocHost(&p, static_cast<size_t>(bytes)))) return p;
  cudaGetLastError();  // it is told here, not at the next launch
  return nullptr;
}

// Copies from it may be under way.
void release_pinned(void* p) {
  if (!outside_recording()) return;
  WithoutCapture lock;
  done(cudaStreamSynchronize(main_stream()));
  done(cudaFreeHost(p));
}

bool copy_in(void* to, const void* from, int64_t bytes) {
  bytes_in += bytes;
  return outside_recording() && done(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes),
                                                     cudaMemcpyHostToDevice, main_stream()));
}

bool copy_out(void* to, const void* from, int64_t bytes) {
  bytes_out += bytes;
  return outside_recording() &&
         done(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes), cudaMemcpyDeviceToHost,
                              main_stream())) &&
         done(cudaStreamSynchronize(main_stream()));
}

bool copy(void* to, const void* from, int64_t bytes) {
  return outside_recording() && done(cudaMemcpyAsync(to, from, static_cast<size_t>(bytes),
                                                     cudaMemcpyDeviceToDevice, main_stream()));
}

bool fill(void* to, uint8_t byte, int64_t bytes) {
  return outside_recording() &&
         done(cudaMemsetAsync(to, byte, static_cast<size_t>(bytes), main_stream()));
}

bool synchronise() { return outside_recording() && done(cudaStreamSynchronize(main_stream())); }

bool wait_for(void* other) {
  cudaEvent_t event = nullptr;
  if (!done(cudaEventCreateWithFlags(&event, cudaEventDisableTiming))) return false;
  const bool waits = done(cudaEventRecord(event, static_cast<cudaStream_t>(other))) &&
                     done(cudaStreamWaitEvent(main_stream(), event, 0));
  return done(cudaEventDestroy(event)) && waits;  // freed once it has happened
}

void* stream() { return main_stream(); }

void* mark() {
  cudaEvent_t event = nullptr;
  // Who waits sleeps: there is more behind it for the GPU to do.
  if (!done(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync)))
    return nullptr;
  if (done(cudaEventRecord(event, main_stream()))) return event;
  cudaEventDestroy(event);
  return nullptr;
}

bool wait(void* mark) {
  const auto event = static_cast<cudaEvent_t>(mark);
  const bool happened = done(cudaEventSynchronize(event));
  return done(cudaEventDestroy(event)) && happened;
}

#endif

void* queue() { return main_queue(); }

void* begin_recording() {
  auto* recording = new Recording;
  if (recording->begin()) return recording;
  delete recording;
  return nullptr;
}

void* recording_queue(void* recording) { return static_cast<Recording*>(recording)->queue(); }

bool end_recording(void* recording) {
  if (!static_cast<Recording*>(recording)->end()) return false;
  ++recordings;
  if (static_cast<Recording*>(recording)->persistent()) ++persistent_recordings;
  std::lock_guard<std::mutex> lock(last().mutex);
  last().why_not = static_cast<Recording*>(recording)->why_not();
  return true;
}

bool replay(void* recording, int64_t times) {
  ++replay_calls;
  replay_times += times;
  return outside_recording() && static_cast<Recording*>(recording)->replay(times);
}

void release_recording(void* recording) { delete static_cast<Recording*>(recording); }

void advance(const Context* ctx, int64_t n) { launch<advance_state>(ctx, 1, 1, state_of(ctx), n); }

}  // namespace

Queue* main_queue() {
  static Queue* queue = [] {
    auto* made = new Queue;
#ifndef FASTNN_EMULATED
    done(cudaStreamCreateWithFlags(&made->stream, cudaStreamNonBlocking));
#endif
    return made;
  }();
  return queue;
}

void fail(const char* why) {
  if (failure().text.empty()) failure().text = why;
}

Traffic traffic() { return {bytes_in, bytes_out}; }
Replays replays() { return {recordings, persistent_recordings, replay_calls, replay_times}; }

std::string why_not_persistent() {
  std::lock_guard<std::mutex> lock(last().mutex);
  return last().why_not;
}

bool set_persistent(bool wanted) { return Recording::set_persistent(wanted); }

#ifdef FASTNN_EMULATED
int64_t set_order(int64_t order) { return emulated::set_order(order); }
#endif

double copy_rate(int64_t bytes) {
  constexpr int kTimes = 50;
  void* const from = allocate(bytes);
  void* const to = from ? allocate(bytes) : nullptr;
  double rate = -1;
  if (to && fill(from, 1, bytes) && copy(to, from, bytes) && synchronise()) {
    const auto start = std::chrono::steady_clock::now();
    bool well = true;
    for (int i = 0; i < kTimes; ++i) well = copy(to, from, bytes) && well;
    well = synchronise() && well;
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    if (well) rate = 2.0 * static_cast<double>(bytes) * kTimes / taken.count();
  }
  if (to) release(to);
  if (from) release(from);
  error();  // told by the result
  return rate;
}

const DeviceModule& device_module() {
  static const DeviceModule module = {
      DeviceModule::kVersion,
      "cuda",
      &table(),
      describe,
      allocate,
      release,
      allocate_pinned,
      release_pinned,
      free_memory,
      copy_in,
      copy_out,
      copy,
      fill,
      synchronise,
      wait_for,
      queue,
      stream,
      mark,
      wait,
      begin_recording,
      recording_queue,
      end_recording,
      replay,
      release_recording,
      advance,
      error,
  };
  return module;
}

}  // namespace fastnn::kernels::cuda
