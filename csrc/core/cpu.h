// What this processor, its operating system and this process's limits allow.
#pragma once
#include <string>
#include <vector>

namespace fastnn {

// The instruction sets with kernels that this processor and operating system can run, slowest
// first: "baseline", "avx2", "avx512" on x86-64, "neon" on ARM64.
std::vector<std::string> supported_isas();

// How many processors this process may use: its affinity, and the quota of its cgroup (version 1
// or 2) rounded down; at least 1.
int available_cpus();

// The cgroup quota in processors, or 0 where there is none. root: where /proc and /sys are found.
double cgroup_quota(const std::string& root = "");

}  // namespace fastnn
