"""Arithmetic that is made of other operations: what NumPy and Keras have a name for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._tensor import Tensor
from . import _table
from ._dispatch import TensorLike, operation, to_tensors
from .arrangement import ndim, shape
from .math import Axis, clip, matmul, max, mean, min, norm, sum, where
from .shapes import (
    _axis,
    cast,
    reshape,
    transpose,
)

# --- other names

abs = _table.absolute
amax = max
amin = min
swish = _table.silu
true_divide = _table.divide


# --- reductions


def _deviations(x: Tensor, axis: Axis) -> Tensor:
    return _table.square(x - mean(x, axis, keepdims=True))  # type: ignore[no-any-return]


@operation()
def var(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean square distance from the mean.

    Example:
        >>> from fastnn import ops
        >>> float(ops.var([1.0, 3.0]))
        1.0
    """
    return mean(_deviations(x, axis), axis, keepdims)


@operation()
def std(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Any:
    """The square root of :func:`var`.

    Example:
        >>> from fastnn import ops
        >>> float(ops.std([1.0, 5.0]))
        2.0
    """
    return _table.sqrt(var(x, axis, keepdims))


def moments(x: TensorLike, axes: Axis, keepdims: bool = False) -> tuple[Any, Any]:
    """Mean and variance.

    Example:
        >>> from fastnn import ops
        >>> [float(value) for value in ops.moments([1.0, 3.0], 0)]
        [2.0, 1.0]
    """
    return mean(x, axes, keepdims), var(x, axes, keepdims)


def average(x: TensorLike, axis: int | None = None, weights: TensorLike | None = None) -> Any:
    """The mean, in which each element has a weight.

    Example:
        >>> from fastnn import ops
        >>> float(ops.average([1.0, 4.0], weights=[2.0, 1.0]))
        2.0
    """
    if weights is None:
        return mean(x, axis)
    if ndim(weights) == 1 and ndim(x) > 1 and axis is not None:
        behind = ndim(x) - 1 - _axis(axis, ndim(x), "average")
        weights = reshape(weights, (-1, *[1] * behind))
    share = _table.multiply(_table.add(_table.multiply(x, 0), 1), weights)
    return _table.divide(sum(_table.multiply(x, weights), axis), sum(share, axis))


def count_nonzero(x: TensorLike, axis: Axis = None) -> Any:
    """How many elements are not 0.

    Example:
        >>> from fastnn import ops
        >>> int(ops.count_nonzero([0, 2, 3]))
        2
    """
    return sum(cast(_table.not_equal(x, 0), "int32"), axis)


# --- products


def dot(a: TensorLike, b: TensorLike) -> Any:
    """NumPy's product: of vectors their scalar product, else over the last axis of a.

    Example:
        >>> from fastnn import ops
        >>> float(ops.dot([1.0, 2.0], [3.0, 4.0]))
        11.0
    """
    if ndim(a) == 0 or ndim(b) == 0:
        return _table.multiply(a, b)
    if ndim(b) <= 2:
        return matmul(a, b)
    return tensordot(a, b, ([ndim(a) - 1], [ndim(b) - 2]))


def outer(a: TensorLike, b: TensorLike) -> Any:
    """Each element of a times each of b.

    Example:
        >>> from fastnn import ops
        >>> ops.outer([1.0, 2.0], [3.0, 4.0])
        array([[3., 4.],
               [6., 8.]])
    """
    return _table.multiply(reshape(a, (-1, 1)), reshape(b, (1, -1)))


def tensordot(a: TensorLike, b: TensorLike, axes: Any = 2) -> Any:
    """Sums of products over axes: the last of a and first of b, or a list for each.

    Example:
        >>> from fastnn import ops
        >>> ops.tensordot(ops.ones((2, 3, 4)), ops.ones((3, 4, 5)), 2).shape
        (2, 5)
    """
    a, b = to_tensors([a, b], "tensordot") if _symbolic(a, b) else (np.asarray(a), np.asarray(b))
    if isinstance(axes, int):
        axes = (list(range(ndim(a) - axes, ndim(a))), list(range(axes)))
    ours, theirs = ([one] if isinstance(one, int) else list(one) for one in axes)
    ours = [_axis(axis, ndim(a), "tensordot") for axis in ours]
    theirs = [_axis(axis, ndim(b), "tensordot") for axis in theirs]
    left = [axis for axis in range(ndim(a)) if axis not in ours]
    right = [axis for axis in range(ndim(b)) if axis not in theirs]
    sizes, others = shape(a), shape(b)
    inner = math.prod(sizes[axis] for axis in ours)
    product = matmul(
        reshape(transpose(a, [*left, *ours]), (-1, inner)),
        reshape(transpose(b, [*theirs, *right]), (inner, -1)),
    )
    return reshape(product, [*(sizes[i] for i in left), *(others[i] for i in right)])


def _symbolic(*xs: Any) -> bool:
    return any(isinstance(x, Tensor) for x in xs)


# --- functions


def log2(x: TensorLike) -> Any:
    """The logarithm to base 2.

    Example:
        >>> from fastnn import ops
        >>> float(ops.log2(8.0).round(6))
        3.0
    """
    return _table.multiply(_table.log(x), 1 / math.log(2))


def log10(x: TensorLike) -> Any:
    """The logarithm to base 10.

    Example:
        >>> from fastnn import ops
        >>> float(ops.log10(1000.0).round(6))
        3.0
    """
    return _table.multiply(_table.log(x), 1 / math.log(10))


def tan(x: TensorLike) -> Any:
    """The tangent.

    Example:
        >>> from fastnn import ops
        >>> float(ops.tan(0.0))
        0.0
    """
    return _table.divide(_table.sin(x), _table.cos(x))


def sinh(x: TensorLike) -> Any:
    """The hyperbolic sine.

    Example:
        >>> from fastnn import ops
        >>> float(ops.sinh(0.0))
        0.0
    """
    return _table.multiply(_table.subtract(_table.expm1(x), _table.expm1(_table.negative(x))), 0.5)


def cosh(x: TensorLike) -> Any:
    """The hyperbolic cosine.

    Example:
        >>> from fastnn import ops
        >>> float(ops.cosh(0.0))
        1.0
    """
    return _table.multiply(_table.add(_table.exp(x), _table.exp(_table.negative(x))), 0.5)


def logical_xor(a: TensorLike, b: TensorLike) -> Any:
    """Whether just one of them is true.

    Example:
        >>> from fastnn import ops
        >>> bool(ops.logical_xor(True, True))
        False
    """
    return _table.not_equal(cast(a, "bool"), cast(b, "bool"))


def isinf(x: TensorLike) -> Any:
    """Where an element is infinite.

    Example:
        >>> from fastnn import ops
        >>> ops.isinf([1.0, float("inf"), float("nan")])
        array([False,  True, False])
    """
    return _table.equal(_table.absolute(x), math.inf)


def isclose(a: TensorLike, b: TensorLike, rtol: float = 1e-5, atol: float = 1e-8) -> Any:
    """Where elements differ by no more than ``atol + rtol * |b|``.

    Example:
        >>> from fastnn import ops
        >>> ops.isclose([1.0, 2.0], [1.0, 2.1])
        array([ True, False])
    """
    allowed = _table.add(_table.multiply(_table.absolute(b), rtol), atol)
    near = _table.less_equal(_table.absolute(_table.subtract(a, b)), allowed)
    return _table.logical_or(near, _table.equal(a, b))


def nan_to_num(x: TensorLike, nan: float = 0.0) -> Any:
    """NaN replaced by a number, infinities by the largest numbers of float32.

    Example:
        >>> from fastnn import ops
        >>> ops.nan_to_num([float("nan"), 1.0])
        array([0., 1.])
    """
    largest = float(np.finfo(np.float32).max)
    return where(_table.isnan(x), nan, clip(x, -largest, largest))


def normalize(x: TensorLike, axis: int = -1, order: int = 2, epsilon: float = 1e-12) -> Any:
    """Vectors along an axis divided by their norm, or by epsilon where that is larger.

    Example:
        >>> from fastnn import ops
        >>> ops.normalize([[3.0, 4.0]])
        array([[0.6, 0.8]])
    """
    if order == 2:
        length = norm(x, axis=axis, keepdims=True)
    else:
        powers = sum(_table.power(_table.absolute(x), order), axis, keepdims=True)
        length = _table.power(powers, 1 / order)
    return _table.divide(x, _table.maximum(length, epsilon))
