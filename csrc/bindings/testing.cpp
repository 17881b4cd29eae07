// Hooks for tests: any kernel of any table, on NumPy arrays.
#include <pybind11/stl.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "bindings/arrays.h"
#include "bindings/function.h"
#include "bindings/gil.h"
#include "bindings/register.h"
#include "core/cpu.h"
#include "core/error.h"
#include "core/fpmode.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/thread_pool.h"
#include "runtime/registry.h"
#include "runtime/trainer.h"

namespace fastnn::bindings {
namespace {

// (id, dtype, "kernel" or "tile") of every entry of a table.
py::list entries(const std::string& table) {
  py::list l;
  const kernels::Table& t = runtime::table_named(table);
  for (int32_t i = 0; i < t.size; ++i)
    for (int32_t k = 0; k < t.lists[i].size; ++k) {
      const kernels::Entry& e = t.lists[i].entries[k];
      l.append(py::make_tuple(e.id, dtype_name(e.dtype), e.tile ? "tile" : "kernel"));
    }
  return l;
}

// Runs a tile on contiguous arrays; out's dtype is the caller's business, as in the op table.
void tile(const std::string& table, const std::string& id, py::handle dtype, py::array out,
          const std::vector<py::array>& in, const std::vector<double>& params) {
  const kernels::Entry* e = runtime::find_in(runtime::table_named(table), id, dtype_from(dtype));
  if (!e || !e->tile) throw ValueError("table '" + table + "' has no tile '" + id + "'");
  const void* pointers[3] = {};
  for (size_t i = 0; i < in.size() && i < 3; ++i) {
    if (!(in[i].flags() & py::array::c_style) || in[i].size() != out.size())
      throw ValueError(str("expected contiguous inputs of ", out.size(), " elements"));
    pointers[i] = in[i].data();
  }
  void* to = out.mutable_data();
  int64_t n = out.size();
  WithoutGil unlocked;
  FpMode mode;
  e->tile(to, pointers, n, params.data());
}

// A kernel on the bytes of its argument struct, as ctypes lays it out, with the process's number of
// threads.
struct KernelRun {
  const kernels::Entry* entry;
  py::buffer_info args;
  kernels::Status status{};

  KernelRun(const std::string& table, const std::string& id, py::handle dtype,
            const py::buffer& bytes)
      : entry(runtime::find_in(runtime::table_named(table), id, dtype_from(dtype))),
        args(bytes.request()) {
    if (!entry || !entry->run) throw ValueError("table '" + table + "' has no kernel '" + id + "'");
  }

