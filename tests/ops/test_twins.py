"""Every sample again with inputs that are not contiguous: the same bits come out.

Views of the graph (transposed, sliced, reversed, repeated) stand between the arrays and the op;
and arrays of other layouts, byte orders and alignments are given to functions.
"""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import _core
from samples import CASES
from test_op_table import NAMES, OPS, result_of


def packed(a):
    return np.array(a, order="C")  # ascontiguousarray would make a scalar a vector


def transposed(a):
    order = list(range(a.ndim))[::-1]
    x = _core.placeholder(a.dtype, a.shape[::-1])
    return x, _core.make("transpose", [x], {"axes": order}), packed(a.T)


def slice_node(x, begin, step, size):
    return _core.make("slice", [x], {"begin": begin, "step": step, "size": size})


def sliced(a):
    shape = tuple(2 * n + 3 for n in a.shape)
    wide = np.full(shape, 7, a.dtype)
    wide[tuple(slice(1, 1 + 2 * n, 2) for n in a.shape)] = a
    x = _core.placeholder(a.dtype, shape)
    return x, slice_node(x, [1] * a.ndim, [2] * a.ndim, list(a.shape)), wide


def rows_of_a_wider_matrix(a):
    if a.ndim == 0:
        return sliced(a)
    shape = (*a.shape[:-1], a.shape[-1] + 3)
    wide = np.full(shape, 7, a.dtype)
    wide[..., 2 : 2 + a.shape[-1]] = a
    x = _core.placeholder(a.dtype, shape)
    begin = [0] * (a.ndim - 1) + [2]
    return x, slice_node(x, begin, [1] * a.ndim, list(a.shape)), wide


def reversed_axes(a):
    x = _core.placeholder(a.dtype, a.shape)
    begin = [max(n - 1, 0) for n in a.shape]
    flipped = packed(a[(slice(None, None, -1),) * a.ndim])
    return x, slice_node(x, begin, [-1] * a.ndim, list(a.shape)), flipped


VIEWS = (transposed, sliced, rows_of_a_wider_matrix, reversed_axes)


def dtypes_of(name):
    return ["float32"] if "float32" in OPS[name]["dtypes"] else OPS[name]["dtypes"] or ["int64"]


def through(view, name, arrays, attrs):
    made = [view(a) for a in arrays]
    y = _core.make(name, [m[1] for m in made], attrs)
    function = _core.Function([m[0] for m in made], [("main", [y], [])])
    return function(*[m[2] for m in made])[0]


def same(name, result, expected, what):
    """Bit for bit; sums and products in another order where the strides are others."""
    if name in ("sum", "mean", "prod", "sum_to_like") and result.dtype.kind == "f":
        np.testing.assert_allclose(result, expected, rtol=2e-6, atol=2e-6, err_msg=what)
    else:
        np.testing.assert_array_equal(result, expected, what)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", NAMES)
def test_views_of_the_graph(name, view):
    for dtype in dtypes_of(name):
        for sample in CASES[name].samples:
            arrays = sample.arrays(dtype, name)
            expected = result_of(name, arrays, sample.attrs)
            result = through(view, name, arrays, sample.attrs)
            same(name, result, expected, f"{name} {dtype} {sample}")


@pytest.mark.parametrize("name", NAMES)
def test_repeated_inputs(name):
    """The first input is one row repeated by stride 0."""
    for dtype in dtypes_of(name):
        for sample in CASES[name].samples:
            arrays = sample.arrays(dtype, name)
            first = arrays[0]
            if first.ndim == 0 or first.shape[0] == 0:
                continue
            row = packed(first[:1])
            arrays[0] = np.repeat(row, first.shape[0], 0)
            expected = result_of(name, arrays, sample.attrs)
            xs = [_core.placeholder(a.dtype, a.shape) for a in [row, *arrays[1:]]]
            repeated = _core.broadcast_to(xs[0], first.shape)
            y = _core.make(name, [repeated, *xs[1:]], sample.attrs)
            result = _core.Function(xs, [("main", [y], [])])(row, *arrays[1:])[0]
            same(name, result, expected, f"{name} {dtype} {sample}")


def fortran(a):
    return np.array(a, order="F")


def big_endian(a):
    return a.astype(a.dtype.newbyteorder(">"))


def read_only(a):
    b = a.copy()
    b.flags.writeable = False
    return b


def misaligned(a):
    b = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    b[...] = a
    return b


def strided(a):
    wide = np.full(tuple(3 * n + 1 for n in a.shape), 7, a.dtype)
    b = wide[(..., *(slice(0, 3 * n, 3) for n in a.shape))]
    b[...] = a
    return b


def negative_strides(a):
    key = (slice(None, None, -1),) * a.ndim
    return packed(a[key])[key]


LAYOUTS = (fortran, big_endian, read_only, misaligned, strided, negative_strides)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_arrays(layout):
    for name in NAMES:
        for dtype in dtypes_of(name):
            sample = CASES[name].samples[2 % len(CASES[name].samples)]
            arrays = sample.arrays(dtype, name)
            expected = result_of(name, arrays, sample.attrs)
            given = [layout(a) for a in arrays]
            before = [a.copy() for a in given]
            result = result_of(name, given, sample.attrs)
            np.testing.assert_array_equal(result, expected, f"{name} {dtype} {sample}")
            for a, b in zip(given, before, strict=True):
                np.testing.assert_array_equal(a, b)
