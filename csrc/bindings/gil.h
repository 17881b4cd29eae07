// Letting go of the GIL while kernels run, and taking it again.
#pragma once
#include <pybind11/pybind11.h>
#include <unistd.h>
#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace fastnn::bindings {

// A thread that asks for the GIL while the interpreter shuts down does not get it: before Python
// 3.14 it is ended on the spot, by an unwinding that ends the process where it meets a destructor.
// It has nothing left to do and waits for the end of the process, as Python does since.
template <class Take>
void take_gil(const Take& take) noexcept {
#if defined(__GLIBCXX__)
  try {
    take();
  } catch (abi::__forced_unwind&) {
    for (;;) pause();
  }
#else
  take();
#endif
}

class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() {
    take_gil([this] { PyEval_RestoreThread(state_); });
  }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* state_;
};

// In between, on a thread that is without.
class WithGil {
 public:
  WithGil() {
    take_gil([this] { state_ = PyGILState_Ensure(); });
  }
  ~WithGil() { PyGILState_Release(state_); }
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;

 private:
  PyGILState_STATE state_{};
};

}  // namespace fastnn::bindings
