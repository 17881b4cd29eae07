// The gradient of convolution to its kernel: dk[p, q, c, f] = the sum of x dy over all pixels.
//
// Pixels are taken in blocks (some images, or some rows of one) that fit the second-level cache; in
// a block every tile of dk is a product of x's channels, shifted by its tap, with dy. A block's
// rows of x are copied where they need padding, and dy is made from what was pooled: pieces that
// stay in the caches, never an array of patches.
//
// The order of summation: a chain of fma over a block's pixels; blocks are added in order within a
// chunk, and chunks in order. Blocks and chunks follow from the shapes.
#pragma once
#include "kernels/cpu/conv_blocks.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// dk's tile with this number: [group][panel][run][tile of the run].
template <class T>
void weight_block_tile(const Weights<T>& w, const BlockData<T>& b, const Segments& segments,
                       int64_t tile, T* dk, bool accumulate) {
  const ConvShape& s = w.g.shape;
  const int64_t q = tile % w.run_tiles, r = tile / w.run_tiles % w.runs;
  const int64_t panel = tile / w.run_tiles / w.runs % w.panels;
  const int64_t group = tile / w.run_tiles / w.runs / w.panels;
  const int64_t j = panel * kTileCols<T>, cols = min_of(w.width - j, kTileCols<T>);
  const int64_t all = w.scattered ? w.taps() * w.depth : w.run;
  const int64_t first = all * q / w.run_tiles, rows = all * (q + 1) / w.run_tiles - first;
  const int64_t column = group * w.width + j, step = s.stride[1] * s.channels;
  const T* y = b.y + column;
  const T* x = b.x + group * w.depth;
  const WeightEnd<T> end = {dk + (r * w.run + first) * s.filters + column, s.filters,
                            tail_of<T>(cols), accumulate};
  if (w.scattered) {
    scattered_tiles<T>(cols)[rows - 1](x, step, w.offsets + first, y, s.filters, segments, end);
    return;
  }
  const int64_t p = w.joined ? r : r / s.kernel[1], v = w.joined ? 0 : r % s.kernel[1];
  x += (p * s.dilation[0] * w.line + v * s.dilation[1]) * s.channels + first;
  if (w.narrow) {
    const bool full = rows == kNarrowVectors * kLanes<T>;
    narrow_weights_of<T>(cols, full)(x, step, y, s.filters, rows, segments, end);
    return;
  }
  weight_tiles<T>(cols)[rows - 1](x, step * int64_t{sizeof(T)}, y, s.filters, segments, end);
}

template <class T>
void depthwise_block(const Weights<T>& w, const BlockData<T>& b, const Segments& segments, T* dk,
                     bool accumulate) {
  const ConvShape& s = w.g.shape;
  for (int64_t p = 0; p < s.kernel[0]; ++p)
    for (int64_t q = 0; q < s.kernel[1]; ++q) {
      const int64_t shift = (p * s.dilation[0] * w.line + q * s.dilation[1]) * s.channels;
      depthwise_tap(dk + (p * s.kernel[1] + q) * s.filters, b.x + shift, s.stride[1] * s.channels,
                    b.y, s.filters, w.width, segments, accumulate);
    }
}

// Adds a block's column sums of [j0, j1), of dy as it was given: pooled or not.
template <class T>
void add_column_sums(const Weights<T>& w, const BlockData<T>& b, int64_t j0, int64_t j1, T* sums,
                     bool accumulate) {
  const ConvShape& s = w.g.shape;
  int64_t cols = s.out[1], all = s.out[0], h = b.h, rows = b.rows;
  if (w.pooled()) {
    cols /= w.g.pool[1], all /= w.g.pool[0], h /= w.g.pool[0];
    rows = min_of(ceil_div(rows, w.g.pool[0]), all - h);
  }
  const T* y = static_cast<const T*>(w.g.b) + (b.n * all + h) * cols * s.filters;
  const int64_t pixels = b.images > 1 ? b.images * all * cols : rows * cols;
  for (int64_t j = j0; j < j1; j += kLanes<T>) {
    const int64_t n = min_of(j1 - j, kLanes<T>);
    const vec<T> sum = sum_rows(y + j, s.filters, pixels, n);
    store_first(sums + j, accumulate ? load_first(sums + j, n) + sum : sum, n);
  }
}

// Blocks [b0, b1) and tiles [t0, t1), into dk and the column sums of the panels that begin there.
template <class T>
void run_blocks(const Weights<T>& w, int64_t b0, int64_t b1, int64_t t0, int64_t t1, T* dk, T* sums,
                T* space) {
  auto* list = reinterpret_cast<Stretch*>(reinterpret_cast<char*>(space) +
                                          line_up((w.x_space + w.y_space) * int64_t{sizeof(T)}));
  const int64_t of_panel = w.runs * w.run_tiles;
  for (int64_t block = b0; block < b1; ++block) {
    const BlockData<T> data = block_data(w, block, space);
    const Segments segments = block_segments(w, data, list);
    if (w.depthwise) {
      depthwise_block(w, data, segments, dk, block > b0);
      if (sums) add_column_sums(w, data, 0, w.g.shape.filters, sums, block > b0);
      continue;
    }
    for (int64_t t = t0; t < t1; ++t) {
      weight_block_tile(w, data, segments, t, dk, block > b0);
      if (!sums || t % of_panel != 0) continue;
      const int64_t panel = t / of_panel, group = panel / w.panels;
      const int64_t j = group * w.width + panel % w.panels * kTileCols<T>;
      add_column_sums(w, data, j, min_of(j + kTileCols<T>, (group + 1) * w.width), sums,
                      block > b0);
    }
  }
}

