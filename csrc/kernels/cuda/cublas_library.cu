// Finds cublasLt and takes its functions. It is no dependency of the module: machines without it,
// or without a GPU, load the module all the same.
#include <stdlib.h>

#include <mutex>
#include <string>
#include <vector>

#include "kernels/cuda/cublas.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/vendor/cublas_lt.h"

#ifndef FASTNN_EMULATED
#include <dlfcn.h>
#endif

namespace fastnn::kernels::cuda {
namespace {

std::string& folders() {
  static std::string text;
  return text;
}
std::mutex& folders_mutex() {
  static std::mutex mutex;
  return mutex;
}

#ifdef FASTNN_EMULATED

bool open(lt::Library* library, std::string* where) {
  *library = lt::emulated_library();
  *where = "emulated cublasLt";
  return true;
}

#else

std::string file_name() { return "libcublasLt.so." + std::to_string(CUDART_VERSION / 1000); }

// By the linker first: a library that the process has already is not loaded a second time.
std::vector<std::string> places() {
  std::vector<std::string> found = {file_name()};
  std::lock_guard<std::mutex> lock(folders_mutex());
  std::string folder;
  for (char c : folders() + "\n/usr/local/cuda/lib64\n") {
    if (c != '\n') {
      folder += c;
      continue;
    }
    if (!folder.empty()) found.push_back(folder + "/" + file_name());
    folder.clear();
  }
  return found;
}

template <class F>
bool take(void* library, const char* name, F* function) {
  *function = reinterpret_cast<F>(dlsym(library, name));
  return *function != nullptr;
}

bool take_all(void* from, lt::Library* to) {
#define FASTNN_TAKE(name) take(from, "cublasLt" #name, &to->name)
  return FASTNN_TAKE(GetVersion) && FASTNN_TAKE(Create) && FASTNN_TAKE(MatmulDescCreate) &&
         FASTNN_TAKE(MatmulDescDestroy) && FASTNN_TAKE(MatmulDescSetAttribute) &&
         FASTNN_TAKE(MatrixLayoutCreate) && FASTNN_TAKE(MatrixLayoutDestroy) &&
         FASTNN_TAKE(MatrixLayoutSetAttribute) && FASTNN_TAKE(MatmulPreferenceCreate) &&
         FASTNN_TAKE(MatmulPreferenceDestroy) && FASTNN_TAKE(MatmulPreferenceSetAttribute) &&
         FASTNN_TAKE(MatmulAlgoGetHeuristic) && FASTNN_TAKE(Matmul);
#undef FASTNN_TAKE
}

bool open(lt::Library* library, std::string* where) {
  std::string tried;
  for (const std::string& place : places()) {
    void* file = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!file) {
      tried += (tried.empty() ? "" : ", ") + place;
      continue;
    }
    if (!take_all(file, library)) {
      *where = place + " lacks a function of cublasLt";
      return false;
    }
    Dl_info info;
    const bool named = dladdr(reinterpret_cast<void*>(library->Matmul), &info) && info.dli_fname;
    const size_t version = library->GetVersion();
    *where = "cublasLt " + std::to_string(version / 10000) + "." +
             std::to_string(version / 100 % 100) + " (" + (named ? info.dli_fname : place) + ")";
    return true;
  }
  *where = "not found: looked for " + tried;
  return false;
}

#endif

lt::Loaded load() {
  static lt::Library library;
  static std::string where;
  const char* choice = getenv("FASTNN_CUBLAS");
  if (choice && std::string(choice) == "off") {
    where = "off: FASTNN_CUBLAS in the environment says so";
    return {nullptr, nullptr, where.c_str()};
  }
  if (!open(&library, &where)) return {nullptr, nullptr, where.c_str()};
  lt::Handle* handle = nullptr;
  const int32_t status = library.Create(&handle);
  if (status != lt::kSuccess) {
    where += " cannot be used: cublasLtCreate gave status " + std::to_string(status);
    return {nullptr, nullptr, where.c_str()};
  }
  return {&library, handle, where.c_str()};
}

}  // namespace

const lt::Loaded& lt::loaded() {
  static const Loaded result = load();
  return result;
}

const char* cublas_description(bool* there) {
  *there = lt::loaded().library != nullptr;
  return lt::loaded().where;
}

void set_cublas_folders(const char* text) {
  std::lock_guard<std::mutex> lock(folders_mutex());
  folders() = text;
}

}  // namespace fastnn::kernels::cuda
