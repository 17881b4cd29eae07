// Nodes on images.
#include "kernels/image.h"

#include "core/error.h"
#include "runtime/lower/lowering.h"

namespace fastnn::runtime {
namespace {

kernels::Surround surround_of(const std::string& fill_mode) {
  if (fill_mode == "nearest") return kernels::Surround::nearest;
  if (fill_mode == "reflect") return kernels::Surround::reflect;
  if (fill_mode == "wrap") return kernels::Surround::wrap;
  return kernels::Surround::constant;
}

void check_sizes(const std::string& name, const kernels::AffineArgs& a) {
  const auto size = [](int64_t h, int64_t w) {
    return std::to_string(h) + " x " + std::to_string(w);
  };
  const int64_t pixels = a.n * a.out_height * a.out_width * a.channels;
  if (pixels > 0 && a.height * a.width == 0)
    throw ValueError("[" + name + "] expected images of at least one pixel, got " +
                     size(a.height, a.width));
  for (const auto& [h, w] : {std::pair{a.height, a.width}, {a.out_height, a.out_width}})
    if (h >= kernels::kMaxImageSide || w >= kernels::kMaxImageSide)
      throw ValueError("[" + name + "] expected sides below " +
                       std::to_string(kernels::kMaxImageSide) + ", got " + size(h, w));
  if (a.height * a.width > INT32_MAX / std::max<int64_t>(a.channels, 1))
    throw ValueError("[" + name + "] expected images of below 2^31 numbers, got " +
                     size(a.height, a.width) + " x " + std::to_string(a.channels));
}

}  // namespace

void Lowering::lower_image(const NodePtr& n) {
  const std::string& name = n->op->name;
  const bool gradient = n->attrs.has("image_size");
  View in = contiguous(view_of(n->inputs[0])), matrices = contiguous(view_of(n->inputs[1]));
  View out = new_result({n, 0});
  const Shape image = gradient ? out.shape : in.shape, read = gradient ? in.shape : out.shape;
  const kernels::Surround surround = surround_of(n->attrs.get<std::string>("fill_mode"));
  const bool bilinear = n->attrs.get<std::string>("interpolation") == "bilinear";
  const double fill = n->attrs.get<double>("fill_value");
  Call* call = simple<kernels::AffineArgs>(
      name, in.dtype, name, {in, matrices}, {out}, [=](const Binder& b, kernels::AffineArgs* a) {
        b.pointer(&a->out, out);
        b.pointer(&a->in, in);
        b.pointer(&a->matrices, matrices);
        a->n = b.eval(image[0]);
        a->height = b.eval(image[1]);
        a->width = b.eval(image[2]);
        a->channels = b.eval(image[3]);
        a->out_height = b.eval(read[1]);
        a->out_width = b.eval(read[2]);
        a->matrix_stride = b.eval(matrices.shape[0]) == 1 ? 0 : 6;
        a->surround = surround;
        a->bilinear = bilinear;
        a->fill = fill;
        check_sizes(name, *a);
      });
  call->flops = element_count(read) * Dim(30);
}

}  // namespace fastnn::runtime
