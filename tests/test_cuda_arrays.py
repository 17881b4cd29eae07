"""Arrays that lie on the device "cuda": DLPack and the CUDA array interface, in and out."""

from __future__ import annotations

import gc
import importlib

import numpy as np
import pytest

import fastnn
from fastnn import DeviceArray, Sequential, _core, ops
from fastnn.layers import Dense


class Interface:
    """An array of a library that speaks the CUDA array interface alone."""

    def __init__(self, array, **changes):
        self._array, self._changes = array, changes

    @property
    def __cuda_array_interface__(self):
        return {**self._array.__cuda_array_interface__, **self._changes}


class Dlpack:
    """An array of a library that speaks DLPack alone."""

    def __init__(self, array):
        self._array = array
        self.asked = []

    def __dlpack__(self, **options):
        self.asked.append(options)
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


def there(values, device):
    """An array on the device: a variable that a program there has used."""
    variable = fastnn.shared(np.ascontiguousarray(values))
    _core.Function([], [("main", [ops.sum(variable)._value], [])], device=device)()
    return variable._storage.on_device()


@pytest.fixture(params=["own", "interface", "dlpack"])
def wrapped(request):
    return {"own": lambda a: a, "interface": Interface, "dlpack": Dlpack}[request.param]


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((70, 11)).astype("float32")
    return x, (x[:, :1] + 0.3 * x[:, 1:2] > 0).astype("float32")


def network(device):
    model = Sequential([Dense(6, activation="relu", input_dim=11), Dense(1, activation="sigmoid")])
    rng = np.random.default_rng(0)
    model.set_weights([0.5 * rng.standard_normal(w.shape) for w in model.get_weights()])
    model.compile("adam", "binary_crossentropy", device=device)
    return model


def traffic_of(run):
    before = importlib.import_module("fastnn._cuda").traffic()
    run()
    after = importlib.import_module("fastnn._cuda").traffic()
    return tuple(b - a for a, b in zip(before, after, strict=True))


def test_functions_take_and_give_arrays_there(cuda, wrapped):
    values = np.arange(6000, dtype="float32").reshape(100, 60)
    x = fastnn.placeholder((None, 60), name="x")
    f = _core.Function([x._value], [("main", [(x * 2)._value, ops.sum(x, axis=1)._value], [])],
                       device=cuda)  # fmt: skip
    given = wrapped(there(values, cuda))
    f(given)
    assert max(traffic_of(lambda: f(given))) < 200  # status and step: no array
    twice, sums = f(given)
    assert isinstance(twice, DeviceArray)
    assert (twice.shape, twice.dtype, twice.ndim, len(twice)) == ((100, 60), np.float32, 2, 100)
    np.testing.assert_array_equal(np.asarray(twice), 2 * values)
    np.testing.assert_allclose(sums.get_value(), values.sum(1))
    np.testing.assert_array_equal(f(twice)[0].get_value(), 4 * values)
    assert isinstance(f(values)[0], np.ndarray)  # as the arguments


def test_arguments_of_both_kinds(cuda):
    x, y = fastnn.placeholder((None,)), fastnn.placeholder((None,))
    f = _core.Function([x._value, y._value], [("main", [(x - y)._value], [])], device=cuda)
    values = np.arange(5, dtype="float32")
    (result,) = f(values, there(3 * values, cuda))
    np.testing.assert_array_equal(result.get_value(), -2 * values)


def test_predictions(cuda, wrapped, rows):
    model = network(cuda)
    expected = model.predict(rows[0], verbose=0)
    x = wrapped(there(rows[0], cuda))
    made = model.predict(x, batch_size=16, verbose=0)
    assert isinstance(made, DeviceArray)
    assert made.get_value().tobytes() == expected.tobytes()
    size = rows[0].nbytes
    assert max(traffic_of(lambda: model.predict(x, batch_size=16, verbose=0))) < size / 2
    on_batch = model.predict_on_batch(x)
    assert on_batch.get_value().tobytes() == expected.tobytes()


def test_nan_is_found_there(cuda, rows):
    model = network(cuda)
    rows[0][40, 3] = np.nan
    x = there(rows[0], cuda)
    with pytest.raises(ValueError, match=r"x\[40, 3\] is NaN"):
        model.predict(x, batch_size=16, verbose=0)
    assert np.isnan(model.predict(x, verbose=0, check_finite=False).get_value()[40])


@pytest.mark.parametrize("weighted", [False, True])
def test_training(cuda, wrapped, rows, weighted):
    """Rows there, labels here and weights there: the same bits as with all of them here."""
    options = {"batch_size": 10, "epochs": 3, "verbose": 0, "validation_split": 0.2}
    weights = np.linspace(0.5, 1.5, 70, dtype="float32") if weighted else None

    def trained(x, y, w):
        fastnn.utils.set_random_seed(1)
        model = network(cuda)
        history = model.fit(x, y, sample_weight=w, **options).history
        return [*model.get_weights(), *history.values(), model.evaluate(x, y, verbose=0)]

    one = trained(*rows, weights)
    x = wrapped(there(rows[0], cuda))
    other = trained(x, rows[1], there(weights, cuda) if weighted else None)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
    both = trained(x, wrapped(there(rows[1], cuda)), weights)
    np.testing.assert_array_equal(one[0], both[0])


