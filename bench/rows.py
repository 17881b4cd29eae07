"""Reductions, softmax, batches, random numbers and optimizers: the tables against each other.

python -m bench.rows [--threads 2] [--tables reference,avx512] [NAME ...]

Nanoseconds a call, without Python's share; the best of several turns of all tables.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from tests import kernels as k

from fastnn import _core

Case = tuple[str, str, ctypes.Structure, Any]  # label, kernel, arguments, what they point to


def pointers(*arrays: Any) -> Iterator[int]:
    return (a.ctypes.data for a in arrays)


def reductions() -> Iterator[Case]:
    for shape, axes in [
        ((10, 6), (0,)),
        ((10, 1), (0, 1)),
        ((128, 10), (1,)),
        ((128, 512), (0,)),
        ((1_000_000,), (0,)),
        ((100_000, 6), (0,)),
        ((128, 14, 14, 32), (0, 1, 2)),
    ]:
        x = np.ones(shape, np.float32)
        out = np.empty([1 if d in axes else n for d, n in enumerate(shape)], np.float32)
        steps = [0 if d in axes else s // 4 for d, s in enumerate(out.strides)]
        reduced = tuple(int(d in axes) for d in range(x.ndim))
        out_pointer, x_pointer = pointers(out, x)
        args = k.Reduce(
            out_pointer, x_pointer, x.ndim, k.extents(shape), k.strides(x), k.extents(steps),
            reduced, 1.0,
        )  # fmt: skip
        yield f"sum {shape} over {axes}", "reduce_sum", args, (x, out)


def softmax() -> Iterator[Case]:
    for shape in [(10, 2), (128, 10), (128, 1000)]:
        x, out = np.zeros(shape, np.float32), np.empty(shape, np.float32)
        labels, g = np.zeros(shape[0], np.int64), np.ones(shape[0], np.float32)
        out_p, x_p, labels_p, g_p = pointers(out, x, labels, g)
        keep = (x, out, labels, g)
        yield f"softmax {shape}", "softmax", k.Rows(out_p, x_p, None, *shape), keep
        for name in ("sparse_softmax_cross_entropy", "sparse_softmax_cross_entropy_grad"):
            yield f"{name} {shape}", name, k.CrossEntropy(out_p, x_p, labels_p, g_p, *shape), keep


def batches() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    for dtype, width, n in itertools.product(["float32", "float64"], [1, 11, 784], [10, 128]):
        x, out = np.zeros((4000, width), dtype), np.empty((n, width), np.float32)
        rows = rng.integers(0, 4000, n)
        out_p, x_p, rows_p = pointers(out, x, rows)
        source = ["float32", "float64"].index(dtype)
        args = k.GatherBatch(
            out_p, x_p, rows_p, 0, n, x.strides[0], source, 0, 1, k.extents([width]),
            k.extents([x.itemsize]),
        )  # fmt: skip
        yield f"gather_batch {n} x {width} of {dtype}", "gather_batch", args, (x, out, rows)


def random() -> Iterator[Case]:
    out = np.empty(100_000, np.float64)
    a, b = np.zeros(1, np.float32), np.ones(1, np.float32)
    out_p, a_p, b_p = pointers(out, a, b)
    for name, n in itertools.product(["uniform", "bernoulli", "normal"], [60, 100_000]):
        args = k.Random(out_p, n, 0, 0, a_p, b_p)
        yield f"random_{name} {n}", f"random_{name}", args, (out, a, b)


def optimizers() -> Iterator[Case]:
    hyper = {"sgd": (0, 0), "rmsprop": (0.9, 0, 1e-7, 0), "adam": (0.9, 0.999, 1e-7, 0)}
    for (name, values), n in itertools.product(hyper.items(), [107, 669_706]):
        arrays = [np.full(n, 0.1, np.float32) for _ in range(6)]
        rate, step = np.zeros(1, np.float32), np.full(1, 5000)
        p, g, *slots = pointers(*arrays)
        segment = k.Segment(p, g, tuple(slots), n, 1.0, 0.0)
        args = k.Optimizer(ctypes.addressof(segment), 1, *pointers(rate, step), None, values)
        yield f"{name} {n}", name, args, (arrays, rate, step, segment)


GROUPS: list[Callable[[], Iterator[Case]]] = [reductions, softmax, batches, random, optimizers]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", help="only labels that start with one of these")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tables", default=",".join(["reference", *k.TABLES]))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    _core.set_num_threads(options.threads)
    tables = options.tables.split(",")
    print(f"{options.threads} threads; ns a call{'':26}" + "".join(f"{t:>12}" for t in tables))
    for label, name, args, _keep in itertools.chain.from_iterable(g() for g in GROUPS):
        if options.names and not label.startswith(tuple(options.names)):
            continue
        best = dict.fromkeys(tables, np.inf)
        for _ in range(options.rounds):
            for table in tables:
                once = _core.testing.time_kernel(table, name, "float32", args, 1)
                repeat = max(1, int(1e-3 / max(once, 1e-8)))
                seconds = _core.testing.time_kernel(table, name, "float32", args, repeat)
                best[table] = min(best[table], seconds)
        print(f"{label:47}" + "".join(f"{best[t] * 1e9:12.1f}" for t in tables))


if __name__ == "__main__":
    main()
