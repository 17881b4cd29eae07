"""Counts of true and false positives and negatives at thresholds, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn import ops
from fastnn._tensor import Variable
from fastnn.losses._base import as_float, as_like, as_value, dtype_of, same_rank
from fastnn.metrics._base import Metric, Pair, plain, quotient

NAMES = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def checked_thresholds(given: float | Sequence[float] | None, default: float) -> list[float]:
    """Thresholds as a list.

    Raises:
        ValueError: for one that is not between 0 and 1.
    """
    if given is None:
        return [default]
    thresholds = [float(t) for t in (given if isinstance(given, (list, tuple)) else [given])]
    bad = [t for t in thresholds if not 0.0 <= t <= 1.0]
    if bad or not thresholds:
        raise ValueError(f"expected thresholds between 0 and 1, got {given!r}")
    return thresholds


def _only_top(y_pred: Any, k: int) -> Any:
    """Predictions below the k highest of their row become minus infinity; ties: the first wins."""
    classes = y_pred.shape[-1]
    rest, top = y_pred, ops.less(y_pred, y_pred)
    for _ in range(min(k, classes)):
        hot = ops.greater(ops.one_hot(ops.argmax(rest, axis=-1), classes, dtype_of(y_pred)), 0.5)
        top = ops.logical_or(top, hot)
        rest = ops.where(hot, -np.inf, rest)
    return ops.where(top, y_pred, -np.inf)


def _weights(sample_weight: Any, y_true: Any, y_pred: Any) -> Any:
    """A float64 weight for every prediction."""
    ones = ops.cast(ops.ones_like(y_pred), "float64")
    if sample_weight is None:
        return ones
    weight = as_like(sample_weight, ones, "sample_weight")
    rank = len(y_true.shape)
    while len(weight.shape) < rank:
        weight = ops.expand_dims(weight, -1)
    if len(weight.shape) == rank + 1 and weight.shape[-1] == 1:
        weight = ops.squeeze(weight, -1)
    return weight * ones


def confusion(
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    sample_weight: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    multi_label: bool = False,
    label_weights: Any = None,
) -> dict[str, Any]:
    """Weighted counts of a batch, by the names in :data:`NAMES`.

    Args:
        y_true: targets; anything but 0 counts as positive.
        y_pred: predictions; one above a threshold counts as positive.
        thresholds: T of them.
        sample_weight: weights of the samples or of the single predictions.
        top_k: only the k highest predictions of a row can be positive.
        class_id: only this column counts.
        multi_label: whether labels (columns) are counted apart.
        label_weights: an array: weights of the columns, if they are counted together.

    Returns:
        float64 expressions of shape (T,), or (T, labels).
    """
    y_pred = as_float(y_pred)
    y_pred, y_true = same_rank(y_pred, as_value(y_true, "y_true"))
    weight = _weights(sample_weight, y_true, y_pred)
    if top_k is not None:
        y_pred = _only_top(y_pred, top_k)
    if class_id is not None:
        if len(y_pred.shape) < 2:
            raise ValueError(
                "expected predictions of shape (batch, classes) for class_id, got "
                f"{tuple(y_pred.shape)}"
            )
        column = slice(class_id, class_id + 1)
        y_true, y_pred, weight = y_true[..., column], y_pred[..., column], weight[..., column]
    if label_weights is not None and not multi_label:
        weight = weight * np.asarray(label_weights, np.float64)
    positive = ops.not_equal(y_true, ops.zeros_like(y_true))
    true_weight = ops.where(positive, weight, ops.zeros_like(weight))
    return _count(y_pred, true_weight, weight - true_weight, thresholds, multi_label)


def _count(
    y_pred: Any, true: Any, false: Any, thresholds: Sequence[float], multi_label: bool
) -> dict[str, Any]:
    """Sums the weights of positives (true) and negatives (false) that are above each threshold."""
    limits = np.asarray(thresholds, dtype_of(y_pred))
    if multi_label:
        above = ops.cast(ops.greater(ops.expand_dims(y_pred, 0), limits[:, None, None]), "float64")
        true_positives = ops.sum(above * ops.expand_dims(true, 0), axis=1)
        false_positives = ops.sum(above * ops.expand_dims(false, 0), axis=1)
        all_true, all_false = ops.sum(true, axis=0), ops.sum(false, axis=0)
    else:
        flat = ops.reshape(y_pred, (1, -1))
        above = ops.cast(ops.greater(flat, limits[:, None]), "float64")
        sides = ops.stack([ops.reshape(true, (-1,)), ops.reshape(false, (-1,))], axis=1)
        counts = ops.matmul(above, sides)
        true_positives, false_positives = counts[:, 0], counts[:, 1]
        all_true, all_false = ops.sum(true), ops.sum(false)
    return {
        "true_positives": true_positives,
        "false_positives": false_positives,
        "true_negatives": all_false - false_positives,
        "false_negatives": all_true - true_positives,
    }


class ConfusionMetric(Metric):
    """Base of metrics that come from counts at thresholds."""

    counts: tuple[str, ...] = NAMES

    def __init__(
        self,
        name: str | None,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        super().__init__(name)
        self.given_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        lowest = 0.5 if top_k is None else -1e10
        self.thresholds = checked_thresholds(thresholds, lowest)
        self.counters: dict[str, Variable] = {
            count: self.add_variable(count, (len(self.thresholds),)) for count in self.counts
        }

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Pair]:
        added = confusion(y_true, y_pred, self.thresholds, sample_weight, self.top_k, self.class_id)
        return [(variable, variable + added[n]) for n, variable in self.counters.items()]

    def count(self, name: str) -> Any:
        """The values of a counter, one a threshold."""
        return self.counters[name].get_value()

    def _one_or_all(self, values: Any) -> Any:
        return plain(values[0] if len(self.thresholds) == 1 else values)


class _Count(ConfusionMetric):
    def __init__(
        self, thresholds: float | Sequence[float] | None = None, name: str | None = None
    ) -> None:
        super().__init__(name, thresholds)

    def result(self) -> Any:
        return self._one_or_all(self.count(self.counts[0]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.given_thresholds}


class TruePositives(_Count):
    """The number of positives that were predicted so.

    Args:
        thresholds: above it, a prediction means 1; one (0.5 by default) or a list.
        name: of this metric.

    Raises:
        ValueError: for a threshold that is not between 0 and 1.

    Example:
        >>> TruePositives()([0, 1, 1, 1], [1, 0, 1, 1])
        2.0
    """

    counts = ("true_positives",)


class TrueNegatives(_Count):
    """The number of negatives that were predicted so; see :class:`TruePositives`.

    Example:
        >>> TrueNegatives()([0, 1, 0, 0], [1, 1, 0, 0])
        2.0
    """

    counts = ("true_negatives",)


class FalsePositives(_Count):
    """The number of negatives that were predicted positive; see :class:`TruePositives`.

    Example:
        >>> FalsePositives()([0, 1, 0, 0], [0, 0, 1, 1])
        2.0
    """

    counts = ("false_positives",)


class FalseNegatives(_Count):
    """The number of positives that were predicted negative; see :class:`TruePositives`.

    Example:
        >>> FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0])
        2.0
    """

    counts = ("false_negatives",)


class _Rate(ConfusionMetric):
    direction = "up"

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name, thresholds, top_k, class_id)

    def result(self) -> Any:
        hits = self.count(self.counts[0])
        return self._one_or_all(quotient(hits, hits + self.count(self.counts[1])))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "thresholds": self.given_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(_Rate):
    """What part of the predicted positives is positive.

    Args:
        thresholds: above it, a prediction means 1; one (0.5 by default) or a list.
        top_k: only the k highest predictions of a row can be positive.
        class_id: only this column counts.
        name: of this metric.

    Raises:
        ValueError: for a threshold that is not between 0 and 1.

    Example:
        >>> round(Precision()([0, 1, 1, 1], [1, 0, 1, 1]), 4)
        0.6667
    """

    counts = ("true_positives", "false_positives")


class Recall(_Rate):
    """What part of the positives was predicted so; see :class:`Precision`.

    Example:
        >>> round(Recall()([0, 1, 1, 1], [1, 0, 1, 1]), 4)
        0.6667
    """

    counts = ("true_positives", "false_negatives")
