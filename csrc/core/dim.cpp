#include "core/dim.h"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>

namespace fastnn {
namespace {

enum class Derived { none, broadcast, floordiv, quotient, longer };

struct ExtentInfo {
  std::string name;
  Derived kind = Derived::none;
  Dim a, b;
};

struct Registry {
  std::mutex mutex;
  std::deque<ExtentInfo> infos;  // references stay valid while it grows
  std::map<std::string, ExtentId> by_name;
  int64_t fresh = 0;
};

Registry& registry() {
  static Registry* r = new Registry;  // never destroyed: tensors may outlive static teardown
  return *r;
}

const ExtentInfo& info(ExtentId id) {
  Registry& r = registry();
  std::lock_guard<std::mutex> lock(r.mutex);
  return r.infos[static_cast<size_t>(id)];
}

Dim derived(Derived kind, const Dim& a, const Dim& b, const std::string& name) {
  Registry& r = registry();
  std::lock_guard<std::mutex> lock(r.mutex);
  auto it = r.by_name.find(name);  // the name spells the expression, so it identifies it
  if (it != r.by_name.end()) return Dim::extent(it->second);
  auto id = static_cast<ExtentId>(r.infos.size());
  r.infos.push_back({name, kind, a, b});
  r.by_name[name] = id;
  return Dim::extent(id);
}

int64_t eval_derived(const ExtentInfo& e, const Extents& env) {
  int64_t a = e.a.eval(env), b = e.b.eval(env);
  switch (e.kind) {
    case Derived::broadcast:
      if (a == b || b == 1) return a;
      if (a == 1) return b;
      throw std::invalid_argument("cannot broadcast: " + e.a.str() + " is " + std::to_string(a) +
                                  " and " + e.b.str() + " is " + std::to_string(b));
    case Derived::floordiv:
      return a >= 0 ? a / b : -((-a + b - 1) / b);
    case Derived::quotient:
      if (b == 0) return 0;
      if (a % b != 0)
        throw std::invalid_argument("cannot reshape: " + std::to_string(a) +
                                    " elements do not divide into rows of " + std::to_string(b));
      return a / b;
    case Derived::longer:
      return a == 1 ? 0 : 1;
    case Derived::none:
      break;
  }
  throw std::invalid_argument("extent '" + e.name + "' has no value in this run");
}

}  // namespace

void Extents::set(ExtentId id, int64_t value) {
  auto it = std::lower_bound(items_.begin(), items_.end(), std::make_pair(id, INT64_MIN));
  if (it != items_.end() && it->first == id)
    it->second = value;
  else
    items_.insert(it, {id, value});
}

bool Extents::find(ExtentId id, int64_t* value) const {
  for (const auto& item : items_)
    if (item.first == id) {
      *value = item.second;
      return true;
    }
  return false;
}

Dim Dim::extent(ExtentId id) {
  Dim d(0);
  d.terms_.push_back({{id}, 1});
  return d;
}

ExtentId Dim::as_extent() const {
  if (constant_ != 0 || terms_.size() != 1) return -1;
  const Term& t = terms_[0];
  return t.second == 1 && t.first.size() == 1 ? t.first[0] : -1;
}

int64_t Dim::eval(const Extents& env) const {
  int64_t sum = constant_;
  for (const Term& t : terms_) {
    int64_t product = t.second;
    for (ExtentId id : t.first) {
      int64_t v;
      if (!env.find(id, &v)) v = eval_derived(info(id), env);
      product *= v;
    }
    sum += product;
  }
  return sum;
}

void Dim::collect(std::vector<ExtentId>* ids) const {
  for (const Term& t : terms_)
    for (ExtentId id : t.first) {
      const ExtentInfo& e = info(id);
      if (e.kind == Derived::none) {
        if (std::find(ids->begin(), ids->end(), id) == ids->end()) ids->push_back(id);
      } else {
        e.a.collect(ids);
        e.b.collect(ids);
      }
    }
}

int64_t Dim::multiple_of(const Dim& b) const {
  if (terms_.empty() || b.terms_.empty()) return 0;
  const int64_t times = terms_[0].second / b.terms_[0].second;
  return Dim(times) * b == *this ? times : 0;
}

std::string Dim::str() const {
  if (terms_.empty()) return std::to_string(constant_);
  std::string s;
  for (const Term& t : terms_) {
    if (!s.empty()) s += t.second < 0 ? "-" : "+";
    int64_t c = s.empty() ? t.second : std::abs(t.second);
    if (c != 1) s += std::to_string(c) + "*";
    for (size_t i = 0; i < t.first.size(); ++i) s += (i ? "*" : "") + info(t.first[i]).name;
  }
  if (constant_ > 0) s += "+" + std::to_string(constant_);
  if (constant_ < 0) s += std::to_string(constant_);
  return s;
}

uint64_t Dim::hash() const {
  uint64_t h = static_cast<uint64_t>(constant_) * 0x9e3779b97f4a7c15ull;
  for (const Term& t : terms_) {
    h = (h ^ static_cast<uint64_t>(t.second)) * 0xff51afd7ed558ccdull;
    for (ExtentId id : t.first) h = (h ^ static_cast<uint64_t>(id + 1)) * 0xc4ceb9fe1a85ec53ull;
  }
  return h;
}

void Dim::add_term(const std::vector<ExtentId>& key, int64_t coefficient) {
  if (key.empty()) {
    constant_ += coefficient;
    return;
  }
  auto it = std::lower_bound(terms_.begin(), terms_.end(), Term{key, INT64_MIN});
  if (it != terms_.end() && it->first == key) {
    it->second += coefficient;
    if (it->second == 0) terms_.erase(it);
  } else if (coefficient != 0) {
    terms_.insert(it, {key, coefficient});
  }
}

Dim operator+(const Dim& a, const Dim& b) {
  Dim r = a;
  r.constant_ += b.constant_;
  for (const auto& t : b.terms_) r.add_term(t.first, t.second);
  return r;
}

Dim operator-(const Dim& a, const Dim& b) { return a + b * Dim(-1); }

Dim operator*(const Dim& a, const Dim& b) {
  Dim r(a.constant_ * b.constant_);
  for (const auto& t : a.terms_) r.add_term(t.first, t.second * b.constant_);
  for (const auto& t : b.terms_) r.add_term(t.first, t.second * a.constant_);
  for (const auto& s : a.terms_)
    for (const auto& t : b.terms_) {
      std::vector<ExtentId> key = s.first;
      key.insert(key.end(), t.first.begin(), t.first.end());
      std::sort(key.begin(), key.end());
      r.add_term(key, s.second * t.second);
    }
  return r;
}

Dim named_extent(const std::string& name) {
  Registry& r = registry();
  std::lock_guard<std::mutex> lock(r.mutex);
  std::string key = name;
  if (key.empty()) {
    do key = "n" + std::to_string(r.fresh++);
    while (r.by_name.count(key));
  }
  auto it = r.by_name.find(key);
  if (it != r.by_name.end()) return Dim::extent(it->second);
  auto id = static_cast<ExtentId>(r.infos.size());
  r.infos.push_back({key, Derived::none, 0, 0});
  r.by_name[key] = id;
  return Dim::extent(id);
}

Dim broadcast_dim(const Dim& a, const Dim& b) {
  if (a == b) return a;
  if (a.is_number() && a.number() == 1) return b;
  if (b.is_number() && b.number() == 1) return a;
  if (a.is_number() && b.is_number())
    throw std::invalid_argument("cannot broadcast " + a.str() + " with " + b.str());
  return derived(Derived::broadcast, a, b, "broadcast(" + a.str() + "," + b.str() + ")");
}

Dim floordiv_dim(const Dim& a, int64_t k) {
  if (k == 1) return a;
  if (a.is_number()) {
    int64_t n = a.number();
    return n >= 0 ? n / k : -((-n + k - 1) / k);
  }
  return derived(Derived::floordiv, a, k, "(" + a.str() + ")//" + std::to_string(k));
}

Dim longer_dim(const Dim& a) {
  if (a.is_number()) return a.number() == 1 ? 0 : 1;
  return derived(Derived::longer, a, 1, "longer(" + a.str() + ")");
}

Dim exact_quotient(const Dim& a, const Dim& b) {
  if (b.is_number() && b.number() == 1) return a;
  if (a == b) return 1;
  if (a.is_number() && b.is_number()) {
    if (b.number() == 0) return 0;
    if (a.number() % b.number() != 0)
      throw std::invalid_argument("cannot reshape " + a.str() + " elements into rows of " +
                                  b.str());
    return a.number() / b.number();
  }
  if (const int64_t times = a.multiple_of(b)) return times;
  // One extent times numbers covers flattening; anything else is evaluated at bind.
  std::vector<ExtentId> ids;
  a.collect(&ids);
  for (ExtentId id : ids) {
    Extents one;
    one.set(id, 1);
    if (ids.size() != 1) break;
    if (b.is_number() && b.number() != 0 && a == Dim(a.eval(one)) * Dim::extent(id) &&
        a.eval(one) % b.number() == 0)
      return Dim(a.eval(one) / b.number()) * Dim::extent(id);
  }
  return derived(Derived::quotient, a, b, "(" + a.str() + ")/(" + b.str() + ")");
}

const std::string& extent_name(ExtentId id) { return info(id).name; }

std::string shape_str(const Shape& shape) {
  std::string s = "(";
  for (size_t i = 0; i < shape.size(); ++i) s += (i ? ", " : "") + shape[i].str();
  return s + (shape.size() == 1 ? ",)" : ")");
}

Dim element_count(const Shape& shape) {
  Dim n(1);
  for (const Dim& d : shape) n = n * d;
  return n;
}

int64_t checked_count(const std::vector<int64_t>& shape, const char* what) {
  int64_t n = 1;
  for (int64_t d : shape)
    if (d == 0) return 0;
  for (int64_t d : shape) {
    if (d < 0 || n > (int64_t{1} << 46) / d)
      throw std::invalid_argument(std::string(what) +
                                  ": the shape has more elements than can be addressed");
    n *= d;
  }
  return n;
}

}  // namespace fastnn
