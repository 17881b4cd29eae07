// Shorthands of the ops that hold a body: a sub-graph that they run many times.
#pragma once
#include "graph/build.h"

namespace fastnn::graph {

inline Value parameter_like(const Value& v) {
  return make("parameter", {}, {{"dtype", v.dtype()}, {"shape", v.shape()}});
}

// A gradient, or the zeros of one that nothing depends on.
inline Value or_zeros(const Value& g, const Type& like) {
  return g ? g : full(like.shape, 0.0, like.dtype);
}

inline Value output(const NodePtr& n, size_t i) { return {n, static_cast<int32_t>(i)}; }

}  // namespace fastnn::graph
