#include "graph/build.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <stdexcept>

namespace fastnn::graph {
namespace {

std::atomic<uint64_t> g_next_id{1};

[[noreturn]] void fail(const Op& op, const std::string& what) {
  throw std::invalid_argument("[" + op.name + "] " + what);
}

std::string names(const std::vector<DType>& dtypes) {
  std::string s;
  for (size_t i = 0; i < dtypes.size(); ++i)
    s += (i == 0                   ? ""
          : i + 1 == dtypes.size() ? " or "
                                   : ", ") +
         std::string(dtype_name(dtypes[i]));
  return s;
}

void check_size(const Op& op, const Type& type) {
  if (type.shape.size() > kMaxRank)
    fail(op, "expected at most " + std::to_string(kMaxRank) + " dimensions, got shape " +
                 shape_str(type.shape));
  std::vector<int64_t> known;
  for (const Dim& d : type.shape)
    if (d.is_number()) known.push_back(d.number());
  checked_count(known, ("[" + op.name + "] " + shape_str(type.shape)).c_str());
}

}  // namespace

NodePtr make_node(const Op& op, Values inputs, Attrs attrs) {
  int n = static_cast<int>(inputs.size());
  if (n < op.min_inputs || (op.max_inputs >= 0 && n > op.max_inputs))
    fail(op, "expected " + std::to_string(op.min_inputs) + " inputs, got " + std::to_string(n));
  for (const auto& spec : op.attrs)
    if (!attrs.has(spec.name)) fail(op, "missing attribute '" + spec.name + "'");
  if (n > 0 && !op.dtypes.empty() &&
      std::find(op.dtypes.begin(), op.dtypes.end(), inputs[0].dtype()) == op.dtypes.end())
    fail(op, "expected dtype " + names(op.dtypes) + ", got " + dtype_name(inputs[0].dtype()));
  auto node = std::make_shared<Node>();
  node->op = &op;
  try {
    node->outputs = op.infer(inputs, attrs);
  } catch (const std::invalid_argument& e) {
    std::string what = e.what();
    if (!what.empty() && what[0] == '[') throw;
    fail(op, what);
  }
  for (const Type& t : node->outputs) check_size(op, t);
  node->inputs = std::move(inputs);
  node->attrs = std::move(attrs);
  node->id = g_next_id.fetch_add(1);
  return node;
}

uint64_t next_node_id() { return g_next_id.load(); }

Value make(const std::string& op, Values inputs, Attrs attrs) {
  return {make_node(find_op(op), std::move(inputs), std::move(attrs)), 0};
}

DType promote(DType a, DType b) {
  auto rank = [](DType t) {
    switch (t) {
      case DType::b8:
        return 0;
      case DType::u8:
        return 1;
      case DType::i32:
        return 2;
      case DType::i64:
        return 3;
      case DType::f32:
        return 4;
      case DType::f64:
        return 5;
    }
    return 5;
  };
  return rank(a) >= rank(b) ? a : b;
}

Value elementwise(const std::string& name, Values inputs, Attrs attrs) {
  const Op& op = find_op(name);
  size_t first = name == "where" ? 1 : 0;  // the condition keeps its dtype
  if (first == 1 && !inputs.empty()) inputs[0] = cast(inputs[0], DType::b8);
  if (inputs.size() > first) {
    DType t = inputs[first].dtype();
    for (size_t i = first + 1; i < inputs.size(); ++i) t = promote(t, inputs[i].dtype());
    if (std::find(op.dtypes.begin(), op.dtypes.end(), t) == op.dtypes.end()) {
      // Integers meet a floating function in float32; bool and uint8 meet arithmetic in int32.
      bool has_i32 = std::find(op.dtypes.begin(), op.dtypes.end(), DType::i32) != op.dtypes.end();
      bool has_b8 = op.dtypes.size() == 1 && op.dtypes[0] == DType::b8;
      t = has_b8 ? DType::b8 : has_i32 ? DType::i32 : DType::f32;
    }
    for (size_t i = first; i < inputs.size(); ++i) inputs[i] = cast(inputs[i], t);
  }
  return {make_node(op, std::move(inputs), std::move(attrs)), 0};
}

Value output_of(const Node& node) {
  return {std::const_pointer_cast<Node>(node.shared_from_this()), 0};
}

Value placeholder(DType dtype, Shape shape, const std::string& name) {
  Value v = make("placeholder", {}, {{"dtype", dtype}, {"shape", std::move(shape)}});
  v.node->name = name;
  return v;
}

Value variable(const VariablePtr& var) {
  Value v = make("variable", {}, {{"variable", var}});
  v.node->name = var->name();
  return v;
}

Value constant(const Type& type, const void* data) {
  auto c = std::make_shared<ConstantData>();
  c->type = type;
  int64_t bytes = element_count(type.shape).number() * dtype_size(type.dtype);
  c->bytes.resize(static_cast<size_t>(bytes));
  if (bytes > 0) std::memcpy(c->bytes.data(), data, static_cast<size_t>(bytes));
  return make("constant", {}, {{"value", std::shared_ptr<const ConstantData>(c)}});
}

Value scalar(double value, DType dtype) { return full({}, value, dtype); }

double number_as(double v, DType dtype) {
  if (is_floating(dtype)) return v;
  if (dtype == DType::b8) return v != 0;
  constexpr double limit = 9223372036854775808.0;
  auto whole = v > -limit && v < limit ? static_cast<int64_t>(v) : INT64_MIN;
  if (dtype == DType::u8) return static_cast<uint8_t>(whole);
  return static_cast<double>(dtype == DType::i32 ? static_cast<int32_t>(whole) : whole);
}

Value cast(const Value& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  if (x.node->op->name == "full") {
    double v = number_as(x.node->attrs.get<double>("value"), x.dtype());
    return full(x.shape(), number_as(v, dtype), dtype);
  }
  return make("cast", {x}, {{"dtype", dtype}});
}

Value add(const Value& a, const Value& b) { return elementwise("add", {a, b}); }
Value sub(const Value& a, const Value& b) { return elementwise("subtract", {a, b}); }
Value mul(const Value& a, const Value& b) { return elementwise("multiply", {a, b}); }
Value div(const Value& a, const Value& b) { return elementwise("divide", {a, b}); }
Value neg(const Value& a) { return elementwise("negative", {a}); }
Value mul(const Value& a, double b) { return mul(a, scalar(b, a.dtype())); }
Value add(const Value& a, double b) { return add(a, scalar(b, a.dtype())); }
Value unary(const std::string& op, const Value& x) { return elementwise(op, {x}); }
Value where(const Value& c, const Value& a, const Value& b) {
  return elementwise("where", {c, a, b});
}

Value matmul(const Value& a, const Value& b, bool transpose_a, bool transpose_b) {
  DType t = promote(a.dtype(), b.dtype());
  return make("matmul", {cast(a, t), cast(b, t)},
              {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
}

Value reshape(const Value& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return make("reshape", {x}, {{"shape", shape}});
}

Value transpose(const Value& x, const std::vector<int64_t>& axes) {
  bool same = true;
  for (size_t i = 0; i < axes.size(); ++i) same = same && axes[i] == static_cast<int64_t>(i);
  if (same) return x;
  return make("transpose", {x}, {{"axes", axes}});
}

Value broadcast_to(const Value& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return make("broadcast_to", {x}, {{"shape", shape}});
}

Value reduce(const std::string& op, const Value& x, const std::vector<int64_t>& axes,
             bool keepdims) {
  return make(op, {x}, {{"axes", axes}, {"keepdims", keepdims}});
}

Value full(const Shape& shape, double value, DType dtype) {
  return make("full", {}, {{"shape", shape}, {"value", value}, {"dtype", dtype}});
}

Value full_like(const Value& x, double value) { return full(x.shape(), value, x.dtype()); }

Value identity(const Value& x) { return make("identity", {x}); }

Value extent_value(const Dim& d, DType dtype) {
  if (d.is_number()) return scalar(static_cast<double>(d.number()), dtype);
  return make("extent", {}, {{"extent", Shape{d}}, {"dtype", dtype}});
}

Value sum_to_like(const Value& g, const Value& x) {
  const Shape &from = g.shape(), &to = x.shape();
  if (from == to) return g;
  bool known = true;
  std::vector<int64_t> axes;
  size_t lead = from.size() - to.size();
  for (size_t i = 0; i < from.size(); ++i) {
    if (i < lead) {
      axes.push_back(static_cast<int64_t>(i));
      continue;
    }
    const Dim& d = to[i - lead];
    if (d == from[i]) continue;
    if (d.is_number() && d.number() == 1)
      axes.push_back(static_cast<int64_t>(i));
    else
      known = false;
  }
  if (known) return reshape(reduce("sum", g, axes, false), to);
  return make("sum_to_like", {g, x});
}

Shape broadcast_shapes(const Shape& a, const Shape& b) {
  size_t rank = std::max(a.size(), b.size());
  Shape out(rank);
  try {
    for (size_t i = 0; i < rank; ++i) {
      Dim da = i + a.size() < rank ? Dim(1) : a[i + a.size() - rank];
      Dim db = i + b.size() < rank ? Dim(1) : b[i + b.size() - rank];
      out[i] = broadcast_dim(da, db);
    }
  } catch (const std::invalid_argument&) {
    throw std::invalid_argument("shapes " + shape_str(a) + " and " + shape_str(b) +
                                " cannot be broadcast together");
  }
  return out;
}

bool may_equal(const Shape& a, const Shape& b) {
  bool equal = a.size() == b.size();
  for (size_t i = 0; equal && i < a.size(); ++i)
    equal = a[i] == b[i] || !a[i].is_number() || !b[i].is_number();
  return equal;
}

std::vector<int64_t> normalize_axes(const std::vector<int64_t>& axes, int rank, const char* what) {
  std::vector<int64_t> out;
  for (int64_t a : axes) {
    int64_t n = a < 0 ? a + rank : a;
    if (n < 0 || n >= rank)
      throw std::invalid_argument(std::string(what) + " " + std::to_string(a) +
                                  " is out of bounds for a tensor of " + std::to_string(rank) +
                                  " dimensions");
    if (std::find(out.begin(), out.end(), n) != out.end())
      throw std::invalid_argument(std::string("repeated ") + what + " " + std::to_string(a));
    out.push_back(n);
  }
  return out;
}

}  // namespace fastnn::graph
