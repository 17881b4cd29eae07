"""Tables whose gradient is that of looked-up rows: where the others would stay, they are left."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import _core, layers, ops, optimizers
from fastnn.models import Sequential

RULES = {
    "sgd": ((0.0, 0.0), 0),
    "adagrad": ((1e-7,), 1),
    "momentum": ((0.9, 0.0), 1),
    "adam": ((0.9, 0.999, 1e-7, 0.0), 2),
}


def step(rule, dtype, rows, width, dense, decay=0.0):
    """One update of a table by what is looked up in it, beside that of a plain vector."""
    hyper, count = RULES[rule]
    rng = np.random.default_rng([rows, width])
    shapes = [(rows, width), (7,)]
    variables = [fastnn.shared(rng.normal(size=s).astype(dtype)) for s in shapes]
    slots = [
        [fastnn.shared(rng.uniform(0.5, 1, s).astype(dtype)) for _ in range(count)] for s in shapes
    ]
    index, g = fastnn.placeholder((None,), "int64"), fastnn.placeholder((None, width), dtype)
    attrs = {"axis": 0, "shape": [rows, width]}
    slope = fastnn._tensor.Tensor(_core.make("take_grad", [g._value, index._value], attrs))
    gradients = [slope * np.array(1, dtype) + 0 if dense else slope, ops.tanh(variables[1])]
    counter = fastnn.shared(np.int64(3), role="counter")
    algorithm = "sgd" if rule == "momentum" else rule
    effect = ops.optimizer_step(
        algorithm, gradients, variables, slots, 0.1, counter, hyper=hyper, decay=[decay, 0.0]
    )
    outputs = [ops.sum(ops.square(slope))] if dense else []
    f = fastnn.function([index, g], outputs, updates=[effect])
    return f, [*variables, *(s for pair in slots for s in pair)]


def rows_only(f):
    return "take_grad_rows" in f.kernels()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", ["sgd", "adagrad"])
@pytest.mark.parametrize(("rows", "width", "count"), [(9, 5, 6), (200, 33, 1), (70, 300, 900)])
def test_the_bits_of_dense_updates(rule, dtype, rows, width, count, table):
    rng = np.random.default_rng(count)
    before = fastnn.get_num_threads()
    results = []
    batches = [
        (rng.integers(-rows, rows, n), rng.normal(size=(n, width)).astype(dtype))
        for n in (count, 0, 2 * count, 1)
    ]
    for threads, dense in ((1, True), (1, False), (2, False), (3, False), (8, False)):
        fastnn.set_num_threads(threads)
        f, variables = step(rule, dtype, rows, width, dense)
        assert rows_only(f) is not dense
        for index, g in batches:
            f(index, g)
        results.append([v.get_value() for v in variables])
    fastnn.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_where_zero_gradients_change_something_all_rows_are_updated():
    for rule in ("momentum", "adam"):
        assert not rows_only(step(rule, "float32", 9, 5, False)[0])
    assert not rows_only(step("sgd", "float32", 9, 5, False, decay=0.1)[0])
    assert rows_only(step("sgd", "float32", 9, 5, False)[0])


def word_model(clip=None, *before):
    fastnn.utils.set_random_seed(0)
    model = Sequential([layers.Input((6,), dtype="int64"), *before, layers.Embedding(500, 12)])
    model.add(layers.Flatten())
    model.add(layers.Dense(1))
    model.compile(optimizers.Adagrad(0.1, clipvalue=clip), "mse")
    return model


def test_a_bad_index_updates_nothing():
    model = word_model(None, layers.Lambda(lambda x: x + 0))  # no look at the data finds it
    model.build((None, 6))
    before = model.get_weights()
    with pytest.raises(IndexError, match="index 500 is out of bounds for an axis of length 500"):
        model.fit(np.full((2, 6), 500), np.ones(2), verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_with_words_trains_as_with_dense_updates():
    x = np.random.default_rng(0).integers(0, 500, (40, 6))
    y = (x % 2).mean(axis=1)
    weights = []
    for clip in (None, 1e9):  # clipping needs the whole gradient
        model = word_model(clip)
        model.fit(x, y, epochs=3, batch_size=8, verbose=0)
        kernels = {k.kernel for k in model.profile(x, y, batch_size=8).kernels}
        assert ("take_grad_rows" in kernels) is (clip is None)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
