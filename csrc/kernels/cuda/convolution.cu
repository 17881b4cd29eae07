// Convolution and its gradients, as one product of matrices whose left one is gathered on the fly:
//
//               rows              columns             summed over
//   to output   (n, i, j) of y    filters of a group  (p, q, c): taps, channels of the group
//   to input    (n, h, w) of x    channels            (p, q, f): taps, filters of the group
//   to kernel   (p, q, c)         filters             (n, i, j) of y
//
// An element is one chain of fma over the summed numbers in their order; the gradient to a kernel
// is cut into chunks by the shape, whose sums are added in their order.
#include <cmath>

#include "kernels/conv.h"
#include "kernels/cuda/lists.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/windows.h"

namespace fastnn::kernels::cuda {
namespace {

enum class To { output, input, kernel };

// ConvArgs by value, and the product that it is.
struct Conv {
  void* out;  // to kernel in several chunks: [chunks, elements of k]
  const void *a, *b, *bias, *aux;
  Epilogue epilogue;
  int32_t in[2], out_sides[2], kernel[2], stride[2], dilation[2], before[2];
  int32_t depth, width;  // channels and filters of a group
  int64_t channels, filters;
  int64_t rows, summed, chunk;
  int32_t groups, cols;
  Radix row_radix, summed_radix;
};

// Where x has what window (n, i, j) reads at tap (p, q); -1: outside.
__device__ int64_t pixel_read(const Conv& c, Digits window, Digits tap) {
  const int32_t h = window.mid * c.stride[0] - c.before[0] + tap.high * c.dilation[0];
  const int32_t w = window.low * c.stride[1] - c.before[1] + tap.mid * c.dilation[1];
  if (h < 0 || h >= c.in[0] || w < 0 || w >= c.in[1]) return -1;
  return ((static_cast<int64_t>(window.high) * c.in[0] + h) * c.in[1] + w) * c.channels;
}

// The window of an axis that reads pixel i at a tap; -1: none.
__device__ int32_t window_at(const Conv& c, int axis, int32_t i, int32_t tap) {
  const int32_t first = i + c.before[axis] - tap * c.dilation[axis];
  const int32_t window = c.stride[axis] == 1 ? first : first / c.stride[axis];
  const bool is = first >= 0 && window * c.stride[axis] == first && window < c.out_sides[axis];
  return is ? window : -1;
}

// Where y has the window that reads pixel (n, h, w) at tap (p, q); -1: there is none.
__device__ int64_t window_reading(const Conv& c, Digits pixel, Digits tap) {
  const int32_t i = window_at(c, 0, pixel.mid, tap.high), j = window_at(c, 1, pixel.low, tap.mid);
  if (i < 0 || j < 0) return -1;
  return ((static_cast<int64_t>(pixel.high) * c.out_sides[0] + i) * c.out_sides[1] + j) * c.filters;
}

// The element of the left matrix, of a group: its place in a; -1: zero.
template <To kTo>
__device__ int64_t left_at(const Conv& c, Digits row, Digits k, int32_t group) {
  const int64_t at = kTo == To::output  ? pixel_read(c, row, k)
                     : kTo == To::input ? window_reading(c, row, k)
                                        : pixel_read(c, k, row);
  if (at < 0) return -1;
  if (kTo == To::output) return at + static_cast<int64_t>(group) * c.depth + k.low;
  if (kTo == To::input) return at + static_cast<int64_t>(group) * c.width + k.low;
  return at + static_cast<int64_t>(group) * c.depth + row.low;
}

// The element of the right matrix: its place in b. k and its digits are the same number.
template <To kTo>
__device__ int64_t right_at(const Conv& c, int64_t k, Digits digits, int32_t col, int32_t group) {
  const int64_t filter = static_cast<int64_t>(group) * c.width;
  if (kTo != To::input) return k * c.filters + filter + col;
  const int64_t tap = static_cast<int64_t>(digits.high) * c.kernel[1] + digits.mid;
  return (tap * c.depth + col) * c.filters + filter + digits.low;
}

template <To kTo, class T>
__device__ void store(const Conv& c, int64_t row, int32_t col, int32_t group, int64_t chunk,
                      T sum) {
  const int64_t last = static_cast<int64_t>(group) * c.cols + col;
  const int64_t all = static_cast<int64_t>(c.groups) * c.cols;
  const int64_t at = (chunk * c.rows + row) * all + last;
  if (c.bias) sum += static_cast<const T*>(c.bias)[last];
  if (c.epilogue == Epilogue::relu) sum = sum < 0 ? T(0) : sum;
  if (c.epilogue == Epilogue::relu_grad) sum = static_cast<const T*>(c.aux)[at] > 0 ? sum : T(0);
  static_cast<T*>(c.out)[at] = sum;
}

// A thread for each element: where there are few columns, or little to do.
template <class T, To kTo>
__device__ void conv_direct(const Grid& grid, const Conv& c) {
  const T* a = static_cast<const T*>(c.a);
  const T* b = static_cast<const T*>(c.b);
  const int64_t all = static_cast<int64_t>(c.groups) * c.cols, chunk = grid.block.y;
  const int64_t first = chunk * c.chunk;
  const int64_t last = first + c.chunk < c.summed ? first + c.chunk : c.summed;
  for (int64_t e = grid.first_index(); e < c.rows * all; e += grid.all_threads()) {
    const int64_t row = quotient(e, all);
    const auto place = static_cast<int32_t>(e - row * all);
    const int32_t group = place / c.cols, col = place - group * c.cols;
    const Digits row_digits = c.row_radix.digits(row);
    Digits k_digits = c.summed_radix.digits(first);
    // Those that differ in the last digit alone lie side by side, but for the windows of y.
    const int32_t run = kTo == To::kernel ? 1 : c.summed_radix.low;
    const int64_t right_step = kTo == To::input ? 1 : c.filters;
    T sum = 0;
    for (int64_t k = first; k < last; k += run) {
      const int64_t left = left_at<kTo>(c, row_digits, k_digits, group);
      const int64_t right = right_at<kTo>(c, k, k_digits, col, group);
      for (int32_t u = 0; left >= 0 && u < run; ++u)
        sum = std::fma(a[left + u], b[right + u * right_step], sum);
      k_digits =
          c.summed_radix.add(k_digits, kTo == To::kernel ? Digits{0, 0, 1} : Digits{0, 1, 0});
    }
    store<kTo>(c, row, col, group, chunk, sum);
  }
}

constexpr int kDepth = 16;  // of the tiles in shared memory

// A block's tile has kRows x kCols elements, a thread every kDown-th row and kAcross-th column.
template <int kRows, int kCols>
struct Tiling {
  static constexpr int kAcross = 16, kDown = kThreads / kAcross;
  static constexpr int kOwnRows = kRows / kDown, kOwnCols = kCols / kAcross;
};

// The part of a matrix's tile that a thread brings: kCount elements, neighbouring threads those
// that are neighbours in memory: along the summed numbers, or along the kSide rows (or columns).
template <int kSide, bool kAlongSummed>
struct Share {
  static constexpr int kCount = kSide * kDepth / kThreads;

