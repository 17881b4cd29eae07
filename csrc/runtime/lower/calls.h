// The calls that lowering emits. Each turns its symbolic views into a kernel's argument struct.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "graph/window.h"
#include "kernels/conv.h"
#include "kernels/pool.h"
#include "runtime/fused.h"
#include "runtime/program.h"

namespace fastnn::runtime {

// A chain of elementwise ops over one shape. Grows while lowering absorbs nodes; finish() turns
// it into code.
class FusedCall : public Call {
 public:
  struct Input {  // an item of this call, or a view from outside
    int item = -1;
    int view = -1;
  };
  struct Item {
    std::string op;
    kernels::Tile tile;
    std::vector<double> params;
    std::vector<Input> in;
    DType dtype;  // of the result
    int buffer;   // where the result goes if someone outside reads it
    bool stored = false;
  };
  // Rows of an item's result, each reduced to a number by `call`, which is not run on its own.
  struct Rows {
    std::unique_ptr<Call> call;
    size_t item;
    int64_t length;
    View out;
  };

  explicit FusedCall(Shape shape) : shape(std::move(shape)) {}
  size_t args_size() const override { return sizeof(FusedArgs); }
  void bind(const Binder& binder, void* args) const override;
  void finish();
  // Whether item may write to the storage that `view` reads: every reader comes no later.
  bool can_overwrite(size_t item, int view) const;
  int add_view(const View& v);

  Shape shape;
  std::vector<Item> items;
  std::vector<View> views;
  std::vector<Rows> reductions;

 private:
  void place_results();

  FusedCode code_{};
  std::vector<Operand> places_;  // of the items' results
  std::vector<std::vector<double>> params_;
  std::vector<std::pair<int, DType>> outputs_;  // buffers
};

// Rows times a matrix, in one way or another, with what the kernel does to them on the way out.
class ProductCall : public Call {
 public:
  // Whether the epilogue is the last thing that happens to a result.
  virtual bool takes_epilogue() const { return true; }

  int out = -1;     // buffer
  Dim n;            // columns of the result
  View bias, aux;   // buffer -1: none
  int colsum = -1;  // buffer
  kernels::Epilogue epilogue = kernels::Epilogue::none;
  kernels::Tile tile = nullptr;
  std::vector<double> params;
};

class MatmulCall : public ProductCall {
 public:
  size_t args_size() const override { return sizeof(kernels::MatmulArgs); }
  void bind(const Binder& binder, void* args) const override;

  View a, b;  // matrices with unit stride along the last axis as stored
  bool trans_a = false, trans_b = false;
  Shape out_shape;  // batch, m, n
  Dim m, k;
};

class ConvCall : public ProductCall {
 public:
  enum Result { forward, to_input, to_kernel };  // conv, conv_input_grad, conv_kernel_grad
  size_t args_size() const override { return sizeof(kernels::ConvArgs); }
  void bind(const Binder& binder, void* args) const override;
  bool takes_epilogue() const override { return result != to_kernel && pool.empty(); }

  Result result = forward;
  View a, b;
  Shape x, y;  // of the convolution, whatever its gradient is to
  graph::Windows windows;
  int64_t groups = 1;
  // Pooling of the result, or of what b is the gradient of.
  std::vector<int64_t> pool;
  View places;     // read; buffer -1: none
  int index = -1;  // buffer, written
};

// max_pool and its kin.
class PoolCall : public Call {
 public:
  size_t args_size() const override { return sizeof(kernels::PoolArgs); }
  void bind(const Binder& binder, void* args) const override;

  View in, places;
  int out = -1, index = -1;  // buffers
  Shape x, y;                // of the pooling, whatever its gradient is to
  graph::Windows windows;
};

// Any call whose arguments are filled by a function.
template <class Args>
class SimpleCall : public Call {
 public:
  using Bind = std::function<void(const Binder&, Args*)>;
  explicit SimpleCall(Bind bind) : bind_(std::move(bind)) {}
  size_t args_size() const override { return sizeof(Args); }
  void bind(const Binder& binder, void* args) const override {
    bind_(binder, static_cast<Args*>(args));
  }

 private:
  Bind bind_;
};

}  // namespace fastnn::runtime
