"""Elementwise programs over many elements on the device "cuda", where a thread takes four."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import _core, ops
from samples import CASES
from test_cuda_ops import OPS, run

ELEMENTWISE = sorted(name for name in set(OPS) & set(CASES) if OPS[name]["elementwise"])
MANY = 5003  # an odd number, above the 4096 from which on a thread takes four


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_elements_bits_do_not_depend_on_how_many_there_are(name, cuda):
    sample = CASES[name].samples[1]
    for dtype in OPS[name]["dtypes"] or ["int64"]:
        arrays = [np.resize(a, MANY) for a in sample.arrays(dtype, name)]
        whole = run(name, arrays, sample.attrs, cuda)
        for first in (0, 2000, 4000):
            pieces = [a[first : first + 2000] for a in arrays]
            piece = run(name, pieces, sample.attrs, cuda)
            assert whole[first : first + 2000].tobytes() == piece.tobytes(), f"{name} {dtype}"


def both(build, *arrays):
    """The expressions' values on the device, and on the CPU."""
    inputs = [fastnn.placeholder(a.shape, a.dtype.name) for a in arrays]
    values = [v._value for v in build(*inputs)]
    for device in ("cuda", "cpu"):
        f = _core.Function([x._value for x in inputs], [("main", values, [])], device=device)
        yield f(*arrays)


def assert_near(build, *arrays, rtol=1e-6):
    for got, want in zip(*both(build, *arrays), strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("shape", [(130, 37), (130, 40), (5, 30, 41), (4, 31, 44)])
def test_operands_that_lie_in_any_way(dtype, shape, cuda):
    rng = np.random.default_rng(1)

    def draw(*shape):
        return rng.integers(-99, 99, shape).astype(dtype)

    def build(x, y, row, column, one, turned, wide, narrow):
        total = x * y + row - column * one + turned
        return [total + wide[..., 1:-1] - wide[..., 2:], ops.maximum(total, narrow), total * row]

    def turned(x):
        axes = list(range(len(shape)))
        return ops.transpose(x, (*axes[:-2], axes[-1], axes[-2]))

    *outer, rows, columns = shape
    assert_near(
        lambda *a: build(*a[:5], turned(a[5]), *a[6:]),
        draw(*shape),
        draw(*shape),
        draw(columns),
        draw(rows, 1),
        draw(),
        draw(*outer, columns, rows),
        draw(*outer, rows, columns + 2),
        draw(*[1 for _ in outer], rows, columns),
    )


def test_a_chain_of_many_registers(cuda):
    """Sums of products that all live until the end; with comparisons and casts between them."""
    rng = np.random.default_rng(2)
    arrays = [rng.standard_normal((71, 67)).astype("float32") for _ in range(4)]

    def plain(a, b, c, d):
        parts = [a * b, a - c, b * d, c + d, a * d, b - c]
        return [parts[0] * parts[5] + parts[1] * parts[4] + parts[2] * parts[3] - parts[0]]

    def mixed(a, b, c, d):
        few = ops.where(a > b, c, d) * ops.cast(ops.cast(a, "int32"), "float32")
        many = [ops.cast(x, "float64") for x in (a, b, c, d)]
        return [few, many[0] * many[1] - many[2] * many[3], ops.cast(a > c, "float64") + many[0]]

    assert_near(plain, *arrays)
    assert_near(mixed, *arrays)


@pytest.mark.parametrize("size", [4096, 4097, 4098, 4099])
def test_the_last_elements(size, cuda):
    x = np.linspace(-3, 3, size).astype("float32")
    assert_near(lambda v: [ops.tanh(v), v > 0, ops.cast(v, "int64")], x)
    assert_near(lambda v: [v[1:] - v[:-1], ops.exp(v[1:])], np.concatenate([x, x]), rtol=1e-5)
