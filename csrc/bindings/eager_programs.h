// Operations on arrays by programs that were compiled for such arrays before: a call finds its
// program by the arrays' dtypes and shapes and by the other arguments, without Python.
#pragma once
#include <unordered_map>
#include <vector>

#include "bindings/arrays.h"
#include "kernels/kernels.h"

namespace fastnn::bindings {

// Where an operation's data are among its arguments by position: `count` of them from `first` on,
// or all that there are; or the items of a sequence there.
struct DataPlace {
  enum Kind { counted, all, sequence };
  Kind kind;
  Py_ssize_t first, count;
};

// The arguments of a call: arrays, and what is the program's own, which are numbers, strings, None,
// and tuples and slices of such.
class CallArguments {
 public:
  static constexpr size_t kMost = 16;

  // False where they are not such, or hold no array; numbers among the data may be in lists.
  bool take(const DataPlace& place, PyObject* const* args, Py_ssize_t count, PyObject* names);
  uint64_t hash() const { return hash_; }
  PyObject* const* arrays() const { return arrays_; }
  size_t array_count() const { return array_count_; }
  // A sequence of data as a tuple: another thread may change a list while its items are in use.
  const py::object& sequence() const { return sequence_; }

 private:
  friend class EagerPrograms;
  struct Item {
    PyObject* object;
    bool is_array;
  };
  bool take_data(PyObject* x);
  bool take_constant(PyObject* x);
  bool add(PyObject* x, bool is_array);
  void mix(uint64_t value) { hash_ = (hash_ ^ value) * 0x9E3779B97F4A7C15u, hash_ ^= hash_ >> 29; }
  bool mix_constant(PyObject* x);

  Item items_[kMost];
  PyObject* arrays_[kMost];
  size_t item_count_ = 0, array_count_ = 0;
  uint64_t hash_ = 0;
  PyObject* names_ = nullptr;
  std::vector<py::object> converted_;
  py::object sequence_;
};

class EagerPrograms {
 public:
  // A new reference to the Function for such arguments; null where none is known.
  py::object find(const CallArguments& arguments) const;
  void add(const CallArguments& arguments, py::object function);

 private:
  struct Item {
    py::object object;  // a constant, or an array's dtype
    bool is_array;
    std::vector<Py_intptr_t> shape;
  };
  struct Entry {
    std::vector<Item> items;
    std::vector<py::object> names;
    const kernels::Table* table;
    py::object function;
  };
  static bool matches(const Entry& entry, const CallArguments& arguments);

  std::unordered_map<uint64_t, Entry> entries_;
};

}  // namespace fastnn::bindings
