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
    const int64_t from = (((b.n + n) * all + first) * cols) * s.filters;
    unpool_grid(out, static_cast<const T*>(w.g.b) + from, w.g.places + from, grid);
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
