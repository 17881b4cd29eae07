"""Penalties, constraints and dropout do what they are for, measured on trained networks."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import constraints, layers, ops, regularizers
from fastnn.layers import Dense, Input
from fastnn.models import Model, Sequential
from fastnn.optimizers import SGD, Adam, AdamW
from fastnn.optimizers.schedules import CosineDecay
from fastnn.utils import set_random_seed

rng = np.random.default_rng(0)
# Two of twenty features say something about the target.
X = rng.normal(size=(120, 20)).astype("float32")
Y = (2.0 * X[:, :1] - X[:, 1:2] + 0.3 * rng.normal(size=(120, 1))).astype("float32")


def trained(**options):
    """A linear model's kernel and its history, after training on the data above."""
    set_random_seed(0)
    model = Sequential([Input((20,)), Dense(1, **options)])
    model.compile(Adam(CosineDecay(0.05, 360)), "mse")
    history = model.fit(X, Y, batch_size=40, epochs=120, verbose=0)
    return model.get_weights()[0], history.history["loss"]


def test_l2_shrinks_weights_in_proportion():
    plain, _ = trained()
    some, _ = trained(kernel_regularizer=regularizers.L2(0.1))
    more, _ = trained(kernel_regularizer=regularizers.L2(1.0))
    assert np.linalg.norm(more) < 0.7 * np.linalg.norm(some) < 0.7 * np.linalg.norm(plain)
    # Ridge regression has the answer in closed form (the bias is free).
    x, y = X - X.mean(0), Y - Y.mean(0)
    expected = np.linalg.solve(x.T @ x / len(x) + np.eye(20), x.T @ y / len(x))
    np.testing.assert_allclose(more, expected, atol=0.02)


def test_l2_makes_what_was_not_seen_better():
    # Sixty rows of forty columns, and noise: there is much to learn by heart.
    draw = np.random.default_rng(3)
    x, x_test = draw.normal(size=(60, 40)), draw.normal(size=(500, 40))
    true = draw.normal(0, 0.25, 40)
    y = x @ true + draw.normal(0, 2, 60)
    errors = []
    for cost in (0.0, 0.1, 0.5):
        set_random_seed(0)
        model = Sequential([Dense(1, input_dim=40, kernel_regularizer=regularizers.L2(cost))])
        model.compile(Adam(0.02), "mse")
        model.fit(x, y, batch_size=20, epochs=300, verbose=0)
        predicted = model.predict(x_test, verbose=0)[:, 0]
        errors.append(np.mean((predicted - x_test @ true) ** 2))
    assert errors[2] < errors[1] < 0.9 * errors[0]


def test_weight_decay_shrinks_weights():
    def norm(decay):
        set_random_seed(0)
        model = Sequential([Input((20,)), Dense(1)])
        model.compile(AdamW(0.02, weight_decay=decay), "mse")
        model.fit(X, Y, epochs=100, verbose=0)
        return np.linalg.norm(model.get_weights()[0])

    assert norm(0.0) > norm(0.5) > norm(2.0)


def test_l1_leaves_out_what_says_nothing():
    plain, _ = trained()
    sparse, _ = trained(kernel_regularizer=regularizers.L1(0.5))
    assert np.abs(plain[2:]).max() > 0.02
    assert np.abs(sparse[2:]).max() < 1e-3
    assert np.abs(sparse[:2]).min() > 0.5


def test_the_penalty_is_part_of_the_reported_loss():
    kernel, losses = trained(kernel_regularizer=regularizers.L2(0.1))
    _, without = trained()
    assert losses[-1] > without[-1] + 0.1 * float((kernel**2).sum()) * 0.5


def test_activity_regularization_quietens_a_layer():
    def activity(strength):
        set_random_seed(0)
        x = Input((20,))
        hidden = Dense(8, activation="relu", activity_regularizer=regularizers.L1(strength))(x)
        model = Model(x, [Dense(1)(hidden), hidden])
        model.compile(Adam(0.02), ["mse", None])
        model.fit(X, [Y, None], batch_size=40, epochs=60, verbose=0)
        return float(model.predict(X, verbose=0)[1].mean())

    assert activity(0.05) < 0.5 * activity(0.0)


