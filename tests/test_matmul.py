"""Matmul on every table: values, edges of memory, and bits that nothing but the row can change."""

from __future__ import annotations

import ctypes
import itertools
import mmap
import sys
import zlib
from typing import Any

import numpy as np
import pytest

from fastnn import _core

TABLES = _core.kernel_tables()
FAST = [name for name in TABLES if name != "reference"]
DTYPES = ["float32", "float64"]
TRANSPOSES = list(itertools.product([False, True], repeat=2))
TALLEST_TILE = 14
EPILOGUES = ["none", "relu", "relu_grad", "sigmoid"]


def rng_of(*names: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(repr(names).encode()))


def guarded(values: np.ndarray) -> np.ndarray:
    """A copy that ends where memory ends: reading past it is a fault, not luck."""
    if sys.platform == "win32" or values.size == 0:
        return values.copy()
    page = mmap.PAGESIZE
    size = -(-values.nbytes // page) * page
    memory = mmap.mmap(-1, size + page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(address + size), page, 0) == 0
    at_end = np.frombuffer(memory, values.dtype, values.size, size - values.nbytes)
    at_end = at_end.reshape(values.shape)
    at_end[...] = values
    return at_end


def padded(values: np.ndarray, extra: int) -> np.ndarray:
    """The same matrix with NaN between its rows, ending where memory ends."""
    rows, cols = values.shape
    if rows == 0 or cols == 0:
        return np.ascontiguousarray(values)
    flat = np.full((rows - 1) * (cols + extra) + cols, np.nan, values.dtype)
    flat = guarded(flat)
    strides = ((cols + extra) * values.itemsize, values.itemsize)
    view = np.lib.stride_tricks.as_strided(flat, values.shape, strides)
    view[...] = values
    return view


def exact(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The product and sum |a||b|, in a wider type."""
    wide = np.float64 if a.dtype == np.float32 else np.longdouble
    a, b = a.astype(wide), b.astype(wide)
    return a @ b, np.abs(a) @ np.abs(b)


class Case:
    """Operands as mathematics sees them; `run` stores them as asked and checks C's surroundings."""

    def __init__(self, m: int, n: int, k: int, dtype: str, rng: np.random.Generator) -> None:
        self.a, self.b, self.aux = (
            rng.standard_normal(shape).astype(dtype) for shape in [(m, k), (k, n), (m, n)]
        )
        self.bias = rng.standard_normal(n).astype(dtype)

    def run(
        self,
        table: str,
        trans_a: bool = False,
        trans_b: bool = False,
        pad: int = 0,
        bias: bool = False,
        epilogue: str = "none",
        colsum: bool = False,
        threads: int = 1,
        packed: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        m, n = len(self.a), self.b.shape[1]
        memory = np.full((m + 2, n + pad + 2), -777, self.a.dtype)
        sums = np.full(n + 2, -777, self.a.dtype)
        _core.testing.matmul(
            table,
            memory[1:-1, 1 : n + 1],
            padded(self.a.T if trans_a else self.a, pad),
            padded(self.b.T if trans_b else self.b, pad),
            trans_a=trans_a,
            trans_b=trans_b,
            bias=guarded(self.bias) if bias else None,
            aux=padded(self.aux, pad) if epilogue == "relu_grad" else None,
            epilogue=epilogue,
            colsum_b=sums[1:-1] if colsum else None,
            threads=threads,
            packed=packed,
        )
        c = memory[1:-1, 1 : n + 1].copy()
        memory[1:-1, 1 : n + 1] = -777
        assert (memory == -777).all(), "written outside C"
        assert sums[0] == sums[-1] == -777, "written outside colsum_b"
        return c, sums[1:-1]

    def check(self, table: str, bias: bool, epilogue: str, colsum: bool, **how: Any) -> None:
        k, eps = self.a.shape[1], np.finfo(self.a.dtype).eps
        c, sums = self.run(table, bias=bias, epilogue=epilogue, colsum=colsum, **how)
        want, size = exact(self.a, self.b)
        bound = max(k, 1) * eps * size
        if bias:
            want = want + self.bias
            bound = bound + eps * (np.abs(want) + np.abs(self.bias))
        if epilogue == "relu":
            want = np.maximum(want, 0)
        if epilogue == "relu_grad":
            want = np.where(self.aux > 0, want, 0)
        if epilogue == "sigmoid":
            want, bound = 1 / (1 + np.exp(-want)), bound + 8 * eps
        assert (np.abs(c - want) <= bound).all()
        if colsum:
            exact_sums, size = exact(np.ones((1, k), self.b.dtype), self.b)
            assert (np.abs(sums - exact_sums[0]) <= max(k, 1) * eps * size[0]).all()


def random_shape(rng: np.random.Generator) -> tuple[int, int, int]:
    low, high = [
        ((0, 0, 0), (12, 12, 12)),
        ((1, 1, 1), (40, 70, 90)),
        ((1, 1, 1), (150, 20, 300)),
        ((1, 1, 1), (30, 40, 1500)),
        ((50, 1, 1), (130, 200, 300)),
    ][rng.integers(5)]
    return tuple(int(rng.integers(a, b + 1)) for a, b in zip(low, high, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("table", TABLES)
def test_matmul_stays_within_its_bound(table: str, dtype: str) -> None:
    rng = rng_of(dtype)
    for _ in range(60):
        m, n, k = random_shape(rng)
        Case(m, n, k, dtype, rng).check(
            table,
            trans_a=bool(rng.integers(2)),
            trans_b=bool(rng.integers(2)),
            pad=int(rng.integers(4)),
            bias=bool(rng.integers(2)),
            epilogue=EPILOGUES[rng.integers(4)],
            colsum=bool(rng.integers(2)),
            threads=int(rng.integers(1, 4)),
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("m", "n", "k"), [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0), (300, 90, 0)]
)
def test_empty_extents(table: str, dtype: str, m: int, n: int, k: int) -> None:
    case = Case(m, n, k, dtype, rng_of(m, n, k))
    for trans_a, trans_b in TRANSPOSES:
        c, sums = case.run(table, trans_a, trans_b, bias=True, colsum=True, threads=2)
        np.testing.assert_array_equal(c, case.a @ case.b + case.bias)
        np.testing.assert_allclose(sums, case.b.sum(axis=0), atol=1e-6)


def assert_bits(got: np.ndarray, want: np.ndarray, what: str) -> None:
    assert got.tobytes() == want.tobytes(), what


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("table", FAST)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 16, 17, 33, 70])
@pytest.mark.parametrize("k", [1, 6, 11, 64, 300, 1100])
def test_a_row_has_the_same_bits_among_any_rows(table: str, dtype: str, n: int, k: int) -> None:
    tallest = 2 * TALLEST_TILE + 1
    case = Case(tallest, n, k, dtype, rng_of(n, k))
    want, sums = case.run(table, bias=True, epilogue="relu", colsum=True)
    rows = case.a
    for m in range(1, tallest + 1):
        case.a = rows[:m]
        trans_a, trans_b = TRANSPOSES[m % 4]
        got, got_sums = case.run(
            table, trans_a, trans_b, bias=True, epilogue="relu", colsum=True, threads=1 + m % 3
        )
        assert_bits(got, want[:m], f"{m} rows")
        assert_bits(got_sums, sums, f"column sums with {m} rows")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("table", FAST)
@pytest.mark.parametrize(
    ("m", "n", "k"), [(131, 70, 300), (3, 300, 1200), (11, 6, 17000), (400, 64, 64), (65, 1, 17000)]
)
def test_bits_do_not_depend_on_path_or_threads(
    table: str, dtype: str, m: int, n: int, k: int
) -> None:
    case = Case(m, n, k, dtype, rng_of(m, n, k))
    how: dict[str, Any] = {"bias": True, "epilogue": "relu_grad", "colsum": True}
    want, sums = case.run(table, **how)
    for (trans_a, trans_b), threads in itertools.product(TRANSPOSES, [1, 2, 3, 8]):
        got, got_sums = case.run(table, trans_a, trans_b, threads=threads, **how)
        assert_bits(got, want, f"{threads} threads")
        assert_bits(got_sums, sums, f"column sums, {threads} threads")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("table", FAST)
@pytest.mark.parametrize(("n", "k"), [(48, 530), (70, 1100), (1100, 70), (2100, 37), (33, 16)])
def test_a_few_rows_have_the_same_bits_wherever_b_lies(
    table: str, dtype: str, n: int, k: int
) -> None:
    case = Case(2 * TALLEST_TILE, n, k, dtype, rng_of("few", n, k))
    want, _ = case.run(table, bias=True)
    rows = case.a
    stride = -(-max(n, k) // 16) * 16  # of B's rows; all of them start at one place of a line
    for m, start in itertools.product([1, 2, 3, 4, 5], [0, 1, 4, 15]):
        case.a = rows[:m]
        for trans_b, threads in [(False, 1), (True, 1), (m % 2 == 0, 2)]:
            b = case.b.T if trans_b else case.b
            memory = np.full((len(b) + 1) * stride + 32, np.nan, dtype)
            start_of_line = -memory.ctypes.data % 64 // memory.itemsize + start
            view = memory[start_of_line : start_of_line + len(b) * stride].reshape(-1, stride)
            view[:, : b.shape[1]] = b
            c = np.empty((m, n), dtype)
            _core.testing.matmul(
                table, c, rows[:m], view[:, : b.shape[1]], trans_b=trans_b, bias=case.bias,
                threads=threads,
            )  # fmt: skip
            assert_bits(c, want[:m], f"{m} rows, B at {start}, transposed: {trans_b}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("table", FAST)
@pytest.mark.parametrize(
    ("m", "n", "k"),
    [
        (400, 70, 600), (171, 2100, 40), (131, 33, 1300), (57, 15, 512), (2, 300, 520),
        (9, 8, 3000), (3, 5, 7), (100, 3, 200), (5, 0, 9), (0, 9, 5), (70, 80, 0),
    ],
)  # fmt: skip
def test_packing_changes_no_bit(table: str, dtype: str, m: int, n: int, k: int) -> None:
    case = Case(m, n, k, dtype, rng_of("packed", m, n, k))
    how: dict[str, Any] = {"bias": True, "epilogue": "relu_grad", "colsum": True}
    want, sums = case.run(table, **how)
    for (trans_a, trans_b), threads in itertools.product(TRANSPOSES, [1, 2, 3, 8]):
        got, got_sums = case.run(table, trans_a, trans_b, 3, threads=threads, packed=True, **how)
        assert_bits(got, want, f"{threads} threads")
        assert_bits(got_sums, sums, f"column sums, {threads} threads")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("threads", [1, 2])
def test_batches_broadcast(table: str, threads: int) -> None:
    rng = rng_of("batch")
    for m, n, k in [(3, 4, 5), (20, 40, 60), (70, 50, 30)]:
        a = rng.standard_normal((4, 1, m, k)).astype("float32")
        b = rng.standard_normal((1, 3, n, k)).astype("float32")
        c = np.full((4, 3, m, n), np.nan, "float32")
        sums = np.empty((4, 3, n), "float32")
        _core.testing.matmul(
            table,
            c,
            np.broadcast_to(a, (4, 3, m, k)),
            np.broadcast_to(b, (4, 3, n, k)),
            trans_b=True,
            colsum_b=sums,
            threads=threads,
        )
        np.testing.assert_allclose(c, a @ b.swapaxes(-1, -2), rtol=0, atol=k * 1e-6)
        single = np.empty((m, n), "float32")
        for i, j in itertools.product(range(4), range(3)):
            _core.testing.matmul(table, single, a[i, 0], b[0, j], trans_b=True)
            assert_bits(single, c[i, j], "one product of the batch")
            np.testing.assert_allclose(sums[i, j], b[0, j].sum(axis=-1), atol=k * 1e-6)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("m", "n", "k"), [(3, 5, 2), (110, 100, 100), (3, 5, 80000)])
def test_epilogues_meet_nan(table: str, m: int, n: int, k: int) -> None:
    case = Case(m, n, k, "float32", rng_of("nan", k))
    case.bias[1] = np.nan
    case.aux[:, 2] = np.nan
    case.bias[3] = np.inf
    c, _ = case.run(table, bias=True, epilogue="relu", threads=2)
    assert np.isnan(c[:, 1]).all()
    assert (c[:, 3] == np.inf).all()
    assert np.isfinite(np.delete(c, [1, 3], axis=1)).all()
    c, _ = case.run(table, bias=True, epilogue="relu_grad", threads=2)
    assert (c[:, 2] == 0).all()
    np.testing.assert_array_equal(np.isnan(c[:, 1]), case.aux[:, 1] > 0)


@pytest.mark.parametrize("table", TABLES)
def test_an_epilogue_tile_is_the_tile_applied_afterwards(table: str) -> None:
    for m, n, k in [(5, 7, 9), (100, 65, 64)]:
        case = Case(m, n, k, "float32", rng_of("tile", m))
        plain, _ = case.run(table, bias=True)
        want = np.empty_like(plain)
        _core.testing.tile(table, "sigmoid", "float32", want, [plain])
        got, _ = case.run(table, bias=True, epilogue="sigmoid", pad=3, threads=2)
        assert_bits(got, want, "sigmoid")


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_integers_wrap_around(dtype: str) -> None:
    rng = rng_of(dtype)
    info = np.iinfo(dtype)
    a = rng.integers(info.min, info.max, (5, 7), dtype=dtype)
    b = rng.integers(info.min, info.max, (7, 3), dtype=dtype)
    for trans_a, trans_b in TRANSPOSES:
        c = np.empty((5, 3), dtype)
        stored_a = np.ascontiguousarray(a.T) if trans_a else a
        stored_b = np.ascontiguousarray(b.T) if trans_b else b
        _core.testing.matmul("reference", c, stored_a, stored_b, trans_a=trans_a, trans_b=trans_b)
        np.testing.assert_array_equal(c, a @ b)


@pytest.mark.parametrize("table", FAST)
def test_the_workspace_grows_with_every_extent(table: str) -> None:
    extents = [0, 1, 5, 14, 15, 31, 33, 100, 257, 340, 700, 2100, 9000]
    for dtype, threads in itertools.product(DTYPES, [1, 2, 8]):
        sizes = np.array(
            [
                [[_core.testing.matmul_workspace(table, dtype, m, n, k, threads) for k in extents]
                 for n in extents]
                for m in extents
            ]
        )  # fmt: skip
        for axis in range(3):
            assert (np.diff(sizes, axis=axis) >= 0).all()
