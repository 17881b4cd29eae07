"""Operations on arrays find the program of earlier calls, and only when it is the right one."""

from __future__ import annotations

import copy
import gc
import inspect
import math
import pickle
import pydoc
import sys
import threading
import weakref

import numpy as np
import pytest

import fastnn
from fastnn import _core, ops

X = np.arange(24, dtype="float32").reshape(2, 3, 4)


def twice(call):
    """The second call is the one that finds the program."""
    call()
    return call()


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (), np.int64(1), True])
@pytest.mark.parametrize("keepdims", [False, True, 0, 1])
def test_other_arguments(axis, keepdims):
    expected = X.sum(axis=axis if axis is not True else 1, keepdims=bool(keepdims))
    for call in (
        lambda: ops.sum(X, axis, keepdims),
        lambda: ops.sum(X, axis=axis, keepdims=keepdims),
        lambda: ops.sum(X, keepdims=keepdims, axis=axis),
        lambda: ops.sum(x=X, axis=axis, keepdims=keepdims),
    ):
        result = twice(call)
        assert result.dtype == expected.dtype
        assert type(result) is type(expected)
        np.testing.assert_array_equal(result, expected)


def test_names_of_arguments_tell_calls_apart():
    for _ in range(2):
        assert ops.sum(X, axis=1).shape == (2, 4)
        with pytest.raises(TypeError, match="nonsense"):
            ops.sum(X, nonsense=1)
        assert ops.sum(X, keepdims=1).shape == (1, 1, 1)
        with pytest.raises(TypeError):
            ops.sum(X, 1, axis=1)
        with pytest.raises(TypeError):
            ops.sum()


def test_equal_numbers_of_different_kinds():
    x = np.ones((2, 1), "int32")
    for _ in range(3):
        for number, dtype in ((1, "int32"), (1.0, "float32"), (True, "int32"), (0, "int32")):
            result = ops.add(x, number)
            assert result.dtype == dtype
            assert result[0, 0] == 1 + number
    column = np.ones((1, 2), "float32").T  # not in C order where it has several rows
    for _ in range(3):
        for zero in (0.0, -0.0):
            assert math.copysign(1, ops.multiply(column, zero)[0, 0]) == math.copysign(1, zero)


def test_what_may_change_is_read_each_time():
    axes = [0]
    assert ops.sum(X, axes).shape == (3, 4)
    axes[0] = 2
    assert ops.sum(X, axes).shape == (2, 3)
    widths = [(1, 0)] * 3
    assert ops.pad(X, widths).shape == (3, 4, 5)
    widths[0] = (5, 0)
    assert ops.pad(X, widths).shape == (7, 4, 5)
    places = np.array([1, 0])
    for _ in range(2):
        np.testing.assert_array_equal(ops.getitem(X, (slice(None), places)), X[:, places])
        places[0] = 2 - places[0]


@pytest.mark.parametrize("key", [np.s_[0], np.s_[:, 1:], np.s_[..., ::2], np.s_[None, 1, :2]])
def test_slices(key):
    np.testing.assert_array_equal(twice(lambda: ops.getitem(X, key)), X[key])
    np.testing.assert_array_equal(ops.getitem(X, np.s_[:, 2:]), X[:, 2:])


@pytest.mark.parametrize(
    "x",
    [
        X.T,
        X[:, ::-1],
        X[:, 1],
        X.astype(">f4"),
        X.astype("float16"),
        X.astype("uint16"),
        X.astype("longlong"),
        X.astype("bool"),
        X[:0],
        X[0, 0, 0],
        np.array(2.5),
        X.view(np.memmap),
        X.tolist(),
        (1, 2, 3),
        [np.float32(1), 2],
        [[True], [False]],
        7,
        2.5,
        np.int8(3),
        np.bool_(True),
    ],
    ids=lambda x: f"{type(x).__name__}-{getattr(x, 'dtype', '')}-{np.shape(x)}",
)
def test_kinds_of_data(x):
    array = np.asarray(x)
    for op in (ops.sum, ops.norm, lambda x: ops.add(x, x), lambda x: ops.stack([x, x])):
        first = op(x)
        again = op(x)
        assert type(first) is type(again)
        assert first.dtype == again.dtype
        np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(ops.sum(x), array.astype("float64").sum())
    np.testing.assert_array_equal(ops.add(x, x), 2 * array.astype("float64"))
    np.testing.assert_array_equal(ops.stack([x, x]), [array, array])


