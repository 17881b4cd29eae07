"""The area under a curve of rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import ops
from fastnn._tensor import Variable
from fastnn.metrics._base import Metric, Pair, quotient
from fastnn.metrics._confusion import NAMES, confusion

_EPSILON = 1e-7


class AUC(Metric):
    """The area under the ROC or the precision-recall curve, from counts at thresholds.

    Args:
        num_thresholds: how many, from 0 to 1.
        curve: 'ROC' or 'PR'.
        summation_method: 'interpolation' (the mid-point rule; for PR the curve between two
            points is interpolated as Davis and Goadrich do), 'minoring' or 'majoring'.
        name: of this metric.
        thresholds: given ones, in the place of ``num_thresholds``.
        multi_label: whether each label (column) has a curve of its own; the areas are averaged.
        num_labels: their number; needed only to build before the first batch.
        label_weights: weights of the labels in the average (or, with one curve, in the counts).
        from_logits: whether predictions are logits.

    Raises:
        ValueError: for an unknown curve or method, or fewer than two thresholds.

    Source: Davis and Goadrich, 2006, "The relationship between precision-recall and ROC curves".

    Example:
        >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
        0.75
    """

    direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name)
        self.curve = str(curve).upper()
        if self.curve not in ("ROC", "PR"):
            raise ValueError(f"[AUC] expected curve 'ROC' or 'PR', got {curve!r}")
        self.summation_method = str(summation_method).lower()
        if self.summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(
                "[AUC] expected summation_method 'interpolation', 'minoring' or 'majoring', "
                f"got {summation_method!r}"
            )
        if thresholds is None and num_thresholds < 2:
            raise ValueError(f"[AUC] expected num_thresholds of 2 or more, got {num_thresholds}")
        if num_labels is not None and not multi_label:
            raise ValueError("[AUC] num_labels is for multi_label=True")
        self._given = None if thresholds is None else sorted(float(t) for t in thresholds)
        inner = (
            [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]
            if self._given is None
            else self._given
        )
        # The outer ones lie beyond 0 and 1, so that all and none are above them.
        self.thresholds = [-_EPSILON, *inner, 1.0 + _EPSILON]
        self.num_thresholds = len(self.thresholds)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else [float(w) for w in label_weights]
        self.from_logits = from_logits
        self.counters: dict[str, Variable] = {}
        if not multi_label or num_labels is not None:
            self.ensure_built((None, num_labels), (None, num_labels))

    def build(self, y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> None:
        """Makes the counters: one a threshold (and label)."""
        shape: tuple[int, ...] = (self.num_thresholds,)
        if self.multi_label:
            if len(y_pred_shape) != 2 or y_pred_shape[1] is None:
                raise ValueError(
                    "[AUC] expected predictions of shape (batch, labels) for multi_label=True, "
                    f"got {y_pred_shape}"
                )
            shape = (self.num_thresholds, int(y_pred_shape[1]))
        self.counters = {count: self.add_variable(count, shape) for count in NAMES}

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Pair]:
        self.ensure_built(y_true.shape, y_pred.shape)
        if self.from_logits:
            y_pred = ops.sigmoid(y_pred)
        added = confusion(
            y_true,
            ops.clip(y_pred, 0.0, 1.0),
            self.thresholds,
            sample_weight,
            multi_label=self.multi_label,
            label_weights=self.label_weights,
        )
        return [(variable, variable + added[n]) for n, variable in self.counters.items()]

    def result(self) -> float:
        if not self.counters:
            return 0.0
        tp, fp, tn, fn = (self.counters[count].get_value() for count in NAMES)
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated_pr(tp, fp, fn)
        elif self.curve == "ROC":
            areas = self._area(quotient(fp, fp + tn), quotient(tp, tp + fn))
        else:
            areas = self._area(quotient(tp, tp + fn), quotient(tp, tp + fp))
        if not self.multi_label:
            return float(areas)
        return float(np.average(areas, weights=self.label_weights))

    def _area(self, x: NDArray[Any], y: NDArray[Any]) -> Any:
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2.0
        elif self.summation_method == "minoring":
            heights = np.minimum(y[:-1], y[1:])
        else:
            heights = np.maximum(y[:-1], y[1:])
        return np.sum((x[:-1] - x[1:]) * heights, axis=0)

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }
        return config if self._given is None else {**config, "thresholds": self._given}


def _interpolated_pr(tp: NDArray[Any], fp: NDArray[Any], fn: NDArray[Any]) -> Any:
    """Between two thresholds, true positives are a straight line of all predicted positives."""
    all_positive = tp + fp
    dtp = tp[:-1] - tp[1:]
    slope = quotient(dtp, np.maximum(all_positive[:-1] - all_positive[1:], 0.0))
    intercept = tp[1:] - slope * all_positive[1:]
    both = (all_positive[:-1] > 0.0) & (all_positive[1:] > 0.0)
    ratio = np.where(both, quotient(all_positive[:-1], np.maximum(all_positive[1:], 0.0)), 1.0)
    steps = quotient(slope * (dtp + intercept * np.log(ratio)), np.maximum(tp[1:] + fn[1:], 0.0))
    return np.sum(steps, axis=0)
