#include "runtime/program.h"

#include <algorithm>
#include <sstream>

#include "core/error.h"

namespace fastnn::runtime {

std::vector<Dim> row_major(const Shape& shape) {
  std::vector<Dim> strides(shape.size());
  Dim step(1);
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = step;
    step = step * shape[d];
  }
  return strides;
}

bool is_contiguous(const View& v) {
  std::vector<Dim> expected = row_major(v.shape);
  for (size_t d = 0; d < v.shape.size(); ++d)
    if (v.strides[d] != expected[d] && v.shape[d] != Dim(1)) return false;
  return true;
}

void Requirement::check(const Extents& env) const {
  int64_t x = a.eval(env), y = b.eval(env);
  bool holds = kind == equal ? x == y : kind == at_most ? x <= y : x == y || x == 1;
  if (holds) return;
  auto side = [](const Dim& d, int64_t v) {
    return d.is_number() ? d.str() : str(d.str(), " (here ", v, ")");
  };
  const char* relation = kind == equal     ? " to equal "
                         : kind == at_most ? " to be at most "
                                           : " to be 1 or ";
  throw ValueError(str("[", op, "] expected ", side(a, x), relation, side(b, y)));
}

Extents Program::extents_of(const std::vector<std::vector<int64_t>>& shapes) const {
  Extents env;
  auto mismatch = [&](size_t i) {
    return ValueError(str("[", input_names[i].empty() ? str("input ", i) : input_names[i],
                          "] expected shape ", shape_str(input_types[i].shape), ", got ",
                          str_tuple(shapes[i])));
  };
  for (size_t i = 0; i < shapes.size(); ++i) {
    const Shape& want = input_types[i].shape;
    if (want.size() != shapes[i].size()) throw mismatch(i);
    for (size_t d = 0; d < want.size(); ++d) {
      ExtentId id = want[d].as_extent();
      int64_t known;
      if (id >= 0 && !env.find(id, &known)) env.set(id, shapes[i][d]);
    }
  }
  for (size_t i = 0; i < shapes.size(); ++i)
    for (size_t d = 0; d < shapes[i].size(); ++d) {
      const Dim& want = input_types[i].shape[d];
      if (want.eval(env) == shapes[i][d]) continue;
      if (want.is_number()) throw mismatch(i);
      throw ValueError(str("[", input_names[i].empty() ? str("input ", i) : input_names[i],
                           "] expected ", want.str(), " = ", want.eval(env), " along axis ", d,
                           " as in the other inputs, got ", shapes[i][d]));
    }
  return env;
}

// All in one block, so that they cost one allocation.
void Program::place_constants() {
  if (device().is_host()) return;
  int64_t total = 0;
  for (const BufferInfo& b : buffers)
    if (b.kind == BufferInfo::constant)
      total += align_up(static_cast<int64_t>(b.data->bytes.size()));
  constants_ = Memory(device(), total);
  char* at = constants_.as<char>();
  for (BufferInfo& b : buffers) {
    if (b.kind != BufferInfo::constant) continue;
    const auto bytes = static_cast<int64_t>(b.data->bytes.size());
    device().copy_in(at, b.data->bytes.data(), bytes);
    b.placed = at;
    at += align_up(bytes);
  }
}

namespace {

std::string human(double v, const char* unit) {
  const char* const prefix[] = {"", "k", "M", "G", "T"};
  int p = 0;
  while (v >= 1000 && p < 4) {
    v /= 1000;
    ++p;
  }
  char text[32];
  std::snprintf(text, sizeof text, p == 0 ? "%.0f %s%s" : "%.3g %s%s", v, prefix[p], unit);
  return text;
}

std::string amount(const Dim& d, const Extents* env, const char* unit) {
  if (env) return human(static_cast<double>(d.eval(*env)), unit);
  return d.is_number() ? human(static_cast<double>(d.number()), unit) : d.str() + " " + unit;
}

}  // namespace

std::string Program::plan(const Extents* env) const {
  std::ostringstream out;
  size_t number = 0;
  for (const SectionRange& s : sections) {
    out << s.name << ":\n";
    for (size_t i = s.begin; i < s.end; ++i) {
      const Call& c = *calls[i];
      out << "  " << number++ << "  " << c.describe() << "  [" << c.table << "]  "
          << amount(c.flops, env, "flop") << ", " << amount(c.bytes, env, "B") << "\n";
    }
  }
  return out.str();
}

}  // namespace fastnn::runtime
