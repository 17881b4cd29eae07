#include "runtime/registry.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <unordered_map>

#include "core/cpu.h"
#include "core/error.h"
#include "core/thread_pool.h"

namespace fastnn::runtime {
namespace {

using kernels::Entry;
using kernels::Table;

std::string names_of(const std::vector<const Table*>& tables) {
  std::string s;
  for (const Table* t : tables) s += (s.empty() ? "" : ", ") + std::string(t->name);
  return s;
}

std::atomic<const Table*>& active() {
  static std::atomic<const Table*> table{[] {
    const char* wanted = std::getenv("FASTNN_ISA");
    return wanted && *wanted ? &table_named(wanted) : available_tables().back();
  }()};
  return table;
}

}  // namespace

const std::vector<const Table*>& available_tables() {
  static const std::vector<const Table*> tables = [] {
    std::vector<const Table*> t{&kernels::reference_table()};
    const std::vector<std::string> isas = supported_isas();
    auto offer = [&](const Table& table) {
      if (std::find(isas.begin(), isas.end(), table.name) != isas.end()) t.push_back(&table);
    };
#ifdef FASTNN_HAVE_baseline
    offer(kernels::baseline::table());
#endif
#ifdef FASTNN_HAVE_avx2
    offer(kernels::avx2::table());
#endif
#ifdef FASTNN_HAVE_avx512
    offer(kernels::avx512::table());
#endif
#ifdef FASTNN_HAVE_neon
    offer(kernels::neon::table());
#endif
    (void)offer;  // no ISA of this build may be left
    return t;
  }();
  return tables;
}

const Table& table_named(const std::string& name) {
  for (const Table* t : available_tables())
    if (name == t->name) return *t;
  throw std::invalid_argument("ISA: expected one of " + names_of(available_tables()) +
                              " (what this machine has), got '" + name + "'");
}

const Table& active_table() { return *active().load(); }

void set_active_table(const std::string& name) { active().store(&table_named(name)); }

kernels::Context plain_context(kernels::Status* status) {
  kernels::Context context{};
  context.parallel_for = parallel_for;
  context.threads = num_threads();
  context.status = status;
  return context;
}

const Entry* find_in(const Table& table, const std::string& id, DType dtype) {
  using Index = std::unordered_map<std::string, const Entry*>;
  static std::mutex mutex;
  static auto* indices = new std::unordered_map<const Table*, Index>;
  std::lock_guard<std::mutex> lock(mutex);
  Index& index = (*indices)[&table];
  auto key = [](const std::string& name, DType t) { return name + '/' + dtype_name(t); };
  if (index.empty())
    for (int32_t i = 0; i < table.size; ++i)
      for (int32_t k = 0; k < table.lists[i].size; ++k) {
        const Entry& e = table.lists[i].entries[k];
        index.emplace(key(e.id, e.dtype), &e);
      }
  auto it = index.find(key(id, dtype));
  return it == index.end() ? nullptr : it->second;
}

Found find_kernel(const std::string& id, DType dtype) {
  const Table& table = active_table();
  if (const Entry* e = find_in(table, id, dtype)) return {e, table.name};
  const Table& reference = kernels::reference_table();
  return {find_in(reference, id, dtype), reference.name};
}

Found find_kernel(const Device& device, const std::string& id, DType dtype) {
  if (device.is_host()) return find_kernel(id, dtype);
  return {find_in(*device.module()->table, id, dtype), device.name()};
}

void throw_no_kernel(const Device& device, const std::string& id, DType dtype) {
  const std::string what = "there is no kernel '" + id + "' for " + dtype_name(dtype);
  if (device.is_host()) throw std::invalid_argument(what);
  throw DeviceError(what + " on " + device.name());
}

}  // namespace fastnn::runtime
