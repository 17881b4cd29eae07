// Products of pairs of a row's elements.
#include "kernels/pairs.h"

#include "runtime/lower/lowering.h"

namespace fastnn::runtime {

void Lowering::lower_pairs(const NodePtr& n) {
  const Value v{n, 0};
  const bool gradient = n->inputs.size() == 2;
  const View x = contiguous(view_of(n->inputs.back()));
  const View g = gradient ? contiguous(view_of(n->inputs[0])) : View{};
  std::vector<View> read = {x};
  if (gradient) read.push_back(g);
  const View out = new_result(v);
  Dim rows(1);
  for (size_t d = 0; d + 1 < x.shape.size(); ++d) rows = rows * x.shape[d];
  const int64_t length = x.shape.back().number();
  Call* call = simple<kernels::PairsArgs>(n->op->name, x.dtype, n->op->name, read, {out},
                                          [=](const Binder& b, kernels::PairsArgs* a) {
                                            b.pointer(&a->out, out);
                                            b.pointer(&a->x, x);
                                            if (gradient) b.pointer(&a->g, g);
                                            a->rows = b.eval(rows);
                                            a->n = length;
                                          });
  call->flops = rows * Dim(length * (length + 1) / 2 * (gradient ? 4 : 1));
}

}  // namespace fastnn::runtime