CONSTRAINTS = {
    "max_norm": (constraints.MaxNorm(0.5), lambda w: np.linalg.norm(w, axis=0).max() <= 0.5 + 1e-5),
    "non_neg": (constraints.NonNeg(), lambda w: w.min() >= 0),
    "unit_norm": (
        constraints.UnitNorm(),
        lambda w: np.allclose(np.linalg.norm(w, axis=0), 1, atol=1e-5),
    ),
    "min_max_norm": (
        constraints.MinMaxNorm(0.2, 0.4),
        lambda w: np.all(np.abs(np.linalg.norm(w, axis=0) - 0.3) <= 0.1 + 1e-5),
    ),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints_hold_after_every_step(name):
    constraint, holds = CONSTRAINTS[name]
    model = Sequential([Input((20,)), Dense(6, "tanh", kernel_constraint=constraint), Dense(1)])
    model.compile(SGD(0.5), "mse")
    for start in range(0, 120, 30):
        model.train_on_batch(X[start : start + 30], Y[start : start + 30])
        assert holds(model.get_weights()[0])


def test_a_constraint_of_ones_own():
    class Even(constraints.Constraint):
        """Weights are multiples of 2."""

        def __call__(self, w):
            return 2.0 * ops.floor(w / 2.0 + 0.5)

    model = Sequential([Input((20,)), Dense(1, kernel_constraint=Even(), bias_constraint=Even())])
    model.compile(SGD(0.5), "mse")
    model.fit(X, Y, epochs=2, verbose=0)
    for weight in model.get_weights():
        np.testing.assert_array_equal(weight % 2, 0)


# --- dropout: what prediction sees is what training sees on average


def test_prediction_is_the_mean_of_training_passes():
    """Exact for linear networks (Srivastava et al., 2014; Baldi and Sadowski, 2013)."""
    model = Sequential([Input((20,)), Dense(30), layers.Dropout(0.4), Dense(5)])
    passes = np.mean([model(X[:10], training=True) for _ in range(3000)], axis=0)
    predicted = model(X[:10])
    scale = np.std([model(X[:10], training=True) for _ in range(50)], axis=0).max()
    np.testing.assert_allclose(passes, predicted, atol=5 * scale / np.sqrt(3000))
    assert np.abs(model(X[:10], training=True) - predicted).max() > 0.1 * scale


def test_kept_units_are_scaled_in_training_and_nothing_is_in_prediction():
    layer, x = layers.Dropout(0.2), np.full((50, 40), 3.0, "float32")
    y = layer(x, training=True)
    assert set(np.unique(y)) == {np.float32(0.0), np.float32(3.75)}
    np.testing.assert_array_equal(layer(x), x)
    model = Sequential([Input((40,)), layer])
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)


def test_evaluate_and_validation_are_without_dropout():
    model = Sequential([Input((20,)), Dense(16, "relu"), layers.Dropout(0.9), Dense(1)])
    model.compile(SGD(0.0), "mse")
    history = model.fit(X, Y, validation_data=(X, Y), verbose=0).history
    plain = float(np.mean((model.predict(X, verbose=0) - Y) ** 2))
    assert history["val_loss"][0] == pytest.approx(plain, rel=1e-5)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(plain, rel=1e-5)
    assert abs(history["loss"][0] - plain) > 1e-3


def test_gradients_pass_only_where_units_were_kept():
    x = Input((40,))
    layer = Dense(1, use_bias=False, kernel_initializer="ones")
    model = Model(x, layer(layers.Dropout(0.5)(x)))
    model.compile(SGD(1.0), lambda y_true, y_pred: y_pred[:, 0])
    model.train_on_batch(np.ones((1, 40), "float32"), np.zeros((1, 1)))
    steps = 1.0 - model.get_weights()[0].ravel()
    assert set(np.unique(steps.round(5))) == {0.0, 2.0}


def test_settings_of_parts_of_ones_own():
    class Pull(regularizers.Regularizer):
        def __init__(self, towards=1.0):
            self.towards = towards

        def __call__(self, x):
            return ops.sum(ops.square(x - self.towards))

    class Hidden(regularizers.Regularizer):
        def __init__(self, strength):
            self._strength = strength

    assert Pull(3.0).get_config() == {"towards": 3.0}
    assert repr(Pull.from_config({"towards": 2.0})) == "Pull(towards=2.0)"
    assert repr(Hidden(1)) == "Hidden(...)"
    with pytest.raises(NotImplementedError, match=r"\[Hidden\] has no attribute 'strength'"):
        Hidden(1).get_config()
    kernel, _ = trained(kernel_regularizer=Pull())
    x, y = X - X.mean(0), Y - Y.mean(0)
    expected = np.linalg.solve(x.T @ x / len(x) + np.eye(20), x.T @ y / len(x) + 1.0)
    np.testing.assert_allclose(kernel, expected, atol=0.02)
