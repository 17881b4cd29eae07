"""Records outputs and gradients of recurrent layers in float64.

Run: python tests/keras/record_recurrent.py (see README.md).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from recording import jax, keras, save_npz

sys.path.append(str(Path(__file__).resolve().parent.parent))
import recurrent_cases as cases


def outputs_of(layer: Any, case: cases.Case, data: cases.Data) -> list[Any]:
    """The outputs of all calls, in order."""
    found: list[Any] = []
    for _ in range(case.calls):
        found += keras.tree.flatten(layer(data.x, **data.keywords()))
    return [np.asarray(y) for y in found]


def gradients_of(layer: Any, number: int, data: cases.Data) -> list[np.ndarray]:
    """Of the outputs' sum times factors, by the input and the weights."""

    def cost(x: Any, weights: list[Any]) -> Any:
        fixed = [v.value for v in layer.non_trainable_variables]
        outputs, _ = layer.stateless_call(weights, fixed, x, **data.keywords())
        leaves = keras.tree.flatten(outputs)
        factors = cases.factors_of(number, [tuple(y.shape) for y in leaves])
        return sum((y * f).sum() for y, f in zip(leaves, factors, strict=True))

    weights = [v.value for v in layer.trainable_variables]
    by_x, by_weights = jax.grad(cost, argnums=(0, 1))(data.x, weights)
    return [np.asarray(by_x), *map(np.asarray, by_weights)]


def main() -> None:
    """Writes figures/recurrent.npz: each case's numbers as one float32 array."""
    arrays: dict[str, np.ndarray] = {}
    described = []
    for number, case in enumerate(cases.CASES):
        data = cases.data_of(number)
        layer = case.build(keras.layers)
        layer(data.x)
        layer.set_weights(cases.weights_of(number, [w.shape for w in layer.get_weights()]))
        if case.calls > 1:
            layer.reset_state()
        outputs = outputs_of(layer, case, data)
        gradients = gradients_of(layer, number, data) if case.calls == 1 else []
        numbers = [np.ravel(a) for a in (*outputs, *gradients)]
        arrays[f"case_{number}"] = np.concatenate(numbers).astype(np.float32)
        shapes = [list(a.shape) for a in (*outputs, *gradients)]
        described.append({"name": case.name, "outputs": len(outputs), "shapes": shapes})
    save_npz("recurrent", described, **arrays)


if __name__ == "__main__":
    main()
