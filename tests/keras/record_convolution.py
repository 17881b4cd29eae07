"""Records Keras's convolution and pooling layers in float64: outputs and gradients.

Run: python tests/keras/record_convolution.py (see README.md).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from recording import jax, keras, save_npz

IMAGE, WIDE, LINE = (1, 7, 6, 3), (1, 5, 8, 4), (2, 9, 4)
DIGITS = {"x": 100, "factors": 10, "weights": 1000}  # given numbers are stored as integers

CASES: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("Conv2D", {"filters": 4, "kernel_size": 3}, IMAGE),
    ("Conv2D", {"filters": 4, "kernel_size": (2, 3), "strides": 2, "padding": "same"}, IMAGE),
    ("Conv2D", {"filters": 2, "kernel_size": 4, "strides": (3, 1), "padding": "same"}, IMAGE),
    ("Conv2D", {"filters": 3, "kernel_size": 2, "strides": 3, "activation": "tanh"}, IMAGE),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2}, IMAGE),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": (1, 3), "padding": "same"}, IMAGE),
    ("Conv2D", {"filters": 6, "kernel_size": 2, "groups": 2, "padding": "same"}, WIDE),
    ("Conv2D", {"filters": 3, "kernel_size": 1, "use_bias": False}, WIDE),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "activation": "relu"}, (3, 5, 5, 1)),
    ("Conv1D", {"filters": 3, "kernel_size": 3}, LINE),
    ("Conv1D", {"filters": 3, "kernel_size": 4, "strides": 2, "padding": "same"}, LINE),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal"}, LINE),
    ("Conv1D", {"filters": 2, "kernel_size": 3, "padding": "causal", "dilation_rate": 3}, LINE),
    ("Conv1D", {"filters": 2, "kernel_size": 2, "padding": "causal", "strides": 2}, LINE),
    ("Conv1D", {"filters": 4, "kernel_size": 2, "groups": 4, "activation": "sigmoid"}, LINE),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3}, WIDE),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2}, WIDE),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"}, WIDE),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "strides": 3, "padding": "same"}, WIDE),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": (1, 4), "strides": (3, 2)}, WIDE),
    (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1},
        WIDE,
    ),
    (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": (4, 3), "strides": (3, 2), "output_padding": (2, 0)},
        WIDE,
    ),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "dilation_rate": 2}, WIDE),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2}, LINE),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 4, "strides": 3, "padding": "same"}, LINE),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 3, "activation": "elu"}, LINE),
    ("DepthwiseConv2D", {"kernel_size": 3}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": 2, "depth_multiplier": 3, "padding": "same"}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": (3, 2), "strides": 2, "depth_multiplier": 2}, IMAGE),
    ("DepthwiseConv2D", {"kernel_size": 2, "dilation_rate": 2, "activation": "relu"}, IMAGE),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2, "padding": "same"}, LINE),
    ("SeparableConv2D", {"filters": 4, "kernel_size": 3, "depth_multiplier": 2}, IMAGE),
    ("SeparableConv2D", {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same"}, IMAGE),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 3, "activation": "tanh"}, LINE),
    ("MaxPooling2D", {}, IMAGE),
    ("MaxPooling2D", {"pool_size": (3, 2), "strides": (1, 2), "padding": "same"}, IMAGE),
    ("MaxPooling2D", {"pool_size": 3, "strides": 2}, IMAGE),
    ("MaxPooling1D", {"pool_size": 2, "padding": "same"}, LINE),
    ("AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, IMAGE),
    ("AveragePooling2D", {"pool_size": (2, 3)}, IMAGE),
    ("AveragePooling1D", {"pool_size": 4, "strides": 3, "padding": "same"}, LINE),
    ("GlobalMaxPooling2D", {}, IMAGE),
    ("GlobalMaxPooling1D", {"keepdims": True}, LINE),
    ("GlobalAveragePooling2D", {"keepdims": True}, IMAGE),
    ("GlobalAveragePooling1D", {}, LINE),
]


def run(layer: Any, x: np.ndarray, rng: np.random.Generator) -> dict[str, list[np.ndarray]]:
    """Output, and gradients of the sum of outputs times factors; what they are computed from."""
    layer.build(x.shape)
    layer.set_weights([rng.normal(scale=0.5, size=w.shape).round(3) for w in layer.weights])
    weights = [w.value for w in layer.trainable_variables]
    factors = rng.normal(size=layer.compute_output_shape(x.shape)).round(1)

    def cost(x: Any, weights: Any) -> Any:
        output = layer.stateless_call(weights, [], x)[0]
        return (output * factors).sum(), output

    gradients, output = jax.grad(cost, argnums=(0, 1), has_aux=True)(x, weights)
    results = [np.asarray(a) for a in (output, gradients[0], *gradients[1])]
    given = [np.asarray(w) for w in weights]
    return {"x": [x], "factors": [factors], "weights": given, "results": results}


def main() -> None:
    """Writes figures/convolution.npz: all numbers of a kind one after the other."""
    rng = np.random.default_rng(31)
    parts: dict[str, list[np.ndarray]] = {kind: [] for kind in (*DIGITS, "results")}
    cases = []
    for name, options, shape in CASES:
        x = rng.normal(size=shape).round(2)
        layer = getattr(keras.layers, name)(**options)
        case = {"layer": name, "options": options}
        for kind, arrays in run(layer, x, rng).items():
            parts[kind] += arrays
            case[kind] = [array.shape for array in arrays]
        cases.append(case)
    flat = {kind: np.concatenate([a.ravel() for a in arrays]) for kind, arrays in parts.items()}
    given = {kind: np.round(flat[kind] * scale).astype("int16") for kind, scale in DIGITS.items()}
    results = flat["results"].astype("float32")
    save_npz("convolution", cases, **given, results=results, digits=np.array(json.dumps(DIGITS)))


if __name__ == "__main__":
    main()
