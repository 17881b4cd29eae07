"""
Hooks for tests: any kernel of any table.
"""

from __future__ import annotations

import collections.abc
import typing

import numpy

__all__: list[str] = ["entries", "matmul", "matmul_workspace", "tile"]

def entries(table: str) -> list: ...
def matmul(
    table: str,
    c: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]],
    a: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]],
    b: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]],
    *,
    trans_a: bool = False,
    trans_b: bool = False,
    bias: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None = None,
    aux: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None = None,
    epilogue: str = "none",
    colsum_b: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None = None,
    threads: typing.SupportsInt | typing.SupportsIndex = 1,
    repeat: typing.SupportsInt | typing.SupportsIndex = 1,
) -> float:
    """
    c = epilogue(op(a) @ op(b) + bias) by a table's kernel; returns the seconds.
    """

def matmul_workspace(
    table: str,
    dtype: typing.Any,
    m: typing.SupportsInt | typing.SupportsIndex,
    n: typing.SupportsInt | typing.SupportsIndex,
    k: typing.SupportsInt | typing.SupportsIndex,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> int: ...
def tile(
    table: str,
    id: str,
    dtype: typing.Any,
    out: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]],
    inputs: collections.abc.Sequence[numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]],
    params: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex] = [],
) -> None: ...
