"""tree_scan against a plain recursion, its gradients against differences, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import _core, ops

# Two trees of three and four leaves, and one that is a leaf: (0 (1 2)), ((3 4) (5 6)), 7.
LEFT, RIGHT, COUNTS = [1, 3, 5, 0, 9], [2, 4, 6, 8, 10], [3, 2]
LEAVES = 8
# (left, right, counts) and the number of leaves.
FORESTS = [
    ((LEFT, RIGHT, COUNTS), LEAVES),
    (([], [], []), 2),
    (([], [], [0, 0]), 1),
    (([0, 2], [1, 3], [1, 0, 1]), 3),
    (([0, 3], [1, 2], [1, 1]), 3),
]


def placeholders(dtype):
    states = [fastnn.placeholder(("leaves", width), dtype) for width in (3, 2)]
    left, right, counts = (
        fastnn.placeholder((name,), "int64") for name in ("inner", "inner", "levels")
    )
    return states, left, right, counts


def two_states(w, b, xp):
    """A step of two states that uses a matrix and a vector from outside."""

    def step(h, c, other_h, other_c):
        both = xp.concatenate([h, other_h, c * other_c], axis=-1)
        new = xp.tanh(both @ w + b)
        return [new[..., :3] * other_h, new[..., 3:] + c - other_c]

    return step


def weights(dtype):
    rng = np.random.default_rng(1)
    return rng.normal(size=(8, 5)).astype(dtype), rng.normal(size=5).astype(dtype)


def states_of(leaves, dtype):
    rng = np.random.default_rng([leaves, 2])
    return [rng.normal(size=(leaves, width)).astype(dtype) for width in (3, 2)]


def recursion(step, states, left, right, single=False):
    nodes = [list(node) for node in zip(*states, strict=True)]
    for a, b in zip(left, right, strict=True):
        new = step(*nodes[a], *nodes[b])
        nodes.append([new] if single else new)
    return [np.stack(state) for state in zip(*nodes, strict=True)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("forest", "leaves"), FORESTS)
def test_equals_a_recursion(forest, leaves, dtype, table):
    w, b = weights(dtype)
    xs, left, right, counts = placeholders(dtype)
    found = fastnn.tree_scan(two_states(w, b, ops), xs, left, right, counts)
    f = fastnn.function([*xs, left, right, counts], found)
    states = states_of(leaves, dtype)
    arrays = [np.array(a, np.int64) for a in forest]
    expected = recursion(two_states(w.astype(float), b, np), states, *forest[:2])
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    for got, wanted in zip(f(*states, *arrays), expected, strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("forest", "leaves"), FORESTS)
def test_gradients(forest, leaves):
    xs, left, right, counts = placeholders("float64")
    w, b = (fastnn.placeholder(a.shape, "float64") for a in weights("float64"))
    h, c = fastnn.tree_scan(two_states(w, b, ops), xs, left, right, counts)
    cost = ops.sum(ops.square(h)) * 0.3 + ops.sum(ops.sin(c)) + ops.sum(h[0])
    wrt = [w, b, *xs]
    f = fastnn.function([*wrt, left, right, counts], [cost, *fastnn.grad(cost, wrt)])
    values = [*weights("float64"), *states_of(leaves, "float64")]
    trees = [np.array(a, np.int64) for a in forest]
    _, *slopes = f(*values, *trees)
    rng = np.random.default_rng(0)
    for _ in range(6):
        along = [rng.normal(size=v.shape) for v in values]
        high, low = (
            f(*(v + s * 1e-6 * d for v, d in zip(values, along, strict=True)), *trees)[0]
            for s in (1, -1)
        )
        slope = sum((g * d).sum() for g, d in zip(slopes, along, strict=True))
        assert slope == pytest.approx((high - low) / 2e-6, rel=1e-6, abs=1e-8)


def test_a_step_that_looks_into_a_memory_of_open_length():
    def step(memory, xp):
        def attend(a, b):
            query = xp.tanh(a + 2.0 * b)
            scores = xp.exp(query @ memory.T)
            return query + (scores / xp.sum(scores, axis=-1, keepdims=True)) @ memory

        return attend

    (x, _), left, right, counts = placeholders("float64")
    memory = fastnn.placeholder(("memories", 3), "float64")
    found = fastnn.tree_scan(step(memory, ops), x, left, right, counts)
    cost = ops.sum(ops.square(found))
    f = fastnn.function(
        [x, memory, left, right, counts], [found, cost, *fastnn.grad(cost, [x, memory])]
    )
    rng = np.random.default_rng(0)
    trees = [np.array(a) for a in (LEFT, RIGHT, COUNTS)]
    for memories in (1, 4, 2):
        m = rng.normal(size=(memories, 3))
        leaves = rng.normal(size=(LEAVES, 3))
        got, _, *slopes = f(leaves, m, *trees)
        (wanted,) = recursion(step(m, np), [leaves], LEFT, RIGHT, single=True)
        np.testing.assert_allclose(got, wanted, rtol=1e-12)
        along = [rng.normal(size=v.shape) for v in (leaves, m)]
        high, low = (
            f(leaves + s * 1e-6 * along[0], m + s * 1e-6 * along[1], *trees)[1] for s in (1, -1)
        )
        slope = sum((g * d).sum() for g, d in zip(slopes, along, strict=True))
        assert slope == pytest.approx((high - low) / 2e-6, rel=1e-6)


def test_gradients_of_what_the_step_does_not_use():
    xs, left, right, counts = placeholders("float64")
    x = xs[0]
    top = fastnn.tree_scan(lambda a, b: b * 2.0, x, left, right, counts)
    (slope,) = [fastnn.grad(ops.sum(top), x)]
    f = fastnn.function([x, left, right, counts], slope)
    got = f(np.zeros((3, 3)), [0, 3], [1, 2], [1, 1])
    np.testing.assert_array_equal(got[:, 0], [1, 3, 3])
    with pytest.raises(ValueError, match=r"only first derivatives over trees are written"):
        fastnn.grad(ops.sum(ops.square(fastnn.grad(ops.sum(ops.square(top)), x))), x)


def test_the_same_bits_for_any_threads_and_without_reuse_of_memory():
    rng = np.random.default_rng(0)
    n, width = 700, 40
    w = rng.normal(size=(2 * width, width)).astype("float32") / 9
    leaves = rng.normal(size=(n, width)).astype("float32")
    # A level with many nodes, then a chain: large levels and small ones.
    chain = range(n // 2 - 1)
    left = [*range(0, n, 2), *(n + k + 1 for k in chain)]
    right = [*range(1, n, 2), *(n + (k and n // 2 + k - 1) for k in chain)]
    counts = [n // 2, *[1] * (n // 2 - 1)]
    x = fastnn.placeholder(("leaves", width))
    inputs = [fastnn.placeholder((name,), "int64") for name in ("inner", "inner", "levels")]
    kernel = fastnn.shared(w)
    step = lambda a, b: ops.tanh(ops.concatenate([a, b], axis=1) @ kernel)  # noqa: E731
    h = fastnn.tree_scan(step, x, *inputs)
    cost = ops.sum(ops.square(h))
    nodes = [t._value for t in (h, *fastnn.grad(cost, [kernel, x]))]
    taken = [t._value for t in (x, *inputs)]
    results = []
    before = fastnn.get_num_threads()
    for threads, reuse in ((1, True), (2, True), (3, True), (8, True), (1, False)):
        fastnn.set_num_threads(threads)
        f = _core.Function(taken, [("main", nodes, [])], 0, reuse, not reuse)
        for size in (n, 4, n):
            trees = (left, right, counts) if size == n else ([0, 2], [1, 3], [2])
            found = f(leaves[:size], *(np.array(a) for a in trees))
        results.append(found)
    fastnn.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_does_not_fit():
    (x, _), left, right, counts = placeholders("float32")
    add = lambda a, b: a + b  # noqa: E731
    f = fastnn.function([x, left, right, counts], fastnn.tree_scan(add, x, left, right, counts))
    leaves = np.zeros((3, 3))
    for kind, message, trees in (
        (IndexError, "below 3, got 3", ([0, 3], [3, 2], [1, 1])),
        (IndexError, "below 4, got -1", ([0, -1], [1, 2], [1, 1])),
        (ValueError, "expected 2 nodes above the leaves, got 3", ([0, 3], [1, 2], [1, 2])),
        (ValueError, "no negative size of a level, got -1", ([0, 3], [1, 2], [3, -1])),
    ):
        with pytest.raises(kind, match=message):
            f(leaves, *trees)
    with pytest.raises(ValueError, match=r"\[tree_scan\] state 0 must keep its type"):
        fastnn.tree_scan(lambda a, b: ops.sum(a + b, axis=1), x, left, right, counts)
    with pytest.raises(ValueError, match="without random numbers, got one with random_normal"):
        fastnn.tree_scan(lambda a, b: a + b * ops.random_normal((3,)), x, left, right, counts)
    with pytest.raises(ValueError, match="left and right of one open length"):
        fastnn.tree_scan(add, x, left, counts, counts)
    fixed = fastnn.placeholder((2,), "int64")
    with pytest.raises(ValueError, match="left and right of one open length"):
        fastnn.tree_scan(add, x, fixed, fixed, counts)
    with pytest.raises(ValueError, match="left, right and counts of int64"):
        fastnn.tree_scan(add, x, left, right, fastnn.placeholder((None,)))
    with pytest.raises(ValueError, match=r"a body of 1 results|expected a body"):
        fastnn.tree_scan(lambda a, b: [a, b], x, left, right, counts)
