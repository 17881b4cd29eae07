// Programs and contexts. A Program is immutable: kernel calls over buffers whose sizes are
// polynomials in the run-time extents. A Context binds it to an arena and concrete numbers.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/device.h"
#include "graph/node.h"
#include "kernels/kernels.h"
#include "runtime/red_zones.h"

namespace fastnn::runtime {

using graph::Type;
using graph::Value;
using graph::Values;
using graph::VariablePtr;

// A strided window on a buffer. Strides and offset count elements.
struct View {
  int buffer = -1;
  DType dtype = DType::f32;
  Shape shape;
  std::vector<Dim> strides;
  Dim offset;
};

std::vector<Dim> row_major(const Shape& shape);
bool is_contiguous(const View& v);

struct BufferInfo {
  enum Kind { temp, input, output, stored, constant, extent };  // stored: a variable
  Kind kind;
  DType dtype;
  Dim count;      // elements
  int slot = -1;  // input or output number
  VariablePtr variable;
  std::shared_ptr<const graph::ConstantData> data;
  // extent: a number that follows from the extents, written at bind
  std::function<double(const Extents&)> number;
  const void* placed = nullptr;  // constant: where it lies in the device's memory
  int alias = -1;                // lives in this buffer instead ...
  Dim alias_offset;              // ... from this element on
  int first = -1, last = -1;     // calls that touch it: temps may share memory outside
};

class Context;
class Program;
class SizedContexts;

// What a call may ask for while it turns symbols into numbers.
class Binder {
 public:
  Binder(Context* context, const Extents& env) : context_(context), env_(env) {}
  int64_t eval(const Dim& d) const { return d.eval(env_); }
  void eval(const std::vector<Dim>& dims, int64_t* out) const;
  // Stores the address of a view; addresses in inputs and outputs follow later pointers.
  template <class T>
  void pointer(T** slot, const View& view) const {
    address(reinterpret_cast<void**>(const_cast<std::remove_const_t<T>**>(slot)), view);
  }
  // Stores where the host can read the view: null where a device alone has it.
  template <class T>
  void host_pointer(const T** slot, const View& view) const {
    host_address(reinterpret_cast<void**>(const_cast<T**>(slot)), view);
  }
  Context* context() const { return context_; }
  const Extents& extents() const { return env_; }

 private:
  void address(void** slot, const View& view) const;
  void host_address(void** slot, const View& view) const;

  Context* context_;
  const Extents& env_;
};

// One kernel call: immutable, bound many times.
class Call {
 public:
  virtual ~Call() = default;
  virtual size_t args_size() const = 0;
  virtual void bind(const Binder& binder, void* args) const = 0;
  virtual std::string describe() const { return label; }
  // On a device: how many kernels a run with these arguments calls, where it does nothing else, and
  // calls the same ones each time. Then it can be recorded.
  virtual std::optional<int64_t> kernels_called(const void* args) const {
    (void)args;
    return 1;
  }

  kernels::Kernel kernel = nullptr;
  kernels::Workspace workspace = nullptr;
  std::string label;  // kernel id, with what was fused into it
  std::string table;  // where the kernel came from
  Dim flops, bytes;
  std::vector<int> reads, writes;  // buffers
  int64_t position = 0;            // order within the section
  bool absorbed = false;           // another call does its work
};

struct Update {
  VariablePtr variable;
  Value value;
};

struct Section {
  std::string name;
  Values outputs;
  std::vector<Update> updates;
  std::vector<graph::NodePtr> effects;
};

// What extents must satisfy for a program to run; checked when they become numbers.
struct Requirement {
  enum Kind { equal, at_most, broadcasts };  // a == b, a <= b, a == b or a == 1
  Kind kind;
  Dim a, b;
  std::string op;
  void check(const Extents& env) const;  // throws std::invalid_argument
};

struct Options {
  bool reuse_memory = true;  // false: every buffer its own memory, with red zones (debugging)
  bool poison = false;       // fill memory with NaN bytes as soon as it is free
  const Device* device = &default_device();
};

struct SectionRange {
  std::string name;
  size_t begin, end;  // calls
};

class Program : public std::enable_shared_from_this<Program> {
 public:
  static std::shared_ptr<Program> compile(const Values& inputs, std::vector<Section> sections,
                                          Options options = {});

