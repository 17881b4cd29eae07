"""Convolution with its gradients, and pooling: the layers of a small network on images.

NumPy's way is the usual one: views of the windows, and one matrix product over their elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import fastnn
from bench.kernels import DTYPES, Array, Case, Pair
from fastnn import ops

# batch, height and width, channels, filters; windows of 3 x 3 inside the image
SHAPES = [(128, 28, 1, 32), (128, 13, 32, 64), (8, 30, 64, 64), (1, 13, 32, 64)]
POOLS = [(128, 26, 32), (128, 11, 64)]


def _patches(x: Array) -> Array:
    """(batch, height', width', 3, 3, channels): the windows, without a copy."""
    return sliding_window_view(x, (3, 3), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)


def _numpy_input_grad(g: Array, k: Array) -> Array:
    padded = np.pad(g, ((0, 0), (2, 2), (2, 2), (0, 0)))
    return np.tensordot(_patches(padded), k[::-1, ::-1], axes=((3, 4, 5), (0, 1, 3)))


def _pair(inputs: list[Array], build: Callable[..., Any], numpy: Callable[[], Any]) -> Pair:
    tensors = [fastnn.placeholder(a.shape, str(a.dtype)) for a in inputs]
    function = fastnn.function(tensors, build(*tensors))
    return Pair(lambda: function(*inputs), numpy, tolerance=2000.0)


def _convolution(what: str, shape: tuple[int, int, int, int], dtype: str) -> Pair:
    batch, size, channels, filters = shape
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, size, size, channels)).astype(dtype)
    k = rng.standard_normal((3, 3, channels, filters)).astype(dtype)
    g = rng.standard_normal((batch, size - 2, size - 2, filters)).astype(dtype)
    if what == "conv":
        return _pair([x, k], ops.conv, lambda: np.tensordot(_patches(x), k, axes=3))
    tensor = fastnn.placeholder(x.shape, dtype), fastnn.placeholder(k.shape, dtype)
    factors = fastnn.placeholder(g.shape, dtype)
    wanted = 0 if what == "conv, to input" else 1
    gradient = fastnn.grad(ops.sum(ops.conv(*tensor) * factors), [tensor[wanted]])[0]
    given = [k, g] if wanted == 0 else [x, g]
    function = fastnn.function([tensor[1 - wanted], factors], gradient)

    def numpy() -> Array:
        if wanted == 0:
            return _numpy_input_grad(g, k)
        return np.tensordot(_patches(x), g, axes=((0, 1, 2), (0, 1, 2)))

    return Pair(lambda: function(*given), numpy, tolerance=20000.0)


def _pooling(what: str, shape: tuple[int, int, int], dtype: str) -> Pair:
    batch, size, channels = shape
    half = size // 2
    x = np.random.default_rng(0).standard_normal((batch, size, size, channels)).astype(dtype)

    def numpy() -> Array:
        even = x[:, : 2 * half, : 2 * half].reshape(batch, half, 2, half, 2, channels)
        return even.max((2, 4)) if what == "max_pool" else even.mean((2, 4))

    return _pair([x], lambda t: getattr(ops, what)(t, 2), numpy)


def cases() -> Iterator[Case]:
    for threads in (1, 2):
        for dtype in DTYPES:
            for batch, size, channels, filters in SHAPES:
                shape = (batch, size, channels, filters)
                for what in ("conv", "conv, to input", "conv, to kernel"):
                    yield Case(
                        "windows",
                        what,
                        f"{batch}x{size}x{size}x{channels} to {filters}",
                        dtype,
                        threads,
                        lambda what=what, shape=shape, dtype=dtype: _convolution(
                            what, shape, dtype
                        ),
                        flops=18.0 * batch * (size - 2) ** 2 * channels * filters,
                    )
            for pool in POOLS:
                for what in ("max_pool", "average_pool"):
                    count = float(np.prod(pool[:1])) * pool[1] ** 2 * pool[2]
                    yield Case(
                        "windows",
                        what,
                        f"{pool[0]}x{pool[1]}x{pool[1]}x{pool[2]}",
                        dtype,
                        threads,
                        lambda what=what, pool=pool, dtype=dtype: _pooling(what, pool, dtype),
                        bytes=1.25 * count * np.dtype(dtype).itemsize,
                    )
