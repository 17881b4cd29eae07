"""Initial values that are not random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn.initializers._base import Array, Initializer, checked_shape


class Zeros(Initializer):
    """All zeros.

    Example:
        >>> Zeros()((2,))
        array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        return np.zeros(checked_shape(shape, self), dtype)


class Ones(Initializer):
    """All ones.

    Example:
        >>> Ones()((2,))
        array([1., 1.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        return np.ones(checked_shape(shape, self), dtype)


class Constant(Initializer):
    """One value everywhere, or an array that broadcasts to the shape.

    Args:
        value: a number, or an array.

    Raises:
        ValueError: at the call, if an array does not broadcast to the shape.

    Example:
        >>> Constant(3.0)((2,))
        array([3., 3.], dtype=float32)
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        wanted = checked_shape(shape, self)
        value = np.asarray(self.value)
        try:
            return np.broadcast_to(value, wanted).astype(dtype)
        except ValueError:
            raise ValueError(
                f"[Constant] expected a value that broadcasts to {wanted}, "
                f"got one of shape {value.shape}"
            ) from None

    def get_config(self) -> dict[str, Any]:
        value = self.value
        return {"value": value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value}


class Identity(Initializer):
    """The identity matrix times ``gain``; only for two axes.

    Args:
        gain: the value on the diagonal.

    Raises:
        ValueError: at the call, if the shape has not two axes.

    Example:
        >>> Identity(2.0)((2, 2))
        array([[2., 0.],
               [0., 2.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        wanted = checked_shape(shape, self)
        if len(wanted) != 2:
            raise ValueError(f"[Identity] expected a shape of two axes, got {wanted}")
        return (self.gain * np.eye(*wanted)).astype(dtype)


class FromArray(Initializer):
    """Given values: the shape asked for has to be theirs.

    Args:
        value: an array.

    Raises:
        ValueError: at the call, for another shape.

    Example:
        >>> FromArray([1.0, 2.0])((2,))
        array([1., 2.], dtype=float32)
    """

    def __init__(self, value: Any) -> None:
        self.values = np.asarray(value)

    def __call__(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        if tuple(shape) != self.values.shape:
            raise ValueError(
                f"expected an array of shape {tuple(shape)} as initial values, "
                f"got one of shape {self.values.shape}"
            )
        return self.values.astype(dtype)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.values.tolist()}
