"""Small float32 networks train as Keras's do: the same weights after 50 steps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import activations, losses, ops, optimizers
from figures import label, read_npz

FIGURES, CASES = read_npz("networks")


def start_weights(case: dict[str, Any]) -> list[Any]:
    """Variables, cut from the recorded flat array."""
    flat, found = FIGURES[f"{case['network']}_start"], []
    for n_in, n_out in pairwise(case["units"]):
        for shape in ((n_in, n_out), (n_out,)):
            size = int(np.prod(shape))
            found.append(fastnn.shared(flat[:size].reshape(shape)))
            flat = flat[size:]
    return found


def predict(x: Any, weights: list[Any], names: list[str]) -> Any:
    for kernel, bias, name in zip(weights[::2], weights[1::2], names, strict=True):
        x = activations.get(name)(ops.matmul(x, kernel) + bias)
    return x


@pytest.mark.parametrize(
    "index", range(len(CASES)), ids=[label(c, "network", "optimizer", "options") for c in CASES]
)
def test_training(index: int) -> None:
    case = CASES[index]
    data, targets = FIGURES[f"{case['network']}_x"], FIGURES[f"{case['network']}_y"]
    weights = start_weights(case)
    x = fastnn.placeholder(("batch", *data.shape[1:]), "float32")
    y = fastnn.placeholder(("batch", *targets.shape[1:]), str(targets.dtype))
    loss = losses.resolve(case["loss"])
    assert loss is not None
    cost = loss(y, predict(x, weights, case["activations"]))
    optimizer = getattr(optimizers, case["optimizer"])(**case["options"])
    plan = optimizer.updates(fastnn.grad(cost, weights), weights)
    step = fastnn.function([x, y], [cost], updates=plan.update_effects)
    after = fastnn.function([], [], updates=plan.post_updates)
    costs = []
    for first in range(0, len(data), case["batch"]):
        rows = slice(first, first + case["batch"])
        costs.append(float(step(data[rows], targets[rows])[0]))
        after()
    np.testing.assert_allclose(costs, FIGURES[f"losses_{index}"], rtol=0, atol=2e-5)
    final = np.concatenate([np.ravel(w.get_value()) for w in weights])
    np.testing.assert_allclose(final, FIGURES[f"final_{index}"], rtol=0, atol=2e-5)


def make_model(case: dict[str, Any]) -> Any:
    model = fastnn.Sequential([fastnn.Input((case["units"][0],))])
    for units, name in zip(case["units"][1:], case["activations"], strict=True):
        model.add(fastnn.layers.Dense(units, activation=name))
    model.set_weights([w.get_value() for w in start_weights(case)])
    optimizer = getattr(optimizers, case["optimizer"])(**case["options"])
    model.compile(optimizer=optimizer, loss=case["loss"])
    return model


@pytest.mark.parametrize("way", ["fit", "train_on_batch"])
@pytest.mark.parametrize(
    "index", range(len(CASES)), ids=[label(c, "network", "optimizer", "options") for c in CASES]
)
def test_training_of_a_model(index: int, way: str) -> None:
    case = CASES[index]
    data, targets = FIGURES[f"{case['network']}_x"], FIGURES[f"{case['network']}_y"]
    model, batch = make_model(case), case["batch"]
    expected = FIGURES[f"losses_{index}"]
    if way == "fit":
        history = model.fit(data, targets, batch_size=batch, shuffle=False, verbose=0)
        assert history.history["loss"][0] == pytest.approx(expected.mean(), abs=2e-5)
    else:
        for step, first in enumerate(range(0, len(data), batch)):
            loss = model.train_on_batch(data[first : first + batch], targets[first : first + batch])
            assert loss == pytest.approx(expected[step], abs=2e-5)
    final = np.concatenate([np.ravel(w) for w in model.get_weights()])
    np.testing.assert_allclose(final, FIGURES[f"final_{index}"], rtol=0, atol=2e-5)
