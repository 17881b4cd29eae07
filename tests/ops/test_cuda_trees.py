"""Trees by level and updates of looked-up rows on the device "cuda": the CPU's values."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import fastnn
import test_row_updates as rows
import test_tree_ops as trees
from fastnn import _core, ops


@pytest.fixture
def placed(cuda):
    """Functions compiled in this test are the device's."""
    fastnn.set_device(cuda)
    yield cuda
    fastnn.set_device("cpu")


def there(array, device):
    """An array on the device."""
    variable = fastnn.shared(np.asarray(array))
    _core.Function([], [("main", [ops.sum(variable)._value], [])], device=device)()
    return variable._storage.on_device()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("forest", "leaves"), trees.FORESTS)
def test_equals_a_recursion(forest, leaves, dtype, placed):
    trees.test_equals_a_recursion(forest, leaves, dtype, "cuda")


@pytest.mark.parametrize(("forest", "leaves"), trees.FORESTS)
def test_gradients(forest, leaves, placed):
    trees.test_gradients(forest, leaves)


def test_what_is_open_or_unused_or_does_not_fit(placed):
    trees.test_a_step_that_looks_into_a_memory_of_open_length()
    trees.test_gradients_of_what_the_step_does_not_use()
    trees.test_what_does_not_fit()


def test_fifty_steps_in_float64(cuda):
    def trained(device):
        xs, *index = trees.placeholders("float64")
        shared = [fastnn.shared(a) for a in trees.weights("float64")]
        h, c = fastnn.tree_scan(trees.two_states(*shared, ops), xs, *index)
        cost = ops.mean(ops.square(h - 0.3)) + ops.mean(ops.square(c + 0.1))
        fastnn.set_device(device)
        f = fastnn.function(
            [*xs, *index],
            cost,
            updates=[
                (v, v - 0.2 * g) for v, g in zip(shared, fastnn.grad(cost, shared), strict=True)
            ],
        )
        fastnn.set_device("cpu")
        leaves = trees.states_of(trees.LEAVES, "float64")
        costs = [float(f(*leaves, trees.LEFT, trees.RIGHT, trees.COUNTS)) for _ in range(50)]
        assert costs[-1] < 0.8 * costs[0]
        return [costs, *(v.get_value() for v in shared)]

    for one, other in zip(trained("cpu"), trained(cuda), strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-12)


def summed(width=3):
    """A function of leaves, left, right and counts: sums over levels, and a gradient."""
    x = fastnn.placeholder(("leaves", width))
    index = [fastnn.placeholder((name,), "int64") for name in ("inner", "inner", "levels")]
    h = fastnn.tree_scan(lambda a, b: ops.tanh(a + 0.5 * b), x, *index)
    cost = ops.sum(h * ops.cos(h))
    return fastnn.function([x, *index], [h, *fastnn.grad(cost, [x])])


