// How findings are told: with the lines of the source, each place once.
#include "kernels/cuda/emulated/findings.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <set>
#include <utility>

namespace fastnn::emulated::checker {

Range image() {
  static const Range own = [] {
    Range range{nullptr, nullptr};
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* into) {
          Range r{reinterpret_cast<const char*>(UINTPTR_MAX), nullptr};
          for (int i = 0; i < info->dlpi_phnum; ++i) {
            const auto& part = info->dlpi_phdr[i];
            if (part.p_type != PT_LOAD) continue;
            const auto* begin = reinterpret_cast<const char*>(info->dlpi_addr + part.p_vaddr);
            r.begin = std::min(r.begin, begin);
            r.end = std::max(r.end, begin + part.p_memsz);
          }
          if (r.has(&current)) *static_cast<Range*>(into) = r;
          return 0;
        },
        &range);
    return range;
  }();
  return own;
}

namespace {

std::string file_of_image() {
  Dl_info info{};
  dladdr(&current, &info);
  return info.dli_fname ? info.dli_fname : "";
}

}  // namespace

std::string source_of(uint32_t place) {
  const std::string command = "addr2line -ie " + file_of_image() + text(" 0x%x", place - 1);
  FILE* lines = popen(command.c_str(), "r");
  std::string all;
  char line[512];
  while (lines && fgets(line, sizeof line, lines)) {
    line[strcspn(line, " \n")] = 0;
    const char* file = strrchr(line, '/');
    if (file && !strncmp(file, "/launch.h", 9)) break;
    if (!all.empty()) all += ", called in ";
    all += file ? file + 1 : line;
  }
  while (lines && fgets(line, sizeof line, lines)) continue;
  if (lines) pclose(lines);
  return all;
}

namespace {

// Only the first finding of a place is told, where not every one ends the process.
bool go_on() {
  static const char* text = getenv("FASTNN_FINDINGS");
  return text && !strcmp(text, "all");
}
int findings = 0;

}  // namespace

void tell(uint32_t one, uint32_t other, const std::function<std::string()>& what) {
  static std::set<std::pair<uint32_t, uint32_t>> told;
  if (!go_on()) stop(what());
  if (!told.insert({one, other}).second) return;
  if (findings++ == 0)
    atexit([] {
      fprintf(stderr, "emulated GPU: %d findings\n", findings);
      _Exit(66);
    });
  fprintf(stderr, "emulated GPU, kernel %s: %s\n", kernel_text().c_str(), what().c_str());
}

}  // namespace fastnn::emulated::checker
