// What the gradient of a convolution to its kernel is cut into, and the blocks that it reads.
#pragma once
#include "kernels/cpu/conv_run.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// Bytes of a block: it is read once for each tile of dk. A few tiles leave it in the first-level
// cache, more need it in the second.
constexpr int64_t kNearBlock = 24 << 10;
constexpr int64_t kFarBlock = 256 << 10;
constexpr int64_t kNearTiles = 4;
constexpr int64_t kWeightTiles = 16;   // from which on threads share the tiles, not the pixels
constexpr int64_t kWeightChunks = 16;  // at most
constexpr int64_t kFewRows = 5;        // of x that lie together: below, rows are scattered

template <class T>
struct Weights {
  const ConvArgs& g;
  int64_t depth, width;  // channels and filters of a group
  bool depthwise;
  bool joined;              // a kernel row's taps read neighbouring elements
  int64_t run;              // rows of dk whose elements of x lie together
  int64_t runs, run_tiles;  // runs of a group, and tiles of one run or of scattered rows
  bool scattered, narrow;
  int64_t panels, tiles;       // of a group; of all
  bool padded;                 // x is copied
  int64_t images, rows;        // of a block: several images only with all rows
  int64_t row_blocks, blocks;  // of an image; of all
  int64_t chunks;
  int64_t line;  // pixels from row to row of x as it is read
  // workspace, in elements: dk and column sums of a chunk; copies of x and dy of a task
  int64_t slot, x_space, y_space, task_space;
  T* slots;
  T* spaces;
  int64_t* offsets;  // of scattered rows of a group
  int64_t tasks;

  explicit Weights(const ConvArgs& args);
  int64_t x_rows(int64_t count) const {
    return (count - 1) * g.shape.stride[0] + (g.shape.kernel[0] - 1) * g.shape.dilation[0] + 1;
  }
  int64_t x_cols() const {
    const ConvShape& s = g.shape;
    return (s.out[1] - 1) * s.stride[1] + (s.kernel[1] - 1) * s.dilation[1] + 1;
  }
  int64_t taps() const { return g.shape.kernel[0] * g.shape.kernel[1]; }
  bool pooled() const { return g.pool[0] > 0; }
  int64_t segments() const { return images * rows; }
  int64_t offset_bytes() const { return line_up(taps() * depth * int64_t{sizeof(int64_t)}); }
};

template <class T>
Weights<T>::Weights(const ConvArgs& args) : g(args) {
  const ConvShape& s = g.shape;
  constexpr int64_t size = sizeof(T);
  depth = s.channels / s.groups;
  width = s.filters / s.groups;
  depthwise = depth == 1 && s.groups > 1;
  joined = s.groups == 1 && s.dilation[1] == 1;
  run = joined ? s.kernel[1] * depth : depth;
  scattered = run < kFewRows;
  runs = scattered ? 1 : taps() * depth / run;
  narrow = width <= kNarrowColumns && run >= kLanes<T>;
  run_tiles = scattered ? ceil_div(taps() * depth, kScatteredRows)
              : narrow  ? ceil_div(run, kNarrowVectors * kLanes<T>)
                        : ceil_div(run, kTileRows);
  panels = ceil_div(width, kTileCols<T>);
  tiles = depthwise ? 1 : s.groups * panels * runs * run_tiles;
  padded = s.before[0] > 0 || s.before[1] > 0 || x_rows(s.out[0]) > s.in[0] || x_cols() > s.in[1];
  line = padded ? x_cols() : s.in[1];
  const int64_t bytes =
      (s.out[0] * s.out[1] * s.filters + x_rows(s.out[0]) * line * s.channels) * size;
  const int64_t target = tiles <= kNearTiles ? kNearBlock : kFarBlock;
  images = bytes < target ? target / bytes : 1;
  images = min_of(images, s.batch > 0 ? s.batch : 1);
  rows = bytes <= target ? s.out[0] : ceil_div(s.out[0] * target, bytes);
  if (pooled()) rows = min_of(ceil_div(rows, g.pool[0]) * g.pool[0], s.out[0]);
  row_blocks = ceil_div(s.out[0], rows);
  blocks = ceil_div(s.batch, images) * row_blocks;
  chunks = tiles >= kWeightTiles ? 1 : min_of(blocks, kWeightChunks);
  slot = chunks > 1 ? taps() * depth * s.filters + s.filters : 0;
  x_space = padded ? images * x_rows(rows) * line * s.channels : 0;
  y_space = pooled() ? images * rows * s.out[1] * s.filters : 0;
  const int64_t list = segments() * int64_t{sizeof(Stretch)};
  task_space = line_up((x_space + y_space) * size) + line_up(list);
  slots = spaces = nullptr;
  offsets = nullptr;
  tasks = 1;
}

