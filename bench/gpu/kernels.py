"""Single kernels, many in a recorded step: launches from Python are not what is measured."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

import fastnn
from fastnn import _core, ops

PRODUCTS = (64, 128, 256, 512, 1024, 2048, 4096)
CHAIN = 20  # products in a step


def steps_of(work: float, most: int) -> int:
    """How many steps of so many seconds' work a call runs: so that its ends weigh little."""
    return max(3, min(most, round(0.1 / work)))


def recorded(updates: list[Any], steps: int) -> Callable[[int], None]:
    """A call that runs a step with these updates n * steps times."""
    row = fastnn.placeholder((None, 1))
    program = _core.Program([row._value], [("main", [], updates)], device="cuda")
    trainer = _core.Trainer(program)
    trainer.hold()
    rows = np.zeros((steps, 1), "float32")

    def call(n: int) -> None:
        for _ in range(n):
            trainer.begin([rows], 1, False, 0)
            while trainer.run(1 << 40, 1e9):
                pass
            trainer.end()

    return call


def product_steps(n: int, most: int) -> int:
    return steps_of(CHAIN * 2.0 * n**3 / 5e13, most)


def product(n: int, steps: int) -> Callable[[int], None]:
    """A chain of CHAIN products of n x n; the numbers stay in range."""
    rng = np.random.default_rng(0)
    start, factor = (rng.standard_normal((n, n)).astype("float32") for _ in range(2))
    first, out = fastnn.shared(start), fastnn.shared(start)
    by = fastnn.shared(factor / np.float32(n**0.5))
    y = first
    for _ in range(CHAIN):
        y = y @ by
    return recorded([(out._storage, y._value)], steps)


# The updates of one pass over memory, from two arrays of rows of 1024 numbers.
def _written(value: Any, shape: tuple[int, ...]) -> list[Any]:
    out = fastnn.shared(np.zeros(shape, "float32"))
    return [(out._storage, value._value)]


def _relu(a: Any, b: Any) -> list[Any]:
    return _written(ops.relu(a), a.shape)


def _add(a: Any, b: Any) -> list[Any]:
    return _written(a + b, a.shape)


def _chain(a: Any, b: Any) -> list[Any]:
    return _written(ops.tanh(a * b + 1.0) * a, a.shape)


def _softmax(a: Any, b: Any) -> list[Any]:
    return _written(ops.softmax(a), a.shape)


def _row_sums(a: Any, b: Any) -> list[Any]:
    return _written(ops.sum(a, axis=1), a.shape[:1])


def _column_sums(a: Any, b: Any) -> list[Any]:
    return _written(ops.sum(a, axis=0), a.shape[1:])


def _transpose(a: Any, b: Any) -> list[Any]:
    return _written(ops.transpose(a), a.shape[::-1])


def _optimizer(name: str, hyper: list[float], slots: int) -> Callable[[Any, Any], list[Any]]:
    def make(a: Any, b: Any) -> list[Any]:
        own = [fastnn.shared(np.full(a.shape, 0.1, "float32")) for _ in range(slots)]
        count = fastnn.shared(np.array(1000), dtype="int64", role="counter")
        return [ops.optimizer_step(name, [b], [a], slots=[own], rate=1e-6, step=count, hyper=hyper)]

    return make


# With the bytes that it reads and writes for each element.
PASSES: dict[str, tuple[Callable[[Any, Any], list[Any]], int]] = {
    "relu": (_relu, 8),
    "a + b": (_add, 12),
    "tanh(a b + 1) a": (_chain, 12),
    "softmax of rows": (_softmax, 8),
    "sums of rows": (_row_sums, 4),
    "sums of columns": (_column_sums, 4),
    "transpose": (_transpose, 8),
    "SGD": (_optimizer("sgd", [0.0, 0.0], 0), 12),
    "Adam": (_optimizer("adam", [0.9, 0.999, 1e-7, 0.0], 2), 28),
}
REPEAT = 4  # passes in a step, over arrays of their own


def pass_bytes(name: str, rows: int) -> int:
    """Of a step."""
    return REPEAT * rows * 1024 * PASSES[name][1]


def pass_steps(name: str, rows: int, most: int) -> int:
    return steps_of(pass_bytes(name, rows) / 3e12, most)


def passes(name: str, rows: int, steps: int) -> Callable[[int], None]:
    """A call that makes such passes."""
    values = np.random.default_rng(0).standard_normal((rows, 1024), dtype="float32")
    updates: list[Any] = []
    for _ in range(REPEAT):
        updates += PASSES[name][0](fastnn.shared(values), fastnn.shared(values))
    return recorded(updates, steps)


def copy_bandwidth(size: int) -> float:
    """Bytes a second, read and written, of the driver's own copies of so many bytes."""
    module: Any = importlib.import_module("fastnn._cuda")
    return float(max(module.copy_rate(size) for _ in range(5)))
