// One axis of a convolution or of its gradient to the input: which taps of the window reach each
// element of the result. Elements in a row with the same taps form a run, and all work is on runs:
// that is how padding, strides and dilation cost nothing inside.
#pragma once
#include "kernels/conv.h"
#include "kernels/cpu/matmul_product.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Numbers as they are in ConvShape, for one axis.
struct Axis {
  bool back;  // the gradient to the input: the result is x, what is read is y
  int64_t in, out, kernel, stride, dilation, before;
  // Of neighbouring taps: their distance in the kernel and in what is read.
  int64_t tap_step, read_step;

  int64_t size() const { return back ? in : out; }       // of the result
  int64_t read_size() const { return back ? out : in; }  // of what is read
  int64_t phases() const { return back ? stride : 1; }   // elements with taps of their own
};

// The taps of an element: numbered as the packed kernel has them (back to front for a gradient),
// so that what they read ascends.
struct Taps {
  int64_t first, count;
  int64_t read;  // by the first
};

// Elements position, position + step, ... with the same taps; each reads `read_step` further.
struct Run {
  int64_t position, step, count;
  int64_t read_step;
  Taps taps;
};

inline int64_t gcd_of(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t r = a % b;
    a = b;
    b = r;
  }
  return a;
}

inline Axis axis_of(const ConvShape& s, int d, bool back) {
  Axis a{back,          s.in[d],     s.out[d], s.kernel[d],  s.stride[d],
         s.dilation[d], s.before[d], 1,        s.dilation[d]};
  if (back) {
    const int64_t common = gcd_of(s.stride[d], s.dilation[d]);
    a.tap_step = s.stride[d] / common;
    a.read_step = s.dilation[d] / common;
  }
  return a;
}

inline int64_t ceil_of(int64_t a, int64_t b) { return a > 0 ? ceil_div(a, b) : 0; }

inline Taps taps_at(const Axis& a, int64_t position) {
  if (!a.back) {
    const int64_t from = position * a.stride - a.before;
    const int64_t first = ceil_of(-from, a.dilation);
    const int64_t room = a.in - 1 - from;
    const int64_t end = room < 0 ? 0 : min_of(a.kernel, room / a.dilation + 1);
    return {first, end > first ? end - first : 0, from + first * a.dilation};
  }
  const int64_t at = position + a.before;  // = i * stride + k * dilation
  const int64_t lowest = ceil_of(at - a.stride * (a.out - 1), a.dilation);
  int64_t k = min_of(a.kernel - 1, at / a.dilation);
  const int64_t stop = k - a.tap_step;
  while (k >= lowest && k > stop && (at - k * a.dilation) % a.stride != 0) --k;
  if (k < lowest || k <= stop) return {0, 0, 0};
  return {a.kernel - 1 - k, (k - lowest) / a.tap_step + 1, (at - k * a.dilation) / a.stride};
}

// The run that begins at a position, below `end`.
inline Run run_at(const Axis& a, int64_t position, int64_t end) {
  Run run{position, a.phases(), 1, a.back ? 1 : a.stride, taps_at(a, position)};
  for (int64_t p = position + run.step; p < end; p += run.step, ++run.count) {
    const Taps t = taps_at(a, p);
    if (t.count != run.taps.count) break;
    if (t.count > 0 && t.first != run.taps.first) break;
  }
  return run;
}

// Calls f(run) for all runs of the elements [begin, end).
template <class F>
FASTNN_INLINE void each_run(const Axis& a, int64_t begin, int64_t end, F f) {
  for (int64_t phase = 0; phase < a.phases(); ++phase)
    for (int64_t p = begin + phase; p < end;) {
      const Run run = run_at(a, p, end);
      f(run);
      p += run.step * run.count;
    }
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
