"""Arithmetic, functions, activations and their gradients, element by element."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import fastnn
from bench.kernels import DTYPES, Array, Case, Pair
from fastnn import _core
from fastnn._tensor import Tensor

SIZES = (1, 16, 128, 2048, 1_000_000)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def sigmoid(x: Array) -> Array:
    y = np.negative(x)
    np.exp(y, out=y)
    y += 1
    return np.reciprocal(y, out=y)


def softplus(x: Array) -> Array:
    y = np.abs(x)
    np.negative(y, out=y)
    np.exp(y, out=y)
    np.log1p(y, out=y)
    y += np.maximum(x, 0)
    return y


def elu(x: Array) -> Array:
    y = np.minimum(x, 0)
    np.expm1(y, out=y)
    y += np.maximum(x, 0)  # one of the two is zero
    return y


def elu_grad(g: Array, x: Array) -> Array:
    y = np.minimum(x, 0)
    np.exp(y, out=y)  # 1 where x > 0
    y *= g
    return y


def selu(x: Array) -> Array:
    y = np.minimum(x, 0)
    np.expm1(y, out=y)
    y *= SELU_ALPHA
    y += np.maximum(x, 0)
    y *= SELU_SCALE
    return y


def selu_grad(g: Array, x: Array) -> Array:
    y = np.minimum(x, 0)
    np.exp(y, out=y)
    y *= SELU_ALPHA * SELU_SCALE
    y -= np.multiply(x > 0, (SELU_ALPHA - 1) * SELU_SCALE, dtype=x.dtype)
    y *= g
    return y


def leaky_relu(x: Array) -> Array:
    y = np.multiply(x, 0.3)
    return np.maximum(x, y, out=y)


def leaky_relu_grad(g: Array, x: Array) -> Array:
    y = np.multiply(x >= 0, 0.7, dtype=x.dtype)  # np.where and masks are many times slower
    y += 0.3
    y *= g
    return y


def silu(x: Array) -> Array:
    y = sigmoid(x)
    y *= x
    return y


def silu_grad(g: Array, x: Array) -> Array:
    s = sigmoid(x)
    y = np.subtract(1, s)
    y *= x
    y += 1
    y *= s
    y *= g
    return y


def tanh_inner(x: Array) -> Array:
    y = np.square(x)
    y *= 0.044715
    y += 1
    y *= x
    y *= 0.7978845608028654
    return np.tanh(y, out=y)


def gelu_tanh(x: Array) -> Array:
    y = tanh_inner(x)
    y += 1
    y *= x
    y *= 0.5
    return y


def gelu_tanh_grad(g: Array, x: Array) -> Array:
    t = tanh_inner(x)
    slope = np.square(x)
    slope *= 3 * 0.044715
    slope += 1
    slope *= 0.7978845608028654
    slope *= x
    slope *= 1 - t * t
    slope += t
    slope += 1
    slope *= 0.5
    slope *= g
    return slope


def mish(x: Array) -> Array:
    y = softplus(x)
    np.tanh(y, out=y)
    y *= x
    return y


def mish_grad(g: Array, x: Array) -> Array:
    t = softplus(x)
    np.tanh(t, out=t)
    y = sigmoid(x)
    y *= x
    y *= 1 - t * t
    y += t
    y *= g
    return y


def softsign(x: Array) -> Array:
    y = np.abs(x)
    y += 1
    return np.divide(x, y, out=y)


def softsign_grad(g: Array, x: Array) -> Array:
    y = np.abs(x)
    y += 1
    np.square(y, out=y)
    return np.divide(g, y, out=y)


def hard_sigmoid(x: Array) -> Array:
    y = np.multiply(x, 1 / 6)
    y += 0.5
    return np.clip(y, 0, 1, out=y)


def times(g: Array, slope: Array) -> Array:
    slope *= g
    return slope


def one_minus_square(g: Array, y: Array) -> Array:
    out = np.square(y)
    np.subtract(1, out, out=out)
    out *= g
    return out


def sigmoid_grad(g: Array, y: Array) -> Array:
    out = np.subtract(1, y)
    out *= y
    out *= g
    return out


def sigmoid_cross_entropy(x: Array, t: Array) -> Array:
    y = np.abs(x)
    np.negative(y, out=y)
    np.exp(y, out=y)
    np.log1p(y, out=y)
    y += np.maximum(x, 0)
    y -= x * t
    return y


# Operations an element of what a function is made of (float32, float64), divisions counted as one.
EXP, LOG = (22, 34), (26, 40)


def _sum(*parts: tuple[int, int] | int) -> tuple[int, int]:
    pairs = [(p, p) if isinstance(p, int) else p for p in parts]
    return sum(p[0] for p in pairs), sum(p[1] for p in pairs)


# op: inputs (x around 0, g positive, y in (0.05, 0.95)), NumPy's way, attributes, operations.
Row = tuple[str, Callable[..., Any], dict[str, float], tuple[int, int]]
NONE = (0, 0)
OPS: dict[str, Row] = {
    "add": ("gx", np.add, {}, NONE),
    "multiply": ("gx", np.multiply, {}, NONE),
    "divide": ("xg", np.divide, {}, NONE),
    "square": ("x", np.square, {}, NONE),
    "sqrt": ("g", np.sqrt, {}, NONE),
    "exp": ("x", np.exp, {}, EXP),
    "log": ("g", np.log, {}, LOG),
    "log1p": ("g", np.log1p, {}, LOG),
    "sin": ("x", np.sin, {}, EXP),
    "power": ("gx", np.power, {}, _sum(EXP, LOG)),
    "relu": ("x", lambda x: np.maximum(x, 0), {}, NONE),
    "relu_grad": ("gx", lambda g, x: np.multiply(g, x > 0), {}, NONE),
    "relu6": ("x", lambda x: np.clip(x, 0, 6), {}, NONE),
    "leaky_relu": ("x", leaky_relu, {"slope": 0.3}, NONE),
    "leaky_relu_grad": ("gx", leaky_relu_grad, {"slope": 0.3}, NONE),
    "elu": ("x", elu, {"alpha": 1.0}, EXP),
    "elu_grad": ("gx", elu_grad, {"alpha": 1.0}, EXP),
    "selu": ("x", selu, {}, EXP),
    "selu_grad": ("gx", selu_grad, {}, EXP),
    "sigmoid": ("x", sigmoid, {}, _sum(EXP, 2)),
    "sigmoid_grad": ("gy", sigmoid_grad, {}, NONE),
    "tanh": ("x", np.tanh, {}, _sum(EXP, 4)),
    "tanh_grad": ("gy", one_minus_square, {}, NONE),
    "softplus": ("x", softplus, {}, _sum(EXP, LOG)),
    "softplus_grad": ("gx", lambda g, x: times(g, sigmoid(x)), {}, _sum(EXP, 3)),
    "softsign": ("x", softsign, {}, NONE),
    "softsign_grad": ("gx", softsign_grad, {}, NONE),
    "silu": ("x", silu, {}, _sum(EXP, 3)),
    "silu_grad": ("gx", silu_grad, {}, _sum(EXP, 7)),
    "mish": ("x", mish, {}, _sum(EXP, 7)),
    "mish_grad": ("gx", mish_grad, {}, _sum(EXP, 16)),
    "gelu_tanh": ("x", gelu_tanh, {}, _sum(EXP, 8)),
    "gelu_tanh_grad": ("gx", gelu_tanh_grad, {}, _sum(EXP, 16)),
    "hard_sigmoid": ("x", hard_sigmoid, {}, NONE),
    "hard_tanh": ("x", lambda x: np.clip(x, -1, 1), {}, NONE),
    "sigmoid_cross_entropy": ("xy", sigmoid_cross_entropy, {}, _sum(EXP, LOG)),
    "sigmoid_cross_entropy_grad": (
        "gxy", lambda g, x, t: times(g, np.subtract(sigmoid(x), t)), {}, _sum(EXP, 4),
    ),
}  # fmt: skip


def _make(name: str, size: int, dtype: str) -> Pair:
    letters, numpy_way, attrs, _ = OPS[name]
    rng = np.random.default_rng(0)
    values = {
        "x": rng.normal(0, 3, size).astype(dtype),
        "g": (np.abs(rng.normal(0, 3, size)) + 0.1).astype(dtype),
        "y": rng.uniform(0.05, 0.95, size).astype(dtype),
    }
    arrays = [values[letter] for letter in letters]
    inputs = [fastnn.placeholder((size,), dtype) for _ in arrays]
    value = _core.make(name, [x._value for x in inputs], attrs)
    function = fastnn.function(inputs, Tensor(value))
    return Pair(lambda: function(*arrays), lambda: numpy_way(*arrays), tolerance=100.0)


def cases() -> Iterator[Case]:
    for threads in (1, 2):
        for dtype in DTYPES:
            for name, (letters, _, _, operations) in OPS.items():
                for size in SIZES[-1:] if threads > 1 else SIZES:
                    yield Case(
                        "elementwise",
                        name,
                        f"{size:.0e}".replace("e+0", "e") if size > 2048 else str(size),
                        dtype,
                        threads,
                        lambda name=name, size=size, dtype=dtype: _make(name, size, dtype),
                        flops=float(size * operations[dtype == "float64"]),
                        bytes=float(size * (len(letters) + 1) * np.dtype(dtype).itemsize),
                    )
