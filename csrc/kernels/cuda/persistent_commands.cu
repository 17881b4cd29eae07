#include <algorithm>

#include "kernels/cuda/persistent_bodies.h"
#include "kernels/cuda/persistent_commands.h"

namespace fastnn::kernels::cuda {
namespace {

constexpr int64_t kMostElements = 1 << 24;  // of a matrix: far more than there is room for

// T is what a program's layers reckon in.
template <class T>
using Bodies = std::conditional_t<std::is_same_v<T, float>, CallablesF32, CallablesF64>;

struct Known {
  const void* body;
  void (*add)(const Noted&, std::vector<Command>*);
};

template <class T, class C>
Command command(std::vector<unsigned char> arguments) {
  Command c;
  c.code = Bodies<T>::template code_of<C>();
  c.together = C::kTogether;
  c.shared_bytes = C::kShared;
  c.arguments = std::move(arguments);
  C::Parameters::template touch_all<C::touch>(&c, C::Parameters::kAll);
  c.threads = C::kTogether ? kThreads : c.work * (kMostWarps * kWarpThreads / C::kPerRound);
  c.rounds = (c.work + C::kPerRound - 1) / C::kPerRound;
  if (c.used > 0) c.arguments.resize(c.used);
  return c;
}

template <class T, class C>
void add(const Noted& launch, std::vector<Command>* commands) {
  commands->push_back(command<T, C>(launch.arguments));
}

template <class... P>
std::vector<unsigned char> packed(const P&... values) {
  Noted noted{};
  (noted.append(values), ...);
  return noted.arguments;
}

// Of two ways the quicker one, by a block that does nothing else.
Command quicker(Command a, Command b) {
  return b.cycles(kMostWarps) < a.cycles(kMostWarps) ? std::move(b) : std::move(a);
}

// Whether gather_rows does it.
bool is_plain(const GatherBatchArgs& a, int64_t length, bool plain) {
  const int64_t size = a.source == Source::f32 ? 4 : 8;
  bool is = plain && (a.source == Source::f32 || a.source == Source::f64);
  int64_t stride = size;
  for (int d = a.rank - 1; d >= 0; --d) {
    is = is && (a.strides[d] == stride || a.shape[d] == 1);
    stride *= a.shape[d];
  }
  return is && length > 0 && a.n * length < kMostElements;
}

template <class T>
void add_gather(const Noted& launch, std::vector<Command>* commands) {
  const auto [a, state, length, plain] =
      launch.arguments_of<GatherBatchArgs, const DeviceState*, int64_t, bool>();
  if (!is_plain(a, length, plain)) return add<T, Gather<T>>(launch, commands);
  const auto arguments = packed(a, state, static_cast<uint32_t>(length));
  commands->push_back(
      quicker(command<T, GatherRows<T, 1>>(arguments), command<T, GatherRows<T, 4>>(arguments)));
}

template <class T>
void add_best(const Noted& launch, std::vector<Command>* commands) {
  commands->push_back(quicker(command<T, BestByThread<T>>(launch.arguments),
                              command<T, BestByBlock<T>>(launch.arguments)));
}

template <class T, int kRows, int kCols>
Command by_patches(const Product& p) {
  return command<T, ByPatches<T, kRows, kCols>>(packed(patches_of<T, kRows, kCols>(p)));
}

template <class T>
void add_product(const Noted& launch, std::vector<Command>* commands) {
  const auto [p, count] = launch.arguments_of<Product, int64_t>();
  for (int64_t size : {p.m * p.n, p.m * p.a_row, p.k * p.a_k, p.k * p.b_k, p.n * p.b_col,
                       p.m * p.ldc, p.m * p.ldaux})
    if (count != 1 || size > kMostElements) return add<T, BatchedProduct<T>>(launch, commands);
  Command best =
      quicker(quicker(by_patches<T, 1, 1>(p), by_patches<T, 2, 2>(p)), by_patches<T, 4, 2>(p));
  if constexpr (std::is_same_v<T, float>) best = quicker(std::move(best), by_patches<T, 4, 4>(p));
  commands->push_back(std::move(best));
}

// A step's powers are taken once, early, and elements of all segments at once.
template <class T, template <class> class Rule>
void add_update(const Noted& launch, std::vector<Command>* commands) {
  const auto& u = *reinterpret_cast<const Update*>(launch.arguments.data());
  auto* rule = reinterpret_cast<Rule<T>*>(64 * (commands->size() + 1));
  int64_t n = 0;
  for (int k = 0; k < u.count; ++k) n += u.segments[k].length;
  commands->push_back(command<T, Prepare<T, Rule>>(packed(rule, u)));
  commands->back().slow = true;
  commands->push_back(command<T, Apply<T, Rule>>(packed(rule, n, u)));
}

template <class T, class... C>
std::vector<Known> known(const List<C...>&) {
  return {{&identity<fused<true>>, add<T, Interpreter>},
          {&identity<gather<T>>, add_gather<T>},
          {&identity<product_small<T>>, add_product<T>},
          {&identity<best_by_thread<T, true>>, add_best<T>},
          {&identity<best_by_block<T, true>>, add_best<T>},
          {&identity<optimize<T, Sgd>>, add_update<T, Sgd>},
          {&identity<optimize<T, RmsProp>>, add_update<T, RmsProp>},
          {&identity<optimize<T, Adam>>, add_update<T, Adam>},
          {&identity<optimize<T, Adamax>>, add_update<T, Adamax>},
          {&identity<optimize<T, Nadam>>, add_update<T, Nadam>},
          {&identity<optimize<T, Adagrad>>, add_update<T, Adagrad>},
          {&identity<optimize<T, Adadelta>>, add_update<T, Adadelta>},
          {&identity<optimize<T, Lion>>, add_update<T, Lion>},
          {&identity<C::launched>, add<T, C>}...};
}

bool add_to(const std::vector<Known>& all, const Noted& launch, std::vector<Command>* commands) {
  for (const Known& k : all)
    if (k.body == launch.body) {
      k.add(launch, commands);
      return true;
    }
  return !launch.instead.empty() && add_to(all, launch.instead[0], commands);
}

template <class T>
size_t commands_of(const std::vector<Noted>& launches, std::vector<Command>* commands) {
  static const std::vector<Known> all = known<T>(Bodies<T>{});
  size_t count = 0;
  while (count < launches.size() && add_to(all, launches[count], commands)) ++count;
  return count;
}

}  // namespace

size_t commands_of_f32(const std::vector<Noted>& launches, std::vector<Command>* commands) {
  return commands_of<float>(launches, commands);
}
size_t commands_of_f64(const std::vector<Noted>& launches, std::vector<Command>* commands) {
  return commands_of<double>(launches, commands);
}

}  // namespace fastnn::kernels::cuda
