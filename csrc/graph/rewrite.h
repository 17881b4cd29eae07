// Device-free rewrites: common subexpressions once, identities gone, stable forms of losses.
#pragma once
#include "graph/node.h"

namespace fastnn::graph {

// Equivalent values, computed with fewer and stabler ops. Placeholders, variables and random
// streams keep their identity.
Values rewrite(const Values& roots);

}  // namespace fastnn::graph
