"""The base class of initializers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn._registry import Configured

Array = NDArray[Any]


class Initializer(Configured):
    """Base class: subclasses return an array of the wanted shape from ``__call__``.

    Example:
        >>> class Halves(Initializer):
        ...     def __call__(self, shape, dtype="float32"):
        ...         return np.full(shape, 0.5, dtype)
        >>> Halves()((2,))
        array([0.5, 0.5], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: str = "float32") -> Array:
        """Makes the values: an array of ``shape`` and ``dtype``."""
        raise NotImplementedError(f"{type(self).__name__} has to define __call__(shape, dtype)")


def checked_shape(shape: Sequence[int], who: object) -> tuple[int, ...]:
    wanted = tuple(shape)
    for size in wanted:
        if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 0:
            raise ValueError(
                f"[{type(who).__name__}] expected a shape of whole numbers >= 0, got {wanted}"
            )
    if math.prod(int(size) for size in wanted) >= 2**60:
        raise ValueError(f"[{type(who).__name__}] a shape of {wanted} is more than memory can hold")
    return tuple(int(size) for size in wanted)
