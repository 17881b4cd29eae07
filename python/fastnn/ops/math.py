"""Reductions, matrix products, selection."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from .. import _core
from .._tensor import Tensor, _operators
from . import _table
from ._dispatch import TensorLike, node, operation, to_tensors
from .shapes import _axis, reshape

Axis = int | Sequence[int] | None


def _axes(x: Tensor, axis: Axis) -> list[int]:
    if axis is None:
        return list(range(x.ndim))
    axes = axis if isinstance(axis, Sequence) else [axis]
    return [operator.index(a) for a in axes]


def _reduce(op: str, x: Tensor, axis: Axis, keepdims: bool, dtype: str | None = None) -> Tensor:
    if dtype is not None:
        x = Tensor(_core.cast(x._value, dtype))
    return node(op, [x], axes=_axes(x, axis), keepdims=bool(keepdims))


def _number(x: Tensor) -> str | None:
    """Whole numbers and bool are summed as int64, as NumPy does."""
    return None if x.dtype[0] == "f" else "int64"


def _floating(x: Tensor) -> str | None:
    return None if x.dtype[0] == "f" else "float32"


@operation()
def sum(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Any:
    """Sum of the elements along axes (default: all), in an order fixed by the shape.

    Example:
        >>> from fastnn import ops
        >>> ops.sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
        array([4., 6.])
    """
    return _reduce("sum", x, axis, keepdims, _number(x))


@operation()
def mean(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Any:
    """Mean of the elements along axes (default: all).

    Example:
        >>> from fastnn import ops
        >>> float(ops.mean([1.0, 2.0, 3.0]))
        2.0
    """
    return _reduce("mean", x, axis, keepdims, _floating(x))


@operation()
def prod(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Any:
    """Product of the elements along axes (default: all).

    Example:
        >>> from fastnn import ops
        >>> float(ops.prod([1.0, 2.0, 3.0]))
        6.0
    """
    return _reduce("prod", x, axis, keepdims, _number(x))


@operation()
def max(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Any:
    """Largest element along axes (default: all); NaN if any is.

    Example:
        >>> from fastnn import ops
        >>> float(ops.max([1.0, 3.0, 2.0]))
        3.0
    """
    return _reduce("max", x, axis, keepdims)


@operation()
def min(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Any:
    """Smallest element along axes (default: all); NaN if any is.

    Example:
        >>> from fastnn import ops
        >>> float(ops.min([1.0, 3.0, 2.0]))
        1.0
    """
    return _reduce("min", x, axis, keepdims)


@operation()
def any(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether any element along axes (default: all) is true.

    Example:
        >>> from fastnn import ops
        >>> bool(ops.any([False, True]))
        True
    """
    return _reduce("any", x, axis, keepdims, "bool")


