"""Calls of compiled functions: whatever comes after whatever, from several threads, with errors."""

from __future__ import annotations

import gc
import inspect
import sys
import threading

import numpy as np
import pytest

import fastnn
from fastnn import _core, graph, ops


def product_and_sum():
    x, y = fastnn.placeholder((None, 3), name="x"), fastnn.placeholder((3,), name="y")
    return fastnn.function([x, y], [x * y, ops.sum(x * y)])


def test_any_shapes_and_layouts_one_after_the_other():
    f = product_and_sum()
    base = np.arange(60, dtype="float32").reshape(20, 3)
    y = np.array([1, 2, 3], "float32")
    for x in (
        base[:4], base[:4], base[:7], base[:0], base[:4].astype("float64"), base[8::-2],
        np.asfortranarray(base[:4]), base[:4].astype(">f4"), base[:4].tolist(), base[:5],
        base.view(np.memmap)[:5], base[:4] > 5,
    ):  # fmt: skip
        for factor in (y, y[::-1], [1, 2, 3]):
            expected = np.asarray(x, "float32") * np.asarray(factor, "float32")
            product, total = f(x, factor)
            assert product.dtype == total.dtype == np.float32
            assert type(product) is np.ndarray
            np.testing.assert_array_equal(product, expected)
            np.testing.assert_allclose(total, expected.sum(), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "bool"])
def test_arrays_with_strides(dtype):
    """A few elements are copied here, many by NumPy."""
    x = fastnn.placeholder((None, None, None), dtype)
    f = fastnn.function([x], x[:])
    base = (np.arange(7 * 6 * 80) % 5).reshape(7, 6, 80).astype(dtype)
    for part in (
        base[:, :, :4], base[::-2, 1::3, 3:9:2], base.T[:3, :2], base.transpose(1, 0, 2),
        base[:, :, ::-1], base[:0, :, ::2], np.broadcast_to(base[0, :1, :3], (4, 5, 3)),
        np.frombuffer(b"x" + base[:2, :3].tobytes(), dtype, 480, 1).reshape(2, 3, 80),
    ):  # fmt: skip
        np.testing.assert_array_equal(f(part), part)


def test_results_are_the_callers():
    f = product_and_sum()
    x, y = np.ones((2, 3), "float32"), np.ones(3, "float32")
    first = f(x, y)
    second = f(2 * x, y)
    np.testing.assert_array_equal(first[0], x)
    np.testing.assert_array_equal(second[0], 2 * x)
    assert first[0].flags.owndata
    assert first[0].flags.writeable


def test_form_of_the_results():
    x = fastnn.placeholder(())
    count = fastnn.shared(0.0)
    assert fastnn.function([x], x + 1)(1).shape == ()
    assert [r.item() for r in fastnn.function([x], [x + 1])(1)] == [2.0]
    assert fastnn.function([x], [])(1) == []
    assert fastnn.function([x], updates=[(count, count + x)])(3) is None
    assert count.get_value() == 3
    low = _core.Function([x._value], [("main", [x._value], [])], returns="one", scalars=True)
    assert isinstance(low(1.5), np.float32)
    with pytest.raises(ValueError, match="returns: expected 'list', 'one' or 'nothing', got 'two'"):
        _core.Function([x._value], [("main", [x._value], [])], returns="two")


def test_errors_and_the_call_after_them():
    f = product_and_sum()
    x, y = np.ones((2, 3), "float32"), np.ones(3, "float32")
    for _ in range(2):
        with pytest.raises(TypeError, match="expected 2 arguments, got 1"):
            f(x)
        with pytest.raises(TypeError, match="expected arguments by position"):
            f(x, y=y)
        with pytest.raises(ValueError, match=r"\[y\] expected shape \(3,\), got \(2,\)"):
            f(x, y[:2])
        with pytest.raises(TypeError, match="y: expected numbers that fit float32, got dtype <U1"):
            f(x, ["a"])
        assert f(x, y)[1] == 6
    i = fastnn.placeholder((None,), "int64")
    take = fastnn.function([i], ops.take(fastnn.shared(np.arange(3.0)), i))
    for _ in range(2):
        with pytest.raises(IndexError, match="index 3 is out of bounds"):
            take(np.array([3]))
        assert take(np.array([2])) == [2]


def test_a_function_without_its_constructor():
    class Bare(graph.Function):
        def __init__(self):
            pass

    with pytest.raises(TypeError, match="__init__"):
        Bare()


def test_weights_that_move_and_threads_that_change():
    x = fastnn.placeholder((None, 2))
    w = fastnn.shared(np.ones((2, 2), "float32"))
    f = fastnn.function([x], x @ w)
    rows = np.ones((3, 2), "float32")
    for number in (1, 2, 3):
        w.set_value(np.full((2, 2), number, "float32"))
        np.testing.assert_array_equal(f(rows), np.full((3, 2), 2 * number))
    before = fastnn.get_num_threads()
    try:
        for n in (1, 2, 3):
            fastnn.set_num_threads(n)
            np.testing.assert_array_equal(f(rows), np.full((3, 2), 6))
    finally:
        fastnn.set_num_threads(before)


def test_calls_from_several_threads():
    """Small calls keep the GIL, large ones give it up, in the midst of others."""
    x = fastnn.placeholder((None,), "float64")
    f = fastnn.function([x], [x + 1, ops.sum(x)])
    wrong = []

    def call(n: int) -> None:
        data = np.arange(n, dtype="float64")
        for _ in range(50):
            more, total = f(data)
            if not (more == data + 1).all() or total != n * (n - 1) / 2:
                wrong.append(n)

    threads = [threading.Thread(target=call, args=(n,)) for n in (3, 3, 100, 50_000, 60_000)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_nothing_is_kept():
    x = np.ones(10, "float32")
    p = fastnn.placeholder((None,))
    f = fastnn.function([p], [p + 1, ops.sum(p)])
    f(x)
    gc.collect()
    before = sys.getrefcount(x), sys.getrefcount(x.dtype), len(gc.get_objects())
    for _ in range(1000):
        f(x)
        with pytest.raises(TypeError):
            f()
    gc.collect()
    assert sys.getrefcount(x) == before[0]
    assert sys.getrefcount(x.dtype) - before[1] < 100
    assert len(gc.get_objects()) - before[2] < 500


def test_what_python_says_of_it():
    f = product_and_sum()
    assert callable(f)
    assert "TypeError" in inspect.getdoc(f)
    assert str(inspect.signature(f)) == "(*args)"
    assert list(inspect.signature(graph.Function).parameters)[:2] == ["inputs", "outputs"]
