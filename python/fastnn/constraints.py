"""What weights have to fulfil: applied to them after every update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastnn import ops
from fastnn._registry import Configured, Registry, serialize

_EPSILON = 1e-7

Axis = int | tuple[int, ...] | list[int]


class Constraint(Configured):
    """Base class: ``__call__`` gives the weight as it has to be.

    Example:
        >>> class Positive(Constraint):
        ...     def __call__(self, w):
        ...         return ops.absolute(w)
        >>> import numpy as np
        >>> Positive()(np.array([-1.0, 2.0]))
        array([1., 2.])
    """

    def __call__(self, w: Any) -> Any:
        """The constrained ``w``, of its shape and dtype."""
        raise NotImplementedError(f"{type(self).__name__} has to define __call__(w)")


def _norms(w: Any, axis: Axis) -> Any:
    axes = tuple(axis) if isinstance(axis, list) else axis
    return ops.sqrt(ops.sum(ops.square(w), axis=axes, keepdims=True))


class MaxNorm(Constraint):
    """Vectors longer than ``max_value`` are shortened to it.

    Args:
        max_value: the largest norm.
        axis: what a vector runs along: 0 for the incoming weights of Dense, (0, 1, 2) for Conv2D.

    Source: Srivastava et al., 2014, "Dropout".

    Example:
        >>> import numpy as np
        >>> MaxNorm(1.0)(np.array([[3.0], [4.0]])).round(4)
        array([[0.6],
               [0.8]])
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0.0, self.max_value) / (norms + _EPSILON))


class NonNeg(Constraint):
    """Negative weights become 0.

    Example:
        >>> import numpy as np
        >>> NonNeg()(np.array([-1.0, 2.0]))
        array([0., 2.])
    """

    def __call__(self, w: Any) -> Any:
        return ops.maximum(w, 0.0)


class UnitNorm(Constraint):
    """Every vector gets the norm 1.

    Args:
        axis: what a vector runs along (see :class:`MaxNorm`).

    Example:
        >>> import numpy as np
        >>> UnitNorm()(np.array([[3.0], [4.0]])).round(4)
        array([[0.6],
               [0.8]])
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return w / (_norms(w, self.axis) + _EPSILON)


class MinMaxNorm(Constraint):
    """Norms outside ``min_value … max_value`` are moved towards it.

    Args:
        min_value: the smallest norm.
        max_value: the largest.
        rate: how far a norm is moved: 1 all the way.
        axis: what a vector runs along (see :class:`MaxNorm`).

    Example:
        >>> import numpy as np
        >>> MinMaxNorm(10.0, 20.0)(np.array([[3.0], [4.0]])).round(4)
        array([[6.],
               [8.]])
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        desired = ops.clip(norms, self.min_value, self.max_value) * self.rate
        if self.rate != 1.0:
            desired = desired + (1.0 - self.rate) * norms
        return w * (desired / (norms + _EPSILON))


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm

_registry = Registry(
    "constraint",
    classes=(MaxNorm, NonNeg, UnitNorm, MinMaxNorm),
    aliases={"maxnorm": MaxNorm, "nonneg": NonNeg, "unitnorm": UnitNorm},
)


def get(
    identifier: Any, custom_objects: Mapping[str, Any] | None = None
) -> Callable[[Any], Any] | None:
    """A constraint from a name, a configuration, a class or a callable; None for None.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> get("max_norm")
        MaxNorm(max_value=2, axis=0)
    """
    found: Callable[[Any], Any] | None = _registry.get(identifier, custom_objects)
    return found


def deserialize(
    config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The inverse of :func:`serialize`."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]
