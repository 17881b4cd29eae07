"""model.profile: what it measures, and that it changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import Sequential
from fastnn.layers import Dense


@pytest.fixture
def model() -> Sequential:
    model = Sequential([Dense(6, activation="relu", input_dim=11), Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((100, 11)), rng.integers(0, 2, 100)


def test_profile_names_every_kernel_of_a_step(model, rows):
    profile = model.profile(*rows, batch_size=10)
    names = [k.kernel for k in profile.kernels]
    assert names[0] == "matmul NN+bias+relu"
    assert any(name.startswith("adam") for name in names)
    assert {k.section for k in profile.kernels} >= {"step", "metrics", "update"}
    assert all(k.seconds > 0 and k.flops >= 0 and k.share > 0 for k in profile.kernels)
    assert profile.batch_size == 10
    assert profile.arena_bytes > 0
    text = str(profile)
    assert all(name in text for name in names)


def test_profile_leaves_weights_and_figures_as_they_were(model, rows):
    model.fit(*rows, epochs=1, verbose=0)
    before = [w.copy() for w in model.get_weights()]
    state = [v.get_value() for v in model.optimizer.variables]
    model.profile(*rows)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, v in zip(state, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, v.get_value())


def test_training_after_a_profile_gives_the_same_bits(rows):
    results = []
    for profiled in (False, True):
        from fastnn.utils import set_random_seed

        set_random_seed(3)
        model = Sequential([Dense(4, activation="relu", input_dim=11), Dense(1)])
        model.compile("sgd", "mse")
        if profiled:
            model.profile(*rows)
        model.fit(*rows, epochs=2, verbose=0)
        results.append(np.concatenate([w.ravel() for w in model.get_weights()]))
    np.testing.assert_array_equal(*results)


def test_profile_checks_what_fit_checks(model, rows):
    x, y = rows
    with pytest.raises(ValueError, match="11"):
        model.profile(x[:, :5], y)
    with pytest.raises(ValueError, match="batch_size"):
        model.profile(x, y, batch_size=0)
    with pytest.raises(RuntimeError, match="compile"):
        Sequential([Dense(1, input_dim=11)]).profile(x, y)


def test_plot_draws_the_roofline(model, rows, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    path = tmp_path / "roofline.png"
    model.profile(*rows).plot(path)
    assert path.stat().st_size > 1000
