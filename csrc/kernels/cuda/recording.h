// What launches are given as Context::pool, and what becomes of them there: at work on a stream, or
// noted for later.
//
// A recording on a GPU is a CUDA graph, captured from a stream of its own in thread-local mode, so
// that other threads go on as ever; the notes beside it say what it is made of. On the emulated
// GPU the notes are the recording.
#pragma once
#include <stdint.h>
#include <string.h>

#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#ifdef FASTNN_EMULATED
#include "kernels/cuda/emulated/emulator.h"
#else
#include <cuda_runtime.h>
#endif

namespace fastnn::kernels::cuda {

// A launch as it will be replayed. The arguments lie one after the other, each at a multiple of
// its alignment: as a kernel's parameters do.
struct Noted {
  const void* body;  // &identity<body>
  const char* name;  // what a compiler calls it, for reading
  dim3 blocks, threads;
  std::vector<unsigned char> arguments = {};
  std::vector<Noted> instead = {};  // at most one: a body of the same bits, for any blocks
#ifdef FASTNN_EMULATED
  void (*run)(const Noted&) = nullptr;
#endif

  template <class P>
  void append(const P& value) {
    static_assert(std::is_trivially_copyable_v<P>);
    const size_t at = place<P>(arguments.size());
    arguments.resize(at + sizeof(P));
    memcpy(arguments.data() + at, &value, sizeof(P));
  }
  template <class... P>
  std::tuple<P...> arguments_of() const {
    size_t at = 0;
    return {take<P>(&at)...};  // braces: from left to right
  }

 private:
  template <class P>
  static size_t place(size_t end) {
    return (end + alignof(P) - 1) / alignof(P) * alignof(P);
  }
  template <class P>
  P take(size_t* at) const {
    *at = place<P>(*at);
    alignas(P) unsigned char bytes[sizeof(P)];
    memcpy(bytes, arguments.data() + *at, sizeof(P));
    *at += sizeof(P);
    return *reinterpret_cast<P*>(bytes);
  }
};

class Persistent;
class Recording;

struct Queue {
#ifndef FASTNN_EMULATED
  cudaStream_t stream = nullptr;
#endif
  Recording* recording = nullptr;  // null: launches run
};

class Recording {
 public:
  Recording();
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  Queue* queue() { return &queue_; }
  const std::vector<Noted>& launches() const { return launches_; }
  // Whether the notes are all there is: a library's kernels are captured, and cannot be noted.
  bool complete() const { return complete_; }
  void note_library() { complete_ = false; }

  void note(Noted launch) { launches_.push_back(std::move(launch)); }
  // Of the launch that was noted last.
  void note_instead(Noted launch) { launches_.back().instead.push_back(std::move(launch)); }

  // Each false where it fails, as fail() has said. Between begin and end this thread records.
  bool begin();
  bool end();
  bool replay(int64_t times);
  bool persistent() const { return persistent_ != nullptr; }
  // Why it is not; empty where it is, or nobody wanted it.
  const std::string& why_not() const { return why_not_; }
  // Whether recordings may become persistent; for measuring. Returns what it was.
  static bool set_persistent(bool wanted);
  static bool here();  // whether this thread does

 private:
#ifndef FASTNN_EMULATED
  cudaGraphExec_t graph_ = nullptr;
#endif
  std::unique_ptr<Persistent> persistent_;  // null: the launches, one by one
  std::string why_not_;
  Queue queue_;
  std::vector<Noted> launches_;
  bool open_ = false, complete_ = true;

  void find_persistent();
};

// The stream of all that is not recorded, and what its launches are given.
Queue* main_queue();

// Held by calls that may wait for the whole device, which would spoil another thread's capture.
class WithoutCapture {
 public:
  WithoutCapture();
  ~WithoutCapture();
};

}  // namespace fastnn::kernels::cuda
