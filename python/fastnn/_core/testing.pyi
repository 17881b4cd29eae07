"""
Hooks for tests: any kernel of any table.
"""

from __future__ import annotations

import collections.abc
import typing

import numpy
import typing_extensions

import fastnn._core

__all__: list[str] = [
    "cgroup_quota",
    "entries",
    "kernel",
    "matmul",
    "matmul_workspace",
    "overrun",
    "permutation",
    "philox",
    "pool_job",
    "set_recording",
    "tile",
    "time_kernel",
]

def cgroup_quota(root: str) -> float: ...
def entries(table: str) -> list: ...
def kernel(
    table: str,
    id: str,
    dtype: typing.Any,
    args: typing_extensions.Buffer,
    seed: typing.SupportsInt | typing.SupportsIndex = 0,
    step: typing.SupportsInt | typing.SupportsIndex = 0,
    iteration: typing.SupportsInt | typing.SupportsIndex = 0,
) -> tuple: ...
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
    packed: bool = False,
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
def overrun(
    function: fastnn._core.Function,
    shapes: collections.abc.Sequence[
        collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
    ],
    table: str,
    extra: typing.SupportsInt | typing.SupportsIndex,
) -> None: ...
def permutation(
    device: str,
    n: typing.SupportsInt | typing.SupportsIndex,
    seed: typing.SupportsInt | typing.SupportsIndex,
    step: typing.SupportsInt | typing.SupportsIndex,
) -> list[int]: ...
def philox(
    counter: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    key: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
) -> tuple: ...
def pool_job(
    tasks: typing.SupportsInt | typing.SupportsIndex,
    work: typing.SupportsInt | typing.SupportsIndex = 0,
    nested: bool = False,
) -> tuple: ...
def set_recording(wanted: bool) -> bool:
    """
    Whether devices record steps of training; returns what it was.
    """

def tile(
    table: str,
    id: str,
    dtype: typing.Any,
    out: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]],
    inputs: collections.abc.Sequence[numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]],
    params: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex] = [],
) -> None: ...
def time_kernel(
    table: str,
    id: str,
    dtype: typing.Any,
    args: typing_extensions.Buffer,
    repeat: typing.SupportsInt | typing.SupportsIndex,
) -> float: ...
