"""Records Keras's metrics after one, two and three batches, in float64.

Run: python tests/keras/record_metrics.py (see README.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recording import keras, save_json


def make_inputs() -> dict[str, Any]:
    """Each input is a list of three batches (of 8, 5 and 1 rows)."""
    rng = np.random.default_rng(5)
    sizes = (8, 5, 1)

    def batches(make: Any) -> list[np.ndarray]:
        return [make(n) for n in sizes]

    def softmax(n: int) -> np.ndarray:
        e = np.exp(rng.normal(size=(n, 4)))
        return np.round(e / e.sum(-1, keepdims=True), 4)

    labels = batches(lambda n: rng.integers(0, 4, size=n))
    return {
        "real": batches(lambda n: np.round(rng.normal(size=(n, 3)), 4)),
        "real_pred": batches(lambda n: np.round(rng.normal(size=(n, 3)), 4)),
        "column": batches(lambda n: np.round(rng.normal(size=(n, 1)), 4)),
        "row": batches(lambda n: np.round(rng.normal(size=n), 4)),
        "positive": batches(lambda n: np.round(rng.uniform(0.1, 2, size=(n, 3)), 4)),
        "positive_pred": batches(lambda n: np.round(rng.uniform(0.1, 2, size=(n, 3)), 4)),
        "binary": batches(lambda n: rng.integers(0, 2, size=(n, 1))),
        "binary_row": batches(lambda n: rng.integers(0, 2, size=n)),
        "binary_wide": batches(lambda n: rng.integers(0, 2, size=(n, 4))),
        "probability": batches(lambda n: np.round(rng.uniform(size=(n, 1)), 4)),
        "probability_row": batches(lambda n: np.round(rng.uniform(size=n), 4)),
        "probability_wide": batches(lambda n: np.round(rng.uniform(size=(n, 4)), 4)),
        "logit": batches(lambda n: np.round(rng.normal(size=(n, 1)), 4)),
        "labels": labels,
        "labels_column": [batch[:, None] for batch in labels],
        "labels_pred": batches(lambda n: rng.integers(0, 4, size=n)),
        "one_hot": [np.eye(4)[batch] for batch in labels],
        "softmax": batches(softmax),
        "logits": batches(lambda n: np.round(rng.normal(size=(n, 4)), 4)),
        "weights": batches(lambda n: np.round(rng.uniform(0, 2, size=n), 2)),
        "weights_column": batches(lambda n: np.round(rng.uniform(0, 2, size=(n, 1)), 2)),
        "whole_weights": batches(lambda n: rng.integers(0, 4, size=n)),
    }


REAL = ("real", "real_pred")
BINARY = ("binary", "probability")
SPARSE = ("labels", "softmax")
ONE_HOT = ("one_hot", "softmax")

CASES: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("Accuracy", {}, ("labels", "labels_pred")),
    ("BinaryAccuracy", {}, BINARY),
    ("BinaryAccuracy", {"threshold": 0.3}, ("binary_row", "probability")),
    ("BinaryAccuracy", {}, ("binary_wide", "probability_wide")),
    ("CategoricalAccuracy", {}, ONE_HOT),
    ("SparseCategoricalAccuracy", {}, SPARSE),
    ("SparseCategoricalAccuracy", {}, ("labels_column", "softmax")),
    ("TopKCategoricalAccuracy", {"k": 2}, ONE_HOT),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, SPARSE),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, ("labels", "softmax")),
    ("AUC", {}, BINARY),
    ("AUC", {"curve": "PR"}, BINARY),
    ("AUC", {"num_thresholds": 11, "summation_method": "minoring"}, BINARY),
    ("AUC", {"summation_method": "majoring"}, ("binary_row", "probability_row")),
    ("AUC", {"curve": "PR", "summation_method": "majoring"}, BINARY),
    ("AUC", {"thresholds": [0.2, 0.5, 0.9]}, BINARY),
    ("AUC", {"from_logits": True}, ("binary", "logit")),
    ("AUC", {}, ("binary_wide", "probability_wide")),
    ("AUC", {"multi_label": True, "num_labels": 4}, ("binary_wide", "probability_wide")),
    (
        "AUC",
        {"multi_label": True, "label_weights": [1.0, 2.0, 0.5, 1.0], "curve": "PR"},
        ("binary_wide", "probability_wide"),
    ),
    ("Precision", {}, BINARY),
    ("Precision", {"thresholds": [0.2, 0.5, 0.8]}, BINARY),
    ("Precision", {"class_id": 2}, ("binary_wide", "probability_wide")),
    ("Precision", {"top_k": 2}, ("binary_wide", "probability_wide")),
    ("Recall", {}, BINARY),
    ("Recall", {"thresholds": [0.2, 0.5, 0.8]}, BINARY),
    ("Recall", {"class_id": 1, "top_k": 2}, ("binary_wide", "probability_wide")),
    ("TruePositives", {}, BINARY),
    ("TrueNegatives", {}, BINARY),
    ("FalsePositives", {"thresholds": [0.1, 0.9]}, BINARY),
    ("FalseNegatives", {}, ("binary_wide", "probability_wide")),
    ("F1Score", {}, ("one_hot", "softmax")),
    ("F1Score", {"average": "macro"}, ("one_hot", "softmax")),
    ("F1Score", {"average": "micro", "threshold": 0.4}, ("binary_wide", "probability_wide")),
    ("F1Score", {"average": "weighted", "threshold": 0.5}, ("binary_wide", "probability_wide")),
    ("FBetaScore", {"beta": 2.0, "threshold": 0.5}, ("binary_wide", "probability_wide")),
    ("R2Score", {}, REAL),
    ("R2Score", {"class_aggregation": None}, REAL),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, REAL),
    ("R2Score", {"num_regressors": 2}, REAL),
    ("RootMeanSquaredError", {}, REAL),
    ("RootMeanSquaredError", {}, ("column", "row")),
    ("MeanIoU", {"num_classes": 4}, ("labels", "labels_pred")),
    ("MeanIoU", {"num_classes": 4, "ignore_class": 1}, ("labels", "labels_pred")),
    ("MeanIoU", {"num_classes": 4, "sparse_y_pred": False}, ("labels", "softmax")),
    ("Mean", {}, ("real",)),
    ("Mean", {}, ("row",)),
    ("Sum", {}, ("real",)),
    ("Sum", {}, ("row",)),
    ("MeanSquaredError", {}, REAL),
    ("MeanSquaredError", {}, ("row", "column")),
    ("MeanAbsoluteError", {}, REAL),
    ("MeanAbsolutePercentageError", {}, REAL),
    ("MeanSquaredLogarithmicError", {}, ("positive", "positive_pred")),
    ("CosineSimilarity", {}, REAL),
    ("LogCoshError", {}, REAL),
    ("Hinge", {}, ("binary_wide", "logits")),
    ("SquaredHinge", {}, ("binary_wide", "logits")),
    ("CategoricalHinge", {}, ("one_hot", "logits")),
    ("KLDivergence", {}, ("one_hot", "softmax")),
    ("Poisson", {}, ("positive", "positive_pred")),
    ("BinaryCrossentropy", {}, BINARY),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, ("binary", "logit")),
    ("CategoricalCrossentropy", {}, ONE_HOT),
    ("CategoricalCrossentropy", {"from_logits": True}, ("one_hot", "logits")),
    ("SparseCategoricalCrossentropy", {}, SPARSE),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, ("labels", "logits")),
]

UNWEIGHTED = {"Accuracy"}


def run(
    inputs: dict[str, Any], name: str, config: dict[str, Any], names: tuple[str, ...], weight: Any
) -> dict[str, Any]:
    """The results of one metric after each of the three batches."""
    metric = getattr(keras.metrics, name)(**config)
    results = []
    for index in range(3):
        arrays = [inputs[key][index] for key in names]
        given = None if weight is None else inputs[weight][index]
        metric.update_state(*arrays, sample_weight=given)
        results.append(metric.result())
    return {
        "metric": name,
        "config": config,
        "inputs": list(names),
        "sample_weight": weight,
        "results": results,
    }


def main() -> None:
    """Writes figures/metrics.json."""
    inputs = make_inputs()
    cases = []
    for name, config, names in CASES:
        cases.append(run(inputs, name, config, names, None))
        weight = "whole_weights" if name == "MeanIoU" else "weights"
        if not config.get("multi_label"):
            cases.append(run(inputs, name, config, names, weight))
    cases.append(run(inputs, "BinaryAccuracy", {}, BINARY, "weights_column"))
    cases.append(run(inputs, "MeanSquaredError", {}, REAL, "weights_column"))
    save_json("metrics", inputs, cases)


if __name__ == "__main__":
    main()
