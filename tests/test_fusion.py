"""Fused calls give the values of the single ops, bit for bit where the same kernels run."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import _core, function, grad, ops, placeholder, shared
from fastnn.losses import MeanSquaredError


def kernels(f):
    return f.kernels()


def test_dense_layer_is_one_call():
    x, w, b = placeholder((None, 5)), shared(np.ones((5, 4), "f")), shared(np.ones(4, "f"))
    f = function([x], ops.relu(x @ w + b))
    assert len(kernels(f)) == 1
    assert "matmul" in kernels(f)[0]


@pytest.mark.parametrize("table", _core.kernel_tables())
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "elu", "gelu", "identity"])
@pytest.mark.parametrize("shape", [(1, 3, 2), (9, 17, 5), (64, 40, 33)])
def test_forward_and_backward_equal_single_ops(activation, shape, table):
    m, k, n = shape
    before = _core.active_table()
    _core.set_active_table(table)
    act = (lambda v: v) if activation == "identity" else getattr(ops, activation)
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s).astype("f") for s in [(m, k), (k, n), (n,), (n, k), (m, k)]]
    x, w, b, w2, t = (placeholder(a.shape) for a in arrays)
    hidden = act(x @ w + b)
    out = hidden @ w2
    cost = ops.sum((out - t) ** 2)
    f = function([x, w, b, w2, t], [hidden, out, *grad(cost, [x, w, b, w2])])
    fused = f(*arrays)
    fewer = len(kernels(f))
    # Every value asked for as an output: nothing can be absorbed into its neighbour.
    values = [hidden, out, *grad(cost, [x, w, b, w2])]
    order = _core.topological_order([v._value for v in values])
    every = [v for v in order if v.inputs]
    g = _core.Function([v._value for v in (x, w, b, w2, t)], [("main", every, [])])
    single = dict(zip(every, g(*arrays), strict=True))
    _core.set_active_table(before)
    assert fewer < len(g.kernels())
    for value, result in zip(values, fused, strict=True):
        expected = single[value._value]
        if value is values[4]:  # the bias gradient: its order of summation may differ
            np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)
        else:
            np.testing.assert_array_equal(result, expected)


def test_row_sums_of_another_view_are_not_taken_over():
    z = placeholder((4, 6))
    x = placeholder((2, 5))
    top, bottom = z[:2] * 1.0, z[2:]
    f = function(
        [x, z],
        [
            ops.sum(bottom, 0),
            ops.matmul(x, top, True),
            ops.sum(top, 0),
            ops.matmul(x, ops.tanh(z)[2:], True),
            ops.sum(ops.tanh(z)[:2], 0),
        ],
    )
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5)).astype("f"), rng.normal(size=(4, 6)).astype("f")
    expected = [
        b[2:].sum(0),
        a.T @ b[:2],
        b[:2].sum(0),
        a.T @ np.tanh(b)[2:],
        np.tanh(b)[:2].sum(0),
    ]
    for result, want in zip(f(a, b), expected, strict=True):
        np.testing.assert_allclose(result, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n", [1, 511, 512, 513, 5000])
def test_a_chain_of_elementwise_ops_is_one_call(n):
    x, y = placeholder(("n",)), placeholder(("n",))
    z = x
    for _ in range(3):
        z = ops.tanh(z * y + 0.5) - x * 0.25
    f = function([x, y], z)
    assert len(kernels(f)) == 1
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=n).astype("f") for _ in range(2))
    order = [v for v in _core.topological_order([z._value]) if v.inputs]
    g = _core.Function([x._value, y._value], [("main", order, [])])
    np.testing.assert_array_equal(f(a, b), g(a, b)[-1])


def test_a_product_read_under_several_views_is_left_as_it_is():
    x, w = placeholder(("n", 3), "float64"), placeholder((3, 4), "float64")
    c = placeholder((4,), "float64")
    m = x @ w
    rows = ops.reshape(m, (-1, 2, 4))
    outputs = [m[:2] + m[2:4], rows + c, m * 2.0, ops.tanh(ops.reshape(m, (-1,)))]
    rng = np.random.default_rng(0)
    a, b, bias = rng.normal(size=(4, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    product = a @ b
    expected = [product[:2] + product[2:], product.reshape(2, 2, 4) + bias, product * 2]
    expected.append(np.tanh(product.ravel()))
    for chosen in ([0], [1, 2], [3, 1], [0, 1, 2, 3]):
        f = function([x, w, c], [outputs[i] for i in chosen])
        for i, result in zip(chosen, f(a, b, bias), strict=True):
            np.testing.assert_allclose(result, expected[i], rtol=1e-12)


def test_groups_that_meet_are_one_call():
    x, y = placeholder((None, 3)), placeholder((None, 3))
    f = function([x], ops.tanh(x * 2) * ops.exp(-x) + ops.sin(x))
    assert len(kernels(f)) == 1
    a = np.random.default_rng(0).normal(size=(50, 3)).astype("f")
    np.testing.assert_allclose(f(a), np.tanh(a * 2) * np.exp(-a) + np.sin(a), rtol=1e-5, atol=1e-6)
    # A group that a product reads has to come before it, and stays where it is.
    left, right = ops.tanh(x), ops.exp(y)
    g = function([x, y], [left * (left.T @ right)[0] + right, left])
    b = np.random.default_rng(1).normal(size=(50, 3)).astype("f")
    want = np.tanh(a) * (np.tanh(a).T @ np.exp(b))[0] + np.exp(b)
    np.testing.assert_allclose(g(a, b)[0], want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [32, 33, 500, 784, 2048])
@pytest.mark.parametrize("reduction", [ops.sum, ops.mean, ops.max, ops.prod])
def test_rows_are_reduced_where_they_are_computed(reduction, width, dtype):
    x, y = placeholder(("n", 2, width), dtype), placeholder(("n", 2, width), dtype)
    kept = ops.tanh(x) * y
    # The second reduction reads rows that go to memory as well, the first those that do not.
    f = function([x, y], [reduction(kept * 0.5 + 1.0, axis=-1), kept, reduction(kept, axis=-1)])
    assert len(kernels(f)) == 1
    elements, rows = function([x, y], [kept * 0.5 + 1.0, kept]), placeholder(("n", 2, width), dtype)
    alone = function([rows], reduction(rows, axis=-1))
    assert len(kernels(alone)) == 1
    before = _core.num_threads()
    rng = np.random.default_rng(0)
    try:
        for batch in (0, 1, 3, 301 if width == 500 else 20):
            a, b = (rng.normal(size=(batch, 2, width)).astype(dtype) for _ in range(2))
            for threads in (1, 2, 3, 8):
                _core.set_num_threads(threads)
                moved, same = elements(a, b)
                expected = [alone(moved), same, alone(same)]
                for result, want in zip(f(a, b), expected, strict=True):
                    np.testing.assert_array_equal(result, want)
    finally:
        _core.set_num_threads(before)


@pytest.mark.parametrize("width", [16, 2049, None])
def test_short_and_long_rows_are_reduced_by_a_call_of_their_own(width):
    x = placeholder((3, width if width else "n"))
    f = function([x], ops.sum(ops.absolute(x), axis=-1))
    assert [k.split("(")[0] for k in kernels(f)] == ["absolute", "sum"]
    a = np.random.default_rng(0).normal(size=(3, width or 40)).astype("f")
    np.testing.assert_allclose(f(a), np.abs(a).sum(-1), rtol=1e-6)


def test_a_function_of_repeated_numbers_is_computed_once():
    x, c = placeholder((None, 64)), placeholder(())
    f = function([x, c], x * (ops.exp(ops.broadcast_to(c, (1, 64))) * 2.0))
    assert len(kernels(f)) == 2  # of a number, and of the elements
    a = np.random.default_rng(0).normal(size=(5, 64)).astype("f")
    np.testing.assert_allclose(f(a, np.float32(0.5)), a * np.exp(0.5) * 2, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sum_of_squares_squares_what_it_reads(dtype):
    x = placeholder((40, 50), dtype)
    square = ops.square(x)
    a = np.random.default_rng(0).normal(size=(40, 50)).astype(dtype)
    for axis in (None, 0, 1):
        f, g = (function([x], [ops.sum(square, axis=axis), *more]) for more in ([], [square]))
        assert kernels(f) == ["sum of squares"]
        assert "squares" not in " ".join(kernels(g))  # someone else reads them
        np.testing.assert_array_equal(f(a)[0], g(a)[0])
        np.testing.assert_allclose(f(a)[0], np.square(a).sum(axis), rtol=1e-5)
    turned = function([x], ops.mean(ops.square(ops.transpose(x)), axis=0))
    np.testing.assert_allclose(turned(a), np.square(a).mean(1), rtol=1e-5)


def test_the_squared_error_and_its_gradient_are_three_operations():
    x, t = placeholder((128, 64)), placeholder((128, 64))
    cost = MeanSquaredError()(t, x)
    assert kernels(function([x, t], [cost, grad(cost, x)]))[0].startswith(
        "fused(subtract multiply)+mean of squares"
    )
