"""Records outputs, masks, gradients and new state of layers in float64.

Run: python tests/keras/record_layers.py (see README.md).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from recording import jax, keras, save_npz

sys.path.append(str(Path(__file__).resolve().parent.parent))
import layer_cases as cases


def with_masks(arrays: list[Any], masks: list[Any]) -> list[Any]:
    """The arrays with masks beside them, as Keras's layers put them."""
    tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
    for tensor, mask in zip(tensors, masks, strict=True):
        if mask is not None:
            keras.src.backend.set_keras_mask(tensor, keras.ops.convert_to_tensor(mask))
    return tensors


def call(layer: Any, number: int, arrays: list[Any], weights: list[Any]) -> tuple[Any, Any]:
    """Outputs and new state of a layer with these trainable weights."""
    masks = cases.masks_of(number)
    tensors = with_masks(arrays, masks)
    fixed = [v.value for v in layer.non_trainable_variables]
    given = tensors[0] if len(tensors) == 1 else tensors
    options: dict[str, Any] = {"training": True} if cases.CASES[number]["training"] else {}
    if layer._call_has_mask_arg and masks[0] is not None:  # stateless_call hands none over
        options["mask"] = keras.ops.convert_to_tensor(masks[0])
    return layer.stateless_call(weights, fixed, given, **options)


def record(number: int) -> tuple[dict[str, Any], list[np.ndarray]]:
    """A case's description, and its numbers."""
    case = cases.CASES[number]
    layer = getattr(keras.layers, case["layer"])(**case["config"])
    inputs = cases.inputs_of(number)
    layer(inputs[0] if len(inputs) == 1 else inputs)
    if case["layer"] != "Normalization":
        layer.set_weights(cases.weights_of(number, [w.shape for w in layer.get_weights()]))
    weights = [v.value for v in layer.trainable_variables]
    outputs, state = call(layer, number, inputs, weights)
    tensors = with_masks(inputs, cases.masks_of(number))
    called = layer(tensors[0] if len(tensors) == 1 else tensors)
    mask = keras.src.backend.get_keras_mask(called)
    factors = cases.factors_of(number, tuple(outputs.shape))

    def cost(arrays: list[Any], weights: list[Any]) -> Any:
        return (call(layer, number, arrays, weights)[0] * factors).sum()

    whole = case["layer"] == "Embedding"
    by_inputs, by_weights = jax.grad(cost, argnums=(0, 1), allow_int=True)(inputs, weights)
    found = {
        "outputs": [outputs],
        "mask": [] if mask is None else [np.asarray(mask, np.float64)],
        "by_inputs": [] if whole else by_inputs,
        "by_weights": by_weights,
        "state": [value for value in state if np.asarray(value).dtype.kind == "f"],
    }
    shapes = {key: [list(np.shape(a)) for a in arrays] for key, arrays in found.items()}
    return {**case, "recorded": shapes}, [a for arrays in found.values() for a in arrays]


def main() -> None:
    """Writes figures/layers.npz: all numbers behind each other in one float32 array."""
    described, numbers = [], []
    for number in range(len(cases.CASES)):
        case, arrays = record(number)
        described.append(case)
        numbers += [np.ravel(np.asarray(a, np.float64)) for a in arrays]
    save_npz("layers", described, numbers=np.concatenate(numbers).astype(np.float32))


if __name__ == "__main__":
    main()
