// Convolution and its gradient to the input, which is one too: of dy with the kernel turned round.
//
// The kernel is packed once in panels of columns. A task has some images, or some rows of one; it
// takes them in blocks that fit the second-level cache, and in a block panel by panel, so that a
// panel stays near the core. A block falls into rectangles whose elements have the same taps.
#pragma once
#include "kernels/cpu/conv_pack.h"
#include "kernels/cpu/pool_rows.h"

namespace fastnn::kernels::FASTNN_ISA {
namespace {

// What the elements of two runs sum over: neighbours in a row of what is read are one stretch.
template <class T>
Segments segments_of(const Conv<T>& c, const Run& h, const Run& w, Stretch* list) {
  const int64_t parts = c.joined ? (w.taps.count > 0) : w.taps.count;
  int64_t count = 0;
  for (int64_t p = 0; p < h.taps.count; ++p)
    for (int64_t q = 0; q < parts; ++q) {
      const int64_t row = p * c.h.read_step * c.w.read_size();
      const int64_t tap =
          (h.taps.first + p * c.h.tap_step) * c.g.shape.kernel[1] + w.taps.first + q * c.w.tap_step;
      list[count++] = {(row + q * c.w.read_step) * c.read_px, tap * c.depth,
                       c.joined ? w.taps.count * c.depth : c.depth};
    }
  return {list, count};
}

// Where the results of a block go: c and aux are those of its first image and row.
template <class T>
struct Target {
  T* c;
  const T* aux;
  int64_t c_image, aux_image;  // elements from image to image
  int64_t n0, n1, h0, h1;
};

struct Way {
  int64_t count, read, out, aux;  // elements, and their distances
};

// The axis (images, rows, columns) along which tiles cover the rectangle best goes last.
inline void order_ways(Way (&ways)[3]) {
  int best = 2;
  int64_t fewest = 0;
  const int64_t all = ways[0].count * ways[1].count * ways[2].count;
  for (int i = 2; i >= 0; --i) {
    const int64_t tiles = all / ways[i].count * ceil_div(ways[i].count, kTileRows);
    if (i < 2 && tiles >= fewest) continue;
    fewest = tiles;
    best = i;
  }
  const Way last = ways[best];
  ways[best] = ways[2];
  ways[2] = last;
}

// Calls body(a, end, count, distance of neighbours in a) for each line of a rectangle: from column
// `first` of the result on, and element `depth` of the pixels that are read.
template <class T, class Body>
void each_line(const Conv<T>& c, const Target<T>& t, const Run& h, const Run& w, int64_t first,
               int64_t depth, int64_t tail, Body body) {
  const int64_t line = c.w.read_size() * c.read_px, out_line = c.w.size() * c.px;
  Way ways[3] = {{t.n1 - t.n0, c.h.read_size() * line, t.c_image, t.aux_image},
                 {h.count, h.read_step * line, h.step * out_line, h.step * out_line},
                 {w.count, w.read_step * c.read_px, w.step * c.px, w.step * c.px}};
  order_ways(ways);
  const T* read = static_cast<const T*>(c.g.a) + t.n0 * c.h.read_size() * line +
                  h.taps.read * line + w.taps.read * c.read_px + depth;
  const int64_t corner = (h.position - t.h0) * out_line + w.position * c.px + first;
  TileEnd<T> end;
  end.ldc = ways[2].out;
  end.ldaux = ways[2].aux;
  end.tail = tail;
  end.bias = c.g.bias ? static_cast<const T*>(c.g.bias) + first : nullptr;
  end.accumulate = false;
  end.epilogue = c.g.epilogue;
  for (int64_t x = 0; x < ways[0].count; ++x)
    for (int64_t y = 0; y < ways[1].count; ++y) {
      end.c = t.c + corner + x * ways[0].out + y * ways[1].out;
      end.aux = t.aux ? t.aux + corner + x * ways[0].aux + y * ways[1].aux : nullptr;
      body(read + x * ways[0].read + y * ways[1].read, end, ways[2].count, ways[2].read);
    }
}

template <class T>
void run_rectangle(const Conv<T>& c, const Target<T>& t, const Run& h, const Run& w, int64_t panel,
                   Stretch* list) {
  const int64_t group = panel / c.panels, j = panel % c.panels * kTileCols<T>;
  const int64_t cols = min_of(c.cols - j, kTileCols<T>);
  const Segments segments = segments_of(c, h, w, list);
  const T* b = c.packed + panel * c.panel_elements;
  if (c.narrow)
    return each_line(c, t, h, w, group * c.cols, group * c.depth, cols,
                     [&](const T* a, const TileEnd<T>& end, int64_t count, int64_t step) {
                       narrow_line(a, step, count, b, c.taps * c.depth, segments, cols, end);
                     });
  const ConvTile<T>* tiles = conv_tiles<T>(cols);
  each_line(c, t, h, w, group * c.cols + j, group * c.depth, tail_of<T>(cols),
            [&](const T* a, TileEnd<T> end, int64_t count, int64_t step) {
              const Heights heights = heights_of(count);
              int64_t rows;
              for (int64_t i = 0, q = 0; i < count; i += rows, ++q) {
                rows = heights.height + (q < heights.extra);
                tiles[rows - 1](a, step * int64_t{sizeof(T)}, b, segments, end);
                a += rows * step;
                end.c += rows * end.ldc;
                if (end.aux) end.aux += rows * end.ldaux;
              }
            });
}

template <class T>
void run_depthwise(const Conv<T>& c, const Target<T>& t, const Run& h, const Run& w,
                   Stretch* list) {
  const Segments segments = segments_of(c, h, w, list);
  const bool back = c.h.back;
  const int64_t share = back ? c.depth : c.cols;  // filters of a channel
  const T* k = back ? c.packed : static_cast<const T*>(c.g.b);
  for (int64_t j = 0; j < c.px; j += kLanes<T>) {
    const int64_t n = min_of(c.px - j, kLanes<T>);
    const auto index = back ? lane_index<T>(0, share, 1, n) : lane_index<T>(j % share, 1, share, n);
    each_line(c, t, h, w, j, back ? j * share : j / share, n,
              [&](const T* a, const TileEnd<T>& end, int64_t count, int64_t step) {
                depthwise_line(a, step, count, k + j, c.px, segments, share == 1, index, end);
              });
  }
}

template <class T>
void run_target(const Conv<T>& c, const Target<T>& t, Stretch* list) {
  const int64_t panels = c.depthwise ? 1 : c.g.shape.groups * c.panels;
  for (int64_t panel = 0; panel < panels; ++panel)
    each_run(c.h, t.h0, t.h1, [&](const Run& h) {
      each_run(c.w, 0, c.w.size(), [&](const Run& w) {
        if (c.depthwise)
          run_depthwise(c, t, h, w, list);
        else
          run_rectangle(c, t, h, w, panel, list);
      });
    });
  if (c.g.epilogue != Epilogue::tile) return;
  const void* in[2] = {t.c, t.aux};
  c.g.epilogue_tile(t.c, in, (t.n1 - t.n0) * (t.h1 - t.h0) * c.w.size() * c.px,
                    c.g.epilogue_params);
}

// Images [n0, n1) and rows [h0, h1) of the result; several images only with all rows.
template <class T>
void run_plain(const Conv<T>& c, int64_t n0, int64_t n1, int64_t h0, int64_t h1, Stretch* list) {
  const int64_t line = c.w.size() * c.px, image = c.h.size() * line;
  const int64_t read = c.h.read_size() * c.w.read_size() * c.read_px;
  const int64_t bytes = (image + read) * int64_t{sizeof(T)};
  const int64_t images = bytes < kBlockBytes ? kBlockBytes / bytes : 1;
  const int64_t rows = bytes <= kBlockBytes ? h1 - h0 : ceil_div(c.h.size() * kBlockBytes, bytes);
  const T* aux = static_cast<const T*>(c.g.aux);
  for (int64_t n = n0; n < n1; n += images)
    for (int64_t i = h0; i < h1; i += rows) {
      const int64_t at = n * image + i * line;
      run_target(c,
                 Target<T>{static_cast<T*>(c.g.out) + at, aux ? aux + at : nullptr, image, image, n,
                           min_of(n + images, n1), i, min_of(i + rows, h1)},
                 list);
    }
}

// Rows [p0, p1) of the windows of images [n0, n1).
template <class T>
void run_pooled(const Conv<T>& c, int64_t n0, int64_t n1, int64_t p0, int64_t p1, T* scratch,
                Stretch* list) {
  const int64_t line = c.w.size() * c.px, image = c.h.size() * line, most = c.pool_rows();
  const T* aux = static_cast<const T*>(c.g.aux);
  PoolGrid grid = {{c.g.pool[0], c.g.pool[1]}, 0, c.w.size() / c.g.pool[1], c.px, line};
  for (int64_t n = n0; n < n1; ++n)
    for (int64_t p = p0; p < p1; p += grid.rows) {
      grid.rows = min_of(most, p1 - p);
      const int64_t h = p * c.g.pool[0], at = n * image + h * line;
      run_target(c,
                 Target<T>{scratch, aux ? aux + at : nullptr, 0, image, n, n + 1, h,
                           h + grid.rows * c.g.pool[0]},
                 list);
      grid.first = (n * c.units() + p) * grid.cols * c.px;
      pool_grid(TakeLargest<T>{c.g.index}, static_cast<T*>(c.g.out), scratch, grid);
    }
}

template <class T>
void run_task(void* arg, int64_t task) {
  const Conv<T>& c = *static_cast<const Conv<T>*>(arg);
  char* space = c.task_space + task * c.task_bytes;
  auto* list = reinterpret_cast<Stretch*>(space + c.scratch_bytes);
  const int64_t batch = c.g.shape.batch, images = c.parts > 1 ? batch : c.tasks;
  const int64_t image = task / c.parts, part = task % c.parts;
  const int64_t n0 = batch * image / images, n1 = batch * (image + 1) / images;
  const int64_t h0 = c.units() * part / c.parts, h1 = c.units() * (part + 1) / c.parts;
  if (c.g.pool[0] > 0)
    run_pooled(c, n0, n1, h0, h1, reinterpret_cast<T*>(space), list);
  else
    run_plain(c, n0, n1, h0, h1, list);
}

// Images are dealt out, and rows of them where there are fewer images than threads.
template <class T>
void run_conv(const ConvArgs& g, bool back, const Context* ctx) {
  Conv<T> c(g, back);
  if (g.shape.batch == 0) return;
  c.packed = static_cast<T*>(ctx->workspace);
  c.task_space = static_cast<char*>(ctx->workspace) + c.packed_bytes();
  const int64_t panels = g.shape.groups * c.panels;
  if (c.depthwise) {
    if (back) pack_depthwise(c);
  } else if (ctx->threads > 1 && panels > 1 && panels * c.panel_elements > kPackWork) {
    ctx->parallel_for(ctx->pool, panels, pack_panel<T>, &c);
  } else {
    for (int64_t p = 0; p < panels; ++p) pack_panel<T>(&c, p);
  }
  if (ctx->threads == 1 || c.work() <= kThreadWork) return run_task<T>(&c, 0);
  if (g.shape.batch >= ctx->threads) {
    c.tasks = ctx->threads;
  } else {
    c.parts = min_of(ceil_div(ctx->threads, g.shape.batch), c.units());
    c.tasks = g.shape.batch * c.parts;
  }
  ctx->parallel_for(ctx->pool, c.tasks, run_task<T>, &c);
}

template <class T, bool Back>
void conv(const void* args, const Context* ctx) {
  run_conv<T>(*static_cast<const ConvArgs*>(args), Back, ctx);
}

// Grows with the batch through the number of tasks alone, which is at most twice the threads'.
template <class T, bool Back>
size_t conv_workspace(const void* args, int32_t threads) {
  const Conv<T> c(*static_cast<const ConvArgs*>(args), Back);
  const int64_t tasks = threads > 1 ? 2 * threads : 1;
  return static_cast<size_t>(c.packed_bytes() + tasks * c.task_bytes);
}

}  // namespace
}  // namespace fastnn::kernels::FASTNN_ISA
