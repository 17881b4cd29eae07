#include <algorithm>

#include "kernels/cuda/device.h"
#include "kernels/cuda/persistent.h"
#include "kernels/cuda/persistent_program.h"

namespace fastnn::kernels::cuda {
namespace {

// Until a graph has come from one tiny kernel to the next: some 2 us.
constexpr double kLaunchCycles = 3000;

template <class T>
void append(std::vector<unsigned char>* to, const std::vector<T>& values) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  to->insert(to->end(), bytes, bytes + values.size() * sizeof(T));
  to->resize((to->size() + 15) / 16 * 16);
}

// "product_small<float>" of "... [with auto body = fastnn::kernels::cuda::product_small<float>]".
std::string short_name(const char* pretty) {
  std::string name = pretty;
  name.erase(0, name.find("body = ") + 7);
  name.erase(name.find_last_of(']'));
  name.erase(std::min(name.find(';'), name.size()));
  const size_t end = std::min(name.find('<'), name.size());
  const size_t space = name.rfind("::", end);
  return space == std::string::npos ? name : name.substr(space + 2);
}

// The one that has bodies for all launches. Null: none, as *why_not says of the one that has most.
const PersistentKernel* kernel_of(const std::vector<Noted>& launches,
                                  std::vector<Command>* commands, std::string* why_not) {
  size_t most = 0;
  for (const PersistentKernel* kernel : {&persistent_f32, &persistent_f64}) {
    commands->clear();
    const size_t known = kernel->commands_of(launches, commands);
    if (known == launches.size()) return kernel;
    most = std::max(most, known);
  }
  *why_not = "it has no " + short_name(launches[most].name);
  return nullptr;
}

}  // namespace

std::unique_ptr<Persistent> Persistent::of(const std::vector<Noted>& launches,
                                           std::string* why_not) {
  std::vector<Command> commands;
  const PersistentKernel* kernel = kernel_of(launches, &commands, why_not);
  if (!kernel) return nullptr;
  const int64_t shared_limit = kernel->shared_limit();
  size_t bytes = 0;
  for (const Command& c : commands) bytes += c.arguments.size();
  if (bytes > static_cast<size_t>(shared_limit)) {
    *why_not = "its arguments alone are " + std::to_string(bytes) + " bytes";
    return nullptr;
  }
  const Plan plan(commands, static_cast<uint32_t>(shared_limit));
  double graph = kLaunchCycles * static_cast<double>(launches.size());
  for (const Command& c : commands) graph += c.launched;
  auto whole = [](double x) { return std::to_string(static_cast<int64_t>(x)); };
  if (plan.shared_bytes > shared_limit)
    *why_not = "it needs " + std::to_string(plan.shared_bytes) + " bytes of shared memory";
  else if (plan.cycles > graph)
    *why_not = "a block takes " + whole(plan.cycles) + " cycles, a graph " + whole(graph);
  if (!why_not->empty()) return nullptr;
  std::vector<unsigned char> image = plan.head;
  append(&image, plan.addresses);
  append(&image, plan.regions);
  std::unique_ptr<Persistent> p(new Persistent);
  p->kernel_ = kernel;
  p->head_bytes_ = static_cast<int32_t>(plan.head.size());
  p->addresses_ = static_cast<int32_t>(plan.addresses.size());
  p->regions_ = static_cast<int32_t>(plan.regions.size());
  p->levels_ = plan.levels;
  p->warps_ = plan.warps;
  p->slow_ = plan.slow;
  p->joined_ = plan.joined;
  p->slots_ = plan.slots;
  p->slot_bytes_ = plan.slot_bytes;
  p->shared_bytes_ = plan.shared_bytes;
  const DeviceModule& device = device_module();
  p->image_ = device.allocate(static_cast<int64_t>(image.size()));
  const bool there =
      p->image_ && device.copy_in(p->image_, image.data(), static_cast<int64_t>(image.size()));
  return there ? std::move(p) : nullptr;
}

Persistent::~Persistent() {
  if (image_) device_module().release(image_);
}

void Persistent::replay(int64_t times) const {
  const Program program{static_cast<const char*>(image_),
                        head_bytes_,
                        addresses_,
                        regions_,
                        levels_,
                        warps_,
                        slow_,
                        joined_,
                        slots_,
                        slot_bytes_,
                        times};
  kernel_->run(program, shared_bytes_);
}

}  // namespace fastnn::kernels::cuda
