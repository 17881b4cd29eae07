"""F-scores: the weighted harmonic mean of precision and recall."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import ops
from fastnn.losses._base import as_float, as_like, dtype_of
from fastnn.metrics._base import Metric, Pair, plain

_EPSILON = 1e-7


class FBetaScore(Metric):
    """``(1 + b^2) * precision * recall / (b^2 * precision + recall)``.

    Args:
        average: None: a score for each class; 'macro': their mean; 'weighted': their mean weighed
            by how often a class occurs; 'micro': one score from the counts of all classes.
        beta: above 1, recall counts for more.
        threshold: above it, a prediction means yes; None: the highest of a row does.
        name: of this metric.

    Raises:
        ValueError: for an unknown average, a beta of 0 or less, a threshold out of (0, 1]; at the
            first batch, for inputs that are not of shape (batch, classes).

    Example:
        >>> metric = FBetaScore(beta=2.0, average="micro")
        >>> round(metric([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]), 4)
        1.0
    """

    direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
    ) -> None:
        super().__init__(name)
        who = type(self).__name__
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                f"[{who}] expected average None, 'micro', 'macro' or 'weighted', got {average!r}"
            )
        if not beta > 0.0:
            raise ValueError(f"[{who}] expected beta > 0, got {beta}")
        if threshold is not None and not 0.0 < threshold <= 1.0:
            raise ValueError(f"[{who}] expected a threshold in (0, 1] or None, got {threshold}")
        self.average = average
        self.beta = float(beta)
        self.threshold = threshold

    def build(self, y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> None:
        """Makes the counters: one a class, or one for all."""
        wide = len(y_pred_shape) == 2 and len(y_true_shape) == 2
        if not wide or y_pred_shape[1] is None:
            raise ValueError(
                f"[{type(self).__name__}] expected inputs of shape (batch, classes), got "
                f"{y_true_shape} and {y_pred_shape}"
            )
        shape = () if self.average == "micro" else (int(y_pred_shape[1]),)
        self.true_positives = self.add_variable("true_positives", shape)
        self.false_positives = self.add_variable("false_positives", shape)
        self.false_negatives = self.add_variable("false_negatives", shape)
        self.support = self.add_variable("intermediate_weights", shape)

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Pair]:
        self.ensure_built(y_true.shape, y_pred.shape)
        y_pred = as_float(y_pred)
        if self.threshold is None:
            highest = ops.greater_equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
            # A row of zeros is no prediction at all.
            chosen = ops.logical_and(highest, ops.greater(ops.absolute(y_pred), 1e-9))
        else:
            chosen = ops.greater(y_pred, self.threshold)
        yes = ops.cast(chosen, "float64")
        true = y_true if dtype_of(y_true) == "float64" else ops.cast(y_true, "float64")
        weight = None
        if sample_weight is not None:
            weight = as_like(sample_weight, true, "sample_weight")
            weight = ops.expand_dims(weight, -1) if len(weight.shape) == 1 else weight
        axis = None if self.average == "micro" else 0

        def total(values: Any) -> Any:
            return ops.sum(values if weight is None else values * weight, axis=axis)

        return [
            (self.true_positives, self.true_positives + total(yes * true)),
            (self.false_positives, self.false_positives + total(yes * (1.0 - true))),
            (self.false_negatives, self.false_negatives + total((1.0 - yes) * true)),
            (self.support, self.support + total(true)),
        ]

    def result(self) -> Any:
        if not self.built:
            return 0.0
        tp = self.true_positives.get_value()
        precision = tp / (tp + self.false_positives.get_value() + _EPSILON)
        recall = tp / (tp + self.false_negatives.get_value() + _EPSILON)
        square = self.beta**2
        score = (1.0 + square) * (precision * recall / (square * precision + recall + _EPSILON))
        if self.average == "weighted":
            support = self.support.get_value()
            return float(np.sum(score * (support / (np.sum(support) + _EPSILON))))
        return plain(np.mean(score) if self.average == "macro" else score)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall: :class:`FBetaScore` with beta 1.

    Args:
        average: see :class:`FBetaScore`.
        threshold: see :class:`FBetaScore`.
        name: of this metric.

    Example:
        >>> metric = F1Score(average="macro")
        >>> round(metric([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]), 4)
        1.0
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
    ) -> None:
        super().__init__(average, 1.0, threshold, name)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
