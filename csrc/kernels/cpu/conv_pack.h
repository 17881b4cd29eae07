// One call of a convolution as its tasks see it, and its kernel packed in panels of columns.
#pragma once
#include "kernels/cpu/conv_axis.h"
#include "kernels/cpu/conv_depthwise.h"
#include "kernels/cpu/conv_narrow.h"
#include "kernels/cpu/matmul_run.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

constexpr int64_t kBlockBytes = 128 << 10;   // what is read and written in a block
constexpr int64_t kScratchBytes = 96 << 10;  // results that wait for their pooling
constexpr int64_t kPackWork = 1 << 16;       // elements from which on threads pay

inline int64_t line_up(int64_t bytes) { return ceil_div(bytes, 64) * 64; }

template <class T>
struct Conv {
  const ConvArgs& g;
  Axis h, w;
  bool depthwise, narrow, joined;  // joined: neighbouring taps read neighbouring elements
  int64_t taps, depth, cols;       // depth: summed at a tap; cols of the result; both of one group
  int64_t panels;                  // of one group
  int64_t read_px, px;             // elements of a pixel of what is read, and of the result
  int64_t panel_elements;          // of workspace
  int64_t scratch_bytes, task_bytes;  // of workspace a task: results to pool, and then a list
  T* packed;
  char* task_space;
  int64_t tasks, parts;  // parts of an image

  Conv(const ConvArgs& args, bool back)
      : g(args), h(axis_of(args.shape, 0, back)), w(axis_of(args.shape, 1, back)) {
    const ConvShape& s = g.shape;
    const int64_t in = s.channels / s.groups, out = s.filters / s.groups;
    taps = s.kernel[0] * s.kernel[1];
    depth = back ? out : in;
    cols = back ? in : out;
    depthwise = in == 1 && s.groups > 1;
    joined = s.groups == 1 && w.tap_step == 1 && w.read_step == 1;
    narrow = !depthwise && cols <= kNarrowColumns &&
             (joined ? s.kernel[1] * depth : depth) >= kLanes<T> / 2;
    panels = ceil_div(cols, kTileCols<T>);
    read_px = back ? s.filters : s.channels;
    px = back ? s.channels : s.filters;
    panel_elements = taps * depth * (depthwise ? cols : kTileCols<T>);
    scratch_bytes = 0;
    if (g.pool[0] > 0)
      scratch_bytes = line_up(pool_rows() * g.pool[0] * w.size() * px * int64_t{sizeof(T)});
    task_bytes = scratch_bytes + line_up(taps * int64_t{sizeof(Stretch)});
    packed = nullptr;
    task_space = nullptr;
    tasks = parts = 1;
  }
  int64_t packed_bytes() const {
    return line_up(g.shape.groups * panels * panel_elements * int64_t{sizeof(T)});
  }
  double work() const {
    return static_cast<double>(g.shape.batch * h.size() * w.size()) *
           static_cast<double>(taps * depth) * static_cast<double>(px);
  }
  // Rows of windows whose results wait together.
  int64_t pool_rows() const {
    const int64_t row = g.pool[0] * w.size() * px * int64_t{sizeof(T)};
    return kScratchBytes > row ? kScratchBytes / row : 1;
  }
  // Rows of the result, or of windows, that can be dealt out.
  int64_t units() const { return g.pool[0] > 0 ? h.size() / g.pool[0] : h.size(); }
};

template <class T>
int64_t panel_width(int64_t cols) {
  return cols > kLanes<T> ? kTileCols<T> : kLanes<T>;
}

// The kernel of one group: [column][tap][depth].
template <class T>
void pack_narrow(const Conv<T>& c, int64_t group, T* out) {
  const T* k = static_cast<const T*>(c.g.b);
  const int64_t filters = c.g.shape.filters;
  for (int64_t j = 0; j < c.cols; ++j)
    for (int64_t t = 0; t < c.taps; ++t)
      for (int64_t d = 0; d < c.depth; ++d)
        *out++ = c.h.back ? k[((c.taps - 1 - t) * c.cols + j) * filters + group * c.depth + d]
                          : k[(t * c.depth + d) * filters + group * c.cols + j];
}

template <class T>
void pack_panel(void* arg, int64_t index) {
  const Conv<T>& c = *static_cast<const Conv<T>*>(arg);
  const int64_t group = index / c.panels, j = index % c.panels * kTileCols<T>;
  const int64_t cols = min_of(c.cols - j, kTileCols<T>), width = panel_width<T>(cols);
  const int64_t filters = c.g.shape.filters;
  const T* k = static_cast<const T*>(c.g.b);
  T* out = c.packed + index * c.panel_elements;
  if (c.narrow) return pack_narrow(c, group, out);
  for (int64_t t = 0; t < c.taps; ++t, out += c.depth * width) {
    if (c.h.back)
      pack_b_panel(out, k + ((c.taps - 1 - t) * c.cols + j) * filters + group * c.depth, filters,
                   true, cols, c.depth);
    else
      pack_b_panel(out, k + t * c.depth * filters + group * c.cols + j, filters, false, cols,
                   c.depth);
  }
}

// The kernel of a depthwise gradient: [tap, back to front][filter of the channel][channel].
template <class T>
void pack_depthwise(const Conv<T>& c) {
  const T* k = static_cast<const T*>(c.g.b);
  T* out = c.packed;
  for (int64_t t = c.taps; t-- > 0;)
    for (int64_t j = 0; j < c.depth; ++j)
      for (int64_t i = 0; i < c.px; ++i) *out++ = k[t * c.read_px + i * c.depth + j];
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
