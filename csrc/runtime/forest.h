// Trees of a data set, and batches of them level by level: all nodes whose children are known are
// computed together.
#pragma once
#include <memory>
#include <vector>

#include "runtime/executable.h"
#include "runtime/guard.h"
#include "runtime/source.h"

namespace fastnn::runtime {

// Binary trees as arrays, one tree behind the other. A tree's nodes are its leaves, in the order of
// its words, then its inner nodes, each behind its children; the root comes last.
struct TreeArrays {
  std::vector<int64_t> leaves;    // of each tree
  std::vector<int64_t> words;     // numbers of the leaves' words
  std::vector<int64_t> children;  // left and right child of each inner node, within its tree
  std::vector<int64_t> labels;    // of all nodes
};

// A batch: nodes are numbered by level, within one in the order of the trees.
struct Layout {
  std::vector<int64_t> words, labels, left, right;
  std::vector<int64_t> counts;  // nodes of each level above the leaves
  std::vector<int64_t> places;  // of the trees' nodes in their own order
};

class Forest {
 public:
  // ValueError that names the tree, for arrays that are no trees, words beyond the vocabulary or
  // labels beyond the classes.
  Forest(const TreeArrays& arrays, int64_t vocabulary, int64_t classes);

  int64_t trees() const { return static_cast<int64_t>(leaves_.size()); }
  int64_t nodes() const { return static_cast<int64_t>(labels_.size()); }
  // A tree's nodes among those of all trees.
  int64_t first_node(int64_t tree) const { return 2 * first_leaf_[at(tree)] - tree; }
  int64_t size(int64_t tree) const { return 2 * leaves_[at(tree)] - 1; }

  struct Sizes {
    int64_t leaves = 0, inner = 0, levels = 0;
  };
  // Of a batch of the trees order[first .. first + n); without an order, of first .. first + n.
  Sizes sizes(const int64_t* order, int64_t first, int64_t n) const;
  void lay_out(const int64_t* order, int64_t first, int64_t n, Layout* out) const;
  int64_t bytes() const;

 private:
  static size_t at(int64_t i) { return static_cast<size_t>(i); }
  void check(const TreeArrays& arrays, int64_t vocabulary, int64_t classes) const;
  void find_levels(const TreeArrays& arrays);
  // Of a batch: where each level's nodes begin.
  void find_starts(const int64_t* order, int64_t first, int64_t n,
                   std::vector<int64_t>* starts) const;

  std::vector<int32_t> leaves_;      // of each tree
  std::vector<int64_t> first_leaf_;  // of each tree
  std::vector<int32_t> height_;      // of each tree
  std::vector<int32_t> words_, labels_, level_;
  std::vector<int32_t> children_;  // pairs
};

// Trees as rows: the inputs of the program are words, labels, left, right and counts.
class ForestSource : public BatchSource {
 public:
  ForestSource(const Program& program, std::shared_ptr<const Forest> forest);
  int64_t rows() const override { return forest_->trees(); }
  int64_t buffer_bytes() const override;
  bool even() const override { return false; }
  Extents extents(const Program& program, const int64_t* order, int64_t first,
                  int64_t n) const override;
  void read(Context* context, const int64_t* order, int64_t first, int64_t n) override;
  // Of the trees read last.
  const Layout& layout() const { return layout_; }

 private:
  std::shared_ptr<const Forest> forest_;
  Layout layout_;
};

// Runs a program whose outputs have a row for each node.
class ForestPredictor {
 public:
  ForestPredictor(std::shared_ptr<const Program> program, std::shared_ptr<Guard> guard);
  const Program& program() const { return executable_.program(); }
  // Elements of a node in an output.
  int64_t width(size_t output) const;
  // Fills the outputs, of a row for each node of the forest in the trees' own order, batch by
  // batch. Stops where poll asks to.
  void run(const std::shared_ptr<const Forest>& forest, int64_t batch,
           const std::vector<void*>& outputs, bool (*poll)(void*), void* poll_data);

 private:
  Executable executable_;
  std::shared_ptr<Guard> guard_;
};

}  // namespace fastnn::runtime
