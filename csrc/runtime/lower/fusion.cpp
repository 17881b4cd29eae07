// Elementwise groups that meet in one node become one call, and so do groups of scalars; reductions
// of rows join the group that computes them.
#include <algorithm>

#include "runtime/lower/lowering.h"

namespace fastnn::runtime {

void Lowering::merge_groups(const std::vector<View>& in, const Shape& shape) {
  FusedCall* group = nullptr;
  for (const View& x : in) {
    auto it = fused_item_.find(x.buffer);
    if (it == fused_item_.end() || x.shape != shape || !is_contiguous(x)) continue;
    FusedCall* other = it->second.first;
    if (other->shape != shape || other == group) continue;
    if (group && other->position < group->position) std::swap(group, other);
    if (group) merge(group, other);
    group = other;
  }
}

// Counters and sums of metrics: many calls of a few numbers each, whose cost is the call.
void Lowering::merge_scalar_groups() {
  std::vector<FusedCall*> scalars;
  for (const auto& call : calls_) {
    auto* fused = dynamic_cast<FusedCall*>(call.get());
    if (fused && !fused->absorbed && fused->shape.empty()) scalars.push_back(fused);
  }
  std::stable_sort(scalars.begin(), scalars.end(),
                   [](auto* a, auto* b) { return a->position < b->position; });
  for (size_t i = 1; i < scalars.size(); ++i) merge(scalars[i - 1], scalars[i]);
}

// Puts the work of `a` in front of that of the later `b`, which alone may read its results.
bool Lowering::merge(FusedCall* a, FusedCall* b) {
  if (a->items.size() + b->items.size() >= kMaxFusedInstructions ||
      a->views.size() + b->views.size() > kMaxFusedInputs)
    return false;
  for (const FusedCall::Item& item : a->items)
    for (const Call* reader : readers_[item.buffer])
      if (reader != b) return false;
  auto item_of = [&](const View& v) {
    auto it = fused_item_.find(v.buffer);
    return it != fused_item_.end() && it->second.first == a ? static_cast<int>(it->second.second)
                                                            : -1;
  };
  for (const View& v : b->views)
    if (item_of(v) >= 0 && (v.shape != b->shape || !is_contiguous(v))) return false;

  auto items = std::move(b->items);
  auto views = std::move(b->views);
  b->items = a->items;
  b->views = a->views;
  std::vector<FusedCall::Input> place;
  for (const View& v : views) {
    int item = item_of(v);
    place.push_back(item >= 0 ? FusedCall::Input{item, -1} : FusedCall::Input{-1, b->add_view(v)});
  }
  auto shift = static_cast<int>(a->items.size());
  for (FusedCall::Item& item : items) {
    for (FusedCall::Input& in : item.in)
      in = in.view >= 0 ? place[static_cast<size_t>(in.view)]
                        : FusedCall::Input{in.item + shift, -1};
    b->items.push_back(std::move(item));
  }
  for (size_t i = 0; i < b->items.size(); ++i) {
    fused_item_[b->items[i].buffer] = {b, i};
    writer_[b->items[i].buffer] = b;
  }
  take_reads(a, b);
  if (a->table != b->table) b->table = "mixed";
  a->absorbed = true;
  return true;
}

// b reads what a read, and no longer what a wrote.
void Lowering::take_reads(FusedCall* a, FusedCall* b) {
  for (const FusedCall::Item& item : a->items) {
    readers_[item.buffer].clear();
    b->reads.erase(std::remove(b->reads.begin(), b->reads.end(), item.buffer), b->reads.end());
  }
  for (int buffer : a->reads) {
    auto& readers = readers_[root(buffer)];
    std::replace(readers.begin(), readers.end(), static_cast<Call*>(a), static_cast<Call*>(b));
    b->reads.push_back(buffer);
  }
  a->reads.clear();
  a->items.clear();
}

bool Lowering::takes(const FusedCall& fused, const RowReduce& r) const {
  const auto same_length = [&](const FusedCall::Rows& rows) { return rows.length == r.length; };
  return program_->device().is_host() && fused.reductions.size() < kMaxRowReductions &&
         is_contiguous(r.in) && r.in.offset == Dim(0) &&
         element_count(r.in.shape) == element_count(fused.shape) &&
         std::all_of(fused.reductions.begin(), fused.reductions.end(), same_length) &&
         program_->buffers[static_cast<size_t>(r.out.buffer)].alias < 0;
}

// Comes last in a section: a reduction that has a call of its own keeps what it reads from moving.
void Lowering::absorb_row_reductions() {
  for (const RowReduce& r : row_reduces_) {
    auto item = fused_item_.find(r.in.buffer);
    if (r.call->absorbed || item == fused_item_.end()) continue;
    FusedCall* fused = item->second.first;
    if (!takes(*fused, r)) continue;
    auto own = std::find_if(calls_.begin(), calls_.end(),
                            [&](const auto& call) { return call.get() == r.call; });
    if (fused->table != r.call->table) fused->table = "mixed";
    fused->writes.push_back(r.out.buffer);
    fused->reductions.push_back({std::move(*own), item->second.second, r.length, r.out});
    calls_.erase(own);
  }
}

}  // namespace fastnn::runtime
