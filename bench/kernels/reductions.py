"""Sums, means, extremes and their places, over all axes and over one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import fastnn
from bench.kernels import DTYPES, Case, Pair
from fastnn import ops

NAMES = ("sum", "mean", "max", "argmax")
# Shape and axis.
SHAPES: list[tuple[tuple[int, ...], int | None]] = [
    ((10, 6), 0), ((128, 10), 1), ((128, 512), 0), ((128, 512), 1), ((2048, 2048), 0),
    ((2048, 2048), 1), ((2048, 2048), None),
]  # fmt: skip


def _make(name: str, shape: tuple[int, ...], axis: int | None, dtype: str) -> Pair:
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    p = fastnn.placeholder(shape, dtype)
    function = fastnn.function([p], getattr(ops, name)(p, axis=axis))
    numpy_way = getattr(np, name)
    return Pair(lambda: function(x), lambda: numpy_way(x, axis=axis), tolerance=1e4)


def cases() -> Iterator[Case]:
    for threads in (1, 2):
        for dtype in DTYPES:
            for name in NAMES:
                for shape, axis in SHAPES[-3:] if threads > 1 else SHAPES:
                    column = f"{'x'.join(map(str, shape))}/{'all' if axis is None else axis}"
                    yield Case(
                        "reductions",
                        name,
                        column,
                        dtype,
                        threads,
                        lambda n=name, s=shape, a=axis, d=dtype: _make(n, s, a, d),
                        bytes=float(np.prod(shape) * np.dtype(dtype).itemsize),
                        only_read=True,
                    )
