"""Constraints and regularizers do, in a training, what they are for."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn.callbacks import LambdaCallback
from fastnn.layers import Dense
from fastnn.models import Sequential

RNG = np.random.default_rng(3)
# 60 rows of 40 columns, and noise: there is much to learn by heart. Three columns matter, or all.
X = RNG.normal(size=(60, 40)).astype("float32")
X_TEST = RNG.normal(size=(500, 40)).astype("float32")
TRUE = np.zeros(40)
TRUE[:3] = 1.0, -2.0, 1.5
DENSE = RNG.normal(0, 0.25, 40)
Y = X @ TRUE + RNG.normal(0, 1, 60)


def train(epochs: int = 300, targets=Y, **settings) -> Sequential:
    fastnn.utils.set_random_seed(0)
    model = Sequential([Dense(1, input_dim=40, **settings)])
    model.compile(fastnn.optimizers.Adam(0.02), "mse")
    model.fit(X, targets, batch_size=20, epochs=epochs, verbose=0)
    return model


def error(model: Sequential, true=TRUE) -> float:
    return float(np.mean((model.predict(X_TEST, verbose=0)[:, 0] - X_TEST @ true) ** 2))


HELD = {
    "max_norm": (fastnn.constraints.MaxNorm(0.7), lambda w: np.linalg.norm(w) <= 0.7 + 1e-5),
    "non_neg": (fastnn.constraints.NonNeg(), lambda w: w.min() >= 0),
    "unit_norm": (fastnn.constraints.UnitNorm(), lambda w: abs(np.linalg.norm(w) - 1) < 1e-5),
    "min_max_norm": (
        fastnn.constraints.MinMaxNorm(0.4, 0.9),
        lambda w: 0.4 - 1e-5 <= np.linalg.norm(w) <= 0.9 + 1e-5,
    ),
}


@pytest.mark.parametrize("name", HELD)
def test_a_constraint_holds_after_each_step(name):
    constraint, holds = HELD[name]
    kernels = []

    def look(batch, logs):
        kernels.append(np.array(model.layers[0].get_weights()[0]))

    fastnn.utils.set_random_seed(0)
    model = Sequential([Dense(1, input_dim=40, kernel_constraint=constraint)])
    model.compile(fastnn.optimizers.Adam(0.02), "mse")
    model.fit(X, Y, epochs=30, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=look)])
    assert len(kernels) == 60
    assert all(holds(kernel) for kernel in kernels)
    assert not holds(train(30).get_weights()[0]), "the same training without it would do"


def test_l2_makes_weights_smaller_and_what_was_not_seen_better():
    norms, errors = [], []
    targets = X @ DENSE + np.random.default_rng(0).normal(0, 2, 60)
    for cost in (0.0, 0.1, 0.5):
        model = train(targets=targets, kernel_regularizer=fastnn.regularizers.L2(cost))
        norms.append(np.linalg.norm(model.get_weights()[0]))
        errors.append(error(model, DENSE))
    assert norms[0] > norms[1] > norms[2]
    assert errors[2] < errors[1] < 0.9 * errors[0]


def test_l1_takes_away_what_does_not_matter():
    plain = np.abs(train().get_weights()[0][:, 0])
    model = train(kernel_regularizer=fastnn.regularizers.L1(0.3))
    chosen = np.abs(model.get_weights()[0][:, 0])
    assert (plain[3:] < 0.02).sum() <= 8
    assert (chosen[3:] < 0.02).sum() >= 15
    assert chosen[:3].min() > chosen[3:].max()
    assert error(model) < 0.5 * error(train())


def test_l2_of_a_linear_model_is_ridge_regression():
    cost = 0.2
    model = train(2000, kernel_regularizer=fastnn.regularizers.L2(cost), use_bias=False)
    # mean((x w - y)^2) + cost |w|^2 is least at (x'x / n + cost) w = x'y / n.
    exact = np.linalg.solve(X.T @ X / 60 + cost * np.eye(40), X.T @ Y / 60)
    np.testing.assert_allclose(model.get_weights()[0][:, 0], exact, atol=0.03)


def test_weight_decay_makes_weights_smaller():
    def norm(decay: float | None) -> float:
        fastnn.utils.set_random_seed(0)
        model = Sequential([Dense(1, input_dim=40)])
        model.compile(fastnn.optimizers.AdamW(0.02, weight_decay=decay), "mse")
        model.fit(X, Y, epochs=200, verbose=0)
        return float(np.linalg.norm(model.get_weights()[0]))

    assert norm(0.0) > norm(0.5) > norm(2.0)
