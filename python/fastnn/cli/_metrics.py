"""What is measured of predictions: on NumPy alone, exactly, on all rows at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def classification(numbers: Array, probabilities: Array) -> dict[str, float]:
    """Accuracy, cross-entropy, that of always saying the most frequent class, area under the curve.

    Args:
        numbers: the true classes, shape (rows,).
        probabilities: shape (rows, classes).

    Returns:
        By name; "AUC" is there for two classes of which both occur.
    """
    p = probabilities[np.arange(len(numbers)), numbers].astype(np.float64)
    figures = {
        "accuracy": float((probabilities.argmax(axis=1) == numbers).mean()),
        "always the most frequent": float(np.bincount(numbers).max() / len(numbers)),
        "cross-entropy": float(-np.log(np.maximum(p, 1e-15)).mean()),
    }
    if probabilities.shape[1] == 2 and len(np.unique(numbers)) == 2:
        figures["AUC"] = area(*roc(numbers == 1, probabilities[:, 1]))
    return figures


def regression(true: Array, predicted: Array) -> dict[str, float]:
    """R², root mean square error, mean absolute error, and the error of always saying the mean."""
    error = predicted - true
    around = true - true.mean()
    total = float(np.square(around).sum())
    return {
        "R²": 1.0 - float(np.square(error).sum()) / total if total > 0 else float("nan"),
        "RMSE": float(np.sqrt(np.square(error).mean())),
        "MAE": float(np.abs(error).mean()),
        "RMSE of the mean": float(np.sqrt(np.square(around).mean())),
    }


def roc(positive: Array, scores: Array) -> tuple[Array, Array]:
    """False and true positive rate at each threshold, from none to all called positive.

    Args:
        positive: which rows are, bool; both kinds occur.
        scores: higher for what is rather positive.
    """
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(positive[order])
    misses = np.arange(1, len(order) + 1) - hits
    # Rows of one score are called positive together.
    last = np.append(np.diff(scores[order]) != 0, True)
    true = np.concatenate([[0.0], hits[last] / max(hits[-1], 1)])
    false = np.concatenate([[0.0], misses[last] / max(misses[-1], 1)])
    return false, true


def area(x: Array, y: Array) -> float:
    """The area under a curve of straight pieces."""
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2.0).sum())


def calibration(positive: Array, scores: Array, bins: int = 10) -> tuple[Array, Array, Array]:
    """Mean probability, share of positives and number of rows in bins of equal width.

    Args:
        positive: which rows are, bool.
        scores: probabilities.
        bins: how many; those without rows are left out.
    """
    place = np.minimum((scores * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    some = counts > 0
    mean = np.bincount(place, scores, bins)[some] / counts[some]
    share = np.bincount(place, positive, bins)[some] / counts[some]
    return mean, share, counts[some]


def stratified(numbers: Array | None, rows: int, share: float, rng: Any) -> tuple[Array, Array]:
    """Splits rows at random, with each class's share of the rows in both parts.

    Args:
        numbers: the class of each row, or None.
        rows: how many there are.
        share: of the second part; a row of each class that has two at least.
        rng: a NumPy Generator.

    Returns:
        The rows of the first and of the second part, each in order.
    """
    groups = [np.arange(rows)] if numbers is None else [
        np.flatnonzero(numbers == number) for number in np.unique(numbers)
    ]  # fmt: skip
    second = [
        rng.permutation(group)[: max(round(share * len(group)), int(len(group) > 1))]
        for group in groups
    ]
    chosen = np.zeros(rows, bool)
    chosen[np.concatenate(second)] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)
