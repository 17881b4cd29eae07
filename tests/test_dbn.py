"""Deep belief networks: stacks of machines, and the models that start from them."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn.models import DBN

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    patterns = (RNG.random((4, 20)) < 0.5).astype("float32")
    flips = RNG.random((400, 20)) < 0.05
    return np.abs(patterns[np.arange(400) % 4] - flips).astype("float32")


@pytest.fixture(scope="module")
def dbn(rows) -> DBN:
    fastnn.utils.set_random_seed(0)
    dbn = DBN([16, 12, 3], hidden="gaussian", learning_rate=[0.1, 0.1, 0.01], k=1, seed=0)
    dbn.fit(rows, epochs=[30, 20, 10], batch_size=20, verbose=0)
    return dbn


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_each_machine_is_trained_on_the_one_below(rows):
    fastnn.utils.set_random_seed(0)
    dbn = DBN([8, 5], seed=0)
    histories = dbn.fit(rows, epochs=3, batch_size=50, verbose=0)
    assert [len(h.epoch) for h in histories] == [3, 3]
    fastnn.utils.set_random_seed(0)
    first = fastnn.models.RBM(8, seed=0)
    first.fit(rows, epochs=3, batch_size=50, verbose=0)
    second = fastnn.models.RBM(5, seed=1)
    second.fit(first.transform(rows), epochs=3, batch_size=50, verbose=0)
    for a, b in zip(dbn.rbms[1].get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_transform_goes_up_and_back(dbn, rows):
    h = rows
    for rbm in dbn.rbms[:2]:
        kernel, _, bias = rbm.get_weights()
        h = sigmoid(h @ kernel + bias)
    np.testing.assert_allclose(dbn.transform(rows, depth=2), h, rtol=1e-4, atol=1e-6)
    kernel, _, bias = dbn.rbms[2].get_weights()
    code = h @ kernel + bias
    np.testing.assert_allclose(dbn.transform(rows), code, rtol=1e-3, atol=1e-4)
    for rbm in reversed(dbn.rbms):
        kernel, bias, _ = rbm.get_weights()
        code = sigmoid(code @ kernel.T + bias)
    np.testing.assert_allclose(
        dbn.inverse_transform(dbn.transform(rows)), code, rtol=1e-3, atol=1e-4
    )


def test_the_autoencoder_starts_as_the_stack(dbn, rows):
    model = dbn.autoencoder()
    assert [layer.units for layer in model.layers] == [16, 12, 3, 12, 16, 20]
    expected = dbn.inverse_transform(dbn.transform(rows))
    np.testing.assert_allclose(model.predict(rows, verbose=0), expected, rtol=1e-4, atol=1e-5)
    model.compile("adam", "mse")
    loss = model.fit(rows, rows, epochs=8, verbose=0).history["loss"]
    assert loss[-1] < loss[0]


def test_the_classifier_starts_as_the_stack_and_learns(rows):
    fastnn.utils.set_random_seed(0)
    dbn = DBN([16, 12], seed=0)
    dbn.fit(rows, epochs=20, batch_size=20, verbose=0)
    model = dbn.classifier(4, dropout=0.1)
    features = fastnn.Model(model.inputs, model.layers[-2].output)
    np.testing.assert_allclose(
        features.predict(rows, verbose=0), dbn.transform(rows), rtol=1e-4, atol=1e-6
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    labels = np.arange(400) % 4
    model.fit(rows, labels, epochs=40, verbose=0)
    assert model.evaluate(rows, labels, verbose=0)[1] > 0.95


def test_the_classifier_drops_rows_and_hidden_units(dbn):
    def rates(**settings: float) -> list[float | None]:
        return [getattr(layer, "rate", None) for layer in dbn.classifier(4, **settings).layers]

    assert rates() == [None] * 4
    assert rates(dropout=0.5) == [None, 0.5, None, 0.5, None, 0.5, None]
    assert rates(input_dropout=0.2) == [0.2, None, None, None, None]


def test_samples_look_like_the_data(rows):
    fastnn.utils.set_random_seed(0)
    dbn = DBN([16, 12], seed=0)
    dbn.fit(rows, epochs=60, batch_size=20, verbose=0)
    drawn = dbn.sample(200, steps=200)
    assert drawn.shape == (200, 20)
    patterns = [np.round(rows[i::4].mean(0)) for i in range(4)]
    wrong = np.array([np.abs(drawn - p).mean(1) for p in patterns]).min(0)
    assert np.median(wrong) < 0.2, "noise is 0.5 away from every pattern"
    again = dbn.sample(initial=rows[:5], steps=3)
    assert again.shape == (5, 20)


def test_what_does_not_fit(rows):
    with pytest.raises(ValueError, match="at least one machine"):
        DBN([])
    with pytest.raises(ValueError, match="learning_rate for 2 machines, got 3"):
        DBN([3, 4], learning_rate=[0.1, 0.1, 0.1])
    dbn = DBN([3, 4])
    with pytest.raises(RuntimeError, match="call fit"):
        dbn.classifier(2)
    with pytest.raises(ValueError, match="epochs for 2 machines, got 1"):
        dbn.fit(rows, epochs=[1], verbose=0)
    with pytest.raises(ValueError, match="depth from 1 to 2, got 3"):
        dbn.transform(rows, depth=3)
    with pytest.raises(ValueError, match="lower bound"):
        DBN([3], visible="gaussian", hidden="gaussian")
