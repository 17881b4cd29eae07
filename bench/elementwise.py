"""Elementwise kernels against what one writes with NumPy for the same result.

python -m bench.elementwise [--table avx2] [--dtype float64] [--size 1000000] [NAME ...]

Both write into arrays that exist already, as far as NumPy's expression allows. Medians of turns
taken one after the other; the call from Python is included in both.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fastnn import _core

Array = npt.NDArray[np.floating]


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def silu_grad(g: Array, x: Array) -> Array:
    s = sigmoid(x)
    return np.asarray(g * s * (1 + x * (1 - s)))


def gelu_tanh(x: Array) -> Array:
    return np.asarray(0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x * x * x))))


# What NumPy computes of x (around 0), of g (positive) and of an out array.
NUMPY: dict[str, tuple[str, Callable[[Array, Array, Array], Array]]] = {
    "add": ("gx", lambda g, x, out: np.add(g, x, out=out)),
    "exp": ("x", lambda g, x, out: np.exp(x, out=out)),
    "log": ("g", lambda g, x, out: np.log(g, out=out)),
    "sqrt": ("g", lambda g, x, out: np.sqrt(g, out=out)),
    "power": ("gx", lambda g, x, out: np.power(g, x, out=out)),
    "relu": ("x", lambda g, x, out: np.maximum(x, 0, out=out)),
    "relu_grad": ("gx", lambda g, x, out: np.multiply(g, x > 0, out=out)),
    "tanh": ("x", lambda g, x, out: np.tanh(x, out=out)),
    "tanh_grad": ("gx", lambda g, x, out: np.multiply(g, 1 - x * x, out=out)),
    "sigmoid": ("x", lambda g, x, out: sigmoid(x)),
    "sigmoid_grad": ("gx", lambda g, x, out: g * x * (1 - x)),
    "silu": ("x", lambda g, x, out: x * sigmoid(x)),
    "silu_grad": ("gx", lambda g, x, out: silu_grad(g, x)),
    "softplus": ("x", lambda g, x, out: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),
    "softplus_grad": ("gx", lambda g, x, out: g * sigmoid(x)),
    "elu": ("x", lambda g, x, out: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "gelu_tanh": ("x", lambda g, x, out: gelu_tanh(x)),
    "softsign": ("x", lambda g, x, out: x / (1 + np.abs(x))),
}


def seconds(call: Callable[[], object], repeat: int) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - start) / repeat


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(NUMPY))
    parser.add_argument("--table", default=_core.active_table())
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.normal(0, 3, options.size).astype(options.dtype)
    g = (np.abs(x) + 0.1).astype(options.dtype)
    out = np.empty_like(x)
    repeat = max(1, 200_000 // options.size)
    print(f"{options.dtype}, {options.size} elements, table {options.table}, µs a call")
    for name in options.names:
        of, numpy_call = NUMPY[name]
        inputs = {"x": [x], "g": [g], "gx": [g, x]}[of]

        def ours(name: str = name, inputs: list[Array] = inputs) -> None:
            _core.testing.tile(options.table, name, options.dtype, out, inputs, [1.0])

        def theirs(numpy_call: Callable[..., Array] = numpy_call) -> None:
            numpy_call(g, x, out)

        taken = [(seconds(ours, repeat), seconds(theirs, repeat)) for _ in range(options.rounds)]
        mine, other = (1e6 * statistics.median(column) for column in zip(*taken, strict=True))
        print(f"  {name:16}{mine:10.2f}   numpy {other:10.2f}{other / mine:8.1f} x")


if __name__ == "__main__":
    main()
