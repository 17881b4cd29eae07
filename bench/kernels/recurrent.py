"""Recurrent layers over whole sequences, and backpropagation through their time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import fastnn
from bench.kernels import DTYPES, Array, Case, Pair
from bench.kernels.elementwise import sigmoid
from fastnn import ops

# (batch, time, units): a character model's, a small one's, one row's.
SIZES = [(64, 64, 128), (16, 20, 24), (1, 50, 256)]


def _lstm(x: Array, u: Array) -> tuple[Array, list[Any]]:
    batch, time, _ = x.shape
    n = len(u)
    h, c = np.zeros((batch, n), x.dtype), np.zeros((batch, n), x.dtype)
    out, steps = np.empty((batch, time, n), x.dtype), []
    for t in range(time):
        z = h @ u
        z += x[:, t]
        i, f, o = sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n]), sigmoid(z[:, 3 * n :])
        g = np.tanh(z[:, 2 * n : 3 * n])
        before, c = (h, c), f * c + i * g
        y = np.tanh(c)
        h = o * y
        out[:, t] = h
        steps.append((before, i, f, g, o, y))
    return out, steps


def lstm(x: Array, u: Array) -> Array:
    return _lstm(x, u)[0]


def lstm_gradients(d: Array, x: Array, u: Array) -> list[Array]:
    _, steps = _lstm(x, u)
    n = len(u)
    dx, before = np.empty_like(x), np.empty_like(d)
    dh, dc = np.zeros_like(d[:, 0]), np.zeros_like(d[:, 0])
    for t in range(x.shape[1])[::-1]:
        (h, c), i, f, g, o, y = steps[t]
        dh += d[:, t]
        dc += dh * o * (1 - y * y)
        z = dx[:, t]
        z[:, :n] = dc * g * i * (1 - i)
        z[:, n : 2 * n] = dc * c * f * (1 - f)
        z[:, 2 * n : 3 * n] = dc * i * (1 - g * g)
        z[:, 3 * n :] = dh * y * o * (1 - o)
        dc *= f
        dh = z @ u.T
        before[:, t] = h
    return [dx, before.reshape(-1, n).T @ dx.reshape(-1, 4 * n)]


def _gru(x: Array, u: Array) -> tuple[Array, list[Any]]:
    batch, time, _ = x.shape
    n = len(u)
    h = np.zeros((batch, n), x.dtype)
    out, steps = np.empty((batch, time, n), x.dtype), []
    for t in range(time):
        p = h @ u
        z = sigmoid(x[:, t, :n] + p[:, :n])
        r = sigmoid(x[:, t, n : 2 * n] + p[:, n : 2 * n])
        m = np.tanh(x[:, t, 2 * n :] + r * p[:, 2 * n :])
        steps.append((h, z, r, m, p[:, 2 * n :]))
        h = z * h + (1 - z) * m
        out[:, t] = h
    return out, steps


def gru(x: Array, u: Array) -> Array:
    return _gru(x, u)[0]


def gru_gradients(d: Array, x: Array, u: Array) -> list[Array]:
    _, steps = _gru(x, u)
    n = len(u)
    dx, inner, before = np.empty_like(x), np.empty_like(x), np.empty_like(d)
    dh = np.zeros_like(d[:, 0])
    for t in range(x.shape[1])[::-1]:
        h, z, r, m, q = steps[t]
        dh += d[:, t]
        dm = dh * (1 - z) * (1 - m * m)
        inner[:, t, :n] = dh * (h - m) * z * (1 - z)
        inner[:, t, n : 2 * n] = dm * q * r * (1 - r)
        inner[:, t, 2 * n :] = dm * r
        dx[:, t] = inner[:, t]
        dx[:, t, 2 * n :] = dm
        dh = dh * z + inner[:, t] @ u.T
        before[:, t] = h
    return [dx, before.reshape(-1, n).T @ inner.reshape(-1, 3 * n)]


# Blocks of the kernel, the op, NumPy's ways there and back.
Way = tuple[int, Callable[..., Any], Callable[..., Any], Callable[..., Any]]
WAYS: dict[str, Way] = {
    "lstm": (4, lambda x, u, s: ops.lstm(x, u, s, s)[0], lstm, lstm_gradients),
    "gru": (
        3,
        lambda x, u, s: ops.gru(x, u, ops.full((u.dims[1],), 0.0, u.dtype), s),
        gru,
        gru_gradients,
    ),
}


def _make(name: str, size: tuple[int, int, int], dtype: str, gradient: bool) -> Pair:
    blocks, op, forwards, backwards = WAYS[name]
    batch, time, units = size
    rng = np.random.default_rng(0)
    d = rng.normal(size=(batch, time, units)).astype(dtype)
    x = rng.normal(size=(batch, time, blocks * units)).astype(dtype)
    u = (rng.normal(size=(units, blocks * units)) / units**0.5).astype(dtype)
    arrays = [d, x, u] if gradient else [x, u]
    inputs = [fastnn.placeholder(a.shape, dtype) for a in arrays]
    h = op(*inputs[-2:], ops.full((batch, units), 0.0, dtype))
    outputs = fastnn.grad(ops.sum(h * inputs[0]), inputs[1:]) if gradient else h
    function = fastnn.function(inputs, outputs)
    numpy_way = backwards if gradient else forwards
    return Pair(lambda: function(*arrays), lambda: numpy_way(*arrays), tolerance=1e4)


def cases() -> Iterator[Case]:
    for threads in (1, 2):
        for dtype in DTYPES:
            for name, (blocks, *_) in WAYS.items():
                for size in SIZES[:1] if threads > 1 else SIZES:
                    for gradient in (False, True):
                        batch, time, units = size
                        yield Case(
                            "recurrent",
                            f"{name} and gradients" if gradient else name,
                            "x".join(map(str, size)),
                            dtype,
                            threads,
                            lambda n=name, s=size, d=dtype, g=gradient: _make(n, s, d, g),
                            flops=2.0 * batch * time * units * blocks * units * (1 + 2 * gradient),
                        )
