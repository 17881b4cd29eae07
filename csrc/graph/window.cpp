#include "graph/window.h"

#include <stdexcept>

namespace fastnn::graph {
namespace {

using Ints = std::vector<int64_t>;

constexpr int64_t kLargest = int64_t{1} << 24;  // products of three stay addressable

std::string list_str(const Ints& v) {
  std::string s;
  for (int64_t x : v) s += (s.empty() ? "" : ", ") + std::to_string(x);
  return "(" + s + ")";
}

void check(const char* name, const Ints& values, size_t count, int64_t lowest) {
  bool good = values.size() == count;
  for (int64_t v : values) good = good && v >= lowest && v <= kLargest;
  if (!good)
    throw std::invalid_argument(std::string("expected ") + name + " of " + std::to_string(count) +
                                " numbers from " + std::to_string(lowest) + " to " +
                                std::to_string(kLargest) + ", got " + list_str(values));
}

}  // namespace

Windows windows_of(const Attrs& attrs, const Ints& size) {
  const size_t rank = size.size();
  Windows w;
  w.size = size;
  w.strides = attrs.get<Ints>("strides");
  w.dilation = attrs.has("dilation") ? attrs.get<Ints>("dilation") : Ints(rank, 1);
  check("window sizes", w.size, rank, 1);
  check("strides", w.strides, rank, 1);
  check("dilation", w.dilation, rank, 1);
  const Ints& padding = attrs.get<Ints>("padding");
  check("padding", padding, 2 * rank, -kLargest);
  for (size_t d = 0; d < rank; ++d) {
    w.before.push_back(padding[2 * d]);
    w.after.push_back(padding[2 * d + 1]);
  }
  check("padding in front", w.before, rank, 0);
  return w;
}

size_t spatial_rank(const Shape& shape) {
  if (shape.size() != 3 && shape.size() != 4)
    throw std::invalid_argument(
        "expected shape (batch, steps, channels) or (batch, height, width, channels), got " +
        shape_str(shape));
  return shape.size() - 2;
}

Shape window_counts(const Windows& w, const Shape& x) {
  if (w.size.size() != spatial_rank(x))
    throw std::invalid_argument("expected windows over " + std::to_string(spatial_rank(x)) +
                                " axes for " + shape_str(x) + ", got " + list_str(w.size));
  Shape counts;
  for (size_t d = 0; d < w.size.size(); ++d) {
    const int64_t reach = w.dilation[d] * (w.size[d] - 1) + 1;
    const Dim room = x[d + 1] + Dim(w.before[d] + w.after[d] - reach);
    if (room.is_number() && room.number() < 0)
      throw std::invalid_argument(
          "expected at least " + std::to_string(reach - w.before[d] - w.after[d]) +
          " elements along axis " + std::to_string(d + 1) + " for a window, got " + shape_str(x));
    counts.push_back(floordiv_dim(room, w.strides[d]) + Dim(1));
  }
  return counts;
}

}  // namespace fastnn::graph
