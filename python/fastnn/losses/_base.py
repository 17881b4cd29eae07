"""The base class of losses: values per sample, weights, reduction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn import ops
from fastnn._registry import Configured, serialize, snake_case, unique_name
from fastnn._tensor import Tensor, mask_of

EPSILON = 1e-7

_REDUCTIONS = ("sum_over_batch_size", "sum", "none", None, "mean", "mean_with_sample_weight")


def as_value(x: Any, what: str = "y_pred") -> Any:
    """``x`` as a tensor, or as an array of numbers."""
    if isinstance(x, Tensor):
        return x
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"expected numbers in {what}, got an array of dtype {array.dtype}")
    return array


def as_float(x: Any, what: str = "y_pred") -> Any:
    """``x`` as a floating tensor or array; whole numbers become float32."""
    value = as_value(x, what)
    return value if dtype_of(value) in ("float32", "float64") else ops.cast(value, "float32")


def dtype_of(x: Any) -> str:
    """The dtype's name, of a tensor or an array."""
    return str(x.dtype)


def as_like(x: Any, other: Any, what: str = "y_true") -> Any:
    """``x`` in the dtype of ``other``."""
    value, dtype = as_value(x, what), dtype_of(other)
    return value if dtype_of(value) == dtype else ops.cast(value, dtype)


