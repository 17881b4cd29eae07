"""Operations that are made of others: NumPy's answers on arrays, the same through a graph."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import ops

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 4)).astype("float32")
B = RNG.normal(size=(4, 5)).astype("float32")
C = RNG.normal(size=(2, 3, 4)).astype("float32")

# name: (arrays, other arguments)
CASES = {
    "abs": ([A], {}), "amax": ([A], {"axis": 0}), "amin": ([A], {}), "var": ([A], {"axis": 1}),
    "std": ([C], {"axis": (0, 2), "keepdims": True}), "average": ([A], {"axis": 1}),
    "count_nonzero": ([np.round(A)], {"axis": 0}), "ravel": ([C], {}),
    "moveaxis": ([C], {"source": 0, "destination": -1}),
    "swapaxes": ([C], {"axis1": 0, "axis2": -1}), "repeat": ([A], {"repeats": 3}),
    "tile": ([A], {"repeats": (2, 1, 3)}), "roll": ([A], {"shift": -5}),
    "dot": ([A, B], {}), "outer": ([A, B], {}), "tensordot": ([C, A], {"axes": 2}),
    "log2": ([np.abs(A)], {}), "log10": ([np.abs(A)], {}), "tan": ([A], {}), "sinh": ([A], {}),
    "cosh": ([A], {}), "isinf": ([np.where(A > 0, np.inf, A)], {}), "isclose": ([A, A + 1e-9], {}),
    "logical_xor": ([A > 0, A > 1], {}), "true_divide": ([A, A + 3], {}),
    "nan_to_num": ([np.where(A > 1, np.nan, A)], {}),
}  # fmt: skip
MORE = [
    ("average", [A, np.abs(A[0])], {"axis": 1}),
    ("repeat", [C], {"repeats": 2, "axis": 1}),
    ("tile", [C], {"repeats": 2}),
    ("roll", [C], {"shift": 2, "axis": 1}),
    ("roll", [C], {"shift": 0, "axis": -1}),
    ("dot", [A[0], B], {}),
    ("dot", [A, np.float32(2.0)], {}),
    ("tensordot", [C, C], {"axes": ([0, 2], [0, 2])}),
]


def numpy_of(name, arrays, options):
    if name == "average" and len(arrays) == 2:
        return np.average(arrays[0], weights=arrays[1], **options)
    if name == "tile":
        return np.tile(arrays[0], options["repeats"])
    return getattr(np, name)(*arrays, **options)


@pytest.mark.parametrize(
    ("name", "arrays", "options"),
    [*((name, *case) for name, case in CASES.items()), *MORE],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_arrays_and_tensors_give_what_numpy_gives(name, arrays, options):
    with np.errstate(all="ignore"):
        expected = numpy_of(name, arrays, options)
    given = dict(zip(("x", "weights"), arrays, strict=False)) if name == "average" else {}
    function = getattr(ops, name)
    direct = function(**given, **options) if given else function(*arrays, **options)
    np.testing.assert_allclose(direct, expected, rtol=2e-6, atol=1e-6)
    inputs = [fastnn.placeholder(np.shape(a), str(np.asarray(a).dtype)) for a in arrays]
    named = dict(zip(("x", "weights"), inputs, strict=False)) if name == "average" else {}
    output = function(**named, **options) if named else function(*inputs, **options)
    assert output.shape == np.shape(expected)
    through = fastnn.function(inputs, output)(*arrays)
    np.testing.assert_allclose(through, expected, rtol=2e-6, atol=1e-6)


def test_lists_of_arrays():
    for name in ("hstack", "vstack"):
        for parts in ([A, A], [A[0], A[1]]):
            expected = getattr(np, name)(parts)
            np.testing.assert_array_equal(getattr(ops, name)(parts), expected)
    for one, expected in zip(ops.unstack(C, axis=1), np.moveaxis(C, 1, 0), strict=True):
        np.testing.assert_array_equal(one, expected)
    with pytest.raises(ValueError, match="length 4, got 3"):
        ops.unstack(A, num=4)


def test_new_arrays_are_numpys_unless_a_length_is_open():
    np.testing.assert_array_equal(ops.zeros((2, 3)), np.zeros((2, 3), "float32"))
    np.testing.assert_array_equal(ops.ones(2, "int32"), np.ones(2, "int32"))
    np.testing.assert_array_equal(ops.arange(5), np.arange(5))
    np.testing.assert_array_equal(ops.arange(1.0, 2.0, 0.5), [1.0, 1.5])
    np.testing.assert_array_equal(ops.linspace(0, 1, 5), np.linspace(0, 1, 5))
    np.testing.assert_array_equal(ops.eye(2, 3, 1), np.eye(2, 3, 1))
    x = fastnn.placeholder((None, 3))
    rows, columns = ops.shape(x)
    made = [ops.ones((rows, 2)), ops.size(x) * ops.cast(1, "int32"), ops.sum(x) / (rows * columns)]
    ones, count, mean = fastnn.function([x], made)(np.full((4, 3), 2.0, "float32"))
    assert ones.shape == (4, 2)
    assert (int(count), float(mean)) == (12, 2.0)
    assert ops.ndim(x) == 2
    with pytest.raises(ValueError, match="known length"):
        ops.roll(x, 1, 0)


def test_moments_and_normalize():
    mean, variance = ops.moments(A, [0], keepdims=True)
    np.testing.assert_allclose(mean, A.mean(0, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(variance, A.var(0, keepdims=True), rtol=1e-6)
    for order in (1, 2, 3):
        unit = ops.normalize(A, axis=1, order=order)
        np.testing.assert_allclose(np.linalg.norm(unit, order, axis=1), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(ops.normalize(np.zeros((1, 2))), [[0.0, 0.0]])


def test_whole_numbers_are_summed_without_wrapping():
    for dtype in ("int32", "uint8", "bool", "int64"):
        numbers = np.full(3, np.iinfo(dtype).max if dtype != "bool" else True, dtype)
        if dtype != "int64":
            assert ops.sum(numbers) == numbers.sum()
            assert ops.prod(numbers[:2]) == numbers[:2].prod()
        assert ops.sum(numbers).dtype == ops.prod(numbers).dtype == np.int64


def test_logsumexp_of_infinities():
    inf = np.inf
    x = np.array([[-inf, -inf], [inf, 1.0], [-inf, 2.0], [inf, -inf]], "float32")
    expected = np.array([-inf, inf, 2.0, inf], "float32")
    np.testing.assert_array_equal(ops.logsumexp(x, axis=1), expected)
    np.testing.assert_array_equal(ops.logsumexp(x, axis=1, keepdims=True)[:, 0], expected)
    assert np.isnan(ops.logsumexp([np.nan, 1.0]))


def test_conversions():
    assert ops.convert_to_tensor([1.5]).dtype == np.float32
    assert ops.convert_to_tensor(np.array([1.5])).dtype == np.float64
    assert ops.convert_to_tensor([1], "float64").dtype == np.float64
    tensor = fastnn.placeholder((2,))
    assert ops.convert_to_tensor(tensor) is tensor
    assert ops.convert_to_tensor(tensor, "int32").dtype == "int32"
    np.testing.assert_array_equal(ops.convert_to_numpy(fastnn.shared([1.0])), [1.0])
    with pytest.raises(TypeError, match="no numbers"):
        ops.convert_to_numpy(tensor)
    assert ops.is_tensor(tensor)
