"""Products of rows that are looked up in a small table: the table's product, looked up."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import function, grad, ops, placeholder, shared
from fastnn.layers import LSTM, Dense, Embedding, Input
from fastnn.models import Sequential


def kernels(f):
    return f.kernels()


def arrays_of(rows, features, units, shape, dtype="float32"):
    rng = np.random.default_rng([rows, features, units])
    index = rng.integers(-rows, rows, shape)
    e, w, b = (
        rng.normal(size=s).astype(dtype) for s in [(rows, features), (features, units), units]
    )
    return index, e, w, b


def lookup_and_dense(shape, e, w, b):
    index = placeholder(("batch", *shape[1:]), "int64")
    variables = [shared(a) for a in (e, w, b)]
    y = ops.take(variables[0], index, axis=0) @ variables[1] + variables[2]
    cost = ops.sum(ops.sin(y) * y)
    return index, y, [cost, *grad(cost, variables)]


@pytest.mark.parametrize("shape", [(5, 9), (1, 4), (3, 2, 4), (0, 4)])
@pytest.mark.parametrize(("features", "units"), [(3, 5), (64, 33)])
def test_values_and_gradients(shape, features, units, table):
    at, e, w, b = arrays_of(7, features, units, shape)
    index, y, rest = lookup_and_dense(shape, e, w, b)
    result, cost, *slopes = function([index], [y, *rest])(at)
    # A row of a product does not depend on the others: the bits are those of single products.
    np.testing.assert_array_equal(result, ops.matmul(e[at], w) + b)
    with np.errstate(all="ignore"):
        exact = e.astype("float64")[at] @ w + b
        slope = np.sin(exact) + exact * np.cos(exact)
        by_row = np.zeros((7, units))
        np.add.at(by_row, at.ravel() % 7, slope.reshape(-1, units))
    np.testing.assert_allclose(cost, np.sum(np.sin(exact) * exact), rtol=1e-3, atol=1e-2)
    wanted = [by_row @ w.T, e.T @ by_row, by_row.sum(0)]
    for found, expected in zip(slopes, wanted, strict=True):
        scale = np.abs(expected).max(initial=1.0)
        np.testing.assert_allclose(found, expected, 0, 3e-5 * scale)


def test_only_where_the_table_is_the_smaller_operand():
    for rows, looked_up in [(8, True), (9, False)]:
        at, e, w, b = arrays_of(rows, 3, 5, (2, 4))
        index, y, _ = lookup_and_dense(at.shape, e, w, b)
        names = [k.split()[0] for k in kernels(function([index], y))]
        assert (names.index("matmul") < names.index("take")) == looked_up


def test_an_open_time_may_be_short():
    _, e, w, b = arrays_of(8, 3, 5, (2, 4))
    index = placeholder(("batch", None), "int64")
    y = ops.take(shared(e), index, axis=0) @ shared(w) + b
    names = [k.split()[0] for k in kernels(function([index], y))]
    assert names.index("take") < names.index("matmul")


def test_training_needs_no_product_of_all_positions():
    model = Sequential([Input((64,), dtype="int64"), Embedding(65, 16), LSTM(8), Dense(2)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).integers(0, 65, (32, 64))
    flops = {k.kernel: k.flops for k in model.profile(x, np.ones((32, 2)), batch_size=32).kernels}
    assert sum(v for k, v in flops.items() if k.startswith("matmul")) < 3 * 2 * 32 * 64 * 8 * 32
    before = model.evaluate(x, np.ones((32, 2)), verbose=0)
    model.fit(x, np.ones((32, 2)), epochs=5, verbose=0)
    assert model.evaluate(x, np.ones((32, 2)), verbose=0) < before


def test_second_derivatives():
    at, e, w, b = arrays_of(4, 3, 2, (3, 5), "float64")
    index, variables = placeholder(at.shape, "int64"), [shared(a) for a in (e, w, b)]
    y = ops.tanh(ops.take(variables[0], index, axis=0) @ variables[1] + variables[2])
    first = grad(ops.sum(y * y), variables)
    second = grad(sum(ops.sum(g * g) for g in first), variables)
    f = function([index], [sum(ops.sum(g * g) for g in first), *second])
    _, *found = f(at)
    rng = np.random.default_rng(0)
    for variable, slope in zip(variables, found, strict=True):
        step, start = rng.normal(size=slope.shape), variable.get_value()
        costs = []
        for h in (1e-6, -1e-6):
            variable.set_value(start + h * step)
            costs.append(f(at)[0])
        variable.set_value(start)
        numeric = (costs[0] - costs[1]) / 2e-6
        np.testing.assert_allclose(np.sum(slope * step), numeric, rtol=1e-5, atol=1e-6)


def test_an_index_outside_is_an_error():
    at, e, w, b = arrays_of(4, 3, 2, (3, 5))
    index, y, rest = lookup_and_dense(at.shape, e, w, b)
    at[1, 2] = 4
    with pytest.raises(IndexError, match="4"):
        function([index], [y, *rest])(at)