def same_rank(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Adds or drops a last axis of length 1, so that both have the same number of axes.

    A (batch,) against a (batch, 1) becomes (batch, 1); longer shapes lose the axis.
    """
    rank_true, rank_pred = len(y_true.shape), len(y_pred.shape)
    if rank_true == rank_pred + 1 and y_true.shape[-1] == 1:
        if rank_pred == 1:
            return y_true, ops.expand_dims(y_pred, -1)
        return ops.squeeze(y_true, -1), y_pred
    if rank_pred == rank_true + 1 and y_pred.shape[-1] == 1:
        if rank_true == 1:
            return ops.expand_dims(y_true, -1), y_pred
        return y_true, ops.squeeze(y_pred, -1)
    return y_true, y_pred


def pair(y_true: Any, y_pred: Any, who: str) -> tuple[Any, Any]:
    """Target and prediction with the same shape and dtype, or an error that names both shapes."""
    y_pred = as_float(y_pred)
    y_true, y_pred = same_rank(as_like(y_true, y_pred), y_pred)
    agree = len(y_true.shape) == len(y_pred.shape) and all(
        a is None or b is None or a == b for a, b in zip(y_true.shape, y_pred.shape, strict=True)
    )
    if not agree:
        raise ValueError(
            f"[{who}] expected y_true of the predictions' shape {tuple(y_pred.shape)}, "
            f"got {tuple(y_true.shape)}"
        )
    return y_true, y_pred


def mean_over(values: Any, axis: int = -1) -> Any:
    """The mean along an axis; one of length 1 is dropped, which takes no call at run time."""
    if len(values.shape) > 0 and values.shape[axis] == 1:
        return ops.squeeze(values, axis)
    return ops.mean(values, axis=axis)


def divide_no_nan(a: Any, b: Any) -> Any:
    """``a / b``, and 0 where b is 0."""
    zero = ops.equal(b, 0.0)
    return ops.where(zero, ops.zeros_like(a), a / ops.where(zero, ops.ones_like(b), b))


def checked_reduction(reduction: str | None) -> str | None:
    """The reduction itself, or an error that lists the known ones."""
    if reduction not in _REDUCTIONS:
        raise ValueError(f"expected a reduction out of {_REDUCTIONS}, got {reduction!r}")
    return reduction


def _as_weights(weights: Any, values: Any, what: str) -> Any:
    return as_like(weights, values, what)


def _broadcast_weights(weights: Any, values: Any) -> tuple[Any, Any]:
    """Weights that multiply values: (batch,) weighs (batch, time) by its leading axis."""
    values, weights = same_rank(values, weights)
    rank = len(values.shape)
    if len(weights.shape) > rank:
        raise ValueError(
            f"expected sample_weight of at most {len(values.shape)} axes, as the losses have "
            f"(shape {tuple(values.shape)}), got shape {tuple(weights.shape)}"
        )
    return values, _trailing(weights, rank)


def reduce_weighted(
    values: Any, sample_weight: Any = None, mask: Any = None, reduction: str | None = "sum"
) -> Any:
    """Weighs and masks the losses per sample, and reduces them as the reduction says.

    With a mask, 'mean' and 'sum_over_batch_size' divide by the number of entries it lets through.

    Args:
        values: losses, a tensor or array.
        sample_weight: weights of the samples (or of the single losses), or None.
        mask: which losses count, or None.
        reduction: see :class:`Loss`.

    Raises:
        ValueError: for weights or a mask with more axes than the losses have.
    """
    averaged = reduction in ("mean", "sum_over_batch_size")
    if mask is not None and len(mask.shape) > max(1, len(values.shape)):
        raise ValueError(
            f"the predictions have a mask of shape {tuple(mask.shape)}, one entry a step, and the "
            f"losses the shape {tuple(values.shape)}: give targets and predictions an axis behind "
            "that of the steps"
        )
    weights = masked_weights(sample_weight, mask, values, averaged)
    if weights is not None:
        values, weights = _broadcast_weights(weights, values)
        values = values * weights
    if reduction in (None, "none") or len(values.shape) == 0:
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and weights is not None:
        return divide_no_nan(ops.sum(values), ops.sum(weights))
    return ops.mean(values)


def masked_weights(sample_weight: Any, mask: Any, like: Any, averaged: bool = False) -> Any:
    """Sample weights with a mask multiplied in; None where there is neither.

    Args:
        sample_weight: weights, or None.
        mask: which entries count, or None.
        like: gives the dtype.
        averaged: whether the mask's entries are scaled so that a mean over all entries becomes one
            over those that count.
    """
    given = None if sample_weight is None else _as_weights(sample_weight, like, "sample_weight")
    if mask is None:
        return given
    weights = ops.cast(mask, dtype_of(like))
    if averaged:
        weights = weights * divide_no_nan(ops.sum(ops.ones_like(weights)), ops.sum(weights))
    if given is None:
        return weights
    weights, given = _aligned(weights, given)
    return weights * given


def _aligned(a: Any, b: Any) -> tuple[Any, Any]:
    """Two arrays that multiply along their leading axes: (batch, time) with (batch,)."""
    a, b = same_rank(a, b)
    rank = max(len(a.shape), len(b.shape))
    return _trailing(a, rank), _trailing(b, rank)


def _trailing(x: Any, rank: int) -> Any:
    for axis in range(len(x.shape), rank):
        x = ops.expand_dims(x, axis)
    return x


class Loss(Configured):
    """Base class: subclasses give the losses per sample from ``call(y_true, y_pred)``.

    Args:
        name: of this loss; by default the class's, in snake_case.
        reduction: 'sum_over_batch_size' (or 'mean'): the mean over all losses; 'sum';
            'mean_with_sample_weight': the sum over the sum of the weights; 'none' or None: the
            losses themselves.

    Raises:
        ValueError: for an unknown reduction.

    Example:
        >>> class Cubed(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.mean(ops.absolute(y_pred - y_true) ** 3, axis=-1)
        >>> Cubed()(np.zeros((2, 1)), np.full((2, 1), 2.0))
        8.0
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size"
    ) -> None:
        self.name = name or unique_name(snake_case(type(self).__name__))
        self.reduction = checked_reduction(reduction)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The losses, without the axes that they are a mean over."""
        raise NotImplementedError(f"{type(self).__name__} has to define call(y_true, y_pred)")

    def mask(self, y_true: Any, y_pred: Any) -> Any:
        """Which losses count; None: all."""
        return None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss: a tensor for tensors, a float (or an array) for arrays.

        Where layers have put a mask beside the predictions, only the losses that it lets through
        count.

        Args:
            y_true: targets.
            y_pred: predictions; the targets are cast to their dtype.
            sample_weight: a weight for each sample, or for each single loss.
        """
        mask = mask_of(y_pred)
        y_true, y_pred = as_value(y_true, "y_true"), as_float(y_pred)
        values = self.call(y_true, y_pred)
        own = self.mask(y_true, y_pred)
        if mask is None or own is None:
            mask = own if mask is None else mask
        else:
            mask = ops.logical_and(*_aligned(mask, own))
        reduced = reduce_weighted(values, sample_weight, mask, self.reduction)
        if isinstance(reduced, Tensor) or np.ndim(reduced) > 0:
            return reduced
        return float(reduced)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this object again."""
        return {"name": self.name, "reduction": self.reduction}


class LossFunctionWrapper(Loss):
    """A loss from a function ``fn(y_true, y_pred, **settings)`` that gives losses per sample.

    Args:
        fn: the function.
        reduction: see :class:`Loss`.
        name: by default the function's.
        settings: further arguments of the function.

    Example:
        >>> def off_by(y_true, y_pred, scale):
        ...     return scale * ops.mean(y_pred - y_true, axis=-1)
        >>> LossFunctionWrapper(off_by, scale=2.0)(np.zeros((2, 1)), np.ones((2, 1)))
        2.0
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", None), reduction)
        self.fn = fn
        self.settings = settings

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.fn(y_true, y_pred, **self.settings)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fn": serialize(self.fn), **self.settings}


class NamedLoss(LossFunctionWrapper):
    """A loss whose function is fixed by its class."""

    def get_config(self) -> dict[str, Any]:
        return {**Loss.get_config(self), **self.settings}
