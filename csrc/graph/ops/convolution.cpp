// Convolution and its two gradients. All three are faces of one form, linear in x, k and dy:
// <dy, conv(x, k)>. So the gradients of each are again ops of the three, to any order.
#include <stdexcept>

#include "graph/window.h"

namespace fastnn::graph {
namespace {

using Ints = std::vector<int64_t>;

std::vector<AttrSpec> conv_attrs() {
  return {{"strides", "ints"}, {"padding", "ints"}, {"dilation", "ints"}, {"groups", "int"}};
}

// The attributes of one op as another of the three has them.
Attrs with(const Attrs& attrs, const char* extra = nullptr, Attr value = false) {
  Attrs a;
  for (const AttrSpec& spec : conv_attrs()) a.set(spec.name, attrs.items().at(spec.name));
  if (extra) a.set(extra, std::move(value));
  return a;
}

Ints spatial_sizes(const Shape& kernel) {
  Ints sizes;
  for (size_t d = 0; d + 2 < kernel.size(); ++d) sizes.push_back(kernel[d].number());
  return sizes;
}

void check_kernel(const Value& kernel, size_t rank) {
  bool good = kernel.shape().size() == rank + 2;
  for (const Dim& d : kernel.shape()) good = good && d.is_number() && d.number() > 0;
  if (!good)
    throw std::invalid_argument(
        std::string("expected a kernel (") + (rank == 1 ? "size" : "height, width") +
        ", channels, filters) of known sizes above 0, got " + kernel.type().str());
}

void check_dtypes(const Values& in) {
  if (in[0].dtype() != in[1].dtype())
    throw std::invalid_argument("expected inputs of one dtype, got " + in[0].type().str() +
                                " and " + in[1].type().str());
}

int64_t known(const Dim& d, const char* what) {
  if (!d.is_number() || d.number() < 1)
    throw std::invalid_argument(std::string("expected a known number of ") + what + ", got " +
                                d.str());
  return d.number();
}

// Throws unless that many channels and filters go with the groups and the kernel's shape.
void check_groups(int64_t groups, int64_t channels, int64_t filters, int64_t depth) {
  if (groups < 1 || filters % groups != 0)
    throw std::invalid_argument("expected a number of groups that divides " +
                                std::to_string(filters) + " filters, got " +
                                std::to_string(groups));
  if (channels == depth * groups) return;
  std::string times = groups > 1 ? " in each of " + std::to_string(groups) + " groups" : "";
  throw std::invalid_argument("expected input of " + std::to_string(depth) + " channels" + times +
                              ", as the kernel has, got " + std::to_string(channels));
}

// (batch, spatial..., filters) for x of a shape.
Shape result_shape(const Attrs& a, const Shape& x, const Ints& size, const Dim& filters) {
  Shape out = window_counts(windows_of(a, size), x);
  out.insert(out.begin(), x[0]);
  out.push_back(filters);
  return out;
}

void check_result(const Value& dy, const Shape& expected) {
  if (!may_equal(dy.shape(), expected))
    throw std::invalid_argument("expected the gradient of shape " + shape_str(expected) + ", got " +
                                dy.type().str());
}

std::vector<Type> infer_conv(const Values& in, const Attrs& a) {
  const Shape &x = in[0].shape(), &k = in[1].shape();
  const size_t rank = spatial_rank(x);
  check_kernel(in[1], rank);
  check_dtypes(in);
  check_groups(a.get<int64_t>("groups"), known(x.back(), "channels"), k[rank + 1].number(),
               k[rank].number());
  return {{in[0].dtype(), result_shape(a, x, spatial_sizes(k), k[rank + 1])}};
}

std::vector<Type> infer_input_grad(const Values& in, const Attrs& a) {
  const Shape &x = a.get<Shape>("shape"), &k = in[1].shape();
  const size_t rank = spatial_rank(x);
  check_kernel(in[1], rank);
  check_dtypes(in);
  check_groups(a.get<int64_t>("groups"), known(x.back(), "channels"), k[rank + 1].number(),
               k[rank].number());
  check_result(in[0], result_shape(a, x, spatial_sizes(k), k[rank + 1]));
  return {{in[0].dtype(), x}};
}

std::vector<Type> infer_kernel_grad(const Values& in, const Attrs& a) {
  const Shape& x = in[0].shape();
  const Ints& size = a.get<Ints>("kernel");
  const size_t rank = spatial_rank(x);
  check_dtypes(in);
  if (in[1].rank() != in[0].rank())
    throw std::invalid_argument("expected inputs of one rank, got " + in[0].type().str() + " and " +
                                in[1].type().str());
  const int64_t groups = a.get<int64_t>("groups"), channels = known(x.back(), "channels");
  const int64_t filters = known(in[1].shape().back(), "filters");
  check_groups(groups, channels, filters, groups < 1 ? 0 : channels / groups);
  check_result(in[1], result_shape(a, x, size, filters));
  Shape k;
  for (size_t d = 0; d < rank; ++d) k.push_back(size[d]);
  k.push_back(channels / groups);
  k.push_back(filters);
  return {{in[0].dtype(), k}};
}

Value conv(const Value& x, const Value& k, const Attrs& a) { return make("conv", {x, k}, with(a)); }
Value input_grad(const Value& dy, const Value& k, const Attrs& a, const Shape& x) {
  return make("conv_input_grad", {dy, k}, with(a, "shape", x));
}
Value kernel_grad(const Value& x, const Value& dy, const Attrs& a, const Ints& size) {
  return make("conv_kernel_grad", {x, dy}, with(a, "kernel", size));
}

Op conv_op(const char* name, Op::Infer infer, Op::Grad grad, const char* doc) {
  Op o{name, Kind::convolution, 2, 2, conv_attrs(), std::move(infer), std::move(grad)};
  o.dtypes = kFloats;
  o.doc = doc;
  return o;
}

}  // namespace

void add_convolution_ops(OpTable* table) {
  table->push_back(conv_op(
      "conv", infer_conv,
      [](const Node& n, const Values& g) {
        const Value &x = n.inputs[0], &k = n.inputs[1];
        return Values{input_grad(g[0], k, n.attrs, x.shape()),
                      kernel_grad(x, g[0], n.attrs, spatial_sizes(k.shape()))};
      },
      "sums of x, window by window, times a kernel; channels last"));

  Op to_input = conv_op(
      "conv_input_grad", infer_input_grad,
      [](const Node& n, const Values& g) {
        const Value &dy = n.inputs[0], &k = n.inputs[1];
        return Values{conv(g[0], k, n.attrs),
                      kernel_grad(g[0], dy, n.attrs, spatial_sizes(k.shape()))};
      },
      "the gradient of conv to x, which is also the transposed convolution");
  to_input.attrs.push_back({"shape", "shape"});
  table->push_back(to_input);

  Op to_kernel = conv_op(
      "conv_kernel_grad", infer_kernel_grad,
      [](const Node& n, const Values& g) {
        const Value &x = n.inputs[0], &dy = n.inputs[1];
        return Values{input_grad(dy, g[0], n.attrs, x.shape()), conv(x, g[0], n.attrs)};
      },
      "the gradient of conv to the kernel");
  to_kernel.attrs.push_back({"kernel", "ints"});
  table->push_back(to_kernel);
}

}  // namespace fastnn::graph