  // The extents that arrays of these shapes give the inputs; a mismatch throws
  // std::invalid_argument that names the input.
  Extents extents_of(const std::vector<std::vector<int64_t>>& shapes) const;

  std::string plan(const Extents* env) const;

  std::vector<Type> input_types, output_types;
  std::vector<std::string> input_names;
  std::vector<BufferInfo> buffers;
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<SectionRange> sections;
  std::vector<Requirement> requirements;
  std::vector<VariablePtr> variables;  // read or written
  std::vector<bool> input_used;
  Options options;

  const Device& device() const { return *options.device; }

 private:
  void place_constants();

  Memory constants_;  // of a device
};

// What a run may differ in.
struct RunInfo {
  uint64_t seed = 0;
  uint64_t step = 0;
  uint32_t iteration = 0;
  bool (*poll)(void*) = nullptr;  // called between kernels; true stops the section, from then on
  void* poll_data = nullptr;
};

// Memory of intermediate values and of kernels at work. Contexts that never run at the same time
// may share it.
struct Scratch {
  Memory arena, workspace;
  Memory state;                  // a DeviceState, on a device
  uint64_t step = ~uint64_t{0};  // that the state has, once all that was launched is done
  int64_t row = 0;
  uint64_t generation = 0;  // grows when either moves
};

// Bytes that a program occupies, by what they hold.
struct MemoryUse {
  int64_t variables = 0, constants = 0, arena = 0, workspace = 0, arguments = 0;
  int64_t total() const { return variables + constants + arena + workspace + arguments; }
};

class Context {
 public:
  explicit Context(std::shared_ptr<const Program> program,
                   std::shared_ptr<Scratch> scratch = nullptr);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Fills in all arguments for these extents; plans the memory when it is not enough.
  void bind(const Extents& env);
  // Binds again when variables or the scratch moved or the thread count changed since.
  void refresh();
  const Extents& extents() const { return env_; }
  bool bound() const { return bound_; }

  // Addresses in the memory of the program's device.
  void set_input(int i, const void* data);
  void set_output(int i, void* data);
  // The same for the host's memory, by way of the context's own where the device has another: the
  // input is copied now, the output by finish().
  void set_host_input(int i, const void* data);
  void set_host_output(int i, void* data);
  // Waits until all that was run is done, and throws what it has met. Nothing to do on the host,
  // where run() does it.
  void finish();
  // Runs one section. False when info.poll asked to stop before its end.
  bool run(size_t section, const RunInfo& info);
  // Whether the run in progress is to stop; for calls that take long by themselves (Loop). A poll
  // that said so once says so again.
  bool should_stop() const { return asking_ && asking_->poll(asking_->poll_data); }
  // For the body of a loop: polls and reports as the context that the loop is in.
  void run_within(const Context& other) {
    asking_ = other.asking_;
    state_ = other.state_;
    queue_ = other.queue_;
  }

  // --- On a device: steps of a training, which may be recorded and replayed.
  // Counts how often it was bound: what was recorded earlier reads addresses that are no more.
  uint64_t bindings() const { return bindings_; }
  // Of all sections; see Call. They read in the state what varies from step to step.
  std::optional<int64_t> kernels_called() const;
  // Launches are given this queue, of a recording, until they are given none.
  void record_on(void* queue) { queue_ = queue; }
  bool recording() const { return queue_ != nullptr; }
  // For a launch of the step's own; with the state.
  kernels::Context launching() const;
  // Where the next step is: written to the state unless it says so already.
  void place(uint64_t step, int64_t row);
  // Launches what ends a step of n rows.
  void advance(int64_t n);
  // The same, of recorded steps that were replayed.
  void replayed(int64_t steps, int64_t n);
  // Where finish() has met what it threw.
  uint64_t failed_step() const { return failed_step_; }
  int64_t failed_row() const { return failed_row_; }
  // Runs one call alone, for profiling.
  void run_call(size_t call, const RunInfo& info);