// What a block reads: as it lies in memory, or its copies.
template <class T>
struct BlockData {
  const T* x;
  const T* y;
  int64_t n, h, images, rows;  // first image and row, and how many
  int64_t x_image, y_image;    // elements from image to image
};

template <class T>
void copy_padded(const Weights<T>& w, const BlockData<T>& b, T* out) {
  const ConvShape& s = w.g.shape;
  const T* x = static_cast<const T*>(w.g.a);
  const int64_t cols = w.line, left = min_of(s.before[1], cols);
  const int64_t inside = min_of(s.in[1], cols - left);
  const int64_t size = s.channels * int64_t{sizeof(T)};
  for (int64_t n = 0; n < b.images; ++n)
    for (int64_t r = 0; r < w.x_rows(b.rows); ++r, out += cols * s.channels) {
      const int64_t h = b.h * s.stride[0] - s.before[0] + r;
      if (h < 0 || h >= s.in[0]) {
        __builtin_memset(out, 0, static_cast<size_t>(cols * size));
        continue;
      }
      const T* from = x + ((b.n + n) * s.in[0] + h) * s.in[1] * s.channels;
      __builtin_memset(out, 0, static_cast<size_t>(left * size));
      __builtin_memcpy(out + left * s.channels, from, static_cast<size_t>(inside * size));
      __builtin_memset(out + (left + inside) * s.channels, 0,
                       static_cast<size_t>((cols - left - inside) * size));
    }
}

// The gradient before pooling of a block's rows.
template <class T>
void unpool_block(const Weights<T>& w, const BlockData<T>& b, T* out) {
  const ConvShape& s = w.g.shape;
  const int64_t row = s.out[1] * s.filters, cols = s.out[1] / w.g.pool[1];
  const int64_t all = s.out[0] / w.g.pool[0], first = b.h / w.g.pool[0];
  PoolGrid grid = {{w.g.pool[0], w.g.pool[1]}, 0, cols, s.filters, row};
  grid.rows = min_of(ceil_div(b.rows, w.g.pool[0]), all - first);
  const int64_t covered = grid.rows * w.g.pool[0];
  const int64_t used = cols * w.g.pool[1] * s.filters;
  for (int64_t n = 0; n < b.images; ++n, out += b.y_image) {
    grid.first = (((b.n + n) * all + first) * cols) * s.filters;
    unpool_grid(GiveLargest<T>{w.g.places}, out, static_cast<const T*>(w.g.b), grid);
    for (int64_t r = 0; r < b.rows; ++r) {
      const int64_t empty = r < covered ? used : 0;
      __builtin_memset(out + r * row + empty, 0, static_cast<size_t>(row - empty) * sizeof(T));
    }
  }
}

template <class T>
BlockData<T> block_data(const Weights<T>& w, int64_t block, T* space) {
  const ConvShape& s = w.g.shape;
  BlockData<T> b;
  b.n = block / w.row_blocks * w.images;
  b.h = block % w.row_blocks * w.rows;
  b.images = min_of(w.images, s.batch - b.n);
  b.rows = min_of(w.rows, s.out[0] - b.h);
  b.x_image = s.in[0] * s.in[1] * s.channels;
  b.y_image = s.out[0] * s.out[1] * s.filters;
  b.x = static_cast<const T*>(w.g.a) + b.n * b.x_image + b.h * s.stride[0] * s.in[1] * s.channels;
  b.y = static_cast<const T*>(w.g.b) + b.n * b.y_image + b.h * s.out[1] * s.filters;
  if (w.padded) {
    b.x = space;
    b.x_image = w.x_rows(b.rows) * w.line * s.channels;
    copy_padded(w, b, space);
  }
  if (w.pooled()) {
    b.y = space + w.x_space;
    b.y_image = b.rows * s.out[1] * s.filters;
    unpool_block(w, b, space + w.x_space);
  }
  return b;
}

template <class T>
Segments block_segments(const Weights<T>& w, const BlockData<T>& b, Stretch* list) {
  const ConvShape& s = w.g.shape;
  int64_t count = 0;
  for (int64_t n = 0; n < b.images; ++n)
    for (int64_t i = 0; i < b.rows; ++i)
      list[count++] = {n * b.x_image + i * s.stride[0] * w.line * s.channels,
                       n * (b.y_image / s.filters) + i * s.out[1], s.out[1]};
  return {list, count};
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
