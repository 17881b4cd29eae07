"""Reductions of every instruction set against the reference: any axes, strides and threads."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import _core
from kernels import TABLES, ArgReduce, Reduce, call, extents, same_bits, strides, threads

FAST = sorted(
    {
        (name, dtype)
        for table in TABLES
        for name, dtype, _ in _core.testing.entries(table)
        if name.startswith("reduce_")
    }
)
NUMPY = {
    "reduce_sum": np.sum,
    "reduce_sum_squares": lambda x, **options: np.sum(np.square(x), **options),
    "reduce_prod": np.prod,
    "reduce_max": np.max,
    "reduce_min": np.min,
    "reduce_any": np.any,
    "reduce_all": np.all,
}


def reduce(table, name, x, axes, scale=1.0, n_threads=1):
    out = np.full([1 if d in axes else n for d, n in enumerate(x.shape)], 77, x.dtype)
    out_strides = [0 if d in axes else s // x.itemsize for d, s in enumerate(out.strides)]
    args = Reduce(
        out.ctypes.data,
        x.ctypes.data,
        x.ndim,
        extents(x.shape),
        strides(x),
        extents(out_strides),
        tuple(int(d in axes) for d in range(x.ndim)),
        scale,
    )
    with threads(n_threads):
        call(table, name, x.dtype, args)
    return out


def values(rng, name, shape, dtype):
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.7)
    if dtype in ("int32", "int64"):
        return rng.integers(-50, 50, shape).astype(dtype)
    if dtype == "uint8":
        return rng.integers(0, 256, shape).astype(dtype)
    x = np.asarray(rng.standard_normal(shape))
    return np.asarray(np.exp(x / 100) if name == "reduce_prod" else x).astype(dtype)


def layouts(rng, x):
    """x, and arrays of the same values that lie differently."""
    yield x
    if x.ndim:
        order = rng.permutation(x.ndim)
        yield x.transpose(order).copy().transpose(np.argsort(order))
        yield np.repeat(x, 2, axis=-1)[..., ::2]
        yield x[::-1].copy()[::-1]


def tolerance(name, x, axes):
    """A few ULP of the sum of |x|; a product rounds once for each factor."""
    eps = np.finfo(x.dtype).eps
    count = max(1, int(np.prod([x.shape[d] for d in axes])))
    if name == "reduce_prod":
        return 2 * count * eps, 0.0
    if name in ("reduce_sum", "reduce_sum_squares"):
        size = np.abs(x) if name == "reduce_sum" else np.square(x)
        return 0.0, 4 * eps * size.sum(axis=axes, keepdims=True, dtype=np.float64)
    return 0.0, 0.0


SHAPES = [
    ((), ()),
    ((1,), (0,)),
    ((7,), (0,)),
    ((10, 6), (0,)),
    ((10, 6), (1,)),
    ((10, 1), (0, 1)),
    ((1, 33), (0,)),
    ((129, 17), (0,)),
    ((129, 65), (0, 1)),
    ((5, 257), (1,)),
    ((3, 4, 5), (0, 2)),
    ((3, 4, 5), (1,)),
    ((2, 3, 4, 37), (0, 1, 2)),
    ((2, 3, 4, 37), (2, 3)),
    ((2, 3, 4, 5), ()),
    ((0, 3), (0,)),
    ((3, 0), (0,)),
    ((3, 0), (1,)),
    ((4, 1, 3), (1,)),
]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("name", "dtype"), FAST)
def test_against_the_reference(table, name, dtype):
    rng = np.random.default_rng(0)
    for shape, axes in SHAPES:
        x = values(rng, name, shape, dtype)
        expected = reduce("reference", name, x, axes)
        rtol, atol = tolerance(name, x, axes) if dtype.startswith("float") else (0, 0)
        for y in layouts(rng, x):
            result = reduce(table, name, y, axes)
            with np.errstate(invalid="ignore"):
                near = np.abs(result - expected) <= rtol * np.abs(expected) + atol
            assert near.all() or same_bits(result, expected), (shape, axes, y.strides)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("name", "dtype"), [e for e in FAST if e[1].startswith("float")])
def test_threads_do_not_change_bits(table, name, dtype):
    rng = np.random.default_rng(1)
    for shape, axes in [
        ((600_001,), (0,)),
        ((20_001, 17), (0,)),
        ((600, 513), (0,)),
        ((4200, 600), (0,)),
        ((3, 100_001), (1,)),
        ((3000, 100), (1,)),
        ((80, 60, 60), (0, 2)),
        ((80, 60, 60), (1,)),
    ]:
        x = values(rng, name, shape, dtype)
        one = reduce(table, name, x, axes)
        for n in (2, 3, 8):
            assert same_bits(reduce(table, name, x, axes, n_threads=n), one), (shape, axes, n)


@pytest.mark.parametrize("table", TABLES)
def test_a_row_does_not_depend_on_the_others(table):
    x = np.random.default_rng(2).standard_normal((300, 37)).astype(np.float32)
    rows = reduce(table, "reduce_sum", x, (1,))
    columns = reduce(table, "reduce_sum", x, (0,))
    for n in (1, 2, 3, 15, 299):
        assert same_bits(reduce(table, "reduce_sum", x[:n].copy(), (1,)), rows[:n])
        if 1 < n < 37:
            assert same_bits(reduce(table, "reduce_sum", x[:, :n].copy(), (0,)), columns[:, :n])


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", ["reduce_sum", "reduce_sum_squares", "reduce_max", "reduce_prod"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_rows_give_the_bits_of_short_ones(table, name, dtype):
    """Columns of long rows are added up in memory, those of short rows in registers."""
    rng = np.random.default_rng(7)
    for rows in (17, 33, 66, 300, 4099):
        for width, past in (
            [(1061, 0), (1061, 5), (2304, 0), (2304, 5)] if rows < 300 else [(1061, 1)]
        ):
            memory = values(rng, name, (rows * width + 64,), dtype)
            start = -memory.ctypes.data % 64 // memory.itemsize + past  # elements off a boundary
            x = memory[start : start + rows * width].reshape(rows, width)
            columns = reduce(table, name, x, (0,))
            for first, n in [(0, 9), (500, 40), (1020, 41), (width - 3, 3)]:
                part = x[:, first : first + n].copy()
                assert same_bits(reduce(table, name, part, (0,)), columns[:, first : first + n])


@pytest.mark.parametrize("table", ["reference", *TABLES])
def test_long_sums_stay_exact(table):
    x = np.full(10_000_000, 0.1, np.float32)
    exact = float(x[0]) * x.size
    assert reduce(table, "reduce_sum", x, (0,))[0] == pytest.approx(exact, rel=3e-7)
    mean = reduce(table, "reduce_sum", x, (0,), scale=1 / x.size)
    assert mean[0] == pytest.approx(float(x[0]), rel=3e-7)
    if table != "reference":
        columns = reduce(table, "reduce_sum", x.reshape(-1, 10), (0,))
        np.testing.assert_allclose(columns, exact / 10, rtol=3e-7)


@pytest.mark.parametrize("table", ["reference", *TABLES])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_and_infinity(table, dtype):
    for shape, axis in [((9,), 0), ((70,), 0), ((40, 20), 0), ((40, 20), 1)]:
        for at in (0, 1, -1):
            x = np.random.default_rng(3).standard_normal(shape).astype(dtype)
            x.flat[at] = np.nan
            for name in ("reduce_sum", "reduce_max", "reduce_min"):
                got = reduce(table, name, x, (axis,))
                expected = NUMPY[name](x, axis=axis, keepdims=True)
                assert np.array_equal(np.isnan(got), np.isnan(expected)), (name, shape, at)
            x.flat[at] = np.inf
            assert np.isinf(reduce(table, "reduce_sum", x, (axis,))).sum() == 1
            assert np.isinf(reduce(table, "reduce_max", x, (axis,))).sum() == 1
            assert np.isinf(reduce(table, "reduce_min", -x, (axis,))).sum() == 1


@pytest.mark.parametrize(
    ("name", "dtype"),
    sorted(e[:2] for e in _core.testing.entries("reference") if e[0].startswith("reduce_")),
)
def test_the_reference_is_numpys(name, dtype):
    rng = np.random.default_rng(4)
    for shape, axes in SHAPES:
        x = values(rng, name, shape, dtype)
        if x.size == 0 and name in ("reduce_max", "reduce_min"):
            continue
        kind = {"dtype": np.float64 if dtype.startswith("float") else dtype}
        kind = kind if name in ("reduce_sum", "reduce_prod") else {}
        expected = NUMPY[name](x, axis=axes, keepdims=True, **kind)
        np.testing.assert_allclose(reduce("reference", name, x, axes), expected, rtol=1e-6)


@pytest.mark.parametrize("table", ["reference", *TABLES])
def test_empty(table):
    empty = np.zeros((0, 3), np.float32)
    for name, identity in [("sum", 0), ("prod", 1), ("max", -np.inf), ("min", np.inf)]:
        result = reduce(table, f"reduce_{name}", empty, (0,))
        assert same_bits(result, np.full((1, 3), identity, np.float32))


@pytest.mark.parametrize(
    ("table", "name", "dtype"),
    sorted(
        (table, name, dtype)
        for table in ("reference", *TABLES)
        for name, dtype, _ in _core.testing.entries(table)
        if name in ("argmax", "argmin")
    ),
)
def test_arg_reductions(table, name, dtype):
    rng = np.random.default_rng(5)
    shapes = [(1, 1, 1), (3, 10, 1), (2, 70, 1), (4, 5, 6), (1, 9, 40), (0, 3, 2), (3, 4100, 1)]
    shapes += [(4, 40_000, 1), (60, 5003, 1)]
    for outer, n, inner in [*shapes, (2, 40, 150), (300, 3, 1), (30_000, 10, 1), (2, 300, 500)]:
        x = values(rng, name, (outer, n, inner), dtype)
        if dtype.startswith("float"):
            x = x if outer == 60 else np.round(x)  # equal values: the first counts
            if n > 5:
                x[0, 4, 0] = np.nan
                x[-1, n - 2 :, -1] = [np.inf, -np.inf]
            if outer in (3, 4):
                x[1] = -np.inf if name == "argmax" else np.inf  # nothing is better than the start
                x[2, n // 2 :] = np.nan
            if n == 3:
                x[:100] = -np.inf
                x[100:200, 1:] = [[np.nan], [-np.inf]]
        out = np.empty((outer, inner), np.int64)
        for n_threads in (1, 3):
            out[:] = -1
            with threads(n_threads):
                call(table, name, dtype, ArgReduce(out.ctypes.data, x.ctypes.data, outer, n, inner))
            assert same_bits(out, getattr(np, name)(x, axis=1))
