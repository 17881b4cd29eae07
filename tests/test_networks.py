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
