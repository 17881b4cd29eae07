"""Kernels called on NumPy arrays: the argument structs of csrc/kernels/kernels.h, for ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastnn import _core

Array = np.ndarray[Any, np.dtype[Any]]

MAX_RANK = 8
POINTER, I32, I64, U64 = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_uint64
DOUBLE = ctypes.c_double
Extents = I64 * MAX_RANK

# The instruction sets of this machine; the reference is not one.
TABLES = [name for name in _core.kernel_tables() if name != "reference"]


def struct(name: str, **fields: Any) -> type[ctypes.Structure]:
    return type(name, (ctypes.Structure,), {"_fields_": list(fields.items())})


Reduce = struct(
    "Reduce",
    out=POINTER,
    input=POINTER,
    rank=I32,
    shape=Extents,
    in_strides=Extents,
    out_strides=Extents,
    reduced=ctypes.c_uint8 * MAX_RANK,
    scale=DOUBLE,
)
ArgReduce = struct("ArgReduce", out=POINTER, input=POINTER, outer=I64, n=I64, inner=I64)
Rows = struct("Rows", out=POINTER, input=POINTER, input2=POINTER, rows=I64, cols=I64)
CrossEntropy = struct(
    "CrossEntropy", out=POINTER, x=POINTER, target=POINTER, g=POINTER, rows=I64, cols=I64
)
Copy = struct(
    "Copy",
    out=POINTER,
    input=POINTER,
    rank=I32,
    shape=Extents,
    out_strides=Extents,
    in_strides=Extents,
)
Fill = struct("Fill", out=POINTER, n=I64, value=DOUBLE)
Take = struct(
    "Take", out=POINTER, input=POINTER, index=POINTER, outer=I64, rows=I64, inner=I64, count=I64
)
OneHot = struct("OneHot", out=POINTER, index=POINTER, count=I64, classes=I64)
GatherBatch = struct(
    "GatherBatch",
    out=POINTER,
    src=POINTER,
    rows=POINTER,
    first_row=I64,
    n=I64,
    row_stride=I64,
    source=I32,
    byteswap=I32,
    rank=I32,
    shape=Extents,
    strides=Extents,
)
Finite = struct("Finite", out=POINTER, input=POINTER, n=I64)
Random = struct("Random", out=POINTER, n=I64, stream=U64, first=U64, a=POINTER, b=POINTER)
Permutation = struct("Permutation", out=POINTER, n=I64, stream=U64)
Segment = struct(
    "Segment",
    param=POINTER,
    grad=POINTER,
    slot=POINTER * 4,
    length=I64,
    rate_scale=DOUBLE,
    decay=DOUBLE,
)
Optimizer = struct(
    "Optimizer",
    segments=POINTER,
    count=I64,
    rate=POINTER,
    step=POINTER,
    state=POINTER,
    hyper=DOUBLE * 6,
)


def extents(values: Any) -> Any:
    return Extents(*values)


def strides(a: Array) -> Any:
    """Strides in elements."""
    return Extents(*(s // a.itemsize for s in a.strides))


def call(
    table: str,
    name: str,
    dtype: Any,
    args: ctypes.Structure,
    seed: int = 0,
    step: int = 0,
    iteration: int = 0,
) -> tuple[int, int, int]:
    """Runs a kernel; (code, value, limit) of its status."""
    return _core.testing.kernel(table, name, str(np.dtype(dtype)), args, seed, step, iteration)


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Parallel work uses n threads inside the block."""
    before = _core.num_threads()
    _core.set_num_threads(n)
    try:
        yield
    finally:
        _core.set_num_threads(before)


def same_bits(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
