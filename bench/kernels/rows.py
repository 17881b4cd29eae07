"""Softmax, its losses and the losses of regression, each with its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import fastnn
from bench.kernels import DTYPES, Array, Case, Pair
from bench.kernels.elementwise import sigmoid
from fastnn import losses, ops

SHAPES = [(1, 10), (10, 2), (128, 10), (128, 1000), (2048, 512)]


def softmax(x: Array) -> Array:
    y = x - x.max(1, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(1, keepdims=True)
    return y


def log_softmax(x: Array) -> Array:
    y = x - x.max(1, keepdims=True)
    y -= np.log(np.exp(y).sum(1, keepdims=True))
    return y


def softmax_grad(g: Array, x: Array) -> Array:
    y = softmax(x)
    out = g - np.einsum("rc,rc->r", g, y)[:, None]
    out *= y
    return out


def log_softmax_grad(g: Array, x: Array) -> Array:
    y = softmax(x)
    y *= -g.sum(1, keepdims=True)
    y += g
    return y


def cross_entropy(x: Array, t: Array) -> tuple[Array, Array]:
    y = log_softmax(x)
    loss = -np.einsum("rc,rc->", y, t) / len(x)
    np.exp(y, out=y)
    y -= t
    y /= len(x)
    return loss, y


def sparse_cross_entropy(x: Array, labels: Array) -> tuple[Array, Array]:
    y = log_softmax(x)
    rows = np.arange(len(x))
    loss = -y[rows, labels].mean()
    np.exp(y, out=y)
    y[rows, labels] -= 1
    y /= len(x)
    return loss, y


def binary_cross_entropy(x: Array, t: Array) -> tuple[Array, Array]:
    e = np.abs(x)
    np.negative(e, out=e)
    np.exp(e, out=e)
    loss = (np.maximum(x, 0) - x * t + np.log1p(e)).mean()
    out = sigmoid(x)  # an exponential more, but np.where is slower
    out -= t
    out /= x.size
    return loss, out


def mean_squared_error(x: Array, t: Array) -> tuple[Array, Array]:
    d = x - t
    loss = np.dot(d.ravel(), d.ravel()) / d.size
    d *= 2 / d.size
    return loss, d


def huber(x: Array, t: Array) -> tuple[Array, Array]:
    d = x - t
    a = np.abs(d)
    clipped = np.minimum(a, 1)
    a -= 0.5 * clipped
    a *= clipped
    loss = a.mean()
    np.clip(d, -1, 1, out=d)
    d /= d.size
    return loss, d


def _loss_of(loss: Any) -> Callable[..., Any]:
    """[value, gradient] of a loss, as a training step has it."""

    def build(x: Any, t: Any) -> list[Any]:
        value = loss(t, x)
        return [value, fastnn.grad(value, x)]

    return build


def _grad_of(op: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda g, x: fastnn.grad(ops.sum(g * op(x)), x)


# Inputs (x logits, g a gradient, p a distribution, l labels, t targets), fastnn's and NumPy's way.
WAYS: dict[str, tuple[str, Callable[..., Any], Callable[..., Any]]] = {
    "softmax": ("x", ops.softmax, softmax),
    "softmax and gradient": ("gx", _grad_of(ops.softmax), softmax_grad),
    "log_softmax": ("x", ops.log_softmax, log_softmax),
    "log_softmax and gradient": ("gx", _grad_of(ops.log_softmax), log_softmax_grad),
    "cross-entropy, gradient": (
        "xp", _loss_of(losses.CategoricalCrossentropy(from_logits=True)), cross_entropy,
    ),
    "sparse cross-entropy, gradient": (
        "xl",
        _loss_of(losses.SparseCategoricalCrossentropy(from_logits=True)),
        sparse_cross_entropy,
    ),
    "binary cross-entropy, gradient": (
        "xt", _loss_of(losses.BinaryCrossentropy(from_logits=True)), binary_cross_entropy,
    ),
    "mse, gradient": ("xt", _loss_of(losses.MeanSquaredError()), mean_squared_error),
    "huber, gradient": ("xt", _loss_of(losses.Huber()), huber),
}  # fmt: skip


def _make(name: str, shape: tuple[int, int], dtype: str) -> Pair:
    letters, build, numpy_way = WAYS[name]
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, shape)
    values = {
        "x": logits.astype(dtype),
        "g": rng.normal(0, 1, shape).astype(dtype),
        "p": softmax(rng.normal(0, 1, shape)).astype(dtype),
        "t": rng.uniform(0, 1, shape).astype(dtype),
        "l": rng.integers(0, shape[1], shape[0]),
    }
    arrays = [values[letter] for letter in letters]
    inputs = [fastnn.placeholder(a.shape, str(a.dtype)) for a in arrays]
    function = fastnn.function(inputs, build(*inputs))
    return Pair(lambda: function(*arrays), lambda: numpy_way(*arrays))


def cases() -> Iterator[Case]:
    for threads in (1, 2):
        for dtype in DTYPES:
            for name, (letters, _, _) in WAYS.items():
                for shape in SHAPES[-1:] if threads > 1 else SHAPES:
                    arrays = sum(letter != "l" for letter in letters) + 1
                    size = shape[0] * shape[1] * np.dtype(dtype).itemsize
                    yield Case(
                        "rows",
                        name,
                        "x".join(map(str, shape)),
                        dtype,
                        threads,
                        lambda name=name, shape=shape, dtype=dtype: _make(name, shape, dtype),
                        bytes=float(arrays * size),
                    )
