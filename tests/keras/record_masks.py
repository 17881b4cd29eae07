"""Records losses and metrics of models whose predictions have a mask, with and without weights.

Run: python tests/keras/record_masks.py (see README.md).
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from recording import keras, save_json

ROWS, STEPS, FEATURES, CLASSES = 4, 5, 3, 3

LOSSES: list[dict[str, Any]] = [
    {"loss": "mean_squared_error", "targets": "numbers", "activation": "linear"},
    {"loss": "mean_absolute_error", "targets": "numbers", "activation": "linear"},
    {"loss": "binary_crossentropy", "targets": "bits", "activation": "sigmoid"},
    {"loss": "categorical_crossentropy", "targets": "one_hot", "activation": "softmax"},
    {"loss": "sparse_categorical_crossentropy", "targets": "classes", "activation": "softmax"},
]
REDUCTIONS = ["sum_over_batch_size", "sum", "mean_with_sample_weight"]
CLASS_NAMES = {
    "mean_squared_error": "MeanSquaredError",
    "mean_absolute_error": "MeanAbsoluteError",
    "binary_crossentropy": "BinaryCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}
# Keras multiplies (rows,) weights with a (rows, steps) mask along the last axis, which fails (or,
# for as many rows as steps, means something else): a weight a row has the shape (rows, 1).
WEIGHTS = [None, "a_row", "a_step"]


def make_inputs(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """x with steps of zeros: one whole row, a tail, one in the middle."""
    x = rng.normal(size=(ROWS, STEPS, FEATURES)).round(3)
    x[0, 3:], x[1, 1], x[2] = 0, 0, 0
    classes = rng.integers(0, CLASSES, size=(ROWS, STEPS))
    return {
        "x": x,
        "kernel": rng.normal(size=(FEATURES, CLASSES)).round(3),
        "bias": rng.normal(size=CLASSES).round(3),
        "numbers": rng.normal(size=(ROWS, STEPS, CLASSES)).round(3),
        "bits": rng.integers(0, 2, size=(ROWS, STEPS, CLASSES)),
        "classes": classes,
        "one_hot": np.eye(CLASSES)[classes],
        "a_row": rng.uniform(0, 2, size=(ROWS, 1)).round(3),
        "a_step": rng.uniform(0, 2, size=(ROWS, STEPS)).round(3),
    }


def evaluate(case: dict[str, Any], inputs: dict[str, np.ndarray]) -> dict[str, float]:
    """Keras's loss and metrics of one batch."""
    model = keras.Sequential(
        [
            keras.Input((STEPS, FEATURES)),
            keras.layers.Masking(),
            keras.layers.Dense(CLASSES, activation=case["activation"]),
        ]
    )
    model.set_weights([inputs["kernel"], inputs["bias"]])
    loss = getattr(keras.losses, CLASS_NAMES[case["loss"]])(reduction=case["reduction"])
    metrics = [case["loss"], "accuracy"]
    model.compile("sgd", loss, metrics=metrics, weighted_metrics=metrics)
    weight = None if case["weights"] is None else inputs[case["weights"]]
    logs = model.test_on_batch(inputs["x"], inputs[case["targets"]], weight, return_dict=True)
    return {name: float(value) for name, value in logs.items()}


def main() -> None:
    """Writes figures/masks.json."""
    inputs = make_inputs(np.random.default_rng(5))
    cases = []
    for loss, reduction, weights in itertools.product(LOSSES, REDUCTIONS, WEIGHTS):
        case = {**loss, "reduction": reduction, "weights": weights}
        cases.append({**case, "logs": evaluate(case, inputs)})
    save_json("masks", inputs, cases)


if __name__ == "__main__":
    main()
