"""Shapes read and elements put in other places, made of the operations of `shapes`."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._tensor import Tensor
from ._dispatch import TensorLike, operation
from .shapes import (
    _axis,
    concatenate,
    expand_dims,
    getitem,
    reshape,
    squeeze,
    stack,
    take,
    transpose,
)


def shape(x: TensorLike) -> tuple[Any, ...]:
    """The lengths of the axes. That of an open axis stands for a number in shapes and arithmetic.

    Example:
        >>> import fastnn
        >>> from fastnn import ops
        >>> x = fastnn.placeholder((None, 3))
        >>> rows, columns = ops.shape(x)
        >>> mean = fastnn.function([x], ops.sum(x) / ops.cast(rows * columns, "float32"))
        >>> float(mean([[1.0, 2.0, 3.0]])), ops.zeros((rows, 2)).shape
        (2.0, (None, 2))
    """
    return x.dims if isinstance(x, Tensor) else np.shape(x)


def ndim(x: TensorLike) -> int:
    """The number of axes.

    Example:
        >>> from fastnn import ops
        >>> ops.ndim([[1.0]])
        2
    """
    return x.ndim if isinstance(x, Tensor) else np.ndim(x)


def size(x: TensorLike) -> Any:
    """The number of elements; where an axis is open, as a length of :func:`shape`.

    Example:
        >>> from fastnn import ops
        >>> ops.size([[1, 2], [3, 4]])
        4
    """
    return math.prod(shape(x))


def ravel(x: TensorLike) -> Any:
    """All elements along one axis.

    Example:
        >>> from fastnn import ops
        >>> ops.ravel([[1, 2], [3, 4]])
        array([1, 2, 3, 4])
    """
    return reshape(x, (-1,))


def moveaxis(x: TensorLike, source: int, destination: int) -> Any:
    """One axis put elsewhere, the others in their order.

    Example:
        >>> from fastnn import ops
        >>> ops.moveaxis(ops.zeros((2, 3, 4)), 0, -1).shape
        (3, 4, 2)
    """
    axes = list(range(ndim(x)))
    axes.insert(_axis(destination, len(axes), "moveaxis"), axes.pop(source))
    return transpose(x, axes)


def swapaxes(x: TensorLike, axis1: int, axis2: int) -> Any:
    """Two axes in each other's place.

    Example:
        >>> from fastnn import ops
        >>> ops.swapaxes(ops.zeros((2, 3, 4)), 0, 2).shape
        (4, 3, 2)
    """
    axes = list(range(ndim(x)))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return transpose(x, axes)


def hstack(xs: Sequence[TensorLike]) -> Any:
    """Side by side: along the second axis, or the only one.

    Example:
        >>> from fastnn import ops
        >>> ops.hstack([[1, 2], [3]])
        array([1, 2, 3])
    """
    return concatenate(xs, 0 if ndim(xs[0]) == 1 else 1)


def vstack(xs: Sequence[TensorLike]) -> Any:
    """On top of each other: along the first axis, vectors as rows.

    Example:
        >>> from fastnn import ops
        >>> ops.vstack([[1, 2], [3, 4]])
        array([[1, 2],
               [3, 4]])
    """
    return concatenate([expand_dims(x, 0) if ndim(x) == 1 else x for x in xs], 0)


def unstack(x: TensorLike, num: int | None = None, axis: int = 0) -> list[Any]:
    """The slices along an axis whose length is known.

    Raises:
        ValueError: for an open axis, or one of another length than ``num``.

    Example:
        >>> from fastnn import ops
        >>> ops.unstack([[1, 2], [3, 4]])
        [array([1, 2]), array([3, 4])]
    """
    length = (x.shape if isinstance(x, Tensor) else np.shape(x))[axis]
    if length is None or num not in (None, length):
        raise ValueError(f"[unstack] expected an axis of length {num or 'known'}, got {length}")
    return [squeeze(take(x, [place], axis), axis) for place in range(length)]


@operation()
def repeat(x: Tensor, repeats: int, axis: int | None = None) -> Any:
    """Each element (or slice along an axis) so many times in a row.

    Example:
        >>> from fastnn import ops
        >>> ops.repeat([1, 2], 2)
        array([1, 1, 2, 2])
    """
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    axis = _axis(axis, x.ndim, "repeat")
    several = stack([x] * operator.index(repeats), axis + 1)
    length = x.shape[axis]
    joined = -1 if length is None else length * repeats
    return reshape(several, [*x.dims[:axis], joined, *x.dims[axis + 1 :]])


@operation()
def tile(x: Tensor, repeats: int | Sequence[int]) -> Any:
    """The whole so many times along each axis (a number: along the last).

    Example:
        >>> from fastnn import ops
        >>> ops.tile([[1, 2]], (2, 2))
        array([[1, 2, 1, 2],
               [1, 2, 1, 2]])
    """
    counts = [repeats] if isinstance(repeats, int) else list(repeats)
    while x.ndim < len(counts):
        x = expand_dims(x, 0)
    counts = [1] * (x.ndim - len(counts)) + counts
    for axis, count in enumerate(counts):
        if count != 1:
            x = concatenate([x] * operator.index(count), axis)
    return x


@operation()
def roll(x: Tensor, shift: int, axis: int | None = None) -> Any:
    """Elements moved on along an axis; those that fall off the end come in at the front.

    Example:
        >>> from fastnn import ops
        >>> ops.roll([1, 2, 3, 4], 1)
        array([4, 1, 2, 3])
    """
    if axis is None:
        return reshape(roll(reshape(x, (-1,)), shift, 0), x.dims)
    axis = _axis(axis, x.ndim, "roll")
    length = x.shape[axis]
    if length is None:
        raise ValueError(f"[roll] expected an axis of known length, got {x.shape}")
    first = -shift % length if length else 0
    before = (slice(None),) * axis
    parts = [getitem(x, (*before, slice(first, None))), getitem(x, (*before, slice(0, first)))]
    return concatenate(parts, axis) if first else x
