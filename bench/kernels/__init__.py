"""Kernels against NumPy: what is measured, of what size, and NumPy's way to the same result.

The rule for both sides: a call starts from arrays and allocates its result, nothing else that
could be avoided; NumPy works in place on its result as far as the expression allows. What updates
its arguments (an optimizer's step) allocates nothing on either side. fastnn's side is a compiled
``fastnn.function`` (a matrix product: ``fastnn.ops.matmul``), called from Python like NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Pair:
    """The two ways to one result.

    Attributes:
        fastnn: returns the result, or None where arguments are updated.
        numpy: the same with NumPy.
        tolerance: of their difference, in units of the dtype's epsilon, relative to the largest
            element; None where results are random.
    """

    fastnn: Callable[[], Any]
    numpy: Callable[[], Any]
    tolerance: float | None = 1000.0

    def check(self, dtype: str) -> None:
        """Raises AssertionError where the two do not agree."""
        ours, theirs = self.fastnn(), self.numpy()
        if self.tolerance is None or theirs is None:
            return
        if not isinstance(theirs, (tuple, list)):
            ours, theirs = [ours], [theirs]
        for a, b in zip(ours, theirs, strict=True):
            bound = self.tolerance * np.finfo(dtype).eps * max(1.0, float(np.max(np.abs(b))))
            np.testing.assert_allclose(np.reshape(a, np.shape(b)), b, rtol=0, atol=bound)


@dataclass(frozen=True)
class Case:
    """One measurement: a cell of a table.

    Attributes:
        family: the table.
        row: of the table: what is computed.
        column: of the table: its size or form.
        dtype: of the numbers.
        threads: that either side may use.
        make: makes the arrays and the two calls.
        flops: operations, where the processor's peak is the limit; else 0.
        bytes: read and written, where memory is the limit; else 0.
        only_read: whether (nearly) all of these are read, so that a sum of as many is the limit,
            not a copy.
    """

    family: str
    row: str
    column: str
    dtype: str
    threads: int
    make: Callable[[], Pair]
    flops: float = 0.0
    bytes: float = 0.0
    only_read: bool = False

    def __str__(self) -> str:
        text = f"{self.family}-{self.row}-{self.column}-{self.dtype}-{self.threads}t"
        return text.replace(" ", "_")


def cases() -> list[Case]:
    """All of them."""
    from bench.kernels import (
        elementwise,
        matmul,
        moving,
        optimizers,
        recurrent,
        reductions,
        rows,
        windows,
    )

    families = (matmul, elementwise, rows, reductions, optimizers, moving, windows, recurrent)
    return [case for family in families for case in family.cases()]
