// The Trainer owns the epoch: permutation, gathering, the program's sections, all without Python.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/recording.h"
#include "runtime/columns.h"
#include "runtime/guard.h"
#include "runtime/program.h"

namespace fastnn::runtime {

struct StepProfile;

// What a training program will do and occupy for given columns.
struct StepPlan {
  std::string text;  // its kernels in their order
  MemoryUse memory;
  int64_t batch_buffers = 0;  // where rows are gathered
};

// Where a pass stands in a training: it numbers the random streams, so that the same numbers come
// again in another process.
struct Position {
  uint64_t pass = 0;  // of the training: the order of rows
  uint64_t step = 0;  // of the training: draws of the graph, and when an update is due
  int64_t row = 0;    // within the pass: where to go on
};

// Sections run in their order: at every step, or every so many as `every` says of their name.
// Only the first section can be interrupted; from the first write on, a step is carried through.
//
// On a device a step that comes again and again, over rows that lie there, is recorded and
// replayed, many times by one call: one recording for each combination of sections and number of
// rows. The first of its kind runs call by call, and so does what cannot be recorded.
class Trainer {
 public:
  using Every = std::map<std::string, int64_t>;
  Trainer(std::shared_ptr<const Program> program, const Every& every, std::shared_ptr<Guard> guard);

  // Starts a pass over the columns, in place of one that was not ended, in the permutation of that
  // pass where shuffle is true.
  void begin(std::vector<Column> columns, int64_t batch, bool shuffle, uint64_t seed,
             const Position& from);
  // The same over any rows.
  void begin(std::unique_ptr<BatchSource> source, int64_t batch, bool shuffle, uint64_t seed,
             const Position& from);
  // Starts a pass over the columns in an order of the caller's: each row once, or empty.
  void begin(std::vector<Column> columns, int64_t batch, std::vector<int64_t> order, uint64_t seed,
             const Position& from);
  // Starts a pass over some rows of the columns, in their order here.
  void begin_rows(std::vector<Column> columns, int64_t batch, std::vector<int64_t> rows,
                  uint64_t seed, const Position& from);
  // Runs steps until the pass is over, max_steps are done, max_seconds are over, or poll (called
  // now and then, between kernels) returns true. Returns the steps completed.
  int64_t run(int64_t max_steps, double max_seconds, bool (*poll)(void*), void* poll_data);
  void end();
  // From here to release(), what was made to read columns, their copy on a device above all, is
  // kept beyond end(), for passes over the same columns. They must live and stay as they are.
  void hold() { holding_ = true; }
  bool holding() const { return holding_; }
  void release();

  // Times a step's parts on these columns; weights and state are as before (profile.cpp).
  StepProfile profile(std::vector<Column> columns, int64_t batch, uint64_t seed);

  // Readies everything for these columns and runs nothing.
  StepPlan plan(std::vector<Column> columns, int64_t batch);

  // Whether steps are recorded on devices, of all trainers: for tests and for whom a tool shows
  // kernels better one by one. Returns what it was.
  static bool set_recording(bool wanted);

  bool active() const { return reader_ != nullptr; }
  const Position& position() const { return position_; }
  const Program& program() const { return *program_; }

 private:
  std::unique_ptr<BatchSource> reader_of(std::vector<Column> columns, int64_t batch);
  // Starts a pass in the order of the rows.
  void start(std::unique_ptr<BatchSource> source, int64_t batch, uint64_t seed,
             const Position& from);
  // Of n rows from `first` in the order.
  Context* context_for(int64_t first, int64_t n);
  bool step(Context* context, const RunInfo& first, bool guarded);
  // Those that run at the next step, as bits.
  uint64_t due_sections() const;
  void run_sections(Context* context, uint64_t due, RunInfo info);
  void finish();  // of what runs elsewhere

  // A step on a device.
  struct Recorded {
    std::vector<uint64_t> of;  // what it stands on
    std::unique_ptr<Recording> launches;
    int failures = 0;
  };
  bool recordable(const Context& context) const;
  // Replays at most `most` steps of n rows; 0 where the next one has to run call by call.
  int64_t replay(Context* context, int64_t n, int64_t most);
  Recorded* recorded(Context* context, int64_t n);
  bool record(Recorded* recorded, Context* context, int64_t n);

  std::shared_ptr<const Program> program_;
  std::shared_ptr<Guard> guard_;
  std::vector<uint64_t> every_;                     // of each section
  std::vector<std::unique_ptr<Context>> contexts_;  // of a full batch and of the last: one scratch
  std::unique_ptr<BatchSource> reader_;
  std::unique_ptr<BatchSource> held_;  // between two passes
  bool holding_ = false;
  std::atomic<bool> running_{false};
  std::map<std::pair<int64_t, uint64_t>, Recorded> recorded_;  // by rows and sections
  std::vector<int64_t> order_;  // empty: the rows'; one number: the reader's own
  int64_t rows_ = 0;            // of the pass
  int64_t batch_ = 0;
  uint64_t seed_ = 0;
  Position position_;
  double step_seconds_ = 0;  // how long steps take, roughly
};

}  // namespace fastnn::runtime
