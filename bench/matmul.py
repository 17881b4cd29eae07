"""Matmul's kernel against NumPy's, in turns, over the shapes that networks are made of.

    python -m bench.matmul [--table avx512] [--threads 1] [--dtype float32] [--rounds 9] [SHAPE ...]

A SHAPE is MxKxN with NN, NT or TN for the operands that are stored transposed: 128x784x512TN.
fastnn's figure is the kernel's own, without a call from Python; NumPy's is that of
``np.dot(a, b, out=c)``, which from about 64x64x64 on is BLAS's. NumPy adds neither bias nor sums.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import time
from dataclasses import dataclass

TINY = [
    "10x11x6NN", "10x6x6NN", "10x6x1NN",
    "10x1x6NT", "10x6x6NT", "6x10x1TN", "6x10x6TN", "11x10x6TN",
]  # fmt: skip
SQUARE = [
    f"{shape}{form}"
    for shape in ["32x64x32", "128x128x128", "512x512x512", "1024x1024x1024", "2048x2048x2048"]
    for form in ["NN", "NT", "TN"]
]
SKINNY = [
    "1x784x512NN", "32x784x512NN", "128x784x512NN", "128x512x512NN", "128x512x10NN", "128x512x1NN",
    "784x128x512TN", "512x128x512TN", "512x128x10TN", "128x512x784NT", "128x10x512NT",
    "11x8000x6TN",
]  # fmt: skip


@dataclass(frozen=True)
class Shape:
    m: int
    k: int
    n: int
    trans_a: bool
    trans_b: bool

    @classmethod
    def parse(cls, text: str) -> Shape:
        match = re.fullmatch(r"(\d+)x(\d+)x(\d+)([NT])([NT])", text)
        if not match:
            raise SystemExit(f"expected a shape such as 128x784x512TN, got {text!r}")
        m, k, n, a, b = match.groups()
        return cls(int(m), int(k), int(n), a == "T", b == "T")

    @property
    def flops(self) -> float:
        return 2.0 * self.m * self.k * self.n


def measure(shape: Shape, table: str, dtype: str, threads: int, rounds: int) -> list[list[float]]:
    """Seconds a product: [fastnn, NumPy][round], after a round that warms up."""
    import numpy as np

    from fastnn import _core

    rng = np.random.default_rng(0)
    m, k, n = shape.m, shape.k, shape.n
    a = rng.standard_normal((k, m) if shape.trans_a else (m, k)).astype(dtype)
    b = rng.standard_normal((n, k) if shape.trans_b else (k, n)).astype(dtype)
    c = np.empty((m, n), dtype)
    op_a, op_b = a.T if shape.trans_a else a, b.T if shape.trans_b else b
    repeat = max(1, int(4e-3 / (shape.flops / 1e11 + 1e-7)))
    taken: list[list[float]] = [[], []]
    for _ in range(rounds + 1):
        seconds = _core.testing.matmul(
            table, c, a, b, trans_a=shape.trans_a, trans_b=shape.trans_b, threads=threads,
            repeat=repeat,
        )  # fmt: skip
        taken[0].append(seconds / repeat)
        start = time.perf_counter()
        for _ in range(repeat):
            np.dot(op_a, op_b, out=c)
        taken[1].append((time.perf_counter() - start) / repeat)
    return [times[1:] for times in taken]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", default=TINY + SQUARE + SKINNY)
    parser.add_argument("--table", help="the kernels to measure (default: those in use)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    if "numpy" in sys.modules:
        raise SystemExit("NumPy is already imported: its number of threads cannot be set any more")
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)

    from fastnn import _core

    _core.set_num_threads(options.threads)
    table = options.table or _core.active_table()
    print(f"{options.dtype}, {options.threads} thread(s), table {table}; medians and the best")
    print(f"{'M x K x N':18}{'fastnn':>12}{'GFLOP/s':>14}{'NumPy':>12}{'GFLOP/s':>14}{'ratio':>7}")
    for text in options.shapes:
        shape = Shape.parse(text)
        ours, theirs = measure(shape, table, options.dtype, options.threads, options.rounds)
        columns = ""
        for times in (ours, theirs):
            rate, best = (shape.flops / t * 1e-9 for t in (statistics.median(times), min(times)))
            columns += f"{1e6 * statistics.median(times):9.3f} µs{rate:7.1f}{best:7.1f}"
        ratio = statistics.median(t / o for o, t in zip(ours, theirs, strict=True))
        print(f"{text:18}{columns}{ratio:7.2f}", flush=True)


if __name__ == "__main__":
    main()