template <class T>
T* task_space_of(const Weights<T>& w, int64_t task) {
  return reinterpret_cast<T*>(reinterpret_cast<char*>(w.spaces) + task * w.task_space);
}

template <class T>
void run_tiles(void* arg, int64_t task) {
  const Weights<T>& w = *static_cast<const Weights<T>*>(arg);
  run_blocks(w, 0, w.blocks, w.tiles * task / w.tasks, w.tiles * (task + 1) / w.tasks,
             static_cast<T*>(w.g.out), static_cast<T*>(w.g.colsum), task_space_of(w, task));
}

template <class T>
void run_weight_chunks(void* arg, int64_t task) {
  const Weights<T>& w = *static_cast<const Weights<T>*>(arg);
  for (int64_t q = w.chunks * task / w.tasks; q < w.chunks * (task + 1) / w.tasks; ++q) {
    T* dk = w.slots + q * w.slot;
    run_blocks(w, w.blocks * q / w.chunks, w.blocks * (q + 1) / w.chunks, 0, w.tiles, dk,
               w.g.colsum ? dk + w.slot - w.g.shape.filters : nullptr, task_space_of(w, task));
  }
}

// out = the sum over chunks of n elements from `first` of each slot.
template <class T>
void add_slots(const Weights<T>& w, T* out, int64_t first, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes<T>) {
    const int64_t count = min_of(n - i, kLanes<T>);
    vec<T> sum = load_first(w.slots + first + i, count);
    for (int64_t q = 1; q < w.chunks; ++q)
      sum = sum + load_first(w.slots + q * w.slot + first + i, count);
    store_first(out + i, sum, count);
  }
}

template <class T>
void no_pixels(const Weights<T>& w) {
  const auto elements = static_cast<size_t>(w.taps() * w.depth * w.g.shape.filters);
  __builtin_memset(w.g.out, 0, elements * sizeof(T));
  if (w.g.colsum)
    __builtin_memset(w.g.colsum, 0, static_cast<size_t>(w.g.shape.filters) * sizeof(T));
}

template <class T>
void list_offsets(const Weights<T>& w) {
  const ConvShape& s = w.g.shape;
  for (int64_t i = 0; i < w.taps() * w.depth; ++i) {
    const int64_t tap = i / w.depth, p = tap / s.kernel[1], q = tap % s.kernel[1];
    w.offsets[i] = (p * s.dilation[0] * w.line + q * s.dilation[1]) * s.channels + i % w.depth;
  }
}

template <class T>
void conv_kernel_grad(const void* args, const Context* ctx) {
  Weights<T> w(*static_cast<const ConvArgs*>(args));
  if (w.blocks == 0) return no_pixels(w);
  char* space = static_cast<char*>(ctx->workspace);
  w.offsets = reinterpret_cast<int64_t*>(space);
  space += w.offset_bytes();
  w.slots = reinterpret_cast<T*>(space);
  w.spaces = reinterpret_cast<T*>(space + line_up(w.chunks * w.slot * int64_t{sizeof(T)}));
  if (w.scattered && !w.depthwise) list_offsets(w);
  const ConvShape& s = w.g.shape;
  const double work = static_cast<double>(s.batch * s.out[0] * s.out[1]) *
                      static_cast<double>(w.taps() * w.depth) * static_cast<double>(s.filters);
  const int64_t threads = work > kThreadWork ? ctx->threads : 1;
  w.tasks = min_of(threads, w.chunks > 1 ? w.chunks : w.tiles);
  void (*body)(void*, int64_t) = w.chunks > 1 ? run_weight_chunks<T> : run_tiles<T>;
  if (w.tasks > 1)
    ctx->parallel_for(ctx->pool, w.tasks, body, &w);
  else
    body(&w, 0);
  if (w.chunks == 1) return;
  add_slots(w, static_cast<T*>(w.g.out), 0, w.slot - s.filters);
  if (w.g.colsum) add_slots(w, static_cast<T*>(w.g.colsum), w.slot - s.filters, s.filters);
}

template <class T>
size_t weights_workspace(const void* args, int32_t threads) {
  const Weights<T> w(*static_cast<const ConvArgs*>(args));
  return static_cast<size_t>(w.offset_bytes() + line_up(w.chunks * w.slot * int64_t{sizeof(T)}) +
                             threads * w.task_space);
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
