"""
Hooks for tests: any kernel of any table.
"""

from __future__ import annotations

import collections.abc
import typing

import numpy

__all__: list[str] = ["entries", "tile"]

def entries(table: str) -> list: ...
def tile(
    table: str,
    id: str,
    dtype: typing.Any,
    out: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]],
    inputs: collections.abc.Sequence[numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]],
    params: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex] = [],
) -> None: ...