  int t;  // the thread's number

  __device__ int side(int u) const {
    return kAlongSummed ? t / kDepth + u * (kThreads / kDepth) : t % kSide;
  }
  __device__ int depth(int u) const {
    return kAlongSummed ? t % kDepth : t / kSide + u * (kThreads / kSide);
  }
};

template <class T, To kTo, int kRows>
struct LeftShare : Share<kRows, kTo != To::kernel> {
  static constexpr bool kAlongSummed = kTo != To::kernel;
  using S = Share<kRows, kAlongSummed>;
  static constexpr int kSides = kAlongSummed ? S::kCount : 1;
  static constexpr int kDepths = kAlongSummed ? 1 : S::kCount;
  Digits rows[kSides], summed[kDepths];
  T values[S::kCount];

  __device__ void start(const Grid& grid, const Conv& c, int64_t row0, int64_t k0) {
    this->t = static_cast<int>(grid.thread);
    for (int u = 0; u < kSides; ++u) rows[u] = c.row_radix.digits(row0 + this->side(u));
    for (int u = 0; u < kDepths; ++u) summed[u] = c.summed_radix.digits(k0 + this->depth(u));
  }
  // Reads what lies at k0, and goes on to the next kDepth.
  __device__ void read(const Conv& c, int64_t row0, int64_t k0, int64_t last, int32_t group,
                       Digits step) {
    for (int u = 0; u < S::kCount; ++u) {
      const bool is = row0 + this->side(u) < c.rows && k0 + this->depth(u) < last;
      const int64_t at = is ? left_at<kTo>(c, rows[u % kSides], summed[u % kDepths], group) : -1;
      values[u] = at >= 0 ? static_cast<const T*>(c.a)[at] : T(0);
    }
    for (int u = 0; u < kDepths; ++u) summed[u] = c.summed_radix.add(summed[u], step);
  }
  __device__ void write(T (*tile)[kRows + 1]) const {
    for (int u = 0; u < S::kCount; ++u) tile[this->depth(u)][this->side(u)] = values[u];
  }
};

template <class T, To kTo, int kCols>
struct RightShare : Share<kCols, kTo == To::input> {
  using S = Share<kCols, kTo == To::input>;
  Digits summed;  // to input: of the one number that all of the share have
  T values[S::kCount];