  const Program& program() const { return *program_; }
  // The scratch included, also where it is shared.
  MemoryUse memory() const;
  const std::shared_ptr<Scratch>& scratch() const { return scratch_; }
  // For calls that hold a program of their own (Loop).
  Context* child(const std::shared_ptr<const Program>& body);
  // For those whose program changes its sizes while they run (trees).
  SizedContexts* sized_child(const std::shared_ptr<const Program>& body);
  void check_status();
  // std::runtime_error if a red zone was written to; there are none where memory is reused.
  void check_red_zones(const std::string& culprit) const;
  void* buffer_address(size_t i) const { return base_[i]; }
  // What a call reads when it runs.
  const void* arguments(size_t call) const { return args_.as<char>() + args_offsets_[call]; }
  // Runs another kernel in a call's place, until the context is bound again.
  void replace(size_t call, kernels::Kernel kernel, const void* args) {
    steps_[call] = {kernel, args};
  }

 private:
  friend class Binder;
  struct Step {
    kernels::Kernel kernel;
    const void* args;
  };
  struct Patch {
    void** slot;
    int64_t offset;
  };
  kernels::Context kernel_context(const RunInfo& info);
  void plan(const std::vector<int64_t>& bytes);
  void grow(Memory* memory, int64_t bytes);
  void place_buffers();
  int64_t slot_bytes(int64_t bytes) const;
  void add_red_zones(const std::vector<int64_t>& bytes);
  void bind_workspace(const std::vector<size_t>& needs);
  int64_t bytes_of(const Type& type) const;
  Memory& staging(std::vector<Memory>* all, size_t i, const Type& type);
  void set_step(uint64_t step) {
    if (step != scratch_->step) place(step, scratch_->row);
  }
  void check_launch(const std::string& what) const;
  bool owns_state() const { return state_ && state_ == scratch_->state.data(); }
  bool stopped(const RunInfo& info);
  void after_call(size_t call);
  void poison_dead(size_t call);

  std::shared_ptr<const Program> program_;
  Extents env_;
  bool bound_ = false;
  uint64_t epoch_ = 0, generation_ = 0, bindings_ = 0;
  int threads_ = 0;
  std::vector<int64_t> planned_, offsets_;
  std::shared_ptr<Scratch> scratch_;
  Buffer args_, extent_values_;
  Memory device_extents_;               // extent_values_ there
  std::vector<Memory> own_workspaces_;  // of each call, without reuse of memory
  RedZones red_zones_;                  // goes before the memory it lies in
  int64_t args_bytes_ = 0;
  std::vector<size_t> args_offsets_;
  std::vector<char*> base_;
  std::vector<std::vector<Patch>> input_patches_, output_patches_;
  std::vector<Step> steps_;
  std::vector<std::unique_ptr<Context>> children_;
  std::vector<std::unique_ptr<SizedContexts>> sized_;
  size_t next_child_ = 0, next_sized_ = 0;
  const RunInfo* asking_ = nullptr;  // of the run in progress: loops poll for it
  kernels::Status status_{};
  // On a device.
  DeviceState* state_ = nullptr;  // there; the scratch's, or that of the context around
  void* queue_ = nullptr;         // of a recording
  uint64_t failed_step_ = 0;
  int64_t failed_row_ = 0;
  std::vector<Memory> staged_inputs_, staged_outputs_;
  // Inputs that calls read here, as set_host_input was given them.
  std::vector<std::vector<Patch>> host_patches_;
  std::vector<Buffer> kept_inputs_;
  std::vector<void*> host_outputs_;
};

}  // namespace fastnn::runtime
