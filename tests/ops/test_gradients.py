"""Gradients of every op against central differences in float64, and the gradients of those.

The bounds are those of PyTorch's gradcheck: steps of 1e-6, atol 1e-5, rtol 1e-3. Beyond 40
elements a random sample of directions stands for the single elements.
"""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import _core
from samples import CASES
from test_op_table import NAMES, OPS

STEP, ATOL, RTOL = 1e-6, 1e-5, 1e-3
DIFFERENTIABLE = [n for n in NAMES if OPS[n]["differentiable"] == "yes" and OPS[n]["dtypes"]]
SECOND = [n for n in DIFFERENTIABLE if OPS[n]["second_order"]]


def weighted(values, rng):
    """A scalar that depends on every element: the sum of values times fixed weights."""
    cost = None
    for y in values:
        if y.dtype[0] != "f":
            continue
        weights = _core.constant(rng.uniform(0.5, 1.5, y.dims))
        product = _core.make("multiply", [y, weights])
        axes = list(range(y.ndim))
        term = _core.make("sum", [product], {"axes": axes, "keepdims": False})
        cost = term if cost is None else _core.make("add", [cost, term])
    return cost


def directions(shape, rng):
    count = int(np.prod(shape, dtype=np.int64))
    if count <= 40:
        return np.eye(count).reshape(count, *shape)
    return rng.normal(size=(12, *shape))


@pytest.fixture(params=["cpu", "cuda"])
def device(request):
    return request.getfixturevalue("cuda") if request.param == "cuda" else "cpu"


def check(xs, cost, gradients, arrays, wanted, what, device="cpu"):
    """Compares the gradients with differences of the cost, input by input."""
    f, df = (
        _core.Function(xs, [("main", outputs, [])], device=device)
        for outputs in ([cost], gradients)
    )
    rng = np.random.default_rng(1)
    for i, gradient in zip(wanted, df(*arrays), strict=True):
        assert gradient.shape == arrays[i].shape, what
        assert gradient.dtype == arrays[i].dtype, what
        for d in directions(arrays[i].shape, rng):
            high, low = list(arrays), list(arrays)
            high[i], low[i] = arrays[i] + STEP * d, arrays[i] - STEP * d
            numeric = (f(*high)[0] - f(*low)[0]) / (2 * STEP)
            analytic = np.sum(gradient * d)
            np.testing.assert_allclose(analytic, numeric, rtol=RTOL, atol=ATOL, err_msg=what)


def graph_of(name, sample):
    arrays = sample.arrays("float64", name)
    xs = [_core.placeholder(a.dtype, a.shape) for a in arrays]
    y = _core.make(name, xs, sample.attrs)
    skip = CASES[name].constant_inputs
    wanted = [i for i, a in enumerate(arrays) if a.dtype == np.float64 and i not in skip]
    return arrays, xs, y, wanted


def samples_of(name):
    limit = 10 if name == "matmul" else 14
    chosen = [s for s in CASES[name].samples if all(np.prod(x.shape) < 600 for x in s.inputs)]
    if name == "cast":  # steps of 1e-6 are lost in float32
        chosen = [s for s in chosen if s.attrs["dtype"] == "float64"]
    every = max(1, len(chosen) // limit)
    return chosen[::every]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient(name, device):
    for sample in samples_of(name):
        arrays, xs, y, wanted = graph_of(name, sample)
        cost = weighted([y], np.random.default_rng(0))
        if cost is None:
            continue  # a cast to integers
        gradients = _core.gradients(cost, [xs[i] for i in wanted])
        check(xs, cost, gradients, arrays, wanted, f"{name} {sample}", device)


@pytest.mark.parametrize("name", SECOND)
def test_gradient_of_the_gradient(name, device):
    for sample in samples_of(name):
        arrays, xs, y, wanted = graph_of(name, sample)
        cost = weighted([y], np.random.default_rng(0))
        if cost is None:
            continue
        wrt = [xs[i] for i in wanted]
        cost = weighted(_core.gradients(cost, wrt), np.random.default_rng(2))
        second = _core.gradients(cost, wrt)
        check(xs, cost, second, arrays, wanted, f"second order of {name} {sample}", device)


@pytest.mark.parametrize("name", [n for n in NAMES if OPS[n]["differentiable"] == "zero"])
def test_no_gradient_flows_back(name):
    dtypes = OPS[name]["dtypes"]
    if "float64" not in dtypes:
        pytest.skip("takes no floating tensors")
    _, xs, y, wanted = graph_of(name, CASES[name].samples[1])
    y = _core.cast(y, "float64")
    cost = weighted([y], np.random.default_rng(0))
    for g in _core.gradients(cost, [xs[i] for i in wanted]):
        assert (g.op, g.attr("value")) == ("full", "0")


@pytest.mark.parametrize("name", [n for n in NAMES if OPS[n]["differentiable"] == "never"])
def test_a_gradient_is_refused(name):
    _, xs, y, wanted = graph_of(name, CASES[name].samples[1])
    cost = weighted([y], np.random.default_rng(0))
    with pytest.raises(ValueError, match=rf"\[{name}\] has no gradient: "):
        _core.gradients(cost, [xs[i] for i in wanted])


def gradient_at(build, *values):
    xs = [_core.placeholder("float64", np.shape(v)) for v in values]
    cost = weighted([build(*xs)], np.random.default_rng(0))
    xs_gradients = _core.gradients(cost, xs)
    second = _core.gradients(weighted(xs_gradients, np.random.default_rng(0)), xs)
    return _core.Function(xs, [("main", [*xs_gradients, *second], [])])(
        *[np.asarray(v, np.float64) for v in values]
    )


def test_prod_with_zeros():
    attrs = {"axes": [1], "keepdims": False}
    x = np.array([[2.0, 3.0, 4.0], [0.0, 3.0, 4.0], [0.0, 0.0, 4.0]])
    first, _ = gradient_at(lambda x: _core.make("prod", [x], attrs), x)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, 3)[:, None]
    others = [[12.0, 8.0, 6.0], [12.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(first, weights * others)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
def test_power_at_zero_and_below(exponent):
    x = np.array([0.0, -2.0, 1.5])
    first, second = gradient_at(
        lambda x: _core.make("power", [x, _core.scalar(exponent, "float64")]), x
    )
    w = np.random.default_rng(0).uniform(0.5, 1.5, 3)
    slope = exponent * x ** max(exponent - 1, 0)
    np.testing.assert_allclose(first, w * slope)
    bend = exponent * (exponent - 1) * x ** max(exponent - 2, 0)
    np.testing.assert_allclose(second, w * w * bend)


def test_equal_elements_share_the_gradient():
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    first, _ = gradient_at(lambda x: _core.make("max", [x], {"axes": [1], "keepdims": False}), x)
    w = np.random.default_rng(0).uniform(0.5, 1.5, 2)[:, None]
    np.testing.assert_allclose(first, w * [[0, 0.5, 0.5], [1 / 3] * 3])
    first, other, *_ = gradient_at(lambda a, b: _core.make("maximum", [a, b]), x, x)
    np.testing.assert_array_equal(first, other)
