"""What ``bench/papers`` shows of Boltzmann machines, in short: on 5000 of MNIST's digits.

The same effects with room for another seed: the thresholds are about half of what was measured.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import fastnn
from fastnn import Sequential
from fastnn.datasets import mnist
from fastnn.layers import Dense, Input
from fastnn.models import DBM, DBN
from fastnn.optimizers import Adam

LABELLED = 100


class Digits(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


@pytest.fixture(scope="module")
def digits(data_folder) -> Digits:
    (x, y), (x_test, y_test) = mnist.load_data(data_folder / "mnist")
    rows = [a.reshape(len(a), 784).astype(np.float32) / 255 for a in (x[:5000], x_test[:2000])]
    return Digits(rows[0], y[:5000].astype(np.int64), rows[1], y_test[:2000].astype(np.int64))


def accuracy_with_few_labels(model: Any, inputs: Any, test_inputs: Any, digits: Digits) -> float:
    model.compile(Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(inputs, digits.y[:LABELLED], batch_size=10, epochs=50, verbose=0)
    return float(model.evaluate(test_inputs, digits.y_test, verbose=0)[1])


@pytest.fixture(scope="module")
def not_pretrained(digits) -> float:
    fastnn.utils.set_random_seed(0)
    hidden = [Dense(200, activation="sigmoid") for _ in range(2)]
    model = Sequential([Input((784,)), *hidden, Dense(10, activation="softmax")])
    return accuracy_with_few_labels(model, digits.x[:LABELLED], digits.x_test, digits)


def test_a_deep_code_holds_more_than_principal_components(digits):
    fastnn.utils.set_random_seed(0)
    dbn = DBN(
        [256, 64, 10],
        hidden="gaussian",
        learning_rate=[0.1, 0.1, 0.002],
        momentum=0.8,
        sample_visible=False,
        seed=0,
    )
    dbn.fit(digits.x, epochs=6, verbose=0)
    model = dbn.autoencoder()
    model.compile(Adam(2e-3), "binary_crossentropy")
    model.fit(digits.x, digits.x, batch_size=50, epochs=8, verbose=0)

    mean = digits.x.mean(axis=0)
    basis = np.linalg.eigh(np.cov((digits.x - mean).T))[1][:, -10:]
    linear = (digits.x_test - mean) @ basis @ basis.T + mean
    errors = [
        np.square(digits.x_test - y).sum(axis=1).mean()
        for y in (model.predict(digits.x_test, verbose=0), linear)
    ]
    assert errors[0] < 0.85 * errors[1], "19.5 where the components have 27.1"


def test_a_belief_network_needs_fewer_labels(digits, not_pretrained):
    fastnn.utils.set_random_seed(0)
    dbn = DBN([200, 200], momentum=0.5, seed=0)
    dbn.fit(digits.x, epochs=12, batch_size=50, verbose=0)
    reached = accuracy_with_few_labels(
        dbn.classifier(10), digits.x[:LABELLED], digits.x_test, digits
    )
    assert reached > not_pretrained + 0.02


def test_a_boltzmann_machine_needs_fewer_labels(digits, not_pretrained):
    fastnn.utils.set_random_seed(0)
    dbm = DBM([200, 200], mean_field_steps=5, k=2, learning_rate=0.01, seed=0)
    dbm.pretrain(digits.x, epochs=8, batch_size=50, learning_rate=0.1, verbose=0)
    dbm.fit(digits.x, epochs=3, verbose=0)
    reached = accuracy_with_few_labels(
        dbm.classifier(10), dbm.augment(digits.x[:LABELLED]), dbm.augment(digits.x_test), digits
    )
    assert reached > not_pretrained + 0.02