  // Returns the seconds of a call.
  double run(uint64_t seed, uint64_t step, uint32_t iteration, int repeat) {
    WithoutGil unlocked;
    FpMode mode;
    const int threads = num_threads();
    const size_t bytes = entry->workspace ? entry->workspace(args.ptr, threads) : 0;
    // Filled with NaN, so that a kernel that reads what it has not written is found out.
    Buffer workspace(checked_add(static_cast<int64_t>(bytes), 64));
    memset(workspace.data(), 0xff, static_cast<size_t>(workspace.size()));
    const kernels::Context context = {parallel_for, nullptr, threads, workspace.data(),
                                      &status,      seed,    step,    iteration};
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeat; ++i) entry->run(args.ptr, &context);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    return took.count() / repeat;
  }
};

// Returns the status: (code, value, limit).
py::tuple kernel(const std::string& table, const std::string& id, py::handle dtype,
                 const py::buffer& args, uint64_t seed, uint64_t step, uint32_t iteration) {
  KernelRun k(table, id, dtype, args);
  k.run(seed, step, iteration, 1);
  return py::make_tuple(k.status.code, k.status.value, k.status.limit);
}

double time_kernel(const std::string& table, const std::string& id, py::handle dtype,
                   const py::buffer& args, int repeat) {
  return KernelRun(table, id, dtype, args).run(0, 0, 0, repeat);
}

// random_permutation of 0 .. n - 1 on a device.
std::vector<int64_t> permutation(const std::string& device, int64_t n, uint64_t seed,
                                 uint64_t step) {
  const Device& d = device_named(device);
  const kernels::Entry* entry = runtime::find_kernel(d, "random_permutation", DType::i64).entry;
  const int64_t bytes = checked_mul(n, sizeof(int64_t));
  const Memory out(d, bytes);
  const kernels::PermutationArgs args{out.as<int64_t>(), n, 9};
  const Memory workspace(d,
                         entry->workspace ? static_cast<int64_t>(entry->workspace(&args, 1)) : 0);
  d.fill(workspace.data(), 0xff, workspace.size());
  const kernels::Context context = {parallel_for,
                                    d.is_host() ? nullptr : d.module()->queue(),
                                    1,
                                    workspace.data(),
                                    nullptr,
                                    seed,
                                    step,
                                    0};
  entry->run(&args, &context);
  d.check("random_permutation");
  std::vector<int64_t> result(static_cast<size_t>(n));
  d.copy_out(result.data(), out.data(), bytes);
  return result;
}

py::tuple philox_words(const std::vector<uint32_t>& counter, const std::vector<uint32_t>& key) {
  if (counter.size() != 4 || key.size() != 2)
    throw ValueError("expected a counter of 4 words and a key of 2");
  const Philox4 r = philox({{counter[0], counter[1], counter[2], counter[3]}}, key[0], key[1]);
  return py::make_tuple(r.word[0], r.word[1], r.word[2], r.word[3]);
}

// Which thread ran each task of a parallel_for, as numbers from 0; `work` rounds of arithmetic a
// task; with nested, each task starts a parallel_for of its own and counts what that ran.
struct Job {
  std::vector<std::thread::id> who;
  std::vector<int> runs;
  int work = 0;
  bool nested = false;
};

void job_body(void* arg, int64_t i) {
  Job& job = *static_cast<Job*>(arg);
  const auto at = static_cast<size_t>(i);
  job.who[at] = std::this_thread::get_id();
  volatile double x = 1;
  for (int k = 0; k < job.work; ++k) x = x * 1.0000001;
  if (!job.nested) {
    ++job.runs[at];
    return;
  }
  std::array<int, 5> inner{};
  parallel_for(nullptr, 5, [](void* a, int64_t k) { ++static_cast<int*>(a)[k]; }, inner.data());
  for (int one : inner) job.runs[at] += one;
}

py::tuple pool_job(int64_t tasks, int work, bool nested) {
  Job job;
  job.who.resize(static_cast<size_t>(tasks));
  job.runs.resize(static_cast<size_t>(tasks));
  job.work = work;
  job.nested = nested;
  {
    WithoutGil unlocked;
    parallel_for(nullptr, tasks, job_body, &job);
  }
  std::vector<std::thread::id> seen;
  std::vector<int> who;
  for (const auto& id : job.who) {
    auto at = std::find(seen.begin(), seen.end(), id);
    if (at == seen.end()) at = seen.insert(seen.end(), id);
    who.push_back(static_cast<int>(at - seen.begin()));
  }
  return py::make_tuple(who, job.runs);
}

// Plants a fault: an elementwise kernel that goes `extra` elements beyond a buffer of the arena.
void overrun(Function& f, const std::vector<std::vector<int64_t>>& shapes, const std::string& table,
             int64_t extra) {
  const auto& buffers = f.executable.program().buffers;
  auto context = f.executable.acquire(f.executable.program().extents_of(shapes));
  for (size_t i = 0; i < buffers.size(); ++i) {
    const runtime::BufferInfo& b = buffers[i];
    if (b.kind != runtime::BufferInfo::temp || b.alias >= 0 || b.first < 0) continue;
    const kernels::Entry* e = runtime::find_in(runtime::table_named(table), "negative", b.dtype);
    if (!e) continue;
    void* data = context->buffer_address(i);
    e->tile(data, &data, b.count.eval(context->extents()) + extra, nullptr);
    context->check_red_zones("negative");
    f.executable.release(std::move(context));
    return;
  }
  throw ValueError("expected a function with a buffer of numbers in its arena");
}

}  // namespace

void register_testing(py::module_& m) {
  py::module_ t = m.def_submodule("testing", "Hooks for tests: any kernel of any table.");
  t.def("entries", &entries, py::arg("table"));
  t.def("tile", &tile, py::arg("table"), py::arg("id"), py::arg("dtype"), py::arg("out"),
        py::arg("inputs"), py::arg("params") = std::vector<double>{});
  t.def("overrun", &overrun, py::arg("function"), py::arg("shapes"), py::arg("table"),
        py::arg("extra"));
  register_testing_matmul(t);
  t.def("kernel", &kernel, py::arg("table"), py::arg("id"), py::arg("dtype"), py::arg("args"),
        py::arg("seed") = 0, py::arg("step") = 0, py::arg("iteration") = 0);
  t.def("time_kernel", &time_kernel, py::arg("table"), py::arg("id"), py::arg("dtype"),
        py::arg("args"), py::arg("repeat"));
  t.def("permutation", &permutation, py::arg("device"), py::arg("n"), py::arg("seed"),
        py::arg("step"));
  t.def("philox", &philox_words, py::arg("counter"), py::arg("key"));
  t.def("pool_job", &pool_job, py::arg("tasks"), py::arg("work") = 0, py::arg("nested") = false);
  t.def("cgroup_quota", &cgroup_quota, py::arg("root"));
  t.def("set_recording", &runtime::Trainer::set_recording, py::arg("wanted"),
        "Whether devices record steps of training; returns what it was.");
}

}  // namespace fastnn::bindings
