"""Operations that are made of others: what NumPy and Keras have a name for."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._tensor import Dimension, Tensor, Variable
from . import _table
from ._dispatch import TensorLike, operation, to_tensors
from .math import Axis, clip, matmul, max, mean, min, norm, sum, where
from .shapes import (
    _axis,
    cast,
    concatenate,
    expand_dims,
    full,
    getitem,
    reshape,
    squeeze,
    stack,
    take,
    transpose,
)

# --- other names

abs = _table.absolute
amax = max
amin = min
swish = _table.silu
true_divide = _table.divide


# --- new arrays: NumPy's, but for lengths that are known at run time only


def _new(shape: Sequence[Dimension] | int, value: float, dtype: str) -> Any:
    sizes: list[Any] = [shape] if isinstance(shape, (int, np.integer)) else list(shape)
    if all(isinstance(size, (int, np.integer)) for size in sizes):
        return np.full(sizes, value, dtype)
    return full(sizes, value, dtype)


def zeros(shape: Sequence[Dimension] | int, dtype: str = "float32") -> Any:
    """An array of zeros; a tensor where a length is that of an open axis (see :func:`shape`).

    Example:
        >>> from fastnn import ops
        >>> ops.zeros((2, 2))
        array([[0., 0.],
               [0., 0.]], dtype=float32)
    """
    return _new(shape, 0.0, dtype)


def ones(shape: Sequence[Dimension] | int, dtype: str = "float32") -> Any:
    """An array of ones; a tensor where a length is that of an open axis (see :func:`shape`).

    Example:
        >>> from fastnn import ops
        >>> ops.ones(3)
        array([1., 1., 1.], dtype=float32)
    """
    return _new(shape, 1.0, dtype)


def arange(
    start: float, stop: float | None = None, step: float = 1, dtype: str | None = None
) -> NDArray[Any]:
    """Numbers from start (default 0) up to stop; whole ones are int32, others float32.

    Example:
        >>> from fastnn import ops
        >>> ops.arange(1, 4)
        array([1, 2, 3], dtype=int32)
    """
    first, last = (0, start) if stop is None else (start, stop)
    whole = all(isinstance(x, (int, np.integer)) for x in (first, last, step))
    numbers: NDArray[Any] = np.arange(first, last, step)
    return numbers.astype(dtype or ("int32" if whole else "float32"))


def linspace(
    start: float, stop: float, num: int = 50, endpoint: bool = True, dtype: DTypeLike = "float32"
) -> NDArray[Any]:
    """Numbers at equal distances.

    Example:
        >>> from fastnn import ops
        >>> ops.linspace(0, 1, 3)
        array([0. , 0.5, 1. ], dtype=float32)
    """
    return np.linspace(start, stop, num, endpoint, dtype=dtype)


def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = "float32") -> NDArray[Any]:
    """Ones on a diagonal, zeros elsewhere.

    Example:
        >>> from fastnn import ops
        >>> ops.eye(2)
        array([[1., 0.],
               [0., 1.]], dtype=float32)
    """
    return np.eye(N, M, k, np.dtype(dtype))


def convert_to_tensor(x: Any, dtype: str | None = None) -> Any:
    """Tensors as they are, anything else as an array (Python's floats as float32).

    Example:
        >>> from fastnn import ops
        >>> ops.convert_to_tensor([1.0, 2.0])
        array([1., 2.], dtype=float32)
    """
    if isinstance(x, Tensor):
        return x if dtype in (None, x.dtype) else cast(x, str(dtype))
    array = np.asarray(x, dtype)
    if dtype is None and not isinstance(x, (np.ndarray, np.generic)) and array.dtype == np.float64:
        array = array.astype(np.float32)
    return array


array = convert_to_tensor


def convert_to_numpy(x: ArrayLike | Variable) -> NDArray[Any]:
    """The numbers as an array of NumPy's.

    Raises:
        TypeError: for a symbolic tensor, which has none.

    Example:
        >>> from fastnn import ops
        >>> ops.convert_to_numpy([1, 2])
        array([1, 2])
    """
    return np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Whether x is a tensor, or an array, which is what operations give outside of a graph.

    Example:
        >>> from fastnn import ops
        >>> ops.is_tensor(ops.zeros(2)), ops.is_tensor([0.0, 0.0])
        (True, False)
    """
    return isinstance(x, (Tensor, np.ndarray, np.generic))


# --- shapes


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
