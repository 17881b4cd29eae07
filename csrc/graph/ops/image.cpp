// Images: affine_transform, which rotates, shifts, scales, shears and resizes.
#include <algorithm>
#include <stdexcept>

#include "graph/build.h"

namespace fastnn::graph {
namespace {

const char* const kInterpolations[] = {"nearest", "bilinear"};
const char* const kFillModes[] = {"constant", "nearest", "reflect", "wrap"};

template <size_t N>
void check_choice(const Attrs& a, const std::string& name, const char* const (&choices)[N]) {
  const auto& given = a.get<std::string>(name);
  if (std::find(choices, choices + N, given) != choices + N) return;
  std::string all;
  for (const char* c : choices) all += (all.empty() ? "" : ", ") + std::string(c);
  throw std::invalid_argument("expected " + name + " to be one of " + all + ", got '" + given +
                              "'");
}

// What is read is an image of shape [n, height, width, channels], what comes one of [n, size...,
// channels]; the gradient goes the other way. Returns the shape of in[0] with other sizes.
Type infer(const Values& in, const Attrs& a, const Shape& sizes) {
  check_choice(a, "interpolation", kInterpolations);
  check_choice(a, "fill_mode", kFillModes);
  const Shape &x = in[0].shape(), &m = in[1].shape();
  if (x.size() != 4)
    throw std::invalid_argument("expected images of shape (n, height, width, channels), got " +
                                shape_str(x));
  if (in[1].dtype() != in[0].dtype())
    throw std::invalid_argument("expected matrices of the images' dtype, got " +
                                in[1].type().str());
  if (m.size() != 2 || !may_equal({m[1]}, {Dim(6)}) ||
      !(m[0] == Dim(1) || may_equal({m[0]}, {x[0]})))
    throw std::invalid_argument("expected matrices of shape (n, 6) or (1, 6), n as of images " +
                                shape_str(x) + ", got " + shape_str(m));
  if (sizes.size() != 2)
    throw std::invalid_argument("expected two sizes, height and width, got " + shape_str(sizes));
  return {in[0].dtype(), {x[0], sizes[0], sizes[1], x[3]}};
}

Attrs settings(const Node& n, const std::string& sizes, const Value& like, double fill) {
  const Shape& s = like.shape();
  return {{"interpolation", n.attrs.get<std::string>("interpolation")},
          {"fill_mode", n.attrs.get<std::string>("fill_mode")},
          {"fill_value", fill},
          {sizes, Shape{s[1], s[2]}}};
}

// `sizes` names the attribute with the sizes of what comes out.
Op affine(const std::string& name, const std::string& sizes) {
  Op o{name,
       Kind::image,
       2,
       2,
       {{"interpolation", "str"}, {"fill_mode", "str"}, {"fill_value", "float"}, {sizes, "shape"}}};
  o.infer = [sizes](const Values& in, const Attrs& a) {
    return std::vector<Type>{infer(in, a, a.get<Shape>(sizes))};
  };
  o.dtypes = kFloats;
  o.flops = 30;
  o.constant_inputs = {1};
  return o;
}

}  // namespace

void add_image_ops(OpTable* table) {
  Op transform = affine("affine_transform", "size");
  transform.doc = "images read at (m0 x + m1 y + m2, m3 x + m4 y + m5), a matrix an image";
  transform.grad = [](const Node& n, const Values& g) {
    return Values{make("affine_transform_grad", {g[0], n.inputs[1]},
                       settings(n, "image_size", n.inputs[0], 0.0)),
                  Value{}};
  };
  table->push_back(transform);

  // The constant around an image has no part in gradients: fill_value is 0 in them.
  Op gradient = affine("affine_transform_grad", "image_size");
  gradient.doc = "g added into zeros at the places affine_transform read";
  gradient.grad = [](const Node& n, const Values& g) {
    return Values{
        make("affine_transform", {g[0], n.inputs[1]}, settings(n, "size", n.inputs[0], 0.0)),
        Value{}};
  };
  table->push_back(gradient);
}

}  // namespace fastnn::graph
