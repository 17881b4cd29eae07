#include <string.h>

#include <algorithm>
#include <map>
#include <set>

#include "kernels/cuda/persistent_plan.h"

namespace fastnn::kernels::cuda {
namespace {

constexpr uint32_t kAlign = 16;
constexpr double kAlways = 1e30;  // is touched: memory that the device does not have

uint32_t aligned(size_t bytes) {
  return static_cast<uint32_t>((bytes + kAlign - 1) / kAlign * kAlign);
}

bool conflict(const Command& a, const Command& b) {
  for (const Touch& s : a.touches)
    for (const Touch& t : b.touches)
      if ((s.written || t.written) && s.begin < t.end && t.begin < s.end) return true;
  return false;
}

// As early as what comes before in the recording allows.
std::vector<size_t> levels_of(const std::vector<Command>& commands) {
  std::vector<size_t> level(commands.size(), 0);
  for (size_t i = 0; i < commands.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (level[j] >= level[i] && conflict(commands[j], commands[i])) level[i] = level[j] + 1;
  return level;
}

struct Schedule {
  std::vector<std::vector<Share>> levels;
  std::vector<const Command*> slow;
  int joined = 0;  // of levels, before slow ones are waited for
};

int wanted(const Command& c) {
  if (c.together) return kTogetherWarps;
  const int64_t warps = (c.threads + kWarpThreads - 1) / kWarpThreads;
  return static_cast<int>(std::clamp<int64_t>(warps, 1, kMostWarps));
}

// Commands of a level run side by side, each with warps of its own. What gets less than half of the
// warps that it could use waits for a level of its own.
void add_level(std::vector<const Command*> level, std::vector<std::vector<Share>>* result) {
  // Those of a fixed number of warps first: they begin at multiples of it.
  std::stable_sort(level.begin(), level.end(),
                   [](const Command* a, const Command* b) { return a->together > b->together; });
  int used = kMostWarps;  // the first opens a level
  for (const Command* c : level) {
    const int want = wanted(*c), left = kMostWarps - used;
    const bool fits = c->together ? want <= left : 2 * left >= want;
    if (!fits) {
      result->emplace_back();
      used = 0;
    }
    const int warps = std::min(want, kMostWarps - used);
    result->back().push_back({c, used, warps});
    used += warps;
  }
}

Schedule schedule_of(const std::vector<Command>& commands) {
  Schedule result;
  std::vector<size_t> level = levels_of(commands);
  const size_t none = commands.size();
  size_t joined = none;  // the first level that slow ones and others have to do with
  bool beside = false;   // is there anything that they could run beside?
  for (size_t i = 0; i < none; ++i) beside = beside || (level[i] == 0 && !commands[i].slow);
  for (size_t i = 0; i < none; ++i) {
    if (!beside || !commands[i].slow || level[i] > 0) continue;
    result.slow.push_back(&commands[i]);
    for (size_t j = 0; j < none; ++j)
      if (j != i && conflict(commands[i], commands[j])) joined = std::min(joined, level[j]);
    level[i] = none;
  }
  for (size_t l = 0; l < none; ++l) {
    if (l == joined) result.joined = static_cast<int>(result.levels.size());
    std::vector<const Command*> of_level;
    for (size_t i = 0; i < none; ++i)
      if (level[i] == l) of_level.push_back(&commands[i]);
    add_level(std::move(of_level), &result.levels);
  }
  return result;
}

// What each address among the arguments leads to, from the first byte to the last.
std::vector<Touch> spans_of(const std::vector<Command>& commands) {
  std::vector<Touch> spans;
  for (const Command& c : commands) {
    std::map<size_t, Touch> of_field;
    for (const Touch& t : c.touches) {
      const double bytes = static_cast<double>(t.end - t.begin) * t.times;
      const auto [at, is_new] = of_field.insert({t.field, t});
      Touch& span = at->second;
      span.begin = std::min(span.begin, t.begin);
      span.end = std::max(span.end, t.end);
      span.written |= t.written;
      span.times = is_new ? bytes : span.times + bytes;  // bytes, until all are known
    }
    for (const auto& [field, span] : of_field) spans.push_back(span);
  }
  for (Touch& s : spans) s.times /= static_cast<double>(s.end - s.begin);
  return spans;
}

}  // namespace

void Command::touch(const void* field, int64_t begin, int64_t end, bool written, double times) {
  int64_t address = 0;
  memcpy(&address, field, sizeof address);
  if (address == 0 || begin >= end) return;
  const auto at = static_cast<size_t>(static_cast<const unsigned char*>(field) - arguments.data());
  touches.push_back({at, address + begin, address + end, written, times});
}

// Spans that overlap are one range.
void Plan::find_ranges(const std::vector<Command>& commands) {
  std::vector<Touch> spans = spans_of(commands);
  std::sort(spans.begin(), spans.end(),
            [](const Touch& a, const Touch& b) { return a.begin < b.begin; });
  for (const Touch& t : spans) {
    if (ranges_.empty() || t.begin >= ranges_.back().end) {
      const bool own = t.begin < kMadeUp;
      ranges_.push_back({{t.begin, 0, 0, !own, 0}, t.begin, 0, false});
    }
    Range& r = ranges_.back();
    r.end = std::max(r.end, t.end);
    r.region.copied_out |= t.written && r.region.copied_in;
    r.touched += static_cast<double>(t.end - t.begin) * t.times;
  }
}

// What is touched most, for its size, comes first.
void Plan::find_room(uint32_t begin, uint32_t end) {
  std::vector<Range*> order;
  for (Range& r : ranges_) order.push_back(&r);
  auto heat = [](const Range& r) {
    const bool own = r.region.from < kMadeUp;
    return own ? kAlways : r.touched / static_cast<double>(r.end - r.region.from);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const Range* a, const Range* b) { return heat(*a) > heat(*b); });
  slots = begin;
  for (Range* r : order) {
    const auto at = slots + static_cast<uint32_t>(r->region.from % kAlign);  // as aligned as it was
    const int64_t bytes = r->end - r->region.from;
    r->shared = heat(*r) == kAlways || at + bytes + kAlign <= end;
    if (!r->shared) continue;
    r->region.at = at;
    r->region.bytes = static_cast<uint32_t>(bytes);
    slots = aligned(at + r->region.bytes);
    regions.push_back(r->region);
  }
}

const Plan::Range& Plan::holding(int64_t address) const {
  const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address,
                                      [](int64_t a, const Range& r) { return a < r.region.from; });
  return *(after - 1);
}

