// The rules that rewrite() applies.
#pragma once
#include "graph/node.h"

namespace fastnn::graph {

// A simpler or stabler value that equals v, or v itself.
Value simplify(const Value& v);
// The same for products of rows that are looked up in a table.
Value simplify_lookup(const Value& v);
// Merges one pair of loops that iterate alike; false when there is none.
bool merge_one_loop(Values* roots);

}  // namespace fastnn::graph