  __device__ void start(const Grid& grid, const Conv& c, int64_t k0) {
    this->t = static_cast<int>(grid.thread);
    summed = kTo == To::input ? c.summed_radix.digits(k0 + this->depth(0)) : Digits{};
  }
  __device__ void read(const Conv& c, int64_t col0, int64_t k0, int64_t last, int32_t group,
                       Digits step) {
    for (int u = 0; u < S::kCount; ++u) {
      const int64_t col = col0 + this->side(u), k = k0 + this->depth(u);
      const bool is = col < c.cols && k < last;
      const auto at = is ? right_at<kTo>(c, k, summed, static_cast<int32_t>(col), group) : 0;
      values[u] = is ? static_cast<const T*>(c.b)[at] : T(0);
    }
    if (kTo == To::input) summed = c.summed_radix.add(summed, step);
  }
  __device__ void write(T (*tile)[kCols + 1]) const {
    for (int u = 0; u < S::kCount; ++u) tile[this->depth(u)][this->side(u)] = values[u];
  }
};

// The next tiles are read into registers while these are multiplied.
template <class T, To kTo, int kRows, int kCols>
__device__ void conv_tiled(const Grid& grid, const Conv& c) {
  using G = Tiling<kRows, kCols>;
  FASTNN_SHARED(a, T[kDepth][kRows + 1]);
  FASTNN_SHARED(b, T[kDepth][kCols + 1]);
  const auto group = static_cast<int32_t>(grid.block.z % c.groups);
  const int64_t chunk = grid.block.z / c.groups, first = chunk * c.chunk;
  const int64_t last = first + c.chunk < c.summed ? first + c.chunk : c.summed;
  const int64_t row0 = static_cast<int64_t>(grid.block.x) * kRows;
  const int64_t col0 = static_cast<int64_t>(grid.block.y) * kCols;
  const Digits step = c.summed_radix.digits(kDepth);
  LeftShare<T, kTo, kRows> left;
  RightShare<T, kTo, kCols> right;
  left.start(grid, c, row0, first);
  right.start(grid, c, first);
  left.read(c, row0, first, last, group, step);
  right.read(c, col0, first, last, group, step);
  const int x = grid.thread % G::kAcross, y = grid.thread / G::kAcross;
  T sums[G::kOwnRows][G::kOwnCols] = {};
  for (int64_t k0 = first; k0 < last; k0 += kDepth) {
    left.write(a);
    right.write(b);
    grid.sync();
    if (k0 + kDepth < last) {
      left.read(c, row0, k0 + kDepth, last, group, step);
      right.read(c, col0, k0 + kDepth, last, group, step);
    }
    for (int k = 0; k < kDepth; ++k) {
      T l[G::kOwnRows], r[G::kOwnCols];
      for (int u = 0; u < G::kOwnRows; ++u) l[u] = a[k][y + u * G::kDown];
      for (int v = 0; v < G::kOwnCols; ++v) r[v] = b[k][x + v * G::kAcross];
      for (int u = 0; u < G::kOwnRows; ++u)
        for (int v = 0; v < G::kOwnCols; ++v) sums[u][v] = std::fma(l[u], r[v], sums[u][v]);
    }
    grid.sync();
  }
  for (int u = 0; u < G::kOwnRows; ++u)
    for (int v = 0; v < G::kOwnCols; ++v) {
      const int64_t row = row0 + y + u * G::kDown, col = col0 + x + v * G::kAcross;
      if (row < c.rows && col < c.cols)
        store<kTo>(c, row, static_cast<int32_t>(col), group, chunk, sums[u][v]);
    }
}

template <class T>
__device__ void add_chunks(const Grid& grid, T* out, const T* chunks, int64_t n, int64_t count) {
  for (int64_t i = grid.first_index(); i < n; i += grid.all_threads()) {
    double sum = chunks[i];
    for (int64_t c = 1; c < count; ++c) sum += chunks[c * n + i];
    out[i] = static_cast<T>(sum);
  }
}

// --- on the host

constexpr int64_t kNarrow = 16;   // columns, or numbers summed, below which tiles are mostly empty
constexpr int64_t kFewTiles = 8;  // below, a thread an element has more threads at work
constexpr int64_t kParts = 512;   // of the gradient to a kernel, about: tiles times chunks
constexpr int64_t kShortChunk = 128;

int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

template <To kTo>
Conv conv_of(const ConvArgs& g) {
  const ConvShape& s = g.shape;
  Conv c{};
  c.out = g.out, c.a = g.a, c.b = g.b, c.bias = g.bias, c.aux = g.aux;
  c.epilogue = g.epilogue;
  for (int d = 0; d < 2; ++d) {
    c.in[d] = static_cast<int32_t>(s.in[d]), c.out_sides[d] = static_cast<int32_t>(s.out[d]);
    c.kernel[d] = static_cast<int32_t>(s.kernel[d]);
    c.stride[d] = static_cast<int32_t>(s.stride[d]);
    c.dilation[d] = static_cast<int32_t>(s.dilation[d]);
    c.before[d] = static_cast<int32_t>(s.before[d]);
  }
  c.depth = static_cast<int32_t>(s.channels / s.groups);
  c.width = static_cast<int32_t>(s.filters / s.groups);
  c.channels = s.channels, c.filters = s.filters;
  c.groups = static_cast<int32_t>(s.groups);
  const int64_t taps = s.kernel[0] * s.kernel[1];
  const Radix of_x{c.in[0], c.in[1]}, of_y{c.out_sides[0], c.out_sides[1]};
  const Radix of_channels{c.kernel[1], c.depth}, of_filters{c.kernel[1], c.width};
  if (kTo == To::output) {
    c.rows = s.batch * s.out[0] * s.out[1], c.row_radix = of_y;
    c.summed = taps * c.depth, c.summed_radix = of_channels;
  } else if (kTo == To::input) {
    c.rows = s.batch * s.in[0] * s.in[1], c.row_radix = of_x;
    c.summed = taps * c.width, c.summed_radix = of_filters;
  } else {
    c.rows = taps * c.depth, c.row_radix = of_channels;
    c.summed = s.batch * s.out[0] * s.out[1], c.summed_radix = of_y;
  }
  c.cols = kTo == To::input ? c.depth : c.width;
  c.chunk = c.summed;
  return c;
}

// How a product is cut. The gradient to a kernel is, by its shape alone; of the others, the choice
// between both kernels can depend on the batch, as they sum alike.
struct Plan {
  bool tiled, wide;  // tiles of 64 x 64, else 128 x 32
  dim3 tiles;        // z: groups
  int64_t chunks;    // at most