@pytest.mark.parametrize("leaves", [2, 40, 400])
def test_children_of_several_parents(leaves, cuda):
    """Their gradients are added up in the order of the parents: the CPU's bits, and each time."""
    rng = np.random.default_rng(leaves)
    counts = np.array([leaves, 0, 7, 1])
    firsts = leaves + np.concatenate([[0], np.cumsum(counts)[:-1]])
    left, right = (
        np.concatenate([rng.integers(0, f, n) for f, n in zip(firsts, counts, strict=True)])
        for _ in range(2)
    )
    x = rng.normal(size=(leaves, 3)).astype("float32")
    expected = summed()(x, left, right, counts)
    fastnn.set_device(cuda)
    f = summed()
    fastnn.set_device("cpu")
    first = f(x, left, right, counts)
    for got, again, wanted in zip(first, f(x, left, right, counts), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(got, again)


def test_children_that_only_the_device_has(placed):
    """Arrays of the device as arguments, and children that are computed there."""
    leaves = np.random.default_rng(0).normal(size=(trees.LEAVES, 3)).astype("float32")
    index = [np.array(a) for a in (trees.LEFT, trees.RIGHT, trees.COUNTS)]
    f = summed()
    expected = f(leaves, *index)
    given = [there(a, placed) for a in (leaves, *index)]
    for some in ((1,), (3,), (0, 1, 2, 3)):
        mixed = [given[i] if i in some else a for i, a in enumerate((leaves, *index))]
        for got, wanted in zip(f(*mixed), expected, strict=True):
            np.testing.assert_array_equal(np.asarray(got), wanted)
    with pytest.raises(IndexError, match="below 11, got 11"):
        f(leaves, given[1], there([2, 4, 6, 11, 10], placed), index[2])

    x = fastnn.placeholder(("leaves", 3))
    left, right, counts = (
        fastnn.placeholder((name,), "int64") for name in ("inner", "inner", "levels")
    )
    found = fastnn.tree_scan(
        lambda a, b: ops.tanh(a + 0.5 * b), x, left - 1, right * 2 // 2, counts + 0
    )
    shifted = fastnn.function([x, left, right, counts], found)
    np.testing.assert_array_equal(shifted(leaves, index[0] + 1, *index[1:]), expected[0])


def test_the_same_bits_without_reuse_of_memory(cuda):
    """Levels of more rows than have contexts of their own, and small ones; twice, and smaller."""
    rng = np.random.default_rng(0)
    n, width = 700, 8
    w = fastnn.shared(rng.normal(size=(2 * width, width)).astype("float32") / 4)
    x = fastnn.placeholder(("leaves", width))
    index = [fastnn.placeholder((name,), "int64") for name in ("inner", "inner", "levels")]
    step = lambda a, b: ops.tanh(ops.concatenate([a, b], axis=1) @ w)  # noqa: E731
    h = fastnn.tree_scan(step, x, *index)
    nodes = [t._value for t in (h, *fastnn.grad(ops.sum(ops.square(h)), [w, x]))]
    leaves = rng.normal(size=(n, width)).astype("float32")
    pairs = np.arange(0, n, 2), np.arange(1, n, 2), np.array([n // 2])
    small = np.array([0, 2, 4]), np.array([1, 3, 5]), np.array([2, 1])
    results = []
    for reuse in (True, False):
        inputs = [t._value for t in (x, *index)]
        f = _core.Function(inputs, [("main", nodes, [])], 0, reuse, not reuse, device=cuda)
        runs = [(leaves, pairs), (leaves[:4], small), (leaves, pairs)]
        results.append([array for rows, trees in runs for array in f(rows, *trees)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.isfinite(one).all()


def test_what_a_run_copies(placed):
    """Each argument once, there and here; the levels' states stay there."""
    traffic = importlib.import_module("fastnn._cuda").traffic
    rng = np.random.default_rng(0)
    n, width = 600, 20
    x = rng.normal(size=(n, width)).astype("float32")
    left, right, counts = np.arange(0, n, 2), np.arange(1, n, 2), np.array([n // 2])
    f = summed(width)
    arrays = x, left, right, counts
    f(*arrays)
    before = traffic()
    results = f(*arrays)
    came, went = (b - a for a, b in zip(before, traffic(), strict=True))
    given, given_back = (sum(a.nbytes for a in some) for some in (arrays, results))
    assert given <= came < given + 200
    assert given_back <= went < given_back + 200


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", ["sgd", "adagrad"])
@pytest.mark.parametrize(("table", "width", "count"), [(9, 5, 6), (200, 33, 1), (70, 300, 900)])
def test_rows_are_updated_as_all_would_be(rule, dtype, table, width, count, placed):
    rng = np.random.default_rng(count)
    batches = [
        (rng.integers(-table, table, n), rng.normal(size=(n, width)).astype(dtype))
        for n in (count, 0, 2 * count, 1)
    ]
    results = []
    for dense in (True, False):
        f, variables = rows.step(rule, dtype, table, width, dense)
        assert rows.rows_only(f) is not dense
        for index, g in batches:
            f(index, g)
        results.append([v.get_value() for v in variables])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_bad_row_updates_nothing(placed):
    f, variables = rows.step("adagrad", "float32", 9, 5, False)
    before = [v.get_value() for v in variables]
    with pytest.raises(IndexError, match="index 9 is out of bounds for an axis of length 9"):
        f(np.array([0, 9]), np.ones((2, 5), "float32"))
    for one, other in zip(before, variables, strict=True):
        np.testing.assert_array_equal(one, other.get_value())
