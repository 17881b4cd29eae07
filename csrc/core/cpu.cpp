#include "core/cpu.h"

#include <stdint.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fastnn {
namespace {

#if defined(__x86_64__)
struct Features {
  bool avx2 = false, avx512 = false;
};

uint64_t xgetbv() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t{high} << 32) | low;
}

Features features() {
  Features found;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return found;
  const bool osxsave = c & (1u << 27), avx = c & (1u << 28), fma = c & (1u << 12),
             f16c = c & (1u << 29);
  if (!osxsave || !avx) return found;
  // The processor having a register is of no use where the system does not save it.
  const uint64_t saved = xgetbv();
  const bool ymm = (saved & 0x6) == 0x6, zmm = (saved & 0xE6) == 0xE6;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
  const bool avx2 = b & (1u << 5), bmi2 = b & (1u << 8);
  const bool f = b & (1u << 16), dq = b & (1u << 17), bw = b & (1u << 30), vl = b & (1u << 31);
  found.avx2 = ymm && avx2 && bmi2 && fma && f16c;
  found.avx512 = found.avx2 && zmm && f && dq && bw && vl;
  return found;
}
#endif

int affinity() {
#if defined(__linux__)
  // The kernel's mask may be wider than cpu_set_t's 1024 bits.
  for (int bits = 1024; bits <= (1 << 20); bits *= 2) {
    const size_t bytes = CPU_ALLOC_SIZE(bits);
    cpu_set_t* set = CPU_ALLOC(bits);
    if (!set) break;
    const bool ok = sched_getaffinity(0, bytes, set) == 0;
    const int count = ok ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (ok) return count;
  }
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The quota of one cgroup folder in processors; 0: none, or no such folder.
double quota_v2(const std::string& folder) {
  std::istringstream line(first_line(folder + "/cpu.max"));
  double quota = 0, period = 0;
  return (line >> quota >> period) && quota > 0 && period > 0 ? quota / period : 0;
}

double quota_v1(const std::string& folder) {
  std::istringstream line(first_line(folder + "/cpu.cfs_quota_us") + " " +
                          first_line(folder + "/cpu.cfs_period_us"));
  double quota = 0, period = 0;
  return (line >> quota >> period) && quota > 0 && period > 0 ? quota / period : 0;
}

// The smallest quota of a cgroup and those above it. In a container the path may be the host's
// and not be there; then the mount's root is this process's own group.
double quota_along(const std::string& mount, std::string path,
                   double (*quota)(const std::string&)) {
  double smallest = 0;
  for (;;) {
    const double found = quota(mount + path);
    if (found > 0 && (smallest == 0 || found < smallest)) smallest = found;
    if (path.empty()) return smallest;
    path.resize(path.find_last_of('/') == std::string::npos ? 0 : path.find_last_of('/'));
  }
}

bool has_item(const std::string& list, const std::string& item) {
  std::istringstream items(list);
  for (std::string one; std::getline(items, one, ',');)
    if (one == item) return true;
  return false;
}

}  // namespace

std::vector<std::string> supported_isas() {
#if defined(__x86_64__)
  std::vector<std::string> isas = {"baseline"};
  const Features found = features();
  if (found.avx2) isas.push_back("avx2");
  if (found.avx512) isas.push_back("avx512");
  return isas;
#elif defined(__aarch64__)
  return {"neon"};
#else
  return {"baseline"};
#endif
}

double cgroup_quota(const std::string& root) {
  double smallest = 0;
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "id:controllers:path"
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    const std::string mount = root + "/sys/fs/cgroup";
    std::vector<double> found;
    if (controllers.empty()) {
      found.push_back(quota_along(mount, path, quota_v2));
      found.push_back(quota_along(mount + "/unified", path, quota_v2));
    } else if (has_item(controllers, "cpu")) {
      found.push_back(quota_along(mount + "/cpu", path, quota_v1));
      found.push_back(quota_along(mount + "/" + controllers, path, quota_v1));
    }
    for (double quota : found)
      if (quota > 0 && (smallest == 0 || quota < smallest)) smallest = quota;
  }
  return smallest;
}

int available_cpus() {
  int cpus = std::max(1, affinity());
  const double quota = cgroup_quota();
  if (quota > 0) cpus = std::min(cpus, std::max(1, static_cast<int>(quota)));
  return cpus;
}

}  // namespace fastnn
