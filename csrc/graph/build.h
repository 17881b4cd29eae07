// Building nodes: the one way a node comes into being, and shorthands for gradient rules.
#pragma once
#include "graph/op.h"

namespace fastnn::graph {

// Checks arity, dtypes and shapes and returns the node. Throws std::invalid_argument with the
// op's name and what was expected and given.
NodePtr make_node(const Op& op, Values inputs, Attrs attrs);
Value make(const std::string& op, Values inputs, Attrs attrs = {});
// Nodes made from now on have at least this id.
uint64_t next_node_id();

// Elementwise ops: brings the inputs to one dtype first (see promote).
Value elementwise(const std::string& op, Values inputs, Attrs attrs = {});
// bool < uint8 < int32 < int64 < float32 < float64.
DType promote(DType a, DType b);

// The first output of a node, for gradient rules that reuse it.
Value output_of(const Node& node);

Value placeholder(DType dtype, Shape shape, const std::string& name);
Value variable(const VariablePtr& v);
Value constant(const Type& type, const void* data);
// v as a dtype holds it: cut to a whole number, 0 or 1 for bool. Floating numbers stay as they
// are, so that a Python number takes the precision of what it meets.
double number_as(double v, DType dtype);
Value scalar(double value, DType dtype);

Value cast(const Value& x, DType dtype);
Value add(const Value& a, const Value& b);
Value sub(const Value& a, const Value& b);
Value mul(const Value& a, const Value& b);
Value div(const Value& a, const Value& b);
Value neg(const Value& a);
Value mul(const Value& a, double b);
Value add(const Value& a, double b);
Value unary(const std::string& op, const Value& x);
Value where(const Value& c, const Value& a, const Value& b);
Value matmul(const Value& a, const Value& b, bool transpose_a, bool transpose_b);
Value reshape(const Value& x, const Shape& shape);
Value transpose(const Value& x, const std::vector<int64_t>& axes);
Value broadcast_to(const Value& x, const Shape& shape);
Value reduce(const std::string& op, const Value& x, const std::vector<int64_t>& axes,
             bool keepdims);
Value full(const Shape& shape, double value, DType dtype);
Value full_like(const Value& x, double value);
Value identity(const Value& x);
// The number of elements, as a 0-d tensor.
Value extent_value(const Dim& d, DType dtype);
// Undoes broadcasting: sums g over the axes along which x was repeated.
Value sum_to_like(const Value& g, const Value& x);

// d(outputs . seeds) / d(wrt): empty Values where wrt has no influence.
Values vector_jacobian(const Values& outputs, const Values& seeds, const Values& wrt);
// Gradients of a scalar; zeros where wrt has no influence.
Values gradients(const Value& cost, const Values& wrt);

// The graph with inputs replaced: every value of `from` becomes the one of `to`.
Values substitute(const Values& roots, const Values& from, const Values& to);

Shape broadcast_shapes(const Shape& a, const Shape& b);
// False when some dimension is known to differ. Where that shows only at run time, the program
// checks it when it is bound.
bool may_equal(const Shape& a, const Shape& b);
// Throws std::invalid_argument when a slice is known to leave an axis.
void check_slice(const Shape& shape, const Attrs& attrs);
std::vector<int64_t> normalize_axes(const std::vector<int64_t>& axes, int rank, const char* what);

}  // namespace fastnn::graph
