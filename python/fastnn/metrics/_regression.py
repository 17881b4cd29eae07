"""Metrics between numbers that are no mean of a loss."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from fastnn import ops
from fastnn.losses._base import as_like, pair
from fastnn.losses._regression import cosine_similarity as cosine_loss
from fastnn.metrics._base import Metric, Pair, plain
from fastnn.metrics._reduction import Mean, MeanMetricWrapper


class RootMeanSquaredError(Mean):
    """The root of the mean of squared errors.

    Args:
        name: of this metric.

    Example:
        >>> RootMeanSquaredError()([[0.0], [0.0]], [[1.0], [7.0]])
        5.0
    """

    direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error") -> None:
        super().__init__(name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes in a batch of arrays."""
        Metric.update_state(self, y_true, y_pred, sample_weight)

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Pair]:  # type: ignore[override]
        """What a batch adds."""
        y_true, y_pred = pair(y_true, y_pred, "root_mean_squared_error")
        return self.add_values(ops.square(y_pred - y_true), sample_weight)

    def result(self) -> float:
        return math.sqrt(super().result())


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine of the angle between target and prediction (the loss is minus it).

    Example:
        >>> cosine_similarity(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0]])).round(4)
        array([1.])
    """
    return -cosine_loss(y_true, y_pred, axis)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine between target and prediction: :func:`cosine_similarity`.

    Args:
        name: of this metric.
        axis: what a vector runs along.

    Example:
        >>> round(CosineSimilarity()([[1.0, 0.0]], [[2.0, 0.0]]), 4)
        1.0
    """

    direction = "up"

    def __init__(self, name: str | None = "cosine_similarity", axis: int = -1) -> None:
        super().__init__(cosine_similarity, name, axis=axis)


class R2Score(Metric):
    """The coefficient of determination: 1 - (sum of squared errors) / (sum of squares around the
    mean).

    Args:
        class_aggregation: 'uniform_average' or 'variance_weighted_average' of the outputs, or
            None: a score for each.
        num_regressors: for the adjusted score: how many inputs there were; 0: not adjusted.
        name: of this metric.

    Raises:
        ValueError: for an unknown aggregation or a negative number; at the first batch, for
            inputs that are not of shape (batch, outputs).

    Example:
        >>> round(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]), 4)
        0.5714
    """

    direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
    ) -> None:
        super().__init__(name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                "[R2Score] expected class_aggregation None, 'uniform_average' or "
                f"'variance_weighted_average', got {class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(f"[R2Score] expected num_regressors >= 0, got {num_regressors}")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors

    def build(self, y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> None:
        """Makes the sums: one an output."""
        wide = len(y_pred_shape) == 2 and len(y_true_shape) == 2
        if not wide or y_pred_shape[1] is None:
            raise ValueError(
                f"[R2Score] expected inputs of shape (batch, outputs), got {y_true_shape} and "
                f"{y_pred_shape}"
            )
        shape = (int(y_pred_shape[1]),)
        self.squared_sum = self.add_variable("squared_sum", shape)
        self.sum = self.add_variable("sum", shape)
        self.residual = self.add_variable("residual", shape)
        self.count = self.add_variable("count", shape)
        self.samples = self.add_variable("num_samples")

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Pair]:
        y_true, y_pred = pair(y_true, y_pred, "r2_score")
        self.ensure_built(y_true.shape, y_pred.shape)
        true, predicted = ops.cast(y_true, "float64"), ops.cast(y_pred, "float64")
        weight = ops.ones_like(true)
        if sample_weight is not None:
            given = as_like(sample_weight, true, "sample_weight")
            weight = weight * (ops.expand_dims(given, -1) if len(given.shape) == 1 else given)
        weighted = true * weight
        size = ops.shape_of(true, 0, "float64") * float(true.shape[1])
        return [
            (self.squared_sum, self.squared_sum + ops.sum(true * weighted, axis=0)),
            (self.sum, self.sum + ops.sum(weighted, axis=0)),
            (
                self.residual,
                self.residual + ops.sum(ops.square(true - predicted) * weight, axis=0),
            ),
            (self.count, self.count + ops.sum(weight, axis=0)),
            (self.samples, self.samples + size),
        ]

    def result(self) -> Any:
        if not self.built:
            return 0.0
        total_sum, count = self.sum.get_value(), self.count.get_value()
        with np.errstate(divide="ignore", invalid="ignore"):
            total = self.squared_sum.get_value() - total_sum * (total_sum / count)
            scores = 1.0 - self.residual.get_value() / total
        scores = np.where(np.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            score: Any = np.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            score = np.sum(total * scores) / np.sum(total)
        else:
            score = scores
        return plain(self._adjusted(score))

    def _adjusted(self, score: Any) -> Any:
        samples, inputs = float(self.samples.get_value()), self.num_regressors
        if inputs == 0:
            return score
        if inputs >= samples - 1.0:
            warnings.warn(
                f"[R2Score] {inputs} inputs and {samples:.0f} samples: too few to adjust, "
                "giving the standard score",
                UserWarning,
                stacklevel=3,
            )
            return score
        return 1.0 - (1.0 - score) * (samples - 1.0) / (samples - inputs - 1.0)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
