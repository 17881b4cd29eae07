"""Penalties on weights that are added to the loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from fastnn import ops
from fastnn._registry import Configured, Registry, serialize


class Regularizer(Configured):
    """Base class: ``__call__`` gives the penalty of a weight as a scalar.

    Example:
        >>> class Cubes(Regularizer):
        ...     def __call__(self, x):
        ...         return ops.sum(ops.absolute(x) ** 3)
        >>> import numpy as np
        >>> float(Cubes()(np.array([2.0])))
        8.0
    """

    def __call__(self, x: Any) -> Any:
        """The penalty of ``x``, a scalar of its dtype."""
        raise NotImplementedError(f"{type(self).__name__} has to define __call__(x)")


def _checked_factor(value: Any, name: str, who: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or value < 0
    ):
        raise ValueError(f"[{type(who).__name__}] expected a number {name} >= 0, got {value!r}")
    return float(value)


class L1L2(Regularizer):
    """``l1 * sum(|x|) + l2 * sum(x * x)``.

    Args:
        l1: factor of the absolute values.
        l2: factor of the squares.

    Raises:
        ValueError: for a factor that is negative or no finite number.

    Example:
        >>> import numpy as np
        >>> float(L1L2(l1=0.5, l2=0.25)(np.array([1.0, -2.0])))
        2.75
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _checked_factor(0.0 if l1 is None else l1, "l1", self)
        self.l2 = _checked_factor(0.0 if l2 is None else l2, "l2", self)

    def __call__(self, x: Any) -> Any:
        terms = []
        if self.l1 != 0.0:
            terms.append(self.l1 * ops.sum(ops.absolute(x)))
        if self.l2 != 0.0:
            terms.append(self.l2 * ops.sum(ops.square(x)))
        if not terms:
            return ops.sum(x) * 0.0
        return terms[0] if len(terms) == 1 else terms[0] + terms[1]


class L1(L1L2):
    """``l1 * sum(|x|)``.

    Args:
        l1: the factor.

    Raises:
        ValueError: if it is negative or no finite number.

    Example:
        >>> import numpy as np
        >>> float(L1(0.5)(np.array([1.0, -2.0])))
        1.5
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)


class L2(L1L2):
    """``l2 * sum(x * x)``.

    Args:
        l2: the factor.

    Raises:
        ValueError: if it is negative or no finite number.

    Example:
        >>> import numpy as np
        >>> float(L2(0.5)(np.array([1.0, -2.0])))
        2.5
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)


class OrthogonalRegularizer(Regularizer):
    """The mean absolute cosine between the rows (or columns) of a matrix, times ``factor``.

    Args:
        factor: the factor.
        mode: 'rows' or 'columns'.

    Raises:
        ValueError: for a bad factor or mode; at the call, if ``x`` has not two axes or fewer
            than two rows (columns) to compare.

    Example:
        >>> import numpy as np
        >>> float(OrthogonalRegularizer()(np.eye(3)))
        0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _checked_factor(factor, "factor", self)
        if mode not in ("rows", "columns"):
            raise ValueError(
                f"[OrthogonalRegularizer] expected mode 'rows' or 'columns', got {mode!r}"
            )
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        axis = 1 if self.mode == "rows" else 0
        size = x.shape[1 - axis] if len(x.shape) == 2 else None
        if size is None or size < 2:
            raise ValueError(
                f"[OrthogonalRegularizer] expected a matrix with at least two {self.mode}, "
                f"got shape {tuple(x.shape)}"
            )
        squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
        unit = x * ops.rsqrt(ops.maximum(squares, 1e-12))
        product = ops.matmul(unit, unit, transpose_a=axis == 0, transpose_b=axis == 1)
        diagonal = ops.sum(ops.absolute(ops.sum(ops.square(unit), axis=axis)))
        off = ops.sum(ops.absolute(product)) - diagonal
        return off * (self.factor / (size * (size - 1.0)))


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """An :class:`L1L2` whose factors are 0.01 unless given, as Keras 2 had it.

    Example:
        >>> l1_l2()
        L1L2(l1=0.01, l2=0.01)
    """
    return L1L2(l1=l1, l2=l2)


l1 = L1
l2 = L2
orthogonal_regularizer = OrthogonalRegularizer

_registry = Registry(
    "regularizer",
    classes=(L1, L2, L1L2, OrthogonalRegularizer),
    functions=(l1_l2,),
)


def get(
    identifier: Any, custom_objects: Mapping[str, Any] | None = None
) -> Callable[[Any], Any] | None:
    """A regularizer from a name, a configuration, a class or a callable; None for None.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> get("l2")
        L2(l2=0.01)
    """
    if identifier == "l1_l2":
        return l1_l2()
    found: Callable[[Any], Any] | None = _registry.get(identifier, custom_objects)
    return found


def deserialize(
    config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The inverse of :func:`serialize`."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]
