#include "runtime/forest.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <mutex>
#include <shared_mutex>

#include "core/error.h"
#include "core/fpmode.h"

namespace fastnn::runtime {
namespace {

std::vector<int32_t> narrow(const std::vector<int64_t>& v) { return {v.begin(), v.end()}; }

template <class Range>
void check_range(const std::vector<int64_t>& values, int64_t first, int64_t count, int64_t limit,
                 const Range& what) {
  for (int64_t i = first; i < first + count; ++i) {
    const int64_t v = values[static_cast<size_t>(i)];
    if (v < 0 || v >= limit) throw ValueError(what(v));
  }
}

}  // namespace

Forest::Forest(const TreeArrays& arrays, int64_t vocabulary, int64_t classes) {
  int64_t leaves = 0;
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max() / 2;
  for (size_t t = 0; t < arrays.leaves.size(); ++t) {
    const int64_t own = arrays.leaves[t];
    if (own < 1 || own > kMost)
      throw ValueError(str("tree ", t, ": expected at least one word, got ", own));
    first_leaf_.push_back(leaves);
    leaves += own;
  }
  const auto trees = static_cast<int64_t>(arrays.leaves.size());
  auto expect = [](const char* what, size_t got, int64_t want) {
    if (static_cast<int64_t>(got) != want)
      throw ValueError(str("expected ", want, " ", what, ", got ", got));
  };
  expect("words", arrays.words.size(), leaves);
  expect("children", arrays.children.size(), 2 * (leaves - trees));
  expect("labels", arrays.labels.size(), 2 * leaves - trees);
  leaves_ = narrow(arrays.leaves);
  check(arrays, vocabulary, classes);
  words_ = narrow(arrays.words);
  labels_ = narrow(arrays.labels);
  children_ = narrow(arrays.children);
  find_levels(arrays);
}

void Forest::check(const TreeArrays& arrays, int64_t vocabulary, int64_t classes) const {
  if (vocabulary > std::numeric_limits<int32_t>::max() ||
      classes > std::numeric_limits<int32_t>::max())
    throw ValueError("expected less than 2^31 words and classes");
  std::vector<bool> has_parent;
  for (int64_t t = 0; t < trees(); ++t) {
    const int64_t leaves = leaves_[at(t)];
    check_range(arrays.words, first_leaf_[at(t)], leaves, vocabulary, [&](int64_t v) {
      return str("tree ", t, ": expected numbers of words from 0 to ", vocabulary - 1, ", got ", v);
    });
    check_range(arrays.labels, first_node(t), size(t), classes, [&](int64_t v) {
      return str("tree ", t, ": expected labels from 0 to ", classes - 1, ", got ", v);
    });
    has_parent.assign(at(size(t)), false);
    const int64_t* pair = arrays.children.data() + 2 * (first_leaf_[at(t)] - t);
    for (int64_t node = leaves; node < size(t); ++node, pair += 2)
      for (int side = 0; side < 2; ++side) {
        const int64_t child = pair[side];
        if (child < 0 || child >= node)
          throw ValueError(str("tree ", t, ": expected children of node ", node, " from 0 to ",
                               node - 1, ", got ", child));
        if (has_parent[at(child)])
          throw ValueError(
              str("tree ", t, ": expected one parent for each node, got two for node ", child));
        has_parent[at(child)] = true;
      }
  }
}

void Forest::find_levels(const TreeArrays& arrays) {
  level_.assign(labels_.size(), 0);
  for (int64_t t = 0; t < trees(); ++t) {
    const int64_t leaves = leaves_[at(t)];
    const int64_t* pair = arrays.children.data() + 2 * (first_leaf_[at(t)] - t);
    int32_t* level = level_.data() + first_node(t);
    for (int64_t node = leaves; node < size(t); ++node, pair += 2)
      level[node] = 1 + std::max(level[pair[0]], level[pair[1]]);
    height_.push_back(level[size(t) - 1]);
  }
}

Forest::Sizes Forest::sizes(const int64_t* order, int64_t first, int64_t n) const {
  Sizes s;
  for (int64_t i = first; i < first + n; ++i) {
    const size_t t = at(order ? order[i] : i);
    s.leaves += leaves_[t];
    s.levels = std::max<int64_t>(s.levels, height_[t]);
  }
  s.inner = s.leaves - n;
  return s;
}

void Forest::find_starts(const int64_t* order, int64_t first, int64_t n,
                         std::vector<int64_t>* starts) const {
  for (int64_t i = first; i < first + n; ++i) {
    const int64_t tree = order ? order[i] : i;
    const int32_t* level = level_.data() + first_node(tree);
    for (int64_t node = 0; node < size(tree); ++node) ++(*starts)[at(level[node])];
  }
  int64_t start = 0;
  for (int64_t& count : *starts) {
    const int64_t own = count;
    count = start;
    start += own;
  }
}

void Forest::lay_out(const int64_t* order, int64_t first, int64_t n, Layout* out) const {
  const Sizes total = sizes(order, first, n);
  out->words.resize(at(total.leaves));
  out->labels.resize(at(total.leaves + total.inner));
  out->places.resize(at(total.leaves + total.inner));
  out->left.resize(at(total.inner));
  out->right.resize(at(total.inner));
  // Where the next node of each level goes; where the level ends, when all are there.
  std::vector<int64_t>& next = out->counts;
  next.assign(at(total.levels + 1), 0);
  find_starts(order, first, n, &next);
  int64_t* place = out->places.data();
  int64_t* word = out->words.data();
  for (int64_t i = first; i < first + n; ++i) {
    const int64_t tree = order ? order[i] : i;
    const int64_t leaves = leaves_[at(tree)], begin = first_node(tree);
    word = std::copy_n(words_.data() + first_leaf_[at(tree)], leaves, word);
    const int32_t* pair = children_.data() + 2 * (first_leaf_[at(tree)] - tree);
    for (int64_t node = 0; node < size(tree); ++node) {
      const int64_t own = next[at(level_[at(begin + node)])]++;
      place[node] = own;
      out->labels[at(own)] = labels_[at(begin + node)];
      if (node < leaves) continue;
      out->left[at(own - total.leaves)] = place[pair[0]];
      out->right[at(own - total.leaves)] = place[pair[1]];
      pair += 2;
    }
    place += size(tree);
  }
  for (size_t l = next.size(); l-- > 1;) next[l] -= next[l - 1];
  next.erase(next.begin());
}

int64_t Forest::bytes() const {
  const size_t narrow = leaves_.size() + height_.size() + words_.size() + labels_.size() +
                        level_.size() + children_.size();
  return static_cast<int64_t>(4 * narrow + 8 * first_leaf_.size());
}

ForestSource::ForestSource(const Program& program, std::shared_ptr<const Forest> forest)
    : forest_(std::move(forest)) {
  const auto& types = program.input_types;
  const bool fits = types.size() == 5 && std::all_of(types.begin(), types.end(), [](const Type& t) {
                      return t.dtype == DType::i64 && t.shape.size() == 1;
                    });
  if (!fits)
    throw ValueError(
        "expected a program whose inputs are words, labels, left, right and counts, each of int64 "
        "and one axis");
}

int64_t ForestSource::buffer_bytes() const {
  int64_t numbers = 0;
  for (const std::vector<int64_t>* v : {&layout_.words, &layout_.labels, &layout_.left,
                                        &layout_.right, &layout_.counts, &layout_.places})
    numbers += static_cast<int64_t>(v->capacity());
  return 8 * numbers;
}

Extents ForestSource::extents(const Program& program, const int64_t* order, int64_t first,
                              int64_t n) const {
  const Forest::Sizes s = forest_->sizes(order, first, n);
  return program.extents_of({{s.leaves}, {s.leaves + s.inner}, {s.inner}, {s.inner}, {s.levels}});
}

void ForestSource::read(Context* context, const int64_t* order, int64_t first, int64_t n) {
  forest_->lay_out(order, first, n, &layout_);
  int slot = 0;
  for (const std::vector<int64_t>* v :
       {&layout_.words, &layout_.labels, &layout_.left, &layout_.right, &layout_.counts})
    context->set_host_input(slot++, v->data());
}

ForestPredictor::ForestPredictor(std::shared_ptr<const Program> program,
                                 std::shared_ptr<Guard> guard)
    : executable_(std::move(program)),
      guard_(guard ? std::move(guard) : std::make_shared<Guard>()) {
  for (const Type& t : executable_.program().output_types)
    if (t.shape.empty())
      throw ValueError("expected outputs of shape (nodes, ...), got " + shape_str(t.shape));
}

int64_t ForestPredictor::width(size_t output) const {
  const Shape& shape = program().output_types[output].shape;
  return element_count(Shape(shape.begin() + 1, shape.end())).number();
}

void ForestPredictor::run(const std::shared_ptr<const Forest>& forest, int64_t batch,
                          const std::vector<void*>& outputs, bool (*poll)(void*), void* poll_data) {
  FpMode mode;
  ForestSource source(program(), forest);
  std::vector<Buffer> results(outputs.size());
  bool finished = true;
  for (int64_t first = 0; first < forest->trees() && finished; first += batch) {
    const int64_t n = std::min(batch, forest->trees() - first);
    std::unique_ptr<Context> context =
        executable_.acquire_any(source.extents(program(), nullptr, first, n));
    source.read(context.get(), nullptr, first, n);
    const std::vector<int64_t>& places = source.layout().places;
    const auto nodes = static_cast<int64_t>(places.size());
    std::vector<int64_t> row_bytes;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Shape& shape = program().output_types[i].shape;
      if (shape[0].eval(context->extents()) != nodes)
        throw ValueError("expected outputs of shape (nodes, ...), got " + shape_str(shape));
      row_bytes.push_back(width(i) * dtype_size(program().output_types[i].dtype));
      if (results[i].size() < nodes * row_bytes[i]) results[i] = Buffer(nodes * row_bytes[i]);
      context->set_host_output(static_cast<int>(i), results[i].data());
    }
    RunInfo info;
    info.poll = poll;
    info.poll_data = poll_data;
    {
      std::shared_lock<Guard> lock(*guard_);
      finished = context->run(0, info);
      if (finished) context->finish();
    }
    executable_.release(std::move(context));
    if (!finished) return;
    for (size_t i = 0; i < outputs.size(); ++i) {
      char* out = static_cast<char*>(outputs[i]) + forest->first_node(first) * row_bytes[i];
      for (int64_t k = 0; k < nodes; ++k, out += row_bytes[i])
        std::memcpy(out, results[i].as<char>() + places[static_cast<size_t>(k)] * row_bytes[i],
                    static_cast<size_t>(row_bytes[i]));
    }
  }
}

}  // namespace fastnn::runtime
