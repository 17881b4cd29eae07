#include <atomic>
#include <shared_mutex>

#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/persistent.h"
#include "kernels/cuda/recording.h"

namespace fastnn::kernels::cuda {
namespace {

thread_local bool recording_here = false;
std::atomic<bool> persistent_wanted{true};

std::shared_mutex& captures() {
  static auto* mutex = new std::shared_mutex;  // outlives static objects
  return *mutex;
}

#ifndef FASTNN_EMULATED
bool done(cudaError_t code) {
  if (code == cudaSuccess) return true;
  fail(cudaGetErrorString(code));
  return false;
}
#endif

}  // namespace

WithoutCapture::WithoutCapture() {
  if (!recording_here) captures().lock_shared();
}
WithoutCapture::~WithoutCapture() {
  if (!recording_here) captures().unlock_shared();
}

bool Recording::here() { return recording_here; }
bool Recording::set_persistent(bool wanted) { return persistent_wanted.exchange(wanted); }

Recording::Recording() { queue_.recording = this; }

void Recording::find_persistent() {
  if (!persistent_wanted) return;
  if (complete_)
    persistent_ = Persistent::of(launches_, &why_not_);
  else
    why_not_ = "a library's kernel";
}

#ifdef FASTNN_EMULATED

bool Recording::begin() {
  if (recording_here) {
    fail("this thread is already recording");
    return false;
  }
  captures().lock();
  return open_ = recording_here = true;
}

bool Recording::end() {
  if (!open_) return false;
  open_ = recording_here = false;
  captures().unlock();
  find_persistent();
  return true;
}

bool Recording::replay(int64_t times) {
  if (persistent_) {
    persistent_->replay(times);
    return true;
  }
  emulated::Access access;  // once, not at every launch
  for (int64_t i = 0; i < times; ++i)
    for (const Noted& launch : launches_) launch.run(launch);
  return true;
}

Recording::~Recording() { end(); }

#else

bool Recording::begin() {
  if (recording_here) {
    fail("this thread is already recording");
    return false;
  }
  if (!done(cudaStreamCreateWithFlags(&queue_.stream, cudaStreamNonBlocking))) return false;
  captures().lock();
  if (!done(cudaStreamBeginCapture(queue_.stream, cudaStreamCaptureModeThreadLocal))) {
    captures().unlock();
    return false;
  }
  return open_ = recording_here = true;
}

bool Recording::end() {
  if (!open_) return false;
  cudaGraph_t graph = nullptr;
  bool ended = done(cudaStreamEndCapture(queue_.stream, &graph));
  open_ = recording_here = false;
  captures().unlock();
  if (ended) find_persistent();
  if (ended && persistent_) {
    cudaGraphDestroy(graph);
    return true;
  }
  if (ended) ended = done(cudaGraphInstantiate(&graph_, graph, 0));
  if (ended) ended = done(cudaGraphUpload(graph_, main_queue()->stream));
  if (graph) cudaGraphDestroy(graph);
  return ended;
}

bool Recording::replay(int64_t times) {
  if (persistent_) {
    persistent_->replay(times);
    return true;
  }
  for (int64_t i = 0; i < times; ++i)
    if (!done(cudaGraphLaunch(graph_, main_queue()->stream))) return false;
  return true;
}

Recording::~Recording() {
  end();
  // A graph that is still at work is freed when it is done.
  if (graph_) cudaGraphExecDestroy(graph_);
  if (queue_.stream) cudaStreamDestroy(queue_.stream);
}

#endif

}  // namespace fastnn::kernels::cuda