// Cycles until memory has brought what is not in shared memory; a block of its own has some 32
// bytes a cycle.
double Plan::away(const Command& c) const {
  double bytes = 0;
  for (const Touch& t : c.touches)
    if (!holding(t.begin).shared) bytes += static_cast<double>(t.end - t.begin) * t.times;
  return bytes == 0 ? 0 : 600 + bytes / 32;
}

double Plan::cycles_of(const std::vector<Share>& level) const {
  constexpr double kBarrier = 40;
  double longest = 0, busy = 0;
  for (const Share& s : level) {
    longest = std::max(longest, s.command->cycles(s.warps) + away(*s.command));
    busy += s.command->busy();
  }
  return kBarrier + std::max(longest, busy);
}

Plan::Plan(const std::vector<Command>& commands, uint32_t shared_limit) {
  const Schedule schedule = schedule_of(commands);
  const std::vector<std::vector<Share>>& shares = schedule.levels;
  slow = static_cast<int>(schedule.slow.size());
  joined = schedule.joined;
  levels = static_cast<int>(shares.size());
  warps = kTogetherWarps;
  for (const auto& level : shares) warps = std::max(warps, level.back().first + level.back().warps);
  head.resize(aligned(static_cast<size_t>(levels * warps + slow) * sizeof(Place)));
  size_t end = head.size();
  for (const Command& c : commands) {
    end += aligned(c.arguments.size());
    slot_bytes = std::max(slot_bytes, aligned(static_cast<size_t>(c.shared_bytes)));
  }
  const uint32_t all_slots = static_cast<uint32_t>(warps / kTogetherWarps) * slot_bytes;
  find_ranges(commands);
  find_room(aligned(end), shared_limit < all_slots ? 0 : shared_limit - all_slots);
  shared_bytes = slots + all_slots;

  for (size_t l = 0; l < shares.size(); ++l) {
    cycles += cycles_of(shares[l]);
    for (const Share& s : shares[l]) {
      const Place place = placed(*s.command, s.first, s.warps);
      for (int w = s.first; w < s.first + s.warps; ++w)
        put(l * static_cast<size_t>(warps) + static_cast<size_t>(w), place);
    }
  }
  for (size_t k = 0; k < schedule.slow.size(); ++k)
    put(static_cast<size_t>(levels * warps) + k, placed(*schedule.slow[k], warps, 1));
}

void Plan::put(size_t number, const Place& place) {
  memcpy(head.data() + number * sizeof(Place), &place, sizeof place);
}

Place Plan::placed(const Command& c, int first, int count) {
  std::vector<unsigned char> bytes = c.arguments;
  const auto offset = static_cast<uint32_t>(head.size());
  std::set<size_t> done;
  for (const Touch& t : c.touches) {
    if (!done.insert(t.field).second) continue;
    const Range& range = holding(t.begin);
    if (!range.shared) continue;
    const Region& r = range.region;
    int64_t address = 0;
    memcpy(&address, bytes.data() + t.field, sizeof address);
    address += r.at - r.from;
    memcpy(bytes.data() + t.field, &address, sizeof address);
    addresses.push_back(offset + static_cast<uint32_t>(t.field));
  }
  bytes.resize(aligned(bytes.size()));
  head.insert(head.end(), bytes.begin(), bytes.end());
  return {c.code, static_cast<uint16_t>(offset / kAlign), static_cast<uint8_t>(first),
          static_cast<uint8_t>(count), static_cast<uint16_t>(first / kTogetherWarps)};
}

}  // namespace fastnn::kernels::cuda
