"""Samples of ops that are no function of arrays: leaves, random numbers, loops, effects."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

import fastnn
from fastnn import _core, ops
from special import SPECIAL

DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")


def run(inputs, outputs, *arrays, seed=0, step=0):
    f = _core.Function(inputs, [("main", outputs, [])], seed)
    f.set_step(step)
    return f(*arrays)


def test_every_special_op_has_its_test():
    for name, test in SPECIAL.items():
        file, _, function = test.rpartition(".")
        module = importlib.import_module(file) if file else sys.modules[__name__]
        assert callable(getattr(module, function, None)), name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 3)])
def test_placeholder(dtype, shape):
    x = _core.placeholder(dtype, shape)
    a = np.ones(shape, dtype)
    (result,) = run([x], [x], a)
    np.testing.assert_array_equal(result, a)
    assert not np.shares_memory(result, a)
    with pytest.raises(ValueError, match=r"\[input 0\] expected shape"):
        run([x], [x], np.ones((*shape, 2), dtype))
    with pytest.raises(ValueError, match="dimensions of at least 0"):
        _core.placeholder(dtype, (-1,))


def test_parameter():
    p = _core.parameter("float32", (2,))
    with pytest.raises(ValueError, match="'parameter' is needed to compute"):
        run([], [p])


@pytest.mark.parametrize("dtype", DTYPES)
def test_variable(dtype):
    a = np.array([[0, 1], [1, 1]], dtype)
    v = fastnn.shared(a, "v")
    (result,) = run([], [v._value])
    np.testing.assert_array_equal(result, a)
    assert str(result.dtype) == dtype
    with pytest.raises(ValueError, match=r"\[v\] expected shape \(2, 2\), got \(2,\)"):
        v.set_value(np.ones(2, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (5,), (0,), (2, 3)])
def test_constant(dtype, shape):
    a = np.ones(shape, dtype)
    c = _core.constant(a)
    a[...] = 0  # a constant keeps what it was given
    (result,) = run([], [c])
    np.testing.assert_array_equal(result, np.ones(shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [0.0, 1.0, 2.75, -3.5, 300.0])
def test_full(dtype, value):
    for shape in [(), (3,), (2, 0), (2, 3)]:
        node = _core.make("full", [], {"shape": shape, "value": value, "dtype": dtype})
        (result,) = run([], [node])
        expected = np.full(shape, value).astype("int64" if dtype == "uint8" else dtype)
        np.testing.assert_array_equal(result, expected.astype(dtype))
        assert str(result.dtype) == dtype
        # A cast of a number is folded: it must cut as the kernel does.
        for to in DTYPES:
            (folded,) = run([], [_core.cast(node, to)])
            np.testing.assert_array_equal(folded, result.astype(to))


def test_extent():
    x = _core.placeholder("float32", ("rows", "columns"))
    rows, columns = x.dims
    for dtype in ("float32", "float64", "int32", "int64"):
        asked = [rows, columns, rows * columns + 2 * rows, rows - 3, (rows + 1) // 2]
        nodes = [_core.extent_value(d, dtype) for d in asked]
        result = run([x], nodes, np.zeros((5, 2), "f"))
        assert [float(r) for r in result] == [5, 2, 20, 2, 3]
        assert {str(r.dtype) for r in result} == {dtype}
    with pytest.raises(ValueError, match="'rows' has no value"):
        run([], [_core.extent_value(rows, "int64")])


def draw(kind, dtype, shape, a, b, stream=7, seed=3, step=0):
    scalars = [_core.scalar(a, dtype), _core.scalar(b, dtype)]
    attrs = {"shape": shape, "dtype": dtype, "stream": stream, "seed": []}
    node = _core.make(kind, scalars, attrs)
    return run([], [node], seed=seed, step=step)[0]


def check_draws(kind, a, b, mean, deviation, low, high):
    before = _core.active_table()
    for dtype in ("float32", "float64"):
        x = draw(kind, dtype, (200, 100), a, b)
        assert x.dtype == dtype
        assert x.shape == (200, 100)
        error = 5 * deviation / np.sqrt(x.size)
        assert abs(x.mean() - mean) < error
        assert abs(x.std() - deviation) < 5 * error
        assert x.min() >= low
        assert x.max() <= high
        for other in ({"stream": 8}, {"seed": 4}, {"step": 1}):
            assert (draw(kind, dtype, (200, 100), a, b, **other) != x).any()
        np.testing.assert_array_equal(draw(kind, dtype, (200, 100), a, b), x)
        # An element is a function of its place: a prefix has the same numbers.
        np.testing.assert_array_equal(draw(kind, dtype, (77,), a, b), x.ravel()[:77])
        assert draw(kind, dtype, (0, 3), a, b).shape == (0, 3)
        for table in _core.kernel_tables():
            _core.set_active_table(table)
            np.testing.assert_allclose(draw(kind, dtype, (200, 100), a, b), x, rtol=1e-5, atol=1e-6)
        _core.set_active_table(before)
    vector = _core.placeholder("float32", (2,))
    attrs = {"shape": (2,), "dtype": "float32", "stream": 1, "seed": []}
    with pytest.raises(ValueError, match=rf"\[{kind}\] expected scalar parameters"):
        _core.make(kind, [vector, vector], attrs)


def test_random_uniform():
    check_draws("random_uniform", -1.0, 3.0, 1.0, 4 / np.sqrt(12), -1.0, 3.0)


def test_random_normal():
    check_draws("random_normal", 2.0, 0.5, 2.0, 0.5, -np.inf, np.inf)


def test_random_truncated_normal():
    check_draws("random_truncated_normal", 1.0, 2.0, 1.0, 2 * 0.8796, -3.0, 5.0)


def test_random_bernoulli():
    check_draws("random_bernoulli", 0.3, 0.0, 0.3, np.sqrt(0.21), 0.0, 1.0)


@pytest.mark.parametrize("kind", ["uniform", "normal", "truncated_normal"])
def test_gradients_by_the_parameters_of_a_distribution(kind):
    a, b = (fastnn.placeholder((), "float64") for _ in range(2))
    x = getattr(ops, f"random_{kind}")((3, 4), a, b, "float64")
    cost = ops.sum(x * x * np.linspace(0.5, 1.5, 4))
    first = fastnn.grad(cost, [a, b])
    second = fastnn.grad(first[0] * first[1], [a, b])

    def value(p, q):
        nodes = [t._value for t in (cost, *first, *second)]
        return [float(v) for v in run([a._value, b._value], nodes, p, q)]

    p, q, h = 0.3, 1.7, 1e-6
    _, da, db, second_a, second_b = value(p, q)
    by_a, by_b = (value(p + h, q), value(p - h, q)), (value(p, q + h), value(p, q - h))
    for got, (high, low) in ((da, by_a), (db, by_b)):
        np.testing.assert_allclose(got, (high[0] - low[0]) / (2 * h), rtol=1e-6)
    for got, (high, low) in ((second_a, by_a), (second_b, by_b)):
        numeric = (high[1] * high[2] - low[1] * low[2]) / (2 * h)
        np.testing.assert_allclose(got, numeric, rtol=1e-5)
    mask = ops.random_bernoulli((5,), a, "float64")
    assert fastnn.grad(ops.sum(mask), a)._value.op == "full"


def loop(body_parameters, body_outputs, inputs, trip, carried, sequences, reverse=False):
    attrs = {
        "body": _core.SubGraph(body_parameters, body_outputs),
        "trip": [trip],
        "reverse": reverse,
        "carried": carried,
        "sequences": sequences,
    }
    return _core.make_all("loop", inputs, attrs)


@pytest.mark.parametrize("table", _core.kernel_tables())
@pytest.mark.parametrize("trip", [0, 1, 2, 5])
@pytest.mark.parametrize("reverse", [False, True])
def test_loop(trip, reverse, table):
    before = _core.active_table()
    _core.set_active_table(table)
    h, k, x, w = (_core.parameter("float64", (3,)) for _ in range(4))
    new = _core.make("add", [_core.make("multiply", [h, w]), x])
    outer = [_core.placeholder("float64", s) for s in [(3,), (3,), (trip, 3), (3,)]]
    # Two states that change places, a sequence, an invariant, a stacked result.
    results = loop([h, k, x, w], [k, new, new], outer, trip, 2, 1, reverse)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=x.dims) for x in outer]
    first, second, stacked = run(outer, results, *arrays)
    _core.set_active_table(before)
    a, b, sequence, weight = arrays
    expected = np.zeros((trip, 3))
    for t in range(trip)[::-1] if reverse else range(trip):
        expected[t] = a * weight + sequence[t]
        a, b = b, expected[t]
    np.testing.assert_allclose(first, a, rtol=1e-14)
    np.testing.assert_allclose(second, b, rtol=1e-14)
    np.testing.assert_allclose(stacked, expected, rtol=1e-14)


def test_loop_refuses():
    h, x = _core.parameter("float32", (3,)), _core.parameter("float32", (3,))
    state, sequence = _core.placeholder("float32", (3,)), _core.placeholder("float32", (4, 3))
    wide = _core.make("concatenate", [h, x], {"axis": 0})
    with pytest.raises(ValueError, match=r"\[loop\] carried value 0 must keep its type"):
        loop([h, x], [wide], [state, sequence], 4, 1, 1)
    with pytest.raises(ValueError, match=r"\[loop\] input 1: expected float32\(5, 3\), got"):
        loop([h, x], [h], [state, sequence], 5, 1, 1)
    with pytest.raises(ValueError, match=r"\[loop\] expected 2 inputs for the body, got 1"):
        loop([h, x], [h], [state], 4, 1, 1)


def test_optimizer_step():
    w = fastnn.shared(np.array([1.0, -2.0, 3.0]), "w", dtype="float64")
    g = fastnn.placeholder((3,), "float64")
    step = fastnn.shared(np.int64(0), "step", role="counter")
    effect = ops.optimizer_step("sgd", [g], [w], [], 0.5, step, hyper=[0.0, 0.0])
    f = fastnn.function([g], updates=[effect])
    f([1.0, 2.0, -4.0])
    np.testing.assert_allclose(w.get_value(), [0.5, -3.0, 5.0])
    narrow = fastnn.placeholder((2,), "float64")
    with pytest.raises(ValueError, match=r"gradient of 'w': expected float64\(3,\)"):
        ops.optimizer_step("sgd", [narrow], [w], [], 0.5, step, hyper=[0.0, 0.0])


def test_ranks_and_sizes_are_checked_when_a_node_is_made():
    deep = fastnn.placeholder((1,) * 8)
    with pytest.raises(ValueError, match=r"\[reshape\] expected at most 8 dimensions, got shape"):
        ops.expand_dims(deep, 0)
    with pytest.raises(ValueError, match=r"\[placeholder\] expected at most 8 dimensions"):
        ops.tanh(np.ones((2, 1) * 5))
    with pytest.raises(ValueError, match=r"\[variable\] expected at most 8 dimensions"):
        fastnn.shared(np.ones((1,) * 9))
    wide = fastnn.placeholder((2**20, 1))
    with pytest.raises(ValueError, match=r"\[full\] .*more elements than can be addressed"):
        ops.full((2**40, 2**40), 0.0)
    with pytest.raises(ValueError, match=r"\[matmul\] .*more elements than can be addressed"):
        ops.matmul(wide, ops.full((1, 2**40), 0.0))
    with pytest.raises(TypeError, match=r"shape: expected whole numbers, names or None, got 2\.5"):
        fastnn.placeholder((2.5,))


@pytest.mark.parametrize("dims", range(9))
def test_every_rank_that_is_allowed(dims):
    shape = (2, 1, 3, 1, 2, 1, 2, 3)[:dims]
    a = np.random.default_rng(0).normal(size=shape)
    x = fastnn.placeholder(shape, "float64")
    reverse = ops.transpose(x) * 2.0
    results = fastnn.function([x], [reverse, ops.sum(x, tuple(range(0, dims, 2)))])(a)
    np.testing.assert_array_equal(results[0], a.T * 2)
    np.testing.assert_allclose(results[1], a.sum(tuple(range(0, dims, 2))))
