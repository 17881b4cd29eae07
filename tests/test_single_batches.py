"""Predictions of one batch, layers called on an array: short ways say what long ones do."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest

from fastnn import Sequential
from fastnn.layers import BatchNormalization, Dense, Dropout, Layer, Rescaling

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")


def model():
    return Sequential([Dense(4, activation="tanh", input_dim=3), Dense(2)])


def expected(m, x):
    """By layers' weights."""
    w, b, v, c = m.get_weights()
    return np.tanh(np.asarray(x, "float32") @ w + b) @ v + c


KINDS = {
    "float32": X[:5],
    "one row": X[7:8],
    "float64": X[:5].astype("float64"),
    "many of float64": np.tile(X, (60, 1)).astype("float64"),
    "reversed": X[::-1],
    "Fortran": np.asfortranarray(X),
    "big-endian": X.astype(">f8"),
    "integers": (X * 5).astype("int64"),
    "list": X[:3].tolist(),
    "memory map": X[:6].view(np.memmap),
}


@pytest.mark.parametrize("kind", KINDS)
def test_predictions(kind):
    m, x = model(), KINDS[kind]
    want = expected(m, x)
    for _ in range(3):
        for y in (
            m.predict_on_batch(x),
            m.predict(x, verbose=0),
            m.predict(x, batch_size=2, verbose=0),
            m(x),
        ):
            assert type(y) is np.ndarray
            assert y.dtype == np.float32
            np.testing.assert_allclose(y, want, rtol=2e-5, atol=1e-6)


def test_bits_do_not_depend_on_the_way():
    m = model()
    first = m.predict(X, verbose=0)
    for x in (X, X.astype("float64"), X.tolist()):
        assert m.predict(x, batch_size=100, verbose=0).tobytes() == first.tobytes()
        assert m.predict_on_batch(x).tobytes() == first.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_that_are_not_finite(dtype):
    m = model()
    bad = X[:4].astype(dtype)
    m.predict_on_batch(X[:4].astype(dtype))
    bad[2, 1] = np.nan
    for call in (m.predict_on_batch, lambda x: m.predict(x, verbose=0)):
        with pytest.raises(ValueError, match=r"x\[2, 1\] is NaN"):
            call(bad)
    assert np.isnan(m.predict(bad, verbose=0, check_finite=False)[2]).all()


