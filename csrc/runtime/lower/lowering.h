// Lowering: nodes become kernel calls. One object per compilation; a file per concern.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "graph/op.h"
#include "runtime/lower/calls.h"
#include "runtime/program.h"

namespace fastnn::runtime {

class Lowering {
 public:
  Lowering(Program* program, const Values& inputs, std::vector<Section> sections);
  void run();

 private:
  using NodePtr = graph::NodePtr;

  // sections.cpp: which section computes what, and the order of effects
  void separate_versions();
  void assign_sections();
  void lower_section(size_t s);
  void finish_outputs(size_t s);
  void emit_effects(size_t s);
  void finish_updates(size_t s);
  bool move_to_end(Call* call);
  bool update_in_place(const Update& update, const View& value, size_t s);

  // requirements.cpp: checks left for the time when extents are numbers
  void require(Requirement::Kind kind, const Dim& a, const Dim& b, const graph::Node& n);
  void require_equal(const Shape& a, const Shape& b, const graph::Node& n, int64_t except = -1);
  void require_slice(const Shape& shape, const graph::Node& n);
  void require_windows(const graph::Node& n);
  void require_recurrent(const graph::Node& n);
  void require_shapes(const graph::Node& n);

  // buffers and views
  int new_buffer(BufferInfo::Kind kind, DType dtype, const Dim& count);
  int variable_buffer(const VariablePtr& v);
  View view_of(const Value& v);
  View whole(int buffer, DType dtype, const Shape& shape) const;
  View new_result(const Value& v);  // a fresh contiguous temp for v
  View contiguous(const View& v);   // emits a copy when needed
  View copied(const View& v);       // always emits a copy
  View scalar_constant(double value, DType dtype);
  void copy_into(const View& to, const View& from, const char* label);

  void finish_fused();
  void merge_scalar_groups();
  void merge_groups(const std::vector<View>& in, const Shape& shape);
  bool merge(FusedCall* a, FusedCall* b);
  void take_reads(FusedCall* a, FusedCall* b);
  void absorb_row_reductions();
  void find_lifetimes();

  // emission
  void lower_node(const NodePtr& n);
  void lower_leaf(const NodePtr& n);
  void lower_view(const NodePtr& n);
  void lower_elementwise(const NodePtr& n);
  void lower_matmul(const NodePtr& n);
  void lower_pairs(const NodePtr& n);
  void lower_recurrent(const NodePtr& n);
  void lower_convolution(const NodePtr& n);
  void lower_pooling(const NodePtr& n);
  void lower_reduce(const NodePtr& n);
  void lower_rows(const NodePtr& n);
  void lower_moves(const NodePtr& n);
  void lower_image(const NodePtr& n);
  void lower_random(const NodePtr& n);
  void lower_loop(const NodePtr& n);
  void lower_trees(const NodePtr& n);
  void lower_optimizer(const NodePtr& n);
  void flatten_gradients(const std::vector<View>& gradients, int64_t total);
  void find_row_gradients();
  void find_summed_square(const graph::Node& n);
  void bind_number(const Value& v, std::function<double(const Extents&)> number);
  bool absorb_in_bind(const NodePtr& n);
  bool absorb_bias(const NodePtr& n);
  bool absorb_activation(const NodePtr& n);
  bool absorb_colsum(ProductCall* call, const View& summed);
  bool absorb_pooling(const NodePtr& n);
  PoolCall* absorb_pool_gradient(const Value& v);
  Call* only_writer(const Value& v);
  ProductCall* pending_product(const Value& v);
  View matrix(const View& v, bool* transposed);

  template <class Args, class F>
  Call* simple(const std::string& id, DType dtype, const std::string& label,
               const std::vector<View>& reads, const std::vector<View>& writes, F bind);
  Call* emit(std::unique_ptr<Call> call, const std::vector<View>& reads,
             const std::vector<int>& writes);
  void set_kernel(Call* call, const std::string& id, DType dtype);
  void reads(Call* call, int buffer);
  void writes(Call* call, int buffer);
  // Sums over all rows of a matrix, by its buffer: a product may take them over.
  struct RowSum {
    Call* call;
    View in;
    int out;
  };
  // Reductions of rows, which the elementwise call that computes them may take over.
  struct RowReduce {
    Call* call;
    View in, out;
    int64_t length;
  };
  bool takes(const FusedCall& fused, const RowReduce& r) const;
  bool ready_before(const View& v, int64_t position) const;
  bool read_by_others(int buffer, const Call* except) const;
  int root(int buffer) const;

  int uses(const Value& v) const;
  // Of the storage behind v: whether it has one reader, or only readers in one section, whatever
  // views lie between.
  bool used_once(Value v) const;
  bool private_to(Value v, size_t s) const;

  Program* program_;
  Values inputs_;
  std::vector<Section> sections_;
  std::map<const graph::Node*, int> section_of_;
  std::map<const graph::Node*, std::set<int>> needed_in_;
  std::map<Value, int> uses_;
  std::map<Value, View> views_;
  std::map<Value, std::function<double(const Extents&)>> bound_numbers_;
  std::map<const graph::Variable*, int> variable_buffers_;
  std::map<std::pair<double, int>, int> scalar_buffers_;
  // Gradients of looked-up rows whose other rows nobody reads.
  std::set<Value> row_gradients_;
  std::set<const graph::Node*> summed_squares_;
  std::vector<std::unique_ptr<Call>> calls_;  // of the section being lowered
  std::map<int, std::vector<RowSum>> row_sums_;
  std::vector<RowReduce> row_reduces_;
  std::map<int, Call*> writer_;                              // buffer -> call of this section
  std::map<int, std::vector<Call*>> readers_;                // buffer -> calls of this section
  std::map<int, std::pair<FusedCall*, size_t>> fused_item_;  // buffer -> item computing it
  int64_t position_ = 0;
};

// Declared here for lower/*.cpp: emits a call whose arguments `bind` fills.
template <class Args, class F>
Call* Lowering::simple(const std::string& id, DType dtype, const std::string& label,
                       const std::vector<View>& read, const std::vector<View>& written, F bind) {
  auto call = std::make_unique<SimpleCall<Args>>(bind);
  set_kernel(call.get(), id, dtype);
  call->label = label;
  for (const View& v : read) {
    Dim bytes = element_count(v.shape) * Dim(dtype_size(v.dtype));
    call->bytes = call->bytes + bytes;
  }
  std::vector<int> buffers;
  for (const View& v : written) {
    call->bytes = call->bytes + element_count(v.shape) * Dim(dtype_size(v.dtype));
    buffers.push_back(v.buffer);
  }
  return emit(std::move(call), read, buffers);
}

}  // namespace fastnn::runtime
