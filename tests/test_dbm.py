"""Deep Boltzmann machines against sums over all their states."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import fastnn
from fastnn.models import DBM

RNG = np.random.default_rng(0)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def random_machine(n: int = 4, units: tuple[int, ...] = (3, 2), **settings) -> DBM:
    dbm = DBM(list(units), dtype="float64", seed=0, **settings)
    sizes = [n, *units]
    rng = np.random.default_rng(3)
    kernels = [rng.normal(size=pair) for pair in pairwise(sizes)]
    dbm.set_weights([*kernels, *(rng.normal(size=s) for s in sizes)])
    return dbm


def exact_statistics(dbm: DBM) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """<x_l x_(l+1)> of neighbouring layers and <x_l> of each, over all states."""
    weights = dbm.get_weights()
    count = len(dbm.units)
    kernels, biases = weights[:count], weights[count:]
    sizes = [len(b) for b in biases]
    states = (np.arange(2 ** sum(sizes))[:, None] >> np.arange(sum(sizes)) & 1).astype(float)
    layers = np.split(states, np.cumsum(sizes)[:-1], axis=1)
    log_p = sum(x @ b for x, b in zip(layers, biases, strict=True))
    for x, kernel, y in zip(layers, kernels, layers[1:], strict=False):
        log_p = log_p + np.einsum("ni,ij,nj->n", x, kernel, y)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    pairs = [(x * p[:, None]).T @ y for x, y in pairwise(layers)]
    return pairs, [p @ x for x in layers]


@pytest.mark.parametrize("units", [(3, 2), (3, 3, 2)])
def test_the_mean_field_is_a_fixed_point(units):
    dbm = random_machine(units=units, mean_field_steps=500)
    weights = dbm.get_weights()
    count = len(units)
    x = RNG.random((7, 4))
    states = [x, *dbm.infer(x)]
    for i in range(1, count + 1):
        field = states[i - 1] @ weights[i - 1] + weights[count + i]
        if i < count:
            field = field + states[i + 1] @ weights[i].T
        np.testing.assert_allclose(states[i], sigmoid(field), atol=1e-6)
    np.testing.assert_array_equal(dbm.transform(x), states[-1])


def test_samples_follow_the_distribution():
    dbm = random_machine()
    means = dbm.sample(20000, steps=60)
    np.testing.assert_allclose(means.mean(0), exact_statistics(dbm)[1][0], atol=0.02)


@pytest.mark.parametrize("units", [(3, 2), (3, 3, 2)])
def test_a_step_is_the_data_minus_the_model(units):
    dbm = random_machine(units=units, k=60, chains=20000, learning_rate=1e-9)
    x = RNG.integers(0, 2, (50, 4)).astype(float)
    data = [x, *dbm.infer(x)]
    pairs, singles = exact_statistics(dbm)
    before = dbm.get_weights()
    dbm.fit(x, epochs=1, batch_size=50, verbose=0)
    changes = [(b - a) / 1e-9 for a, b in zip(before, dbm.get_weights(), strict=True)]
    count = len(units)
    for i in range(count):
        expected = data[i].T @ data[i + 1] / 50 - pairs[i]
        np.testing.assert_allclose(changes[i], expected, atol=0.02)
    for i in range(count + 1):
        np.testing.assert_allclose(changes[count + i], data[i].mean(0) - singles[i], atol=0.02)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    patterns = (RNG.random((4, 20)) < 0.5).astype("float32")
    flips = RNG.random((400, 20)) < 0.05
    return np.abs(patterns[np.arange(400) % 4] - flips).astype("float32")


def test_pretraining_then_all_layers_then_a_classifier(rows):
    fastnn.utils.set_random_seed(0)
    dbm = DBM([16, 12], chains=50, seed=0)
    histories = dbm.pretrain(rows, epochs=[60, 40], batch_size=20, verbose=0)
    assert [len(h.epoch) for h in histories] == [60, 40]
    history = dbm.fit(rows, epochs=30, batch_size=20, verbose=0).history
    assert history["reconstruction_error"][-1] < 0.5 * 20 * 0.25
    inputs = dbm.augment(rows)
    model = dbm.classifier(4)
    features = fastnn.Model(model.inputs, model.layers[-2].output)
    w1, w2, _, c1, c2 = dbm.get_weights()
    h1 = sigmoid(inputs[0] @ w1 + inputs[1] @ w2.T + c1)
    np.testing.assert_allclose(
        features.predict(inputs, verbose=0), sigmoid(h1 @ w2 + c2), rtol=1e-3, atol=1e-5
    )
    model.compile(
        fastnn.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    labels = np.arange(400) % 4
    model.fit(inputs, labels, epochs=30, verbose=0)
    assert model.evaluate(inputs, labels, verbose=0)[1] > 0.95


def test_the_classifier_drops_inputs_and_hidden_units():
    dbm = random_machine()

    def rates(**settings: float) -> list[float]:
        return [x.rate for x in dbm.classifier(3, **settings).layers if hasattr(x, "rate")]

    assert rates() == []
    assert rates(dropout=0.5) == [0.5, 0.5]
    assert rates(dropout=0.5, input_dropout=0.2) == [0.2, 0.5, 0.5]
    x = RNG.random((5, 4))
    plain, dropped = (dbm.classifier(3, dropout=r, input_dropout=r).layers[:-1] for r in (0.0, 0.5))
    dense = [[x for x in net if hasattr(x, "units")] for net in (plain, dropped)]
    for a, b in zip(*dense, strict=True):
        for v, w in zip(a.get_weights(), b.get_weights(), strict=True):
            np.testing.assert_array_equal(v, w)
    assert dbm.classifier(3, dropout=0.5).predict(dbm.augment(x), verbose=0).shape == (5, 3)


def test_pretraining_has_a_rate_and_callbacks_for_each_layer(rows):
    seen = []

    class Seen(fastnn.callbacks.Callback):
        def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
            seen.append((self.model.units, self.model.learning_rate))

    dbm = DBM([8, 5], seed=0)
    dbm.pretrain(rows, epochs=1, learning_rate=[0.5, 0.25], verbose=0, callbacks=[Seen()])
    assert seen == [(8, 0.5), (5, 0.25)]


def test_decay_holds_in_pretraining(rows):
    norms = []
    for decay in (0.0, 0.1):
        dbm = DBM([8, 5], weight_decay=decay, seed=0)
        dbm.pretrain(rows, epochs=20, batch_size=20, verbose=0)
        norms.append([np.linalg.norm(kernel) for kernel in dbm.get_weights()[:2]])
    assert np.all(np.array(norms[1]) < 0.8 * np.array(norms[0])), norms


def test_same_seed_same_bits_for_any_number_of_threads(rows):
    results, before = [], fastnn.get_num_threads()
    for threads in (1, 2, 3):
        fastnn.set_num_threads(threads)
        fastnn.utils.set_random_seed(4)
        dbm = DBM([96, 64], chains=100, seed=1)
        dbm.fit(rows, epochs=2, batch_size=100, verbose=0)
        results.append(dbm.get_weights())
    fastnn.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_does_not_fit(rows):
    with pytest.raises(ValueError, match="at least two layers"):
        DBM([3])
    with pytest.raises(ValueError, match="learning_rate"):
        DBM([3, 3], learning_rate=-1.0)
    with pytest.raises(ValueError, match="chains"):
        DBM([3, 3], chains=0)
    dbm = DBM([3, 3])
    with pytest.raises(RuntimeError, match="call pretrain"):
        dbm.infer(rows)
    with pytest.raises(ValueError, match="between 0 and 1"):
        dbm.fit(rows + 3, verbose=0)
    with pytest.raises(ValueError, match="epochs for 2 layers, got 3"):
        dbm.pretrain(rows, epochs=[1, 2, 3], verbose=0)
    with pytest.raises(ValueError, match="learning_rate for 2 layers, got 1"):
        dbm.pretrain(rows, learning_rate=[0.1], verbose=0)
    with pytest.raises(ValueError, match="weights of shapes"):
        dbm.set_weights([np.zeros((4, 3)), np.zeros((3, 4))])
