"""Losses of margins."""

from __future__ import annotations

from typing import Any

from fastnn import ops
from fastnn.losses._base import NamedLoss, mean_over, pair


def _signs(y_true: Any) -> Any:
    """Targets of 0 and 1 become -1 and 1; a batch with other values stays."""
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0.0), ops.equal(y_true, 1.0)))
    return ops.where(binary, 2.0 * y_true - 1.0, y_true)


def _margin(y_true: Any, y_pred: Any, who: str) -> Any:
    y_true, y_pred = pair(y_true, y_pred, who)
    return ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(max(1 - y_true * y_pred, 0))`` over the last axis.

    Args:
        y_true: targets of -1 and 1 (or 0 and 1).
        y_pred: predictions, of the same shape.

    Example:
        >>> import numpy as np
        >>> hinge(np.array([[-1.0, 1.0]]), np.array([[0.5, 2.0]]))
        array([0.75])
    """
    return mean_over(_margin(y_true, y_pred, "hinge"))


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(max(1 - y_true * y_pred, 0)^2)`` over the last axis; see :func:`hinge`.

    Example:
        >>> import numpy as np
        >>> squared_hinge(np.array([[-1.0, 1.0]]), np.array([[1.0, 2.0]]))
        array([2.])
    """
    return mean_over(ops.square(_margin(y_true, y_pred, "squared_hinge")))


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """``max(neg - pos + 1, 0)``: the true class's score against the highest of the others.

    Args:
        y_true: one-hot targets.
        y_pred: scores, of the same shape.

    Example:
        >>> import numpy as np
        >>> categorical_hinge(np.array([[0.0, 1.0]]), np.array([[0.25, 0.75]]))
        array([0.5])
    """
    y_true, y_pred = pair(y_true, y_pred, "categorical_hinge")
    positive = ops.sum(y_true * y_pred, axis=-1)
    negative = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(negative - positive + 1.0, 0.0)


class Hinge(NamedLoss):
    """The loss of a support vector machine: :func:`hinge`.

    Args:
        reduction: see :class:`Loss`.
        name: of this loss.

    Example:
        >>> import numpy as np
        >>> Hinge()(np.array([[-1.0, 1.0]]), np.array([[0.5, 2.0]]))
        0.75
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "hinge") -> None:
        super().__init__(hinge, reduction, name)


class SquaredHinge(NamedLoss):
    """Squared margins: :func:`squared_hinge`.

    Example:
        >>> import numpy as np
        >>> SquaredHinge()(np.array([[-1.0, 1.0]]), np.array([[1.0, 2.0]]))
        2.0
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "squared_hinge"
    ) -> None:
        super().__init__(squared_hinge, reduction, name)


class CategoricalHinge(NamedLoss):
    """The margin between classes: :func:`categorical_hinge`.

    Example:
        >>> import numpy as np
        >>> CategoricalHinge()(np.array([[0.0, 1.0]]), np.array([[0.25, 0.75]]))
        0.5
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "categorical_hinge"
    ) -> None:
        super().__init__(categorical_hinge, reduction, name)
