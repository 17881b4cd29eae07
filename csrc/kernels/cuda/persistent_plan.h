// How the launches of a recording become the program of one block (persistent.h): which memory each
// reads and writes, which of them wait for which, and where everything lies in shared memory.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace fastnn::kernels::cuda {

constexpr int kWarpThreads = 32;
constexpr int kMostWarps = 16;     // of the block: more would leave a thread too few registers
constexpr int kTogetherWarps = 8;  // of bodies whose threads wait for each other: kThreads
constexpr int64_t kMadeUp =
    1 << 16;  // addresses below are made up here: memory of the program's own

// Memory that a command's arguments lead to.
struct Touch {
  size_t field;        // of the address among the arguments
  int64_t begin, end;  // addresses
  bool written;
  double times = 1;  // that it is read or written, all of it, on average
};

// A body to be called, with the arguments that a launch would give it.
struct Command {
  uint16_t code = 0;
  bool together = false;  // its threads wait for each other
  bool slow = false;      // much of one thread's work, which others need late
  int shared_bytes = 0;
  int64_t work = 0;     // results
  int64_t threads = 0;  // that have something to do
  int64_t rounds = 0;   // in which one block does it
  // Cycles, about: of a thread that has the multiprocessor to itself, for a result; and of the
  // multiprocessor, for a warp's.
  double alone = 150, each = 15;
  double launched = 0;  // cycles of its launch, beyond those that any has
  std::vector<unsigned char> arguments;
  size_t used = 0;  // of the arguments' bytes, the first; 0: all
  std::vector<Touch> touches;

  // Of as many warps that do nothing else.
  double cycles(int warps) const {
    const double all = static_cast<double>((threads + kWarpThreads - 1) / kWarpThreads);
    const double turns = together ? static_cast<double>(rounds) : std::ceil(all / warps);
    return std::max(turns * alone, busy());
  }
  // Of the multiprocessor, whatever else it does.
  double busy() const {
    const double all = static_cast<double>((threads + kWarpThreads - 1) / kWarpThreads);
    return (together ? static_cast<double>(rounds) * kTogetherWarps : all) * each;
  }
  // Nothing behind this place of the arguments is used.
  void uses_until(const void* end) {
    used = static_cast<size_t>(static_cast<const unsigned char*>(end) - arguments.data());
  }
  // Of the pointer at `field` and the bytes from `begin` to `end` behind it. Null leads nowhere.
  template <class P>
  void reads(P* const& pointer, int64_t begin, int64_t end, double times = 1) {
    touch(&pointer, begin, end, false, times);
  }
  template <class P>
  void writes(P* const& pointer, int64_t begin, int64_t end, double times = 1) {
    touch(&pointer, begin, end, true, times);
  }

 private:
  void touch(const void* field, int64_t begin, int64_t end, bool written, double times);
};

// What a warp does in a level: the body, its arguments' place / 16, and the warps that share it.
struct Place {
  uint16_t code, arguments;
  uint8_t first, warps;
  uint16_t slot;  // of the memory for bodies whose threads wait for each other
};

// A range of the device's memory that lies in shared memory while the program runs.
struct Region {
  int64_t from;
  uint32_t bytes, at;
  int32_t copied_in, copied_out;
};

// The warps that a command has in its level.
struct Share {
  const Command* command;
  int first, warps;
};

// A program as it is brought to the device. Levels follow each other, their commands do not. What
// takes long and can begin with the step has a warp of its own, beside the first `joined` levels.
// Where not all memory has room, what is touched least stays in the device's.
struct Plan {
  int levels = 0, warps = 0, slow = 0, joined = 0;
  std::vector<unsigned char> head;  // at the start of shared memory: places, slow ones, arguments
  std::vector<uint32_t> addresses;  // in head: counted from the start of shared memory
  std::vector<Region> regions;
  uint32_t slots = 0, slot_bytes = 0;  // where the memory of bodies is, and how much one has
  uint32_t shared_bytes = 0;           // in all
  double cycles = 0;                   // of a step, about

  // shared_limit: bytes. What the program needs at least may be more.
  Plan(const std::vector<Command>& commands, uint32_t shared_limit);

 private:
  struct Range {
    Region region;
    int64_t end;
    double touched;  // bytes of it, in a step
    bool shared;
  };
  std::vector<Range> ranges_;

  void find_ranges(const std::vector<Command>& commands);
  void find_room(uint32_t begin, uint32_t end);
  const Range& holding(int64_t address) const;
  double away(const Command& command) const;
  double cycles_of(const std::vector<Share>& level) const;
  Place placed(const Command& command, int first, int count);
  void put(size_t number, const Place& place);
};

}  // namespace fastnn::kernels::cuda
