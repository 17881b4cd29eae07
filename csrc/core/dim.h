// Extents: a dimension is a number, or a polynomial in named run-time extents (batch, time, ...).
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fastnn {

using ExtentId = int32_t;

// The values of the free extents of one run. A program has a handful, so a flat list is fastest.
class Extents {
 public:
  void set(ExtentId id, int64_t value);
  bool find(ExtentId id, int64_t* value) const;
  const std::vector<std::pair<ExtentId, int64_t>>& items() const { return items_; }
  bool operator==(const Extents& o) const { return items_ == o.items_; }

 private:
  std::vector<std::pair<ExtentId, int64_t>> items_;  // sorted by id
};

// A canonical polynomial with integer coefficients: constant + sum of coefficient * product of
// extents. Equal dimensions compare equal; whether two different ones agree is known at bind.
class Dim {
 public:
  Dim(int64_t constant = 0) : constant_(constant) {}  // NOLINT: numbers are dimensions
  static Dim extent(ExtentId id);

  bool is_number() const { return terms_.empty(); }
  int64_t number() const { return constant_; }
  // The id if this is exactly one free or derived extent, else -1.
  ExtentId as_extent() const;

  int64_t eval(const Extents& env) const;  // throws when an extent is unbound
  void collect(std::vector<ExtentId>* ids) const;
  std::string str() const;

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  bool operator==(const Dim& o) const { return constant_ == o.constant_ && terms_ == o.terms_; }
  bool operator!=(const Dim& o) const { return !(*this == o); }
  // The number that b times which is this dimension; 0 where there is none.
  int64_t multiple_of(const Dim& b) const;
  uint64_t hash() const;

 private:
  // Sorted extents of the product, and the coefficient.
  using Term = std::pair<std::vector<ExtentId>, int64_t>;
  void add_term(const std::vector<ExtentId>& key, int64_t coefficient);

  int64_t constant_;
  std::vector<Term> terms_;  // sorted by key, no zero coefficients
};

using Shape = std::vector<Dim>;

// A free extent with the given name. "batch" always gives the same one; other names given twice
// give the same one too, and an empty name a fresh one (n0, n1, ...).
Dim named_extent(const std::string& name);

// Derived extents, evaluated when a program is bound.
Dim broadcast_dim(const Dim& a, const Dim& b);  // NumPy's rule; mismatch is an error at bind
Dim floordiv_dim(const Dim& a, int64_t k);
Dim longer_dim(const Dim& a);  // 0 where a is 1, else 1: the stride of an axis that may repeat
// a / b for reshape's -1, where b divides a; exact for numbers and single-term quotients.
Dim exact_quotient(const Dim& a, const Dim& b);

const std::string& extent_name(ExtentId id);

std::string shape_str(const Shape& shape);
Dim element_count(const Shape& shape);
// The product of the numbers, checked for overflow (throws std::invalid_argument).
int64_t checked_count(const std::vector<int64_t>& shape, const char* what);

}  // namespace fastnn
