// Weights of a program's matrix products in the order in which the products read them, for a run of
// many batches: each batch would put them into that order anew.
#pragma once
#include <vector>

#include "core/memory.h"
#include "kernels/matmul_pack.h"
#include "runtime/program.h"

namespace fastnn::runtime {

class PackedWeights {
 public:
  explicit PackedWeights(const Program& program);

  bool empty() const { return products_.empty(); }
  // Brings them up to date: copies the weights as they are now, unless none has changed since.
  void refresh(const Program& program);
  // Every run calls this first: nobody need say that weights changed while nothing ran.
  void forget() { valid_ = false; }
  // Makes a bound context's products read them; the weights themselves again.
  void lend(Context* context);
  void take_back(Context* context) const;

 private:
  struct Product {
    size_t call;
    kernels::Kernel own, pack, packed;
    int64_t n, k, offset;  // elements, bytes
    kernels::PackedMatmulArgs args;
  };
  std::vector<Product> products_;
  Buffer buffer_;
  bool valid_ = false;
  uint64_t epoch_ = 0;
};

}  // namespace fastnn::runtime