  Plan(To to, const Conv& c) : wide(c.cols > 32) {
    const int64_t down = ceiling(c.rows, wide ? 64 : 128), across = ceiling(c.cols, wide ? 64 : 32);
    tiles = dim3(static_cast<unsigned>(down), static_cast<unsigned>(across),
                 static_cast<unsigned>(c.groups));
    const int64_t count = down * across * c.groups;
    const int64_t short_side = to == To::kernel ? c.rows : c.summed;
    const bool enough = to == To::kernel || count >= kFewTiles;
    constexpr int64_t kMost = 65535;  // of a grid's second and third axis
    tiled = c.cols >= kNarrow && short_side >= kNarrow && enough && across <= kMost &&
            c.groups <= kMost;
    const int64_t parts = tiled ? count : ceiling(c.rows * c.groups * c.cols, kThreads);
    const int64_t wanted = parts == 0 || parts > kParts / 2 ? 1 : kParts / parts;
    const int64_t most = ceiling(c.summed, kShortChunk);
    chunks = to != To::kernel || most == 0 ? 1 : wanted < most ? wanted : most;
  }
};

template <class T, To kTo>
void run(Conv c, const Plan& plan, unsigned chunks, const Context* ctx) {
  dim3 grid = plan.tiles;
  grid.z *= chunks;
  if (!plan.tiled) {
    const int64_t elements = c.rows * c.groups * c.cols;
    launch<conv_direct<T, kTo>>(ctx, dim3(blocks_for(elements), chunks), kThreads, c);
  } else if (plan.wide) {
    launch<conv_tiled<T, kTo, 64, 64>>(ctx, grid, kThreads, c);
  } else {
    launch<conv_tiled<T, kTo, 128, 32>>(ctx, grid, kThreads, c);
  }
}

// Numbers of elements and offsets are of 64 bits, places along an axis of 32.
bool too_large(const ConvShape& s) {
  constexpr int64_t kLimit = int64_t{1} << 30;
  bool is = s.batch >= kLimit || s.channels >= kLimit || s.filters >= kLimit;
  for (int d = 0; d < 2; ++d) {
    const int64_t reach = s.kernel[d] * s.dilation[d] + s.stride[d] + s.before[d];
    is = is || s.in[d] + reach >= kLimit || s.out[d] >= kLimit;
  }
  return is;
}

// What the planning of programs leaves to others on a device.
const char* refused(const ConvArgs& g) {
  if (g.epilogue == Epilogue::tile) return "an epilogue is relu or none";
  if (g.pool[0] > 0) return "pooling is a kernel of its own";
  return too_large(g.shape) ? "axes of a convolution are shorter than 2^30" : nullptr;
}

// To output or to input.
template <class T, To kTo>
void conv(const void* args, const Context* ctx) {
  const auto& g = *static_cast<const ConvArgs*>(args);
  if (const char* why = refused(g)) return fail(why);
  const Conv c = conv_of<kTo>(g);
  run<T, kTo>(c, Plan(kTo, c), 1, ctx);
}

// Those of the gradient's columns.
ReduceArgs sums_of(const Conv& c, const ConvArgs& g) {
  return column_sums(g.colsum, g.b, c.summed, c.filters, c.filters, 1);
}

template <class T>
void kernel_grad(const void* args, const Context* ctx) {
  const auto& g = *static_cast<const ConvArgs*>(args);
  if (const char* why = refused(g)) return fail(why);
  Conv c = conv_of<To::kernel>(g);
  const Plan plan(To::kernel, c);
  c.chunk = ceiling(ceiling(c.summed, plan.chunks), kDepth) * kDepth;
  const int64_t chunks = c.summed == 0 ? 1 : ceiling(c.summed, c.chunk);
  const int64_t n = c.rows * c.filters;
  if (chunks > 1) c.out = ctx->workspace;
  run<T, To::kernel>(c, plan, static_cast<unsigned>(chunks), ctx);
  if (chunks > 1)
    launch<add_chunks<T>>(ctx, blocks_for(n), kThreads, static_cast<T*>(g.out),
                          static_cast<const T*>(ctx->workspace), n, chunks);
  if (!g.colsum) return;
  const ReduceArgs sums = sums_of(c, g);
  reduce_sum<T>(&sums, ctx);
}

// One after the other: the chunks' sums, then those of colsum.
template <class T>
size_t workspace(const void* args, int32_t) {
  const auto& g = *static_cast<const ConvArgs*>(args);
  const Conv c = conv_of<To::kernel>(g);
  const Plan plan(To::kernel, c);
  const size_t sums =
      plan.chunks > 1 ? static_cast<size_t>(plan.chunks * c.rows * c.filters) * sizeof(T) : 0;
  const size_t colsum = g.colsum ? reduce_workspace(sums_of(c, g)) : 0;
  return sums > colsum ? sums : colsum;
}

const Entry kEntries[] = {
    {"conv", DType::f32, conv<float, To::output>, nullptr, nullptr},
    {"conv", DType::f64, conv<double, To::output>, nullptr, nullptr},
    {"conv_input_grad", DType::f32, conv<float, To::input>, nullptr, nullptr},
    {"conv_input_grad", DType::f64, conv<double, To::input>, nullptr, nullptr},
    {"conv_kernel_grad", DType::f32, kernel_grad<float>, nullptr, workspace<float>},
    {"conv_kernel_grad", DType::f64, kernel_grad<double>, nullptr, workspace<double>},
};

}  // namespace

const EntryList convolution_list = {kEntries, sizeof(kEntries) / sizeof(kEntries[0])};

}  // namespace fastnn::kernels::cuda
