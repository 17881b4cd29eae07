// Windows that slide over one or two spatial axes: what convolution and pooling share. Tensors are
// (batch, spatial..., channels).
#pragma once
#include "graph/build.h"

namespace fastnn::graph {

struct Windows {
  std::vector<int64_t> size, strides, dilation, before, after;  // of each spatial axis
};

// From attributes "strides", "padding" (in front and behind, axis by axis) and, where the op has
// it, "dilation". Throws std::invalid_argument unless they fit `size`.
Windows windows_of(const Attrs& attrs, const std::vector<int64_t>& size);

// Axes between the first and the last. Throws unless there are one or two.
size_t spatial_rank(const Shape& shape);

// How many windows lie along each spatial axis of x. Throws where that is known to be none.
Shape window_counts(const Windows& w, const Shape& x);

}  // namespace fastnn::graph
