"""Records Keras's losses, reduced and unreduced, with gradients, in float64.

Run: python tests/keras/record_losses.py (see README.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recording import jax, keras, save_json


def make_inputs() -> dict[str, np.ndarray]:
    """Targets, predictions and weights of every kind, rounded so that they are short as text."""
    rng = np.random.default_rng(3)

    def normal(*shape: int) -> np.ndarray:
        return np.round(rng.normal(size=shape), 4)

    def softmax(logits: np.ndarray) -> np.ndarray:
        e = np.exp(logits - logits.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    logits = normal(6, 4)
    labels = np.array([0, 3, 1, 2, 2, 0])
    binary_logits = normal(6, 3)
    sequence_logits = normal(2, 3, 4)
    probabilities = softmax(logits)
    probabilities[1] = [0.0, 0.0, 1.0, 0.0]
    return {
        "real": normal(6, 3),
        "real_pred": normal(6, 3),
        "column": normal(6, 1),
        "row": normal(6),
        "cube": normal(2, 3, 4),
        "cube_pred": normal(2, 3, 4),
        "positive": np.abs(normal(6, 3)) + 0.1,
        "positive_pred": np.abs(normal(6, 3)) + 0.1,
        "binary": np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 0, 0]]),
        "binary_column": np.array([[0], [1], [1], [0], [1], [0]]),
        "binary_row": np.array([0, 1, 1, 0, 1, 0]),
        "signs": np.array(
            [[-1, 1, -1], [1, 1, -1], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, -1, 1]]
        ),
        "binary_logits": binary_logits,
        "binary_probabilities": 1 / (1 + np.exp(-binary_logits)),
        "binary_edges": np.array(
            [
                [0.0, 1.0, 0.5],
                [1.0, 0.0, 0.2],
                [0.3, 0.0, 1.0],
                [0.9, 0.1, 1.0],
                [1, 1, 1],
                [0, 0, 0],
            ]
        ),
        "logits_column": normal(6, 1),
        "probabilities_column": np.round(rng.uniform(0.05, 0.95, size=(6, 1)), 4),
        "one_hot": np.eye(4)[labels],
        "labels": labels,
        "labels_column": labels[:, None],
        "logits": logits,
        "probabilities": probabilities,
        "unnormalized": np.round(rng.uniform(0.1, 2.0, size=(6, 4)), 4),
        "distribution": np.round(softmax(normal(6, 4)), 4),
        "distribution_pred": np.round(softmax(normal(6, 4)), 4),
        "sequence_labels": np.array([[0, 1, 3], [2, 2, 1]]),
        "sequence_logits": sequence_logits,
        "sequence_probabilities": softmax(sequence_logits),
        "weights": np.array([1.0, 0.5, 2.0, 0.0, 1.5, 3.0]),
        "weights_column": np.array([[1.0], [0.5], [2.0], [0.0], [1.5], [3.0]]),
        "weights_sequence": np.array([[1.0, 0.0, 2.0], [0.5, 1.0, 0.0]]),
    }


REGRESSION = [
    ("real", "real_pred", "weights"),
    ("column", "row", None),
    ("row", "column", "weights"),
    ("cube", "cube_pred", None),
]

PAIRS: dict[str, list[tuple[str, str, str | None]]] = {
    "MeanSquaredError": REGRESSION,
    "MeanAbsoluteError": REGRESSION,
    "MeanAbsolutePercentageError": REGRESSION,
    "MeanSquaredLogarithmicError": [("positive", "positive_pred", "weights"), *REGRESSION[:1]],
    "LogCosh": REGRESSION,
    "Huber": REGRESSION,
    "CosineSimilarity": [("real", "real_pred", "weights"), ("cube", "cube_pred", None)],
    "Poisson": [("positive", "positive_pred", "weights")],
    "KLDivergence": [("distribution", "distribution_pred", "weights")],
    "Hinge": [("signs", "real_pred", "weights"), ("binary", "real_pred", None)],
    "SquaredHinge": [("signs", "real_pred", "weights"), ("binary", "real_pred", None)],
    "CategoricalHinge": [("one_hot", "logits", "weights")],
    "BinaryCrossentropy": [
        ("binary", "binary_probabilities", "weights"),
        ("binary", "binary_edges", None),
        ("binary_column", "probabilities_column", "weights_column"),
        ("binary_row", "probabilities_column", "weights"),
    ],
    "BinaryFocalCrossentropy": [
        ("binary", "binary_probabilities", "weights"),
        ("binary_row", "probabilities_column", None),
    ],
    "CategoricalCrossentropy": [
        ("one_hot", "probabilities", "weights"),
        ("one_hot", "unnormalized", None),
        ("distribution", "probabilities", "weights_column"),
    ],
    "CategoricalFocalCrossentropy": [("one_hot", "probabilities", "weights")],
    "SparseCategoricalCrossentropy": [
        ("labels", "probabilities", "weights"),
        ("labels_column", "unnormalized", None),
        ("sequence_labels", "sequence_probabilities", "weights_sequence"),
    ],
}

VARIANTS: list[tuple[str, dict[str, Any], str, str, str | None]] = [
    ("Huber", {"delta": 0.4}, "real", "real_pred", None),
    ("CosineSimilarity", {"axis": 1}, "cube", "cube_pred", None),
    ("BinaryCrossentropy", {"from_logits": True}, "binary", "binary_logits", "weights"),
    ("BinaryCrossentropy", {"from_logits": True}, "binary_row", "logits_column", None),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "binary", "binary_probabilities", None),
    (
        "BinaryCrossentropy",
        {"from_logits": True, "label_smoothing": 0.2},
        "binary",
        "binary_logits",
        None,
    ),
    ("BinaryFocalCrossentropy", {"from_logits": True}, "binary", "binary_logits", None),
    (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5, "label_smoothing": 0.1},
        "binary",
        "binary_probabilities",
        None,
    ),
    ("CategoricalCrossentropy", {"from_logits": True}, "one_hot", "logits", "weights"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, "one_hot", "probabilities", None),
    (
        "CategoricalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.2},
        "one_hot",
        "logits",
        None,
    ),
    ("CategoricalFocalCrossentropy", {"from_logits": True}, "one_hot", "logits", None),
    (
        "CategoricalFocalCrossentropy",
        {"alpha": 0.4, "gamma": 1.0, "label_smoothing": 0.1},
        "one_hot",
        "probabilities",
        None,
    ),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels", "logits", "weights"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels_column", "logits", None),
    (
        "SparseCategoricalCrossentropy",
        {"from_logits": True},
        "sequence_labels",
        "sequence_logits",
        None,
    ),
    (
        "SparseCategoricalCrossentropy",
        {"from_logits": True, "ignore_class": 2},
        "labels",
        "logits",
        None,
    ),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, "labels", "probabilities", "weights"),
]

REDUCTIONS = ("sum_over_batch_size", "sum", "none", "mean", "mean_with_sample_weight")


def record(
    inputs: dict[str, np.ndarray], name: str, config: dict[str, Any], names: tuple[Any, ...]
) -> dict[str, Any]:
    """One loss on one pair of inputs: its value, and its gradient by the prediction."""
    y_true, y_pred = inputs[names[0]], inputs[names[1]]
    weight = None if names[2] is None else inputs[names[2]]
    loss = getattr(keras.losses, name)(**config)

    def total(pred: Any) -> Any:
        return loss(y_true, pred, sample_weight=weight).sum()

    return {
        "loss": name,
        "config": config,
        "y_true": names[0],
        "y_pred": names[1],
        "sample_weight": names[2],
        "value": loss(y_true, y_pred, sample_weight=weight),
        "gradient": jax.grad(total)(np.asarray(y_pred, float)),
    }


def main() -> None:
    """Writes figures/losses.json."""
    inputs = make_inputs()
    cases = []
    for name, pairs in PAIRS.items():
        for names in pairs:
            cases.append(record(inputs, name, {}, names))
        for reduction in REDUCTIONS:
            cases.append(record(inputs, name, {"reduction": reduction}, pairs[0]))
    for name, config, *names in VARIANTS:
        cases.append(record(inputs, name, config, tuple(names)))
        cases.append(record(inputs, name, {**config, "reduction": None}, tuple(names)))
    save_json("losses", inputs, cases)


if __name__ == "__main__":
    main()
