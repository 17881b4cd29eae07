"""Calls on plain arrays go straight to the kernel, with the bits of the general way."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from fastnn import _core, ops
from fastnn.ops._dispatch import _elementwise, elementwise
from kernels import same_bits, threads

OPS = [
    op
    for op in _core.op_table()
    if op["elementwise"] and op["min_inputs"] == op["max_inputs"] and op["name"] != "cast"
]


def arrays(op, dtype, n):
    rng = np.random.default_rng(n)
    count = op["min_inputs"]
    made = [rng.normal(1, 2, (n, 2)).astype(dtype) for _ in range(count)]
    if op["name"] == "where":
        made[0] = made[0] > 1
    return made


@pytest.mark.parametrize("op", OPS, ids=lambda op: op["name"])
def test_same_bits_as_the_general_way(op):
    attrs = {name: 0.3 for name, kind in op["attrs"] if kind == "float"}
    for dtype in ("float32", "float64", "int32", "int64", "uint8", "bool"):
        for n in (0, 1, 37, 5000):
            x = arrays(op, dtype, n)
            try:
                with np.errstate(all="ignore"):
                    expected = _elementwise(op["name"], *x, **attrs)
            except (TypeError, ValueError) as error:
                with pytest.raises(type(error)):
                    elementwise(op["name"], *x, **attrs)
                continue
            got = elementwise(op["name"], *x, **attrs)
            assert same_bits(got, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("number", [2, 2.5, True, -0.0, 10**400, 2**40])
def test_numbers_beside_arrays(dtype, number):
    x = np.arange(1, 7).astype(dtype)
    for inputs in ((x, number), (number, x)):
        try:
            expected = _elementwise("add", *inputs)
        except (ValueError, OverflowError) as error:
            with pytest.raises(type(error)):
                ops.add(*inputs)
            continue
        got = ops.add(*inputs)
        assert got.dtype == expected.dtype
        assert got.tobytes() == expected.tobytes()


def test_what_is_not_plain_goes_the_general_way():
    x = np.arange(12, dtype="float32").reshape(3, 4)
    np.testing.assert_array_equal(ops.add(x, x[0]), x + x[0])
    np.testing.assert_array_equal(ops.add(x.T, x.T), 2 * x.T)
    np.testing.assert_array_equal(ops.square(x.astype(">f4")), x * x)
    np.testing.assert_array_equal(ops.add(x, x.astype("float64")), 2 * x)
    assert isinstance(ops.square(np.float32(3)), np.float32)
    with pytest.raises(ValueError, match="add"):
        ops.add(x, x[:, :3])
    with pytest.raises(TypeError, match="tanh"):
        ops.tanh(np.array(["a"]))
    with pytest.raises(TypeError):
        ops.tanh()


def test_nothing_is_kept():
    x = np.ones(10, "float32")
    before = sys.getrefcount(x), sys.getrefcount(x.dtype)
    for _ in range(1000):
        ops.leaky_relu(ops.multiply(ops.tanh(x), 2.0), 0.1)
    assert sys.getrefcount(x) == before[0]
    assert abs(sys.getrefcount(x.dtype) - before[1]) < 100


def test_threads():
    x = np.linspace(-3, 3, 300_000, dtype="float32")
    expected = ops.tanh(x)
    results = []
    callers = [threading.Thread(target=lambda: results.append(ops.tanh(x))) for _ in range(4)]
    with threads(3):
        for c in callers:
            c.start()
        for c in callers:
            c.join()
    assert [r.tobytes() for r in results] == [expected.tobytes()] * 4
