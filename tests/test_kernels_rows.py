"""Softmax, data movement and batches of every instruction set against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from kernels import (
    TABLES,
    Copy,
    CrossEntropy,
    Fill,
    Finite,
    GatherBatch,
    OneHot,
    Rows,
    Take,
    call,
    extents,
    same_bits,
    strides,
    threads,
)

DTYPES = ["float32", "float64", "int32", "int64", "uint8", "bool"]
FLOATS = ["float32", "float64"]


def raw(rng, shape, dtype):
    """Any values: what moves is not looked at."""
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    return np.asarray(rng.standard_normal(shape) * 50).astype(np.int64).astype(dtype)


# --- softmax ---------------------------------------------------------------------------------


def rows_kernel(table, name, *inputs, n_threads=1):
    x = inputs[0]
    out = np.full(x.shape, 7, x.dtype)
    second = inputs[1].ctypes.data if len(inputs) > 1 else None
    with threads(n_threads):
        call(table, name, x.dtype, Rows(out.ctypes.data, x.ctypes.data, second, *x.shape))
    return out


def cross_entropy(table, name, x, target, g=None, n_threads=1):
    out = np.full(x.shape if g is not None else x.shape[:1], 7, x.dtype)
    pointer = g.ctypes.data if g is not None else None
    args = CrossEntropy(out.ctypes.data, x.ctypes.data, target.ctypes.data, pointer, *x.shape)
    with threads(n_threads):
        status = call(table, name, x.dtype, args)
    return out, status


def softmax_cases(rng, dtype, rows, cols):
    x = rng.standard_normal((rows, cols)).astype(dtype)
    for scale in (1, 20, 1e4):
        yield (x * np.asarray(scale, dtype)).astype(dtype)
    if cols > 1 and rows:
        y = x.copy()
        y[0, cols // 2] = -np.inf
        yield y


# In units of eps, relative to the result plus one: the reference rounds x - max in double.
ROWS_TOLERANCE = {"float32": 8, "float64": 200}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("cols", [1, 2, 3, 5, 8, 9, 10, 16, 17, 31, 33, 64, 100, 5000])
def test_softmax(table, dtype, cols):
    rng = np.random.default_rng(cols)
    eps = ROWS_TOLERANCE[dtype] * np.finfo(dtype).eps
    for rows in (0, 1, 3):
        g, t = (rng.standard_normal((rows, cols)).astype(dtype) for _ in range(2))
        labels = rng.integers(0, cols, rows)
        for x in softmax_cases(rng, dtype, rows, cols):
            y, log_y = (rows_kernel("reference", n, x) for n in ("softmax", "log_softmax"))
            for name, inputs in [
                ("softmax", (x,)),
                ("log_softmax", (x,)),
                ("softmax_grad", (g, y)),
                ("log_softmax_grad", (g, log_y)),
            ]:
                expected = rows_kernel("reference", name, *inputs)
                scale = 1 if name == "softmax" else np.sqrt(cols)
                np.testing.assert_allclose(
                    rows_kernel(table, name, *inputs), expected, rtol=eps, atol=eps * scale
                )
            finite = np.where(np.isfinite(x), x, 0).astype(dtype)
            for name, arguments in [
                ("softmax_cross_entropy", (finite, t)),
                ("softmax_cross_entropy_grad", (finite, t, g[:, 0].copy())),
                ("sparse_softmax_cross_entropy", (x, labels)),
                ("sparse_softmax_cross_entropy_grad", (x, labels, g[:, 0].copy())),
            ]:
                expected, status = cross_entropy("reference", name, *arguments)
                result, ours = cross_entropy(table, name, *arguments)
                size = np.abs(finite).max(initial=1) * cols if "sparse" not in name else cols
                np.testing.assert_allclose(result, expected, rtol=eps, atol=eps * size)
                assert status == ours == (0, 0, 0)


@pytest.mark.parametrize("table", ["reference", *TABLES])
def test_softmax_of_large_logits(table):
    x = np.array([[1000.0, 1000.1], [-3e38, 3e38], [-1e-30, 1e-30]], np.float32)
    y = rows_kernel(table, "softmax", x)
    exact = 1 / (1 + np.exp(np.float64(x[0, 1]) - np.float64(x[0, 0])))
    assert y[0, 0] == pytest.approx(exact, rel=3e-7)
    assert y[1].tolist() == [0, 1]
    assert y[2].tolist() == [0.5, 0.5]
    labels = np.array([1, 0, 0])
    loss, _ = cross_entropy(table, "sparse_softmax_cross_entropy", x, labels)
    assert loss[0] == pytest.approx(-np.log1p(-exact), rel=3e-7), "the logits do not cancel"
    x[0, 0] = np.nan
    assert np.isnan(rows_kernel(table, "softmax", x)[0]).all()


@pytest.mark.parametrize("table", ["reference", *TABLES])
@pytest.mark.parametrize("label", [-1, 4, 2**40])
def test_a_label_out_of_range(table, label):
    x = np.ones((3, 4), np.float32)
    labels = np.array([0, label, 3])
    loss, status = cross_entropy(table, "sparse_softmax_cross_entropy", x, labels)
    assert status == (1, label, 4)
    assert loss[1] == 0
    grad, status = cross_entropy(
        table, "sparse_softmax_cross_entropy_grad", x, labels, np.ones(3, np.float32)
    )
    assert status == (1, label, 4)
    assert not grad[1].any()


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("dtype", FLOATS)
def test_softmax_bits(table, dtype):
    rng = np.random.default_rng(0)
    for cols in (10, 300):
        x = rng.standard_normal((700, cols)).astype(dtype)
        y = rows_kernel(table, "softmax", x)
        for n in (2, 3, 8):
            assert same_bits(rows_kernel(table, "softmax", x, n_threads=n), y)
        assert same_bits(rows_kernel(table, "softmax", x[5:8].copy()), y[5:8])
        t = np.abs(x)
        loss, _ = cross_entropy(table, "softmax_cross_entropy", x, t)
        for n in (2, 3, 8):
            more, _ = cross_entropy(table, "softmax_cross_entropy", x, t, n_threads=n)
            assert same_bits(more, loss)


@pytest.mark.parametrize("table", TABLES)
def test_softmax_in_place(table):
    x = np.random.default_rng(1).standard_normal((4, 37)).astype(np.float32)
    y = rows_kernel(table, "softmax", x)
    call(table, "softmax", "float32", Rows(x.ctypes.data, x.ctypes.data, None, *x.shape))
    assert same_bits(x, y)


# --- copy, fill, one_hot, first_nonfinite ----------------------------------------------------


def views(rng, x):
    """Views of x with other strides: reversed, transposed, every second, broadcast."""
    yield x
    if x.ndim:
        yield x[::-1]
        yield x[..., ::2]
        yield x.transpose(rng.permutation(x.ndim))
        yield np.broadcast_to(x[:1], x.shape)
        yield x[:, None].swapaxes(0, -1)


@pytest.mark.parametrize("table", ["reference", *TABLES])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape", [(), (1,), (5,), (0, 3), (10, 6), (17, 33), (3, 4, 5), (2, 3, 1, 4, 5), (300, 301)]
)
def test_copy(table, dtype, shape):
    rng = np.random.default_rng(2)
    for x in views(rng, raw(rng, shape, dtype)):
        order = rng.permutation(x.ndim)
        for out in (
            np.zeros(x.shape, dtype),
            np.zeros([x.shape[d] for d in order], dtype).transpose(np.argsort(order)),
            np.zeros([2 * n for n in x.shape], dtype)[(..., *(slice(n) for n in x.shape))],
        ):
            args = Copy(
                out.ctypes.data, x.ctypes.data, x.ndim, extents(x.shape), strides(out), strides(x)
            )
            for n in (1, 3) if x.size > 65536 else (1,):
                out[...] = 0
                with threads(n):
                    call(table, "copy", dtype, args)
                assert np.array_equal(out, x)


@pytest.mark.parametrize("table", ["reference", *TABLES])
@pytest.mark.parametrize("dtype", DTYPES)
def test_fill_and_one_hot(table, dtype):
    for n in (0, 1, 33, 1000):
        for value in (0, 1, -0.0, 2.5):
            out = np.full(n + 3, 1, dtype)
            call(table, "fill", dtype, Fill(out.ctypes.data, n, value))
            assert same_bits(out[:n], np.full(n, value, dtype))
            assert (out[n:] == 1).all()
    index = np.array([0, 2, -1, 3, 1, 9, 2])
    out = np.full((7, 3), 1, dtype)
    call(table, "one_hot", dtype, OneHot(out.ctypes.data, index.ctypes.data, 7, 3))
    assert same_bits(out, (index[:, None] == np.arange(3)).astype(dtype))


@pytest.mark.parametrize("table", ["reference", *TABLES])
@pytest.mark.parametrize("dtype", FLOATS)
def test_first_nonfinite(table, dtype):
    found = np.zeros(1, np.int64)
    for n in (0, 1, 15, 64, 65, 300):
        x = np.full(n, np.finfo(dtype).max, dtype)
        args = Finite(found.ctypes.data, x.ctypes.data, n)
        call(table, "first_nonfinite", dtype, args)
        assert found[0] == -1
        for at in {0, n // 2, n - 1} if n else ():
            for bad in (np.nan, np.inf, -np.inf):
                x[:] = 1
                x[at:] = bad
                call(table, "first_nonfinite", dtype, args)
                assert found[0] == at


# --- take ------------------------------------------------------------------------------------


def take(table, name, x, index, shape, outer, rows, inner, n_threads=1):
    out = np.full(shape, 1, x.dtype)
    count = index.size if index.ndim == 1 else index.shape[1]
    args = Take(out.ctypes.data, x.ctypes.data, index.ctypes.data, outer, rows, inner, count)
    with threads(n_threads):
        status = call(table, name, x.dtype, args)
    return out, status


TAKES = [(1, 5, 1), (1, 7, 4), (3, 4, 17), (2, 3, 40), (1, 9, 200), (0, 3, 2), (2, 3, 0)]


@pytest.mark.parametrize("table", ["reference", *TABLES])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", TAKES)
def test_take(table, dtype, case):
    outer, rows, inner = case
    rng = np.random.default_rng(3)
    x = raw(rng, case, dtype)
    for count in (0, 1, 6, 700):
        index = rng.integers(-rows, rows, count)
        expected = np.take(x, index, axis=1)
        for n in (1, 3):
            out, status = take(table, "take", x, index, expected.shape, *case, n_threads=n)
            assert same_bits(out, expected)
            assert status == (0, 0, 0)
        along = rng.integers(-rows, rows, (outer, count, inner))
        out, _ = take(table, "take_along", x, along, along.shape, *case)
        assert same_bits(out, np.take_along_axis(x, along, axis=1))


@pytest.mark.parametrize("table", ["reference", *TABLES])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("case", TAKES)
def test_take_grad(table, dtype, case):
    outer, rows, inner = case
    rng = np.random.default_rng(4)
    for count in (0, 1, 6, 700):
        index = rng.integers(-rows, rows, count)
        g = rng.standard_normal((outer, count, inner)).astype(dtype)
        expected = np.zeros(case, dtype)
        for i in range(count):
            expected[:, index[i]] += g[:, i]
        for n in (1, 2, 8):
            out, _ = take(table, "take_grad", g, index, case, *case, n_threads=n)
            assert same_bits(out, expected), "added in the order of the index"
            out, _ = take(table, "take_grad_rows", g, index, case, *case, n_threads=n)
            named = np.unique(index % max(rows, 1))
            assert same_bits(out[:, named], expected[:, named])
            others = np.delete(out, named, axis=1)
            assert same_bits(others, np.ones_like(others))
        along = rng.integers(-rows, rows, g.shape)
        expected = np.zeros(case, dtype)
        at = np.indices(g.shape)
        np.add.at(expected, (at[0], along, at[2]), g)
        out, _ = take(table, "take_along_grad", g, along, case, *case)
        assert same_bits(out, expected)


@pytest.mark.parametrize("table", ["reference", *TABLES])
@pytest.mark.parametrize("bad", [5, -6, 2**62, -(2**63)])
def test_an_index_out_of_range(table, bad):
    x = np.arange(10, dtype=np.float32).reshape(1, 5, 2)
    index = np.array([1, bad, -5])
    out, status = take(table, "take", x, index, (1, 3, 2), 1, 5, 2)
    assert status == (1, bad, 5)
    assert out.tolist() == [[[2, 3], [0, 0], [0, 1]]]
    g = np.ones((1, 3, 2), np.float32)
    out, status = take(table, "take_grad", g, index, (1, 5, 2), 1, 5, 2)
    assert status == (1, bad, 5)
    assert out.sum() == 4


# --- gather_batch ----------------------------------------------------------------------------

SOURCES = [
    *("float32", "float64", "int32", "int64", "uint8", "bool"),
    *("int8", "int16", "uint16", "uint32", "uint64", "float16"),
]


def gather(table, x, rows, dtype, n_threads=1, first=0):
    n = len(rows) if rows is not None else x.shape[0] - first
    out = np.full((n, *x.shape[1:]), 1, dtype)
    args = GatherBatch(
        out.ctypes.data,
        x.ctypes.data,
        rows.ctypes.data if rows is not None else None,
        first,
        n,
        x.strides[0],
        SOURCES.index(x.dtype.newbyteorder("=").name),
        int(not x.dtype.isnative),
        x.ndim - 1,
        extents(x.shape[1:]),
        extents(x.strides[1:]),
    )
    with threads(n_threads):
        call(table, "gather_batch", dtype, args)
    return out


@pytest.mark.parametrize("table", ["reference", *TABLES])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("source", SOURCES)
def test_gather_batch(table, dtype, source):
    rng = np.random.default_rng(5)
    for shape in [(20,), (20, 1), (20, 11), (20, 16), (20, 40), (20, 3, 5), (20, 200), (20, 0)]:
        x = np.abs(raw(rng, shape, "float64")) % 100
        x = (x + (0.3 if source.startswith("float") else 0)).astype(source)
        rows = rng.integers(0, 20, 10)
        expected = x[rows].astype(dtype)
        for y in (
            x,
            np.asfortranarray(x),
            np.repeat(x, 2, axis=-1)[..., ::2],
            x[::-1].copy()[::-1],
            x.astype(x.dtype.newbyteorder(">")),
            np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(source).reshape(shape)
            if x.size
            else x,
        ):
            assert same_bits(gather(table, y, rows, dtype), expected)
        assert same_bits(gather(table, x, None, dtype, first=7), x[7:].astype(dtype))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("source", "dtype"), [("uint8", "uint8"), *([(s, "float32") for s in ("float32", "float64")])]
)
def test_gather_batch_of_every_width(table, source, dtype):
    rows = np.array([2, 0, 1, 2])
    for width in [*range(1, 70), 127, 128, 129, 511, 513]:
        x = (np.arange(3 * width).reshape(3, width) % 251).astype(source)
        # One row more is the end of what must not be written.
        out = np.full((5, width), 77, dtype)
        args = GatherBatch(
            *(out.ctypes.data, x.ctypes.data, rows.ctypes.data, 0, 4, x.strides[0]),
            *(SOURCES.index(source), 0, 1, extents((width,)), extents(x.strides[1:])),
        )
        call(table, "gather_batch", dtype, args)
        assert same_bits(out[:4], x[rows].astype(dtype))
        assert (out[4] == 77).all()


@pytest.mark.parametrize("table", TABLES)
def test_gather_batch_threads(table):
    x = np.random.default_rng(6).standard_normal((500, 784))
    rows = np.random.default_rng(7).permutation(500)
    for n in (1, 2, 3, 8):
        assert same_bits(gather(table, x, rows, "float32", n), x[rows].astype(np.float32))


@pytest.mark.parametrize("table", ["reference", *TABLES])
def test_every_half(table):
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    with np.errstate(invalid="ignore"):
        expected = halves.astype(np.float32)
    got = gather(table, halves, None, "float32")
    assert np.array_equal(got, expected, equal_nan=True)
    assert np.array_equal(np.signbit(got), np.signbit(expected)) or np.isnan(expected).any()