def test_views(cuda):
    values = np.arange(60, dtype="int64").reshape(3, 4, 5)
    array = there(values, cuda)
    for key in [1, -1, slice(1, 3), slice(None, None, -2), (..., 2), (slice(None), None, 1),
                (0, slice(4, 0, -1)), (..., None), slice(2, 2)]:  # fmt: skip
        view, expected = array[key], values[key]
        assert (view.shape, view.size) == (expected.shape, expected.size)
        assert view.is_contiguous == expected.flags.c_contiguous
        np.testing.assert_array_equal(np.asarray(view), expected)
    for key in (3, -4, (0, 0, 0, 0)):
        with pytest.raises(IndexError, match="ind"):
            array[key]


@pytest.mark.parametrize("dtype", ["float16", "float64", "uint8", "int16", "bool"])
def test_columns_of_any_dtype_and_layout(cuda, rows, dtype):
    x = (8 * np.abs(rows[0])).astype(dtype)
    raw = there(np.repeat(x, 2, axis=1).view("uint8"), cuda)
    about = {"typestr": x.dtype.str, "shape": x.shape,
             "strides": (raw.shape[1], 2 * x.itemsize)}  # fmt: skip
    model = network(cuda)
    model.fit(Interface(raw, **about), rows[1], shuffle=False, verbose=0)
    same = network(cuda)
    same.fit(x, rows[1], shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], same.get_weights()[0])


def test_variables_are_given_where_they_are(cuda, rows):
    model = network(cuda)
    kernel = model.layers[0].kernel
    assert kernel.device == "cpu"
    assert kernel.__dlpack_device__() == (1, 0)
    assert not hasattr(kernel, "__cuda_array_interface__")
    with pytest.raises(AttributeError, match="is in the processor's memory: use get_value"):
        _ = kernel.__cuda_array_interface__
    with pytest.raises(ValueError, match="lies in the processor's memory"):
        kernel._storage.on_device()
    model.fit(*rows, verbose=0)
    assert (kernel.device, kernel.__dlpack_device__()) == ("cuda", (2, 0))
    about = kernel.__cuda_array_interface__
    assert (about["shape"], about["typestr"], about["version"]) == ((11, 6), "<f4", 3)
    view = _core.device_array(Dlpack(kernel))
    model.fit(*rows, verbose=0)
    np.testing.assert_array_equal(view.get_value(), kernel.get_value())  # the memory itself
    held = kernel.get_value()
    model.compile("adam", "binary_crossentropy", device="cpu")
    model.predict(rows[0], verbose=0)
    assert kernel.device == "cpu"
    np.testing.assert_array_equal(view.get_value(), held)  # it stays while someone holds it


def test_memory_is_held_and_let_go(cuda):
    array = there(np.arange(4.0), cuda)
    capsule = array.__dlpack__()
    wrapper = Interface(array)
    view = _core.device_array(wrapper)
    del array, wrapper
    gc.collect()
    there(np.zeros(4), cuda)  # would take the place of what was freed
    np.testing.assert_array_equal(view.get_value(), np.arange(4.0))
    del view, capsule


def test_streams(cuda):
    array = there(np.arange(3.0), cuda)
    for stream in (None, 1, 2):
        _core.device_array(Interface(array, stream=stream))
    with pytest.raises(ValueError, match="a stream is never 0"):
        _core.device_array(Interface(array, stream=0))
    asked = Dlpack(array)
    _core.device_array(asked)
    assert list(asked.asked[0]) == ["stream"]


def test_bad_arrays_are_refused(cuda):
    x = fastnn.placeholder((None, 3), name="x")
    f = _core.Function([x._value], [("main", [(x + 1)._value], [])], device=cuda)
    array = there(np.ones((2, 3), "float32"), cuda)
    with pytest.raises(TypeError, match="x: expected float32 of an array on cuda, got float64"):
        f(there(np.ones((2, 3)), cuda))
    with pytest.raises(ValueError, match="x: expected aligned rows without gaps"):
        f(array[:, ::-1])
    with pytest.raises(ValueError, match="expected"):
        f(array[:, :2])
    with pytest.raises(TypeError, match="masked"):
        f(Interface(array, mask=Interface(array)))
    with pytest.raises(TypeError, match="native byte order"):
        f(Interface(array, typestr=">f4"))
    with pytest.raises(TypeError, match="expected numbers"):
        f(Interface(array, typestr="<c8"))
    with pytest.raises(ValueError, match="as many strides as axes"):
        f(Interface(array, strides=(4,)))


def test_programs_of_the_processor_refuse_them(cuda, wrapped, rows):
    x = fastnn.placeholder((None, 3), name="x")
    given = wrapped(there(np.ones((2, 3), "float32"), cuda))
    message = "expected an array in the processor's memory, got one on cuda"
    with pytest.raises(TypeError, match=f"x: {message}"):
        fastnn.function([x], x + 1)(given)
    for use in (ops.exp, fastnn.shared):
        with pytest.raises(TypeError, match=message):
            use(given)
    model = network("cpu")
    with pytest.raises(TypeError, match=rf"\[Sequential\] x: {message}: compile\(\) the model"):
        model.predict(wrapped(there(rows[0], cuda)))
    with pytest.raises(TypeError, match=rf"\[Sequential\] y: {message}"):
        model.fit(rows[0], wrapped(there(rows[1], cuda)), verbose=0)
    with pytest.raises(TypeError, match="expected arrays in the processor's memory, got one on"):
        model._engine.signature(None, [rows[0]]).predictor([there(rows[0], cuda)])