def test_numbers_too_large_for_float32():
    m = model()
    x = np.full((2, 3), 1e300)
    m.predict_on_batch(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert m.predict_on_batch(x).shape == (2, 2)


def test_wrong_shapes_and_sizes_after_right_ones():
    m = model()
    m.predict_on_batch(X)
    for wrong in (X[:, :2], X[0], X[None], np.float32(1), X[:0]):
        with pytest.raises(ValueError, match=r"expected|empty"):
            m.predict_on_batch(wrong)
        with pytest.raises(ValueError, match=r"expected|empty"):
            m.predict(wrong, verbose=0)
    for size in (0, -1):
        with pytest.raises(ValueError, match="batch_size"):
            m.predict(X, batch_size=size, verbose=0)
    with pytest.raises(TypeError, match="batch_size"):
        m.predict(X, batch_size=2.0, verbose=0)
    with pytest.raises(ValueError, match="verbose"):
        m.predict(X, verbose=7)
    with pytest.raises(TypeError, match="expected 1 or 2 arguments"):
        m._engine.fast()


def test_shows_progress_where_it_is_asked_to(capsys):
    m = model()
    for _ in range(2):
        m.predict(X[:4])
        assert "1/1" in capsys.readouterr().out
        m.predict(X[:4], verbose=0)
        assert capsys.readouterr().out == ""


def test_weights_that_change():
    m = model()
    m.compile("sgd", "mse")
    m.predict_on_batch(X)
    m(X)
    for _ in range(3):
        m.train_on_batch(X, np.ones((40, 2)))
        want = expected(m, X)
        for y in (m.predict_on_batch(X), m.predict(X, batch_size=64, verbose=0), m(X)):
            np.testing.assert_allclose(y, want, rtol=2e-5, atol=1e-6)


def test_layers_that_change():
    """What is inside decides, at each call."""
    m = Sequential([Rescaling(2.0)])
    np.testing.assert_array_equal(m(X), 2 * X)
    np.testing.assert_array_equal(m(X), 2 * X)
    m.add(Rescaling(3.0))
    np.testing.assert_array_equal(m(X), 6 * X)
    np.testing.assert_array_equal(m.predict_on_batch(X), 6 * X)


def test_kinds_of_input_of_a_layer():
    layer = Rescaling(2.0)
    for _ in range(2):
        for x in (X, X[:3], X[0], X[None], X.astype("float64"), X[::2], (X > 0), X.tolist()):
            y = layer(x)
            assert y.dtype == np.float32
            np.testing.assert_array_equal(y, 2 * np.asarray(x, "float32"))
        assert layer(np.float32(3)) == 6
        with pytest.raises(TypeError, match="expected an array of numbers"):
            layer(np.array(["a"]))


def test_training_is_asked_for_at_each_call():
    layer = Dropout(0.5)
    np.testing.assert_array_equal(layer(X), X)
    assert (layer(X, training=True) == 0).any()
    np.testing.assert_array_equal(layer(X), X)
    norm = BatchNormalization()
    norm(X)
    before = norm(X)
    norm(X, training=True)
    assert not np.array_equal(norm(X), before)


def test_layers_within_layers_called_on_arrays():
    class Constant(Layer):
        def call(self, inputs):
            return inputs + Rescaling(2.0)(np.ones(3, "float32"))

    layer = Constant()
    for _ in range(2):
        np.testing.assert_array_equal(layer(X), X + 2)


def test_predictions_beside_a_training():
    """A thread that predicts waits for the training's updates without the interpreter's lock."""
    m = model()
    m.compile("sgd", "mse")
    m.predict_on_batch(X)
    done = threading.Event()
    found = []

    def predict() -> None:
        while not done.is_set():
            found.append(m.predict_on_batch(X))

    threads = [threading.Thread(target=predict) for _ in range(2)]
    for t in threads:
        t.start()
    m.fit(np.tile(X, (50, 1)), np.ones((2000, 2)), epochs=20, batch_size=4, verbose=0)
    done.set()
    for t in threads:
        t.join()
    assert found
    assert all(np.isfinite(y).all() for y in found)
    np.testing.assert_allclose(m.predict_on_batch(X), expected(m, X), rtol=2e-5, atol=1e-6)


def classifier(**options):
    m = Sequential([Dense(4, activation="tanh", input_dim=3), Dense(1, activation="sigmoid")])
    m.set_weights([np.full(w.shape, 0.1 * i) for i, w in enumerate(m.get_weights())])
    m.compile("adam", "binary_crossentropy", metrics=["accuracy"], **options)
    return m


Y = (X.sum(1) > 0).astype("float32")
BATCHES = [
    (X[:8], Y[:8]),
    (X[8:16], Y[8:16]),
    (X[:3], Y[:3]),
    (X[:8].astype("float64"), Y[:8]),
    (X[:8], Y[:8].astype("int64")),
    (X[:8], Y[:8, None]),
    (X[::-1], Y[::-1]),
    (X[:8], Y[:8]),
    (np.asfortranarray(X), Y),
    (X[:8].tolist(), Y[:8].tolist()),
]


def test_batches_of_any_kind_one_after_the_other():
    """The same as where each batch is the first of its kind."""
    m, other = classifier(), classifier()
    for number, (x, y) in enumerate(BATCHES * 2):
        other._engine._known.clear()
        assert m.train_on_batch(x, y) == other.train_on_batch(x, y), number
        assert m.test_on_batch(x, y) == other.test_on_batch(x, y), number
    for w, v in zip(m.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(w, v)


@pytest.mark.parametrize("method", ["train_on_batch", "test_on_batch"])
def test_what_is_wrong_with_a_later_batch(method):
    m = classifier()
    call = getattr(m, method)
    x, y = X[:8].copy(), Y[:8].copy()
    call(x, y)
    before = m.get_weights()
    for wrong, message in (
        ((x[:7], y), "as many rows"),
        ((x[:0], y[:0]), "empty"),
        ((np.where(x == x[3, 1], np.nan, x), y), r"x\[3, 1\] is NaN"),
        ((x, np.where(np.arange(8) == 5, np.inf, y)), r"y\[5\] is infinite"),
        ((x, np.where(np.arange(8) == 2, 2, y)), "between 0 and 1"),
        ((x[:, :2], y), "expected input of shape"),
        ((x, np.stack([y, y, y], 1)), "expected y of shape"),
        ((x[0], y[0]), "expected|single number"),
    ):
        with pytest.raises(ValueError, match=message):
            call(*wrong)
        with pytest.raises(TypeError, match="masked"):
            call(np.ma.masked_array(x), y)
    for w, v in zip(m.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, v)
    call(x, y)


def test_sample_weights_count_in_the_batch_that_has_them():
    m = classifier()
    weights = np.arange(8.0)
    plain = m.test_on_batch(X[:8], Y[:8])
    weighted = m.test_on_batch(X[:8], Y[:8], sample_weight=weights)
    assert weighted[0] != plain[0]
    assert m.test_on_batch(X[:8], Y[:8]) == plain
    by_class = m.train_on_batch(X[:8], Y[:8], class_weight={0: 0.0, 1: 3.0})
    assert by_class[0] != plain[0]


def test_a_model_that_changes_between_batches():
    m = classifier()
    m.train_on_batch(X, Y)
    kernel = m.layers[0].weights[0]
    for trainable in (False, True, False):
        m.layers[0].trainable = trainable
        before = kernel.get_value()
        m.train_on_batch(X, Y)
        assert np.array_equal(kernel.get_value(), before) is not trainable
    m.layers[0].trainable = True
    m.optimizer.learning_rate = 0.0
    before = kernel.get_value()
    m.train_on_batch(X, Y)
    np.testing.assert_array_equal(kernel.get_value(), before)
    m.compile("sgd", "mse")
    assert isinstance(m.train_on_batch(X, Y), float)
    assert not np.array_equal(kernel.get_value(), before)
    m.compile("sgd", "hinge")
    assert m.test_on_batch(X, Y) == pytest.approx(
        np.maximum(1 - (2 * Y - 1) * m.predict(X, verbose=0)[:, 0], 0).mean(), rel=1e-6
    )


def test_training_and_measuring_by_turns():
    m = classifier()
    for _ in range(3):
        loss = m.test_on_batch(X, Y)[0]
        assert m.train_on_batch(X, Y)[0] == pytest.approx(loss)
        assert m.test_on_batch(X, Y)[0] < loss
        m.fit(X, Y, batch_size=7, verbose=0)


def test_names_that_are_no_more():
    m = classifier()
    assert not hasattr(m, "predict_classes")
    assert not hasattr(type(m), "predict_classes")
    with pytest.raises(AttributeError, match=r"use \(predict\(x\) > 0.5\)"):
        m.predict_classes(X)
