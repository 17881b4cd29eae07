"""What draws, looks up and remembers, on the device "cuda": the CPU's bits, or its values."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
import layer_cases
import test_layer_figures as figures
from fastnn import Sequential, _core, layers, ops

EXACT = {"random_uniform": (-1.0, 3.0), "random_bernoulli": (0.3, 0.0)}
ROUNDED = {"random_normal": (0.5, 2.0), "random_truncated_normal": (0.5, 2.0)}


def on_both(device, inputs, outputs, *arrays, seed=0, step=0):
    """The outputs of a program on the CPU, and on the device."""
    results = []
    for where in ("cpu", device):
        f = _core.Function(inputs, [("main", outputs, [])], seed, device=where)
        f.set_step(step)
        results.append(f(*arrays))
    return results


def draws(device, kind, dtype, n, **position):
    a, b = (EXACT | ROUNDED)[kind]
    scalars = [_core.scalar(a, dtype), _core.scalar(b, dtype)]
    attrs = {"shape": (n,), "dtype": dtype, "stream": 2**40 + 7, "seed": []}
    (x,), (y,) = on_both(device, [], [_core.make(kind, scalars, attrs)], **position)
    return x, y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [*EXACT, *ROUNDED])
def test_random_numbers(kind, dtype, cuda):
    for n in (0, 1, 15, 33, 64, 65, 3001):
        for position in ({}, {"seed": 2**50 + 3, "step": 2**33 + 5}):
            x, y = draws(cuda, kind, dtype, n, **position)
            assert x.dtype == y.dtype == dtype
            if kind in EXACT:
                assert x.tobytes() == y.tobytes()
            else:
                # The CPU's truncated numbers come from a formula good to 3e-13.
                np.testing.assert_allclose(y, x, *(2 * [4e-6 if dtype == "float32" else 1e-12]))


def test_dropout_drops_the_same(cuda):
    """At each step of a training, whose numbers lie in the device's memory."""

    def kept(device):
        fastnn.utils.set_random_seed(5)
        model = Sequential([layers.Dropout(0.4, input_shape=(40,)), layers.Dense(1)])
        model.compile("sgd", "mse", device=device)
        steps = []
        for _ in range(3):
            model.set_weights([np.zeros((40, 1)), np.ones(1)])
            model.fit(np.ones((1, 40)), np.zeros((1, 1)), epochs=1, verbose=0)
            steps.append(model.get_weights()[0] != 0)
        return steps

    one = kept("cpu")
    assert 0.3 < np.mean(one) < 0.9
    assert (one[0] != one[1]).any()
    np.testing.assert_array_equal(one, kept(cuda))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("rows", "count"), [(1, 3000), (7, 1), (40, 2048), (40, 2049), (5000, 9000), (3, 0)]
)
def test_a_tables_gradient_has_the_bits_of_the_cpu(rows, count, dtype, cuda):
    rng = np.random.default_rng(count)
    index = rng.integers(-rows, rows, count)
    g = rng.standard_normal((count, 3)).astype(dtype)
    inputs = [_core.placeholder(dtype, g.shape), _core.placeholder("int64", index.shape)]
    node = _core.make("take_grad", inputs, {"axis": 0, "shape": [rows, 3]})
    (one,), (other,) = on_both(cuda, inputs, [node], g, index)
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("name", ["take", "take_grad", "take_along_axis", "take_along_axis_grad"])
def test_a_bad_index_is_said(name, cuda):
    x = np.ones((4, 4), "float32")
    index = np.arange(1, 5)
    if "along" in name:
        index = np.repeat(index[:, None], 4, 1)
    inputs = [_core.placeholder("float32", x.shape), _core.placeholder("int64", index.shape)]
    attrs = {"axis": 0, **({"shape": [4, 4]} if "grad" in name else {})}
    f = _core.Function(inputs, [("main", [_core.make(name, inputs, attrs)], [])], device=cuda)
    with pytest.raises(IndexError, match="index 4 is out of bounds for an axis of length 4"):
        f(x, index)
    assert np.isfinite(f(x, index - 1)[0]).all()


