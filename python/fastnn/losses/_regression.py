"""Losses between numbers."""

from __future__ import annotations

import math
from typing import Any

from fastnn import ops
from fastnn.losses._base import EPSILON, NamedLoss, mean_over, pair


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """``mean((y_true - y_pred)^2)`` over the last axis.

    Args:
        y_true: targets, of the predictions' shape.
        y_pred: predictions.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import numpy as np
        >>> mean_squared_error(np.zeros((1, 2)), np.array([[1.0, 3.0]]))
        array([5.])
    """
    y_true, y_pred = pair(y_true, y_pred, "mean_squared_error")
    return mean_over(ops.square(y_pred - y_true))


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """``mean(|y_true - y_pred|)`` over the last axis.

    Example:
        >>> import numpy as np
        >>> mean_absolute_error(np.zeros((1, 2)), np.array([[1.0, -3.0]]))
        array([2.])
    """
    y_true, y_pred = pair(y_true, y_pred, "mean_absolute_error")
    return mean_over(ops.absolute(y_true - y_pred))


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """``100 * mean(|y_true - y_pred| / max(|y_true|, 1e-7))`` over the last axis.

    Example:
        >>> import numpy as np
        >>> mean_absolute_percentage_error(np.array([[2.0, 4.0]]), np.array([[1.0, 4.0]]))
        array([25.])
    """
    y_true, y_pred = pair(y_true, y_pred, "mean_absolute_percentage_error")
    scale = ops.maximum(ops.absolute(y_true), EPSILON)
    return 100.0 * mean_over(ops.absolute((y_true - y_pred) / scale))


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """``mean((log(1 + y_true) - log(1 + y_pred))^2)`` over the last axis; below 1e-7 counts as it.

    Example:
        >>> import numpy as np
        >>> mean_squared_logarithmic_error(np.array([[0.0]]), np.array([[np.e - 1]])).round(4)
        array([1.])
    """
    y_true, y_pred = pair(y_true, y_pred, "mean_squared_logarithmic_error")
    difference = ops.log1p(ops.maximum(y_pred, EPSILON)) - ops.log1p(ops.maximum(y_true, EPSILON))
    return mean_over(ops.square(difference))


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Half the square for errors up to ``delta``, a straight line beyond; mean over the last axis.

    Args:
        y_true: targets.
        y_pred: predictions.
        delta: where the line begins.

    Source: Huber, 1964, "Robust estimation of a location parameter".

    Example:
        >>> import numpy as np
        >>> huber(np.zeros((1, 2)), np.array([[1.0, 3.0]]))
        array([1.5])
    """
    y_true, y_pred = pair(y_true, y_pred, "huber")
    error = y_pred - y_true
    size = ops.absolute(error)
    square = 0.5 * ops.square(error)
    return mean_over(ops.where(size <= delta, square, delta * size - 0.5 * delta**2))


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """``mean(log(cosh(y_pred - y_true)))`` over the last axis, right for any error.

    Example:
        >>> import numpy as np
        >>> log_cosh(np.zeros((1, 1)), np.array([[1000.0]])).round(4)
        array([999.3069])
    """
    y_true, y_pred = pair(y_true, y_pred, "log_cosh")
    error = y_pred - y_true
    return mean_over(error + ops.softplus(-2.0 * error) - math.log(2.0))


def unit(x: Any, axis: int) -> Any:
    """``x`` over its Euclidean norm along an axis; a norm below 1e-7 counts as 1e-7."""
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(squares, EPSILON**2))


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between target and prediction.

    Args:
        y_true: targets.
        y_pred: predictions.
        axis: what a vector runs along.

    Example:
        >>> import numpy as np
        >>> cosine_similarity(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0]])).round(4)
        array([-1.])
    """
    y_true, y_pred = pair(y_true, y_pred, "cosine_similarity")
    return -ops.sum(unit(y_true, axis) * unit(y_pred, axis), axis=axis)


class MeanSquaredError(NamedLoss):
    """The mean of squared errors: :func:`mean_squared_error`.

    Args:
        reduction: see :class:`Loss`.
        name: of this loss.

    Example:
        >>> import numpy as np
        >>> MeanSquaredError()(np.zeros((2, 2)), np.ones((2, 2)))
        1.0
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error"
    ) -> None:
        super().__init__(mean_squared_error, reduction, name)


class MeanAbsoluteError(NamedLoss):
    """The mean of absolute errors: :func:`mean_absolute_error`.

    Example:
        >>> import numpy as np
        >>> MeanAbsoluteError()(np.zeros((2, 2)), np.full((2, 2), -3.0))
        3.0
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_absolute_error"
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name)


class MeanAbsolutePercentageError(NamedLoss):
    """The mean of relative errors, in percent: :func:`mean_absolute_percentage_error`.

    Example:
        >>> import numpy as np
        >>> MeanAbsolutePercentageError()(np.full((2, 1), 4.0), np.full((2, 1), 3.0))
        25.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction, name)


class MeanSquaredLogarithmicError(NamedLoss):
    """The mean of squared errors of log(1 + x): :func:`mean_squared_logarithmic_error`.

    Example:
        >>> import numpy as np
        >>> MeanSquaredLogarithmicError()(np.ones((2, 1)), np.ones((2, 1)))
        0.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction, name)


class Huber(NamedLoss):
    """Squares near 0, a line beyond ``delta``: :func:`huber`.

    Args:
        delta: where the line begins.
        reduction: see :class:`Loss`.
        name: of this loss.

    Example:
        >>> import numpy as np
        >>> Huber()(np.zeros((1, 1)), np.full((1, 1), 3.0))
        2.5
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
    ) -> None:
        super().__init__(huber, reduction, name, delta=delta)


class LogCosh(NamedLoss):
    """The logarithm of the hyperbolic cosine of the error: :func:`log_cosh`.

    Example:
        >>> import numpy as np
        >>> LogCosh()(np.zeros((1, 1)), np.zeros((1, 1)))
        0.0
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "log_cosh"
    ) -> None:
        super().__init__(log_cosh, reduction, name)


class CosineSimilarity(NamedLoss):
    """Minus the cosine between target and prediction: :func:`cosine_similarity`.

    Args:
        axis: what a vector runs along.
        reduction: see :class:`Loss`.
        name: of this loss.

    Example:
        >>> import numpy as np
        >>> CosineSimilarity()(np.array([[0.0, 1.0]]), np.array([[5.0, 0.0]])) + 0.0
        0.0
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, axis=axis)
