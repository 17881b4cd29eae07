#include <string.h>

#include <algorithm>
#include <set>

#include "kernels/cuda/persistent_plan.h"

namespace fastnn::kernels::cuda {
namespace {

constexpr uint32_t kAlign = 16;

uint32_t aligned(size_t bytes) {
  return static_cast<uint32_t>((bytes + kAlign - 1) / kAlign * kAlign);
}

bool conflict(const Command& a, const Command& b) {
  for (const Touch& s : a.touches)
    for (const Touch& t : b.touches)
      if ((s.written || t.written) && s.begin < t.end && t.begin < s.end) return true;
  return false;
}

// By level, as early as what comes before in the recording allows.
std::vector<std::vector<const Command*>> levels_of(const std::vector<Command>& commands) {
  std::vector<std::vector<const Command*>> levels;
  std::vector<size_t> level(commands.size(), 0);
  for (size_t i = 0; i < commands.size(); ++i) {
    for (size_t j = 0; j < i; ++j)
      if (level[j] >= level[i] && conflict(commands[j], commands[i])) level[i] = level[j] + 1;
    if (levels.size() <= level[i]) levels.resize(level[i] + 1);
    levels[level[i]].push_back(&commands[i]);
  }
  return levels;
}

struct Share {
  const Command* command;
  int first, warps;
};

int wanted(const Command& c) {
  if (c.together) return kTogetherWarps;
  const int64_t warps = (c.work + kWarpThreads - 1) / kWarpThreads;
  return static_cast<int>(std::clamp<int64_t>(warps, 1, kMostWarps));
}

// Levels whose commands run side by side, each with warps of its own. What gets less than half of
// the warps that it could use waits for a level of its own.
std::vector<std::vector<Share>> shares_of(const std::vector<Command>& commands) {
  std::vector<std::vector<Share>> result;
  for (std::vector<const Command*>& level : levels_of(commands)) {
    // Those of a fixed number of warps first: they begin at multiples of it.
    std::stable_sort(level.begin(), level.end(),
                     [](const Command* a, const Command* b) { return a->together > b->together; });
    int used = kMostWarps;  // the first opens a level
    for (const Command* c : level) {
      const int want = wanted(*c), left = kMostWarps - used;
      const bool fits = c->together ? want <= left : 2 * left >= want;
      if (!fits) {
        result.emplace_back();
        used = 0;
      }
      const int warps = std::min(want, kMostWarps - used);
      result.back().push_back({c, used, warps});
      used += warps;
    }
  }
  return result;
}

// Ranges that overlap or touch are one.
std::vector<Region> regions_of(const std::vector<Command>& commands) {
  std::vector<Touch> touches;
  for (const Command& c : commands)
    touches.insert(touches.end(), c.touches.begin(), c.touches.end());
  std::sort(touches.begin(), touches.end(),
            [](const Touch& a, const Touch& b) { return a.begin < b.begin; });
  std::vector<Region> regions;
  for (const Touch& t : touches) {
    if (regions.empty() || t.begin > regions.back().from + regions.back().bytes) {
      const bool own = t.begin < kMadeUp;
      regions.push_back({t.begin, 0, 0, !own, 0});
    }
    Region& r = regions.back();
    r.bytes = std::max(r.bytes, static_cast<uint32_t>(t.end - r.from));
    r.copied_out |= t.written && r.copied_in;
  }
  return regions;
}

const Region& holding(const std::vector<Region>& regions, int64_t address) {
  const auto after = std::upper_bound(regions.begin(), regions.end(), address,
                                      [](int64_t a, const Region& r) { return a < r.from; });
  return *(after - 1);
}

}  // namespace

void Command::touch(const void* field, int64_t begin, int64_t end, bool written) {
  int64_t address = 0;
  memcpy(&address, field, sizeof address);
  if (address == 0 || begin >= end) return;
  const auto at = static_cast<size_t>(static_cast<const unsigned char*>(field) - arguments.data());
  touches.push_back({at, address + begin, address + end, written});
}

Plan::Plan(const std::vector<Command>& commands) : regions(regions_of(commands)) {
  const std::vector<std::vector<Share>> shares = shares_of(commands);
  levels = static_cast<int>(shares.size());
  warps = kTogetherWarps;
  for (const auto& level : shares) warps = std::max(warps, level.back().first + level.back().warps);
  head.resize(aligned(static_cast<size_t>(levels * warps) * sizeof(Place)));
  size_t end = head.size();
  for (const Command& c : commands) end += aligned(c.arguments.size());
  uint32_t at = aligned(end);
  for (Region& r : regions) {
    r.at = at + static_cast<uint32_t>(r.from % kAlign);  // as aligned as it was
    at = aligned(r.at + r.bytes);
  }
  slots = at;
  for (const Command& c : commands)
    slot_bytes = std::max(slot_bytes, aligned(static_cast<size_t>(c.shared_bytes)));
  shared_bytes = slots + static_cast<uint32_t>(warps / kTogetherWarps) * slot_bytes;

  for (size_t l = 0; l < shares.size(); ++l)
    for (const Share& s : shares[l]) {
      std::vector<unsigned char> bytes = s.command->arguments;
      const auto offset = static_cast<uint32_t>(head.size());
      std::set<size_t> done;
      for (const Touch& t : s.command->touches) {
        if (!done.insert(t.field).second) continue;
        const Region& r = holding(regions, t.begin);
        int64_t address = 0;
        memcpy(&address, bytes.data() + t.field, sizeof address);
        address += r.at - r.from;
        memcpy(bytes.data() + t.field, &address, sizeof address);
        addresses.push_back(offset + static_cast<uint32_t>(t.field));
      }
      bytes.resize(aligned(bytes.size()));
      head.insert(head.end(), bytes.begin(), bytes.end());
      const Place place{s.command->code, static_cast<uint16_t>(offset / kAlign),
                        static_cast<uint8_t>(s.first), static_cast<uint8_t>(s.warps),
                        static_cast<uint16_t>(s.first / kTogetherWarps)};
      for (int w = s.first; w < s.first + s.warps; ++w)
        memcpy(
            head.data() + (l * static_cast<size_t>(warps) + static_cast<size_t>(w)) * sizeof(Place),
            &place, sizeof place);
    }
}

}  // namespace fastnn::kernels::cuda