@pytest.mark.parametrize("n", [1, 32, 33, 700])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_the_first_of_equals(name, axis, n, cuda):
    """Of equal values, and of NaN, the first place, however many threads look."""
    rng = np.random.default_rng(n)
    x = rng.integers(0, 3, (n, 3) if axis == 0 else (3, n)).astype("float32")
    some = x.copy()
    (some.T if axis == 0 else some)[1, n // 3 :: 7] = np.nan
    for array in (x, some):
        p = _core.placeholder("float32", array.shape)
        node = _core.make(name, [p], {"axis": axis, "keepdims": False})
        (result,) = _core.Function([p], [("main", [node], [])], device=cuda)(array)
        np.testing.assert_array_equal(result, getattr(np, name)(array, axis=axis))


def words_and_memory(cell, **options):
    return [layers.Embedding(30, 6, mask_zero=True), cell(5, **options), layers.Dense(1)]


STACKS = {
    "lstm": lambda: words_and_memory(layers.LSTM),
    "gru": lambda: words_and_memory(layers.GRU, go_backwards=True),
    "simple_rnn": lambda: words_and_memory(layers.SimpleRNN),
    "bidirectional": lambda: [
        layers.Embedding(30, 6),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.Dropout(0.2),
        layers.GRU(3, dropout=0.3, recurrent_dropout=0.2),
        layers.Dense(1),
    ],
    "dropout": lambda: [
        layers.Embedding(30, 4),
        layers.Flatten(),
        layers.Dense(8, activation="relu"),
        layers.Dropout(0.5),
        layers.GaussianNoise(0.1),
        layers.Dense(1),
    ],
}


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("name", STACKS)
def test_fifty_steps_are_those_of_the_cpu(name, optimizer, cuda):
    rng = np.random.default_rng(1)
    x = rng.integers(0, 30, (50, 7))
    y = (x[:, :1] > x[:, 1:2]).astype("float32")

    def trained(device):
        fastnn.utils.set_random_seed(3)
        model = Sequential([layers.Input((7,), dtype="int64"), *STACKS[name]()])
        model.compile(optimizer, "mse", metrics=["mae"], device=device)
        history = model.fit(x, y, batch_size=10, epochs=10, verbose=0).history
        return [*model.get_weights(), model.predict(x, verbose=0), *history.values()]

    for a, b in zip(trained("cpu"), trained(cuda), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def test_loops_that_draw(cuda):
    """A step's numbers are its own, and the CPU's: a loop's number of steps lies on the host."""
    x = fastnn.placeholder((5, 2, 3))
    start = fastnn.shared(np.ones((2, 3), "float32"))

    def step(row, h):
        kept = ops.random_bernoulli((2, 3), 0.5)
        h = ops.tanh(h * kept + row)
        return h, kept

    last, kept = fastnn.scan(step, x, start)
    (slope,) = fastnn.grad(ops.sum(last * last), [start])
    array = np.random.default_rng(0).standard_normal((5, 2, 3)).astype("float32")
    one, other = on_both(cuda, [x._value], [t._value for t in (last, kept, slope)], array, step=9)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert one[1].tobytes() == other[1].tobytes()
    assert len({row.tobytes() for row in other[1]}) > 1


NUMBERS = range(len(figures.CASES))


@pytest.mark.parametrize("number", NUMBERS, ids=lambda i: layer_cases.label(figures.CASES[i]))
def test_a_layer_gives_the_same(number, cuda):
    """Outputs, masks, gradients and new state of all layers, with masks and in training."""
    expected = figures.computed(number, "float32")
    fastnn.set_device(cuda)
    try:
        got = figures.computed(number, "float32")
    finally:
        fastnn.set_device("cpu")
    for kind, arrays in expected.items():
        assert len(got[kind]) == len(arrays), kind
        for one, other in zip(got[kind], arrays, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5, err_msg=kind)


def test_a_bad_word_is_an_error_and_changes_nothing(cuda):
    same = layers.Lambda(lambda x: x + 0)  # else a look at the data finds it
    words = layers.Input((2,), dtype="int64")
    model = Sequential([words, same, layers.Embedding(5, 3), layers.LSTM(2), layers.Dense(1)])
    model.compile("adam", "mse", device=cuda)
    x = np.array([[0, 1], [2, 4]])
    model.train_on_batch(x, np.ones((2, 1)))
    before = model.get_weights()
    with pytest.raises(IndexError, match="index 5 is out of bounds for an axis of length 5"):
        model.train_on_batch(x + 1, np.ones((2, 1)))
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
