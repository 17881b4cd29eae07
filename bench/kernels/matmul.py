"""Matrix products, as called from Python: squares, and the shapes that networks are made of."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.kernels import DTYPES, Case, Pair
from fastnn import ops

# M x K x N of C = A B. The first group is what one thread does.
SMALL = [(1, 1, 1), (10, 11, 6), (10, 6, 1), (16, 16, 16), (32, 32, 32), (32, 64, 32), (64, 64, 64)]
LARGE = [
    (128, 128, 128), (256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048),
    (1, 784, 512), (32, 784, 512), (128, 784, 512), (128, 512, 512), (128, 512, 10),
    (784, 128, 512), (512, 128, 10), (11, 8000, 6),
]  # fmt: skip


def _make(shape: tuple[int, int, int], form: str, dtype: str) -> Pair:
    m, k, n = shape
    rng = np.random.default_rng(0)
    ta, tb = form[0] == "T", form[1] == "T"
    a = rng.standard_normal((k, m) if ta else (m, k)).astype(dtype)
    b = rng.standard_normal((n, k) if tb else (k, n)).astype(dtype)
    x, y = a.T if ta else a, b.T if tb else b
    return Pair(
        lambda: ops.matmul(a, b, transpose_a=ta, transpose_b=tb),
        lambda: np.matmul(x, y),
        tolerance=8.0 * k**0.5,
    )


def cases() -> Iterator[Case]:
    for threads in (1, 2):
        for dtype in DTYPES:
            for shape in LARGE if threads > 1 else SMALL + LARGE:
                m, k, n = shape
                moved = float((m * k + k * n + m * n) * np.dtype(dtype).itemsize)
                for form in ("NN", "NT", "TN"):
                    yield Case(
                        "matmul",
                        "x".join(map(str, shape)),
                        form,
                        dtype,
                        threads,
                        lambda shape=shape, form=form, dtype=dtype: _make(shape, form, dtype),
                        flops=2.0 * np.prod(shape),
                        bytes=moved,
                        only_read=True,
                    )
