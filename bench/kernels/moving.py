"""Rows gathered and gradients scattered, copies between layouts, random masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import fastnn
from bench.kernels import DTYPES, Case, Pair
from fastnn import ops


def _gather(rows: int, width: int, count: int, dtype: str) -> Pair:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((rows, width)).astype(dtype)
    index = rng.integers(0, rows, count)
    x, i = fastnn.placeholder((rows, width), dtype), fastnn.placeholder((count,), "int64")
    function = fastnn.function([x, i], ops.take(x, i, axis=0))
    return Pair(lambda: function(table, index), lambda: np.take(table, index, axis=0), 0.0)


def _scatter(rows: int, width: int, count: int, dtype: str) -> Pair:
    rng = np.random.default_rng(0)
    g = rng.standard_normal((count, width)).astype(dtype)
    index = rng.integers(0, rows, count)
    x, i = fastnn.placeholder((rows, width), dtype), fastnn.placeholder((count,), "int64")
    upstream = fastnn.placeholder((count, width), dtype)
    cost = ops.sum(ops.take(x, i, axis=0) * upstream)
    function = fastnn.function([upstream, i], fastnn.grad(cost, x))

    def numpy_way() -> Any:
        out = np.zeros((rows, width), dtype)
        np.add.at(out, index, g)
        return out

    return Pair(lambda: function(g, index), numpy_way)


def _transpose(rows: int, width: int, count: int, dtype: str) -> Pair:
    x = np.random.default_rng(0).standard_normal((rows, width)).astype(dtype)
    p = fastnn.placeholder((rows, width), dtype)
    function = fastnn.function([p], ops.transpose(p))
    return Pair(lambda: function(x), lambda: np.ascontiguousarray(x.T), 0.0)


def _dropout(rows: int, width: int, count: int, dtype: str) -> Pair:
    x = np.random.default_rng(0).standard_normal((rows, width)).astype(dtype)
    p = fastnn.placeholder((rows, width), dtype)
    mask = ops.random_bernoulli((rows, width), 0.5, dtype)
    function = fastnn.function([p], p * mask * 2.0)
    rng = np.random.default_rng(0)

    def numpy_way() -> Any:
        out = rng.random((rows, width), dtype)
        np.less(out, 0.5, out=out, casting="unsafe")
        out *= x
        out *= 2
        return out

    return Pair(lambda: function(x), numpy_way, None)


def _normal(rows: int, width: int, count: int, dtype: str) -> Pair:
    function = fastnn.function([], ops.random_normal((rows, width), dtype=dtype))
    rng = np.random.default_rng(0)
    return Pair(function, lambda: rng.standard_normal((rows, width), dtype), None)


# (rows, width, count of indices)
SIZES: dict[str, tuple[Callable[..., Pair], list[tuple[int, int, int]]]] = {
    "gather rows": (_gather, [(8000, 11, 10), (12_800, 784, 128), (65, 64, 4096)]),
    "scatter gradients": (_scatter, [(65, 64, 4096), (10_000, 64, 640)]),
    "transpose": (_transpose, [(10, 6, 0), (128, 512, 0), (1024, 1024, 0)]),
    "dropout": (_dropout, [(10, 6, 0), (128, 512, 0), (1000, 1000, 0)]),
    "random normal": (_normal, [(10, 6, 0), (128, 512, 0), (1000, 1000, 0)]),
}


def cases() -> Iterator[Case]:
    for threads in (1, 2):
        for dtype in DTYPES:
            for name, (make, sizes) in SIZES.items():
                for size in sizes[-1:] if threads > 1 else sizes:
                    rows, width, count = size
                    moved = 2.0 * (count or rows) * width * np.dtype(dtype).itemsize
                    yield Case(
                        "moving",
                        f"{name} {rows}x{width}" + (f", {count}" if count else ""),
                        "ratio",
                        dtype,
                        threads,
                        lambda make=make, size=size, dtype=dtype: make(*size, dtype),
                        bytes=0.0 if name in ("dropout", "random normal") else moved,
                    )