def test_sequences():
    for n in (1, 2, 3, 30):
        parts = [np.full((2, i % 3), i, "float32") for i in range(n)]
        for given in (parts, tuple(parts), iter(parts)):
            np.testing.assert_array_equal(ops.concatenate(given, 1), np.concatenate(parts, 1))
        np.testing.assert_array_equal(ops.concatenate(parts, axis=1), np.concatenate(parts, 1))
    low, high = twice(lambda: ops.split(np.arange(4), 2))
    assert [*low, *high] == [0, 1, 2, 3]


def test_tensors_among_arrays():
    t = fastnn.placeholder((2,))
    for _ in range(2):
        for result in (ops.add(t, np.ones(2)), ops.stack([np.ones(2, "f"), t]), ops.sum(t)):
            assert isinstance(result, fastnn.Tensor)
        assert ops.add(np.ones(2), np.ones(2)).tolist() == [2, 2]


def test_errors_come_each_time():
    for _ in range(3):
        with pytest.raises(ValueError, match=r"\[sum\] axis 5 is out of bounds"):
            ops.sum(X, 5)
        with pytest.raises(TypeError, match=r"\[sum\] expected numbers, got dtype <U1"):
            ops.sum(["a"])
        with pytest.raises(ValueError, match=r"\[sum\] expected numbers in rows of equal"):
            ops.sum([[1, 2], [3]])
        with pytest.raises(IndexError, match="index 99 is out of bounds"):
            ops.take(X, np.array([99]))
        assert ops.take(X, np.array([1])) == [1]


def test_tables_of_kernels():
    x = np.linspace(-2, 2, 37, dtype="float32").reshape(1, 37).T
    before = _core.active_table()
    found = {}
    try:
        for _ in range(2):
            for table in _core.kernel_tables():
                _core.set_active_table(table)
                result = ops.softmax(x, 0).tobytes()
                assert found.setdefault(table, result) == result
    finally:
        _core.set_active_table(before)
    assert len(set(found.values())) > 1


def test_more_shapes_than_are_kept():
    for _ in range(2):
        for n in range(1, 400):
            assert ops.sum(np.ones(n, "int32")) == n


def test_threads():
    wrong = []

    def call(n):
        for i in range(300):
            x = np.full((n, 1 + i % 7), i, "int64")
            if ops.sum(x) != x.sum() or ops.add(x, x[:1])[n - 1, 0] != 2 * i:
                wrong.append((n, i))

    threads = [threading.Thread(target=call, args=(n,)) for n in (1, 2, 3, 20_000)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_a_list_that_another_thread_empties():
    """What is being read stays."""
    for _ in range(20):
        parts = [np.full(300_000, i, "int64") for i in range(8)]
        ops.concatenate(parts)
        emptied = threading.Thread(target=parts.clear)
        emptied.start()
        try:
            joined = ops.concatenate(parts)
        except ValueError:  # it was quicker
            continue
        finally:
            emptied.join()
        assert joined.sum() == 300_000 * sum(range(8))


def test_nothing_is_kept():
    x, axis = np.ones((3, 4), "float32"), (0, 1)
    indices = np.zeros(3, "int64")
    calls = [
        lambda: ops.sum(x, axis),
        lambda: ops.softmax(x, axis=-1),
        lambda: ops.add(x, x[0]),
        lambda: ops.sum([1.0, 2.0]),
        lambda: ops.take(x, indices, 1),
        lambda: ops.concatenate([x, x]),
    ]
    for call in calls:
        twice(call)
    gc.collect()
    objects = [x, axis, indices, x.dtype]
    before = [sys.getrefcount(o) for o in objects]
    for _ in range(1000):
        for call in calls:
            call()
    after = [sys.getrefcount(o) for o in objects]
    assert after[:3] == before[:3]
    assert after[3] - before[3] < 100


def test_operations_are_like_functions():
    assert list(inspect.signature(ops.sum).parameters) == ["x", "axis", "keepdims"]
    assert inspect.isroutine(ops.sum)
    assert "sum(x" in pydoc.plain(pydoc.render_doc(ops.sum))
    assert inspect.getdoc(ops.sum).startswith("Sum of the elements")
    assert ops.sum.__name__ == "sum"
    assert repr(ops.sum) == "<operation sum>"
    assert pickle.loads(pickle.dumps(ops.sum)) is ops.sum
    assert copy.deepcopy(ops.sum) is ops.sum
    assert weakref.ref(ops.sum)() is ops.sum


def test_operations_of_ones_own():
    def made():
        operation = _core.operation(lambda x: "general", lambda x: operation, 0, 1)
        operation.itself = operation
        assert operation([object()]) == "general"
        with pytest.raises(TypeError, match="expected it to return a Function"):
            operation(np.ones(2))
        assert "Operation" in repr(operation)
        return weakref.ref(operation)

    ended = made()
    gc.collect()
    assert ended() is None
