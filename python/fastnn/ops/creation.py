"""New arrays, and arrays of other things: NumPy's, but for lengths known at run time only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .._tensor import Dimension, Tensor, Variable
from .shapes import (
    cast,
    full,
)


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
