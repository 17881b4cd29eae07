#include "bindings/device_array.h"

#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/dlpack.h"
#include "bindings/register.h"
#include "core/dim.h"
#include "core/error.h"
#include "runtime/registry.h"

namespace fastnn::bindings {
namespace {

using kernels::Source;

struct Known {
  Source source;
  const char* name;  // NumPy's
  dlpack::Code code;
  uint8_t bits;
};
constexpr Known kKnown[] = {
    {Source::f32, "float32", dlpack::floating, 32}, {Source::f64, "float64", dlpack::floating, 64},
    {Source::i32, "int32", dlpack::integer, 32},    {Source::i64, "int64", dlpack::integer, 64},
    {Source::u8, "uint8", dlpack::whole, 8},        {Source::b8, "bool", dlpack::boolean, 8},
    {Source::i8, "int8", dlpack::integer, 8},       {Source::i16, "int16", dlpack::integer, 16},
    {Source::u16, "uint16", dlpack::whole, 16},     {Source::u32, "uint32", dlpack::whole, 32},
    {Source::u64, "uint64", dlpack::whole, 64},     {Source::f16, "float16", dlpack::floating, 16},
};

const Known& known(Source s) {
  for (const Known& k : kKnown)
    if (k.source == s) return k;
  throw std::logic_error("an unknown dtype");
}

std::vector<int64_t> without_gaps(const std::vector<int64_t>& shape, int64_t item) {
  std::vector<int64_t> strides(shape.size());
  for (size_t d = shape.size(); d-- > 0; item *= std::max<int64_t>(shape[d], 1)) strides[d] = item;
  return strides;
}

std::shared_ptr<void> kept(py::object x) {
  return {x.release().ptr(), [](void* p) {
            py::gil_scoped_acquire gil;
            Py_DECREF(static_cast<PyObject*>(p));
          }};
}

DeviceArray from_interface(const py::dict& about, py::handle x, const Device& device) {
  DeviceArray a{};
  a.device = &device;
  if (about.contains("mask") && !about["mask"].is_none())
    throw TypeError("expected a plain array, got a masked one on cuda: fill it");
  const py::dtype dtype = py::dtype::from_args(about["typestr"]);
  if (dtype.byteorder() == '>') throw TypeError("expected native byte order on cuda");
  a.source = source_of(dtype);
  a.shape = about["shape"].cast<std::vector<int64_t>>();
  a.strides = about.contains("strides") && !about["strides"].is_none()
                  ? about["strides"].cast<std::vector<int64_t>>()
                  : without_gaps(a.shape, a.item());
  if (a.strides.size() != a.shape.size())
    throw ValueError(str("__cuda_array_interface__: expected as many strides as axes, got ",
                         a.strides.size(), " and ", a.shape.size()));
  a.data = reinterpret_cast<char*>(about["data"].cast<py::tuple>()[0].cast<uintptr_t>());
  a.owner = kept(py::reinterpret_borrow<py::object>(x));
  constexpr uintptr_t kLegacyStream = 1;  // what versions before 3 mean
  uintptr_t stream = kLegacyStream;
  if (about.contains("stream")) {
    if (about["stream"].is_none()) return a;  // nothing to wait for
    stream = about["stream"].cast<uintptr_t>();
    if (stream == 0) throw ValueError("__cuda_array_interface__: a stream is never 0");
  }
  device.wait_for(reinterpret_cast<void*>(stream));
  return a;
}

DeviceArray from_dlpack(py::handle x, const Device& device) {
  const auto queue = reinterpret_cast<uintptr_t>(device.module()->stream());
  py::object stream = py::none();
  if (queue != 0) stream = py::int_(queue);
  py::object capsule = x.attr("__dlpack__")(py::arg("stream") = stream);
  auto* managed = static_cast<dlpack::Managed*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  if (!managed) throw py::error_already_set();
  PyCapsule_SetName(capsule.ptr(), "used_dltensor");  // it is ours to delete from here on
  DeviceArray a{};
  a.device = &device;
  a.owner = std::shared_ptr<void>(managed, [](void* p) {
    py::gil_scoped_acquire gil;
    auto* m = static_cast<dlpack::Managed*>(p);
    if (m->deleter) m->deleter(m);
  });
  const dlpack::Array& t = managed->array;
  if (t.place.type != dlpack::kCuda || t.place.number != 0)
    throw ValueError(str("expected an array on the GPU number 0, got number ", t.place.number));
  const Known* found = nullptr;
  for (const Known& k : kKnown)
    if (t.type.lanes == 1 && k.code == t.type.code && k.bits == t.type.bits) found = &k;
  if (!found)
    throw TypeError(str("expected numbers on cuda, got DLPack's type ", int{t.type.code}, " of ",
                        int{t.type.bits}, " bits"));
  a.source = found->source;
  a.data = static_cast<char*>(t.data) + t.byte_offset;
  a.shape.assign(t.shape, t.shape + t.rank);
  a.strides = without_gaps(a.shape, a.item());
  if (t.strides)
    for (size_t d = 0; d < a.shape.size(); ++d) a.strides[d] = t.strides[d] * a.item();
  return a;
}

// --- what Python sees

py::dtype dtype_of(const DeviceArray& a) { return py::dtype(known(a.source).name); }

py::array to_host(const DeviceArray& a) {
  if (a.is_contiguous()) {
    py::array out(dtype_of(a), a.shape);
    a.device->copy_out(out.mutable_data(), a.data, a.size() * a.item());
    return out;
  }
  int64_t begin = 0, end = a.item();  // all that it reaches over, gaps included
  for (size_t d = 0; d < a.shape.size(); ++d)
    (a.strides[d] < 0 ? begin : end) += (a.shape[d] - 1) * a.strides[d];
  py::array_t<uint8_t> bytes(end - begin);
  a.device->copy_out(bytes.mutable_data(), a.data + begin, end - begin);
  return py::array(dtype_of(a), a.shape, a.strides, bytes.data() - begin, bytes).attr("copy")();
}

py::dict interface(const DeviceArray& a) {
  py::dict d;
  d["shape"] = py::tuple(py::cast(a.shape));
  d["typestr"] = dtype_of(a).attr("str");
  d["data"] = py::make_tuple(reinterpret_cast<uintptr_t>(a.data), false);
  d["strides"] = a.is_contiguous() ? py::object(py::none()) : py::tuple(py::cast(a.strides));
  d["version"] = 3;
  d["stream"] = py::none();  // what is handed out is done
  return d;
}

struct Exported {
  dlpack::Managed managed;
  DeviceArray array;
  std::vector<int64_t> strides;
};

py::object to_dlpack(const DeviceArray& a) {
  a.device->synchronise();
  auto* e = new Exported{{}, a, {}};
  for (int64_t bytes : a.strides) e->strides.push_back(bytes / a.item());
  const Known& k = known(a.source);
  e->managed.array = {a.data,
                      {dlpack::kCuda, 0},
                      static_cast<int32_t>(a.shape.size()),
                      {k.code, k.bits, 1},
                      e->array.shape.data(),
                      e->strides.data(),
                      0};
  e->managed.context = e;
  e->managed.deleter = [](dlpack::Managed* m) { delete static_cast<Exported*>(m->context); };
  PyObject* capsule = PyCapsule_New(&e->managed, "dltensor", [](PyObject* c) {
    if (!PyCapsule_IsValid(c, "dltensor")) return;  // a consumer has it
    auto* m = static_cast<dlpack::Managed*>(PyCapsule_GetPointer(c, "dltensor"));
    m->deleter(m);
  });
  if (!capsule) {
    delete e;
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::object>(capsule);
}

// Views: slices, numbers, None and one Ellipsis.
DeviceArray view(const DeviceArray& a, const py::object& key) {
  py::tuple items = py::isinstance<py::tuple>(key) ? py::tuple(key) : py::make_tuple(key);
  size_t used = 0;
  for (py::handle item : items) used += !item.is_none() && item.ptr() != Py_Ellipsis;
  if (used > a.shape.size())
    throw IndexError(str("expected at most ", a.shape.size(), " indices, got ", used));
  DeviceArray v = a;
  v.shape.clear(), v.strides.clear();
  size_t axis = 0;
  auto keep = [&](size_t count) {
    for (; count > 0; --count, ++axis)
      v.shape.push_back(a.shape[axis]), v.strides.push_back(a.strides[axis]);
  };
  for (py::handle item : items) {
    if (item.is_none()) {
      v.shape.push_back(1), v.strides.push_back(0);
    } else if (item.ptr() == Py_Ellipsis) {
      keep(a.shape.size() - used);
    } else if (py::isinstance<py::slice>(item)) {
      py::ssize_t start, stop, step, length;
      if (!py::reinterpret_borrow<py::slice>(item).compute(a.shape[axis], &start, &stop, &step,
                                                           &length))
        throw py::error_already_set();
      v.data += length > 0 ? start * a.strides[axis] : 0;
      v.shape.push_back(length), v.strides.push_back(step * a.strides[axis]);
      ++axis;
    } else {
      const auto at = item.cast<int64_t>(), length = a.shape[axis];
      if (at < -length || at >= length)
        throw IndexError(str("index ", at, " is out of bounds for an axis of length ", length));
      v.data += (at < 0 ? at + length : at) * a.strides[axis];
      ++axis;
    }
  }
  keep(a.shape.size() - axis);
  return v;
}

// Of float32 or float64 without gaps.
int64_t first_nonfinite(const DeviceArray& a) {
  const DType t = a.source == Source::f32 ? DType::f32 : DType::f64;
  Memory found(*a.device, sizeof(int64_t));
  kernels::FiniteArgs args{found.as<int64_t>(), plain_data(a, *a.device, t, "array"), a.size()};
  const kernels::Context kc{nullptr, a.device->module()->queue(), 1, nullptr, nullptr, 0, 0, 0};
  runtime::find_kernel(*a.device, "first_nonfinite", t).entry->run(&args, &kc);
  a.device->check("first_nonfinite");
  int64_t at = -1;
  a.device->copy_out(&at, found.data(), sizeof at);
  return at;
}

}  // namespace

int64_t DeviceArray::item() const { return known(source).bits / 8; }

int64_t DeviceArray::size() const {
  int64_t n = 1;
  for (int64_t length : shape) n *= length;
  return n;
}

bool DeviceArray::is_contiguous() const {
  int64_t step = item();
  for (size_t d = shape.size(); d-- > 0; step *= shape[d])
    if (shape[d] != 1 && strides[d] != step) return size() == 0;
  return true;
}

kernels::Source source_of(const py::dtype& d) {
  char kind = d.kind();
  auto size = d.itemsize();
  if (kind == 'f') {
    if (size == 2) return Source::f16;
    if (size == 4) return Source::f32;
    if (size == 8) return Source::f64;
  } else if (kind == 'b') {
    return Source::b8;
  } else if (kind == 'i') {
    return size == 1 ? Source::i8 : size == 2 ? Source::i16 : size == 4 ? Source::i32 : Source::i64;
  } else if (kind == 'u') {
    return size == 1 ? Source::u8 : size == 2 ? Source::u16 : size == 4 ? Source::u32 : Source::u64;
  }
  throw TypeError("expected numbers, got dtype " + std::string(py::str(d)));
}

DeviceArray device_array(const Device& device, DType t, std::vector<int64_t> shape, void* data,
                         std::shared_ptr<void> owner) {
  DeviceArray a{&device, static_cast<Source>(t),   std::move(shape),
                {},      static_cast<char*>(data), std::move(owner)};
  a.strides = without_gaps(a.shape, a.item());
  return a;
}

DeviceArray new_device_array(const Device& device, DType t, std::vector<int64_t> shape) {
  auto memory =
      std::make_shared<Memory>(device, checked_mul(checked_count(shape, "array"), dtype_size(t)));
  void* data = memory->data();
  return device_array(device, t, std::move(shape), data, std::move(memory));
}

bool lies_on_device(py::handle x) {
  if (py::isinstance<DeviceArray>(x)) return true;
  if (py::isinstance<py::array>(x)) return false;
  if (py::hasattr(x, "__dlpack_device__") && py::hasattr(x, "__dlpack__"))
    return x.attr("__dlpack_device__")().cast<py::tuple>()[0].cast<int>() == dlpack::kCuda;
  return py::hasattr(x, "__cuda_array_interface__");
}

std::optional<DeviceArray> device_array_from(py::handle x) {
  if (!lies_on_device(x)) return std::nullopt;
  if (py::isinstance<DeviceArray>(x)) return x.cast<DeviceArray>();
  // DLPack first: with it a producer always waits for what it has queued.
  const Device& device = device_named("cuda");
  if (py::hasattr(x, "__dlpack__")) return from_dlpack(x, device);
  return from_interface(x.attr("__cuda_array_interface__").cast<py::dict>(), x, device);
}

const void* plain_data(const DeviceArray& a, const Device& device, DType t,
                       const std::string& what) {
  if (a.device != &device)
    throw TypeError(str(what, ": expected an array in the processor's memory, got one on ",
                        a.device->name(), ": compile for device=\"", a.device->name(),
                        "\", or copy it first"));
  if (a.source != static_cast<Source>(t))
    throw TypeError(str(what, ": expected ", dtype_name(t), " of an array on ", device.name(),
                        ", got ", known(a.source).name, ": convert it there"));
  if (!a.is_contiguous() || reinterpret_cast<uintptr_t>(a.data) % static_cast<uintptr_t>(a.item()))
    throw ValueError(what + ": expected aligned rows without gaps of an array on " + device.name() +
                     ": copy it there first");
  return a.data;
}

void register_device_array(py::module_& m) {
  py::class_<DeviceArray>(m, "DeviceArray",
                          "An array in a device's memory: DLPack hands it on, NumPy copies it.")
      .def_property_readonly("shape",
                             [](const DeviceArray& a) { return py::tuple(py::cast(a.shape)); })
      .def_property_readonly("dtype", &dtype_of)
      .def_property_readonly("ndim", [](const DeviceArray& a) { return a.shape.size(); })
      .def_property_readonly("size", &DeviceArray::size)
      .def_property_readonly("is_contiguous", &DeviceArray::is_contiguous)
      .def_property_readonly("device", [](const DeviceArray& a) { return a.device->name(); })
      .def("__len__",
           [](const DeviceArray& a) {
             if (a.shape.empty()) throw TypeError("an array without axes has no length");
             return a.shape[0];
           })
      .def("__getitem__", &view, py::arg("key"))
      .def("get_value", &to_host, "A copy in the processor's memory.")
      .def(
          "__array__",
          [](const DeviceArray& a, const py::object& dtype, const py::object& copy) {
            if (!copy.is_none() && !copy.cast<bool>())
              throw ValueError("an array on a device is copied: copy=False cannot be");
            py::object out = to_host(a);
            return dtype.is_none() ? out : py::object(out.attr("astype")(dtype));
          },
          py::arg("dtype") = py::none(), py::arg("copy") = py::none())
      .def_property_readonly("__cuda_array_interface__", &interface)
      .def("__dlpack_device__", [](const DeviceArray&) { return py::make_tuple(dlpack::kCuda, 0); })
      .def("__dlpack__", [](const DeviceArray& a, const py::kwargs&) { return to_dlpack(a); })
      .def("first_nonfinite", &first_nonfinite,
           "The flat index of the first NaN or infinity, or -1.");
  m.def("lies_on_device", &lies_on_device, py::arg("x"));
  m.def(
      "device_array",
      [](py::handle x) -> py::object {
        std::optional<DeviceArray> a = device_array_from(x);
        return a ? py::cast(*std::move(a)) : py::none();
      },
      py::arg("x"), "An array that lies on a device, without a copy; None for all else.");
}

}  // namespace fastnn::bindings