@operation()
def all(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Any:
    """Whether all elements along axes (default: all) are true.

    Example:
        >>> from fastnn import ops
        >>> bool(ops.all([False, True]))
        False
    """
    return _reduce("all", x, axis, keepdims, "bool")


def _arg(op: str, x: Tensor, axis: int | None) -> Tensor:
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    return node(op, [x], axis=axis)


@operation()
def argmax(x: Tensor, axis: int | None = None) -> Any:
    """Index of the largest element along an axis (default: of all); of equals, the first.

    Example:
        >>> from fastnn import ops
        >>> int(ops.argmax([1.0, 3.0, 2.0]))
        1
    """
    return _arg("argmax", x, axis)


@operation()
def argmin(x: Tensor, axis: int | None = None) -> Any:
    """Index of the smallest element along an axis (default: of all); of equals, the first.

    Example:
        >>> from fastnn import ops
        >>> int(ops.argmin([1.0, 3.0, 2.0]))
        0
    """
    return _arg("argmin", x, axis)


@operation()
def norm(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Any:
    """Euclidean norm along axes (default: of all elements).

    Example:
        >>> from fastnn import ops
        >>> float(ops.norm([3.0, 4.0]))
        5.0
    """
    return _table.sqrt(_reduce("sum", _table.square(x), axis, keepdims))


@operation()
def logsumexp(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) along axes (default: all), without overflow.

    Example:
        >>> from fastnn import ops
        >>> float(ops.logsumexp([1000.0, 1000.0])) > 1000
        True
    """
    from .shapes import squeeze, stop_gradient

    x = Tensor(_core.cast(x._value, _floating(x) or x.dtype))
    axes = [_axis(a, x.ndim, "logsumexp") for a in _axes(x, axis)]
    largest = stop_gradient(_reduce("max", x, axes, True))
    finite = _table.isfinite(largest)
    largest = node("where", to_tensors([finite, largest, 0.0]))
    total = _table.log(_reduce("sum", _table.exp(x - largest), axes, True)) + largest
    return total if keepdims else squeeze(total, axes)


def matmul(
    a: TensorLike, b: TensorLike, transpose_a: bool = False, transpose_b: bool = False
) -> Any:
    """Matrix product over the last two axes, the others broadcast; vectors as NumPy treats them.

    Args:
        a: shape (..., m, k), or (..., k, m) with ``transpose_a``, or (k,).
        b: shape (..., k, n), or (..., n, k) with ``transpose_b``, or (k,).
        transpose_a: use the transpose of a.
        transpose_b: use the transpose of b.

    Raises:
        ValueError: if the inner dimensions differ.

    Example:
        >>> from fastnn import ops
        >>> ops.matmul([[1.0, 2.0]], [[3.0], [4.0]])
        array([[11.]])
    """
    return _matmul_now(a, b, transpose_a, transpose_b)


@operation(2)
def _matmul(a: Tensor, b: Tensor, transpose_a: bool, transpose_b: bool) -> Any:
    if a.ndim == 0 or b.ndim == 0:
        raise ValueError("[matmul] expected at least 1 dimension, got a scalar")
    vector_a, vector_b = a.ndim == 1, b.ndim == 1
    if vector_a:
        a, transpose_a = reshape(a, (1, *a.dims)), False
    if vector_b:
        b, transpose_b = reshape(b, (*b.dims, 1)), False
    c = Tensor(_core.matmul(a._value, b._value, bool(transpose_a), bool(transpose_b)))
    if vector_a or vector_b:
        dims = list(c.dims)
        if vector_b:
            del dims[-1]
        if vector_a:
            del dims[-1 if vector_b else -2]
        c = reshape(c, dims)
    return c


def where(condition: TensorLike, a: TensorLike, b: TensorLike) -> Any:
    """a where the condition holds, else b, with broadcasting.

    Example:
        >>> from fastnn import ops
        >>> ops.where([True, False], [1.0, 2.0], [3.0, 4.0])
        array([1., 4.])
    """
    return _where_now("where", condition, a, b)


@operation(3)
def _where(condition: Tensor, a: Tensor, b: Tensor) -> Any:
    c = Tensor(_core.cast(condition._value, "bool"))
    return node("where", [c, *to_tensors([a, b])])


def clip(x: TensorLike, low: float, high: float) -> Any:
    """min(max(x, low), high).

    Example:
        >>> from fastnn import ops
        >>> ops.clip([-2.0, 0.5, 2.0], -1.0, 1.0)
        array([-1. ,  0.5,  1. ])
    """
    return _clip_now("clip", x, low=low, high=high)


@operation()
def _clip(x: Tensor, low: float, high: float) -> Any:
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        return _table.minimum(_table.maximum(x, low), high)
    return node("clip", [x], low=float(low), high=float(high))


# The short way for plain arrays, else the operation.
_where_now = _core.elementwise(lambda _, condition, a, b: _where(condition, a, b))
_matmul_now = _core.eager_matmul(_matmul)
_clip_now = _core.elementwise(lambda _, x, low, high: _clip(x, low, high))


for _name in _table.__all__:
    _operators[_name] = getattr(_table, _name)
_operators["matmul"] = matmul
