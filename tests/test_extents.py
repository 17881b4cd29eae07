"""Open axes: one program for all sizes, and what is checked when they become numbers."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import function, grad, ops, placeholder, shared


def test_one_program_for_many_sizes():
    x = placeholder((None, 3), name="x")
    y = ops.softmax(ops.tanh(x @ np.ones((3, 4), "f")), 0)
    f = function([x], [y, ops.mean(x), ops.concatenate([x, x * 2]), x[1:] - x[:-1]])
    rng = np.random.default_rng(0)
    for n in (5, 1, 700, 2, 5):
        a = rng.normal(size=(n, 3)).astype("f")
        soft, mean, both, steps = f(a)
        e = np.exp(np.tanh(a @ np.ones((3, 4))))
        np.testing.assert_allclose(soft, e / e.sum(0), rtol=1e-5)
        np.testing.assert_allclose(mean, a.mean(), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(both, np.concatenate([a, a * 2]))
        np.testing.assert_array_equal(steps, np.diff(a, axis=0))


def test_empty_batch():
    x = placeholder((None, 3))
    w = shared(np.ones((3, 2), "f"))
    cost = ops.sum(ops.relu(x @ w))
    value, slope = function([x], [cost, grad(cost, w)])(np.zeros((0, 3), "f"))
    assert float(value) == 0
    np.testing.assert_array_equal(slope, np.zeros((3, 2)))


def test_named_extents_have_to_agree():
    x, y = placeholder(("batch", 2), name="x"), placeholder(("batch",), name="y")
    f = function([x, y], x * ops.expand_dims(y, 1))
    assert f([[1, 2], [3, 4]], [1, 10]).tolist() == [[1, 2], [30, 40]]
    message = r"\[y\] expected batch = 2 along axis 0 as in the other inputs, got 3"
    with pytest.raises(ValueError, match=message):
        f([[1, 2], [3, 4]], [1, 2, 3])


def test_broadcasting_decided_at_run_time():
    x, y = placeholder((None, 2), "float64"), placeholder((None, 1), "float64")
    cost = ops.sum(ops.sin(x * y) * x)
    first = grad(cost, [x, y])
    second = grad(ops.sum(first[0] * first[0]) + ops.sum(first[1] ** 2), [x, y])
    f = function([x, y], [cost, *first, *second])
    rng = np.random.default_rng(0)
    for n, m in [(3, 3), (1, 4), (4, 1), (1, 1)]:
        a, b = rng.normal(size=(n, 2)), rng.normal(size=(m, 1))
        results = f(a, b)
        np.testing.assert_allclose(results[0], np.sum(np.sin(a * b) * a))
        for k, (value, pick) in enumerate([(a, 0), (b, 1)]):
            assert results[1 + k].shape == value.shape
            for index in np.ndindex(value.shape):
                h = np.zeros_like(value)
                h[index] = 1e-6
                pair = [[a + h, b], [a - h, b]] if pick == 0 else [[a, b + h], [a, b - h]]
                high, low = f(*pair[0]), f(*pair[1])
                numeric = (high[0] - low[0]) / 2e-6
                np.testing.assert_allclose(results[1 + k][index], numeric, rtol=1e-5, atol=1e-8)
                penalty = [sum(np.sum(g**2) for g in side[1:3]) for side in (high, low)]
                numeric = (penalty[0] - penalty[1]) / 2e-6
                np.testing.assert_allclose(results[3 + k][index], numeric, rtol=1e-5, atol=1e-7)
    with pytest.raises(ValueError, match=r"cannot broadcast: n\d+ is 2 and n\d+ is 3"):
        f(np.ones((2, 2)), np.ones((3, 1)))


def test_what_extents_leave_open_is_checked_at_the_call():
    x, y = placeholder((None, None), name="x"), placeholder((None, None), name="y")
    a, b = np.ones((2, 3), "f"), np.ones((4, 2), "f")
    cases = {
        "matmul": x @ y,
        "concatenate": ops.concatenate([x, y], 0),
        "reshape": ops.reshape(x, y.dims),
        "slice": x[:, :5],
        "broadcast_to": ops.broadcast_to(x, y.dims),
        "softmax_cross_entropy": ops.softmax_cross_entropy(x, y),
        "take_along_axis": ops.take_along_axis(x, ops.cast(y, "int64"), 1),
    }
    for name, tensor in cases.items():
        with pytest.raises(ValueError, match=rf"\[{name}\] expected .*\(here \d\)"):
            function([x, y], tensor)(a, b)
    assert function([x, y], x @ y)(a, np.ones((3, 5), "f")).shape == (2, 5)


def test_a_slice_that_does_not_fit():
    x = placeholder((None,), name="x")
    f = function([x], [x[2:], x[-1]])
    assert [v.tolist() for v in f([1, 2, 3])] == [[3], 3]
    with pytest.raises(ValueError, match=r"\[slice\] expected"):
        f([1])
    with pytest.raises(ValueError, match=r"\[slice\] expected"):
        f([])


def test_reversed_open_axis_in_a_product():
    x = placeholder((None, None), "float64")
    f = function([x], [x[::-1] @ x.T, x.T[:, ::-1] @ x, x[:, ::-1] @ x[::-1].T])
    a = np.random.default_rng(0).normal(size=(5, 3))
    first, second, third = f(a)
    np.testing.assert_allclose(first, a[::-1] @ a.T)
    np.testing.assert_allclose(second, a.T[:, ::-1] @ a)
    np.testing.assert_allclose(third, a[:, ::-1] @ a[::-1].T)
