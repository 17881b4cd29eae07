"""Means and sums over all samples."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from fastnn import ops
from fastnn._registry import serialize
from fastnn._tensor import Variable, mask_of
from fastnn.losses._base import Loss, as_float, as_like, masked_weights, same_rank
from fastnn.metrics._base import Metric, Pair


def _axes(first: int, end: int) -> tuple[int, ...]:
    return tuple(range(first, end))


def samplewise(values: Any, sample_weight: Any, reduce: Callable[..., Any]) -> tuple[Any, Any]:
    """Weighted values with one axis, the samples', and a weight for each (or None).

    Args:
        values: a tensor; further axes are reduced.
        sample_weight: a weight for each sample, or for each value.
        reduce: ``ops.mean`` or ``ops.sum``.
    """
    weights = None
    if sample_weight is not None:
        values, weights = same_rank(values, as_like(sample_weight, values, "sample_weight"))
        rank = len(weights.shape)
        if len(values.shape) > rank:
            values = reduce(values, axis=_axes(rank, len(values.shape)))
        weights = weights * ops.ones_like(values)
        values = values * weights
        if rank > 1:
            weights = reduce(weights, axis=_axes(1, rank))
    if len(values.shape) > 1:
        values = reduce(values, axis=_axes(1, len(values.shape)))
    return values, weights


def _total(values: Any) -> Any:
    return ops.cast(ops.sum(values), "float64")


class Sum(Metric):
    """The weighted sum of all values.

    Args:
        name: of this metric.

    Example:
        >>> metric = Sum()
        >>> metric.update_state([1.0, 3.0, 5.0])
        >>> metric.result()
        9.0
    """

    def __init__(self, name: str | None = "sum") -> None:
        super().__init__(name)
        self.total: Variable = self.add_variable("total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes in an array of values, with weights or none."""
        self._take_in([("values", values)], sample_weight)

    def update(self, values: Any, sample_weight: Any = None) -> list[Pair]:  # type: ignore[override]
        """What a batch adds."""
        weighted, _ = samplewise(as_float(values, "values"), sample_weight, ops.sum)
        return [(self.total, self.total + _total(weighted))]

    def result(self) -> Any:
        return float(self.total.get_value())


class Mean(Metric):
    """The weighted mean of all values.

    Args:
        name: of this metric.

    Example:
        >>> metric = Mean()
        >>> metric.update_state([1.0, 3.0])
        >>> metric.update_state([8.0])
        >>> metric.result()
        4.0
    """

    def __init__(self, name: str | None = "mean") -> None:
        super().__init__(name)
        self.total: Variable = self.add_variable("total")
        self.count: Variable = self.add_variable("count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes in an array of values, with weights or none."""
        self._take_in([("values", values)], sample_weight)

    def update(self, values: Any, sample_weight: Any = None) -> list[Pair]:  # type: ignore[override]
        """What a batch adds."""
        return self.add_values(values, sample_weight)

    def add_values(self, values: Any, sample_weight: Any = None) -> list[Pair]:
        """The pairs that add values (a tensor) with weights to the mean."""
        values = as_float(values, "values")
        width = values.shape[1:]
        if sample_weight is None and None not in width:
            count = ops.shape_of(values, 0, "float64") if len(values.shape) else 1.0
            total = _total(values) if math.prod(width) == 1 else _total(values) / math.prod(width)
        else:
            weighted, weights = samplewise(values, sample_weight, ops.mean)
            total = _total(weighted)
            count = ops.shape_of(weighted, 0, "float64") if weights is None else _total(weights)
        return [(self.total, self.total + total), (self.count, self.count + count)]

    def result(self) -> Any:
        count = float(self.count.get_value())
        return float(self.total.get_value()) / count if count else 0.0


class MeanMetricWrapper(Mean):
    """The mean of a function ``fn(y_true, y_pred, **settings)`` over all samples.

    Args:
        fn: gives values per sample (a loss function, say), composed from ``fastnn.ops``.
        name: by default the function's.
        settings: further arguments of the function.

    Example:
        >>> import numpy as np
        >>> def off_by(y_true, y_pred):
        ...     return ops.absolute(y_true - y_pred)
        >>> MeanMetricWrapper(off_by)(np.zeros((2, 1)), np.array([[1.0], [3.0]]))
        2.0
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, **settings: Any) -> None:
        if name is None:
            name = fn.name if isinstance(fn, Loss) else getattr(fn, "__name__", None)
        super().__init__(name)
        self.fn = fn.call if isinstance(fn, Loss) else fn
        self.settings = settings

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Takes in a batch of arrays."""
        Metric.update_state(self, y_true, y_pred, sample_weight)

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Pair]:  # type: ignore[override]
        """What a batch adds: the values that the mask beside the predictions lets through."""
        mask = mask_of(y_pred)
        values = as_float(self.fn(y_true, y_pred, **self.settings), "values")
        return self.add_values(values, masked_weights(sample_weight, mask, values))

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **self.settings}
        own = inspect.signature(type(self).__init__).parameters
        return {**config, "fn": serialize(self.fn)} if "fn" in own else config
