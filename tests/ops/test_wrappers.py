"""fastnn.ops as NumPy's users know them: signatures, dtypes, results on arrays, messages."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import fastnn
from fastnn import _core, ops

SAME_NAME = (
    "absolute add all any argmax argmin broadcast_to ceil clip concatenate cos divide equal"
    " exp expand_dims expm1 flip floor floor_divide greater greater_equal isfinite isnan "
    "less less_equal log log1p logical_and logical_not logical_or matmul max maximum mean "
    "min minimum mod multiply negative not_equal power prod reciprocal reshape round sign "
    "sin split sqrt square squeeze stack subtract sum take take_along_axis tanh transpose "
    "where"
)


def test_every_public_op_of_the_table_has_a_function():
    hidden = {"identity", "slice", "unslice", "sum_to_like", "loop", "tree_scan", "extent"}
    hidden |= {"constant", "placeholder", "parameter", "variable", "max_pool_take"}
    for op in _core.op_table():
        if op["name"] not in hidden and not op["name"].endswith("_grad"):
            assert callable(getattr(ops, op["name"])), op["name"]


@pytest.mark.parametrize("name", SAME_NAME.split())
def test_parameters_follow_numpy(name):
    """Where NumPy names axis and keepdims, so do we, at the same places after the data."""
    try:
        theirs = list(inspect.signature(getattr(np, name)).parameters)
    except ValueError:
        theirs = []  # a ufunc
    ours = list(inspect.signature(getattr(ops, name)).parameters)
    for shared in ("axis", "keepdims", "axes"):
        if shared in ours and theirs:
            assert shared in theirs
    if "axis" in ours and "keepdims" in ours:
        assert ours[1:3] == ["axis", "keepdims"]


FUNCTIONS = (
    "absolute ceil cos exp expm1 floor log log1p negative reciprocal round sign sin sqrt square "
    "tanh isfinite isnan"
)
FLOAT = np.random.default_rng(0).uniform(0.2, 0.9, (2, 3, 4))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS.split())
def test_functions_equal_numpy(name, dtype):
    x = FLOAT.astype(dtype)
    result, expected = getattr(ops, name)(x), getattr(np, name)(x)
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=4e-7 if dtype == "float32" else 1e-15)


def test_special_values():
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], "f")
    for name in ("isfinite", "isnan", "absolute", "negative", "exp", "tanh", "sign", "square"):
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(x)
        np.testing.assert_array_equal(getattr(ops, name)(x), expected, name)
    assert np.isnan(ops.max(x))
    assert np.isnan(ops.maximum(x, 1.0)[0])
    np.testing.assert_array_equal(ops.divide([1.0], 0.0), [np.inf])
    np.testing.assert_array_equal(ops.divide([1.0], -0.0), [-np.inf])


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (), np.int64(1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_equal_numpy(axis, keepdims):
    for name in ("sum", "mean", "max", "min", "prod"):
        result = getattr(ops, name)(FLOAT, axis, keepdims)
        expected = getattr(np, name)(FLOAT, axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(result, expected, rtol=1e-14)
        assert np.shape(result) == np.shape(expected)
    for name in ("any", "all"):
        result = getattr(ops, name)(FLOAT > 0.5, axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(
            result, getattr(np, name)(FLOAT > 0.5, axis=axis, keepdims=keepdims)
        )
    result = ops.norm(FLOAT, axis, keepdims)
    np.testing.assert_allclose(result, np.sqrt(np.sum(FLOAT**2, axis=axis, keepdims=keepdims)))
    top = ops.logsumexp(1000 * FLOAT, axis, keepdims)
    shift = np.max(1000 * FLOAT)
    expected = np.exp(1000 * FLOAT - shift).sum(axis=axis, keepdims=keepdims)
    with np.errstate(divide="ignore"):
        expected = np.log(expected) + shift
    np.testing.assert_allclose(top, np.where(np.isfinite(expected), expected, top), rtol=1e-12)


def test_shapes_equal_numpy():
    x = np.arange(24).reshape(2, 3, 4)
    pairs = [
        (ops.transpose(x), x.T),
        (ops.transpose(x, (1, 2, 0)), x.transpose(1, 2, 0)),
        (ops.reshape(x, (4, -1)), x.reshape(4, -1)),
        (ops.reshape(x, -1), x.ravel()),
        (ops.expand_dims(x, -1), x[..., None]),
        (ops.squeeze(x[:1], 0), x[0]),
        (ops.squeeze(x[:1, :, :1]), x[0, :, 0]),
        (ops.flip(x), np.flip(x)),
        (ops.flip(x, (0, 2)), np.flip(x, (0, 2))),
        (ops.stack([x, x], 1), np.stack([x, x], 1)),
        (ops.concatenate([x, x + 1], axis=-1), np.concatenate([x, x + 1], axis=-1)),
        (ops.broadcast_to(x[:, :1], (2, 3, 4)), np.broadcast_to(x[:, :1], (2, 3, 4))),
        (ops.take(x, [1, -1], 2), np.take(x, [1, -1], 2)),
        (ops.take(x, 5), np.take(x, 5)),
        (ops.take(x, [[0, 5]]), np.take(x, [[0, 5]])),
    ]
    for i, (result, expected) in enumerate(pairs):
        np.testing.assert_array_equal(result, expected, str(i))
        assert result.dtype == expected.dtype
    for sections in (2, [1, 3], [0, 2]):
        parts = ops.split(x, sections, axis=2)
        for ours, theirs in zip(parts, np.split(x, sections, axis=2), strict=True):
            np.testing.assert_array_equal(ours, theirs)


KEYS = [
    np.s_[0],
    np.s_[-1, 1],
    np.s_[:, 1:],
    np.s_[..., 0],
    np.s_[1, ..., ::2],
    np.s_[:, ::-1, 3:0:-2],
    np.s_[None, :, 0, None],
    np.s_[:, 5:, :],
    np.s_[:, [2, 0]],
    np.s_[0, [2, 0]],
    np.s_[[1, 0, 1], :, 1:3],
    np.s_[..., np.array([[0, 3], [1, 1]])],
    np.s_[()],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing_equals_numpy(key):
    x = np.arange(24.0).reshape(2, 3, 4)
    tensor = fastnn.placeholder((2, 3, 4), "float64")
    expected = x[key]
    np.testing.assert_array_equal(ops.getitem(x, key), expected)
    symbolic = tensor[key]
    assert symbolic.shape == expected.shape
    np.testing.assert_array_equal(fastnn.function([tensor], symbolic)(x), expected)


class TestDtypes:
    @pytest.mark.parametrize(
        ("a", "b", "expected"),
        [
            (np.float32(1), np.float64(1), "float64"),
            (np.int32(1), np.int64(1), "int64"),
            (np.int64(1), np.float32(1), "float32"),
            (np.ones(2, "f"), 1.5, "float32"),
            (np.ones(2, "f"), 2, "float32"),
            (np.ones(2), 1.5, "float64"),
            (np.ones(2, "i8"), 2, "int64"),
            (np.ones(2, "i4"), 1.5, "float32"),
            (np.ones(2, bool), np.ones(2, bool), "int32"),
            (np.ones(2, "u1"), 1, "int32"),
            (1, 2, "int32"),
            (1, 2.0, "float32"),
            (1, 2**40, "int64"),
        ],
    )
    def test_promotion(self, a, b, expected):
        assert ops.add(a, b).dtype == expected
        assert ops.add(b, a).dtype == expected

    def test_functions_make_floats(self):
        assert ops.exp(np.ones(2, "i8")).dtype == "float32"
        assert ops.divide(np.ones(2, "i8"), 2).dtype == "float32"
        assert ops.mean(np.ones(2, "i8")).dtype == "float32"
        assert ops.softmax([1, 2]).dtype == "float32"

    def test_reductions(self):
        assert ops.sum(np.ones(2, bool)).dtype == "int64"
        assert ops.sum(np.ones(2, "u1")).dtype == "int64"
        assert ops.argmax(np.ones(2, "f")).dtype == "int64"
        assert ops.max(np.ones(2, "u1")).dtype == "uint8"

    def test_narrow_and_wide_arrays(self):
        assert ops.add(np.ones(2, "f2"), 1).dtype == "float32"
        assert ops.add(np.ones(2, "i2"), 1).dtype == "int32"
        assert ops.add(np.ones(2, "u4"), 1).dtype == "int64"
        np.testing.assert_array_equal(ops.add(np.array([60000], "u2"), 60000), [120000])

    def test_whole_numbers_are_exact(self):
        big = 2**60 + 1
        assert ops.add(np.zeros(1, "i8"), big)[0] == big
        x = fastnn.placeholder((), "int64")
        assert int(fastnn.function([x], x + big)(0)) == big
        with pytest.raises(ValueError, match=r"\[add\] expected a number that fits int32, got 3"):
            ops.add(np.zeros(1, "i4"), 3_000_000_000)
        with pytest.raises(ValueError, match=r"\[multiply\] expected a number that fits uint8"):
            ops.multiply(np.zeros(1, "u1"), -1)


def test_keywords_and_scalars():
    assert ops.add(a=1, b=2) == 3
    assert ops.sum(x=[1.0, 2.0], axis=0) == 3
    np.testing.assert_array_equal(ops.matmul(a=[[2.0]], b=[[3.0]]), [[6.0]])
    assert isinstance(ops.sum([1.0, 2.0]), np.float64)
    assert isinstance(ops.sum(np.ones(2, "f")), np.float32)


def test_one_result_whatever_the_layout_or_cache():
    x = np.arange(12.0).reshape(3, 4)
    for y in (x, np.asfortranarray(x), x.astype(">f8"), x[::-1][::-1]):
        np.testing.assert_array_equal(ops.sum(y, 0), x.sum(0))
    for table in _core.kernel_tables():
        before = _core.active_table()
        _core.set_active_table(table)
        np.testing.assert_array_equal(ops.add(x, 1), x + 1)
        _core.set_active_table(before)


PADDED = [
    ((5,), 2),
    ((4, 3), ((1, 2), (0, 3))),
    ((2, 3, 2), (1, 0)),
    ((3, 1), ((0, 0), (2, 2))),
    ((0, 2), ((0, 0), (1, 1))),
]


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric", "edge", "wrap"])
@pytest.mark.parametrize(("shape", "width"), PADDED)
def test_pad_is_numpys(shape, width, mode):
    x = np.random.default_rng(0).normal(size=shape)
    for array in (x, x.astype("float32"), (x * 9).astype("int64"), x > 0):
        expected = np.pad(array, width, mode=mode)
        got = ops.pad(array, width, mode)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)
    if mode == "constant":
        got = ops.pad(x, width, constant_values=2.5)
        np.testing.assert_array_equal(got, np.pad(x, width, constant_values=2.5))


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric"])
def test_gradients_of_pad(mode):
    width, shape = ((0, 0), (2, 1)), (2, 3)
    weights = np.random.default_rng(0).normal(size=(2, 6))
    x = fastnn.placeholder(("rows", 3), "float64")
    y = ops.pad(x, width, mode, constant_values=1.5)
    slope = fastnn.grad(ops.sum(y * y * weights[0]), [x])[0]
    curvature = fastnn.grad(ops.sum(slope * slope), [x])[0]
    value = np.random.default_rng(1).normal(size=shape)
    # The part of each element's weight that falls on it, element by element.
    spread = [
        np.pad(np.eye(3)[i], width[1], mode)
        if mode != "constant"
        else np.pad(np.eye(3)[i], width[1])
        for i in range(3)
    ]
    own = np.array([s @ weights[0] for s in spread])
    got = fastnn.function([x], [slope, curvature])(value)
    np.testing.assert_allclose(got[0], 2 * value * own, rtol=1e-12)
    np.testing.assert_allclose(got[1], 8 * value * own**2, rtol=1e-12)


def test_random_numbers_of_a_seed_of_their_own():
    draws = {}
    for seed in (5, (5, 0), (5, 1), 6, None):
        f = fastnn.function([], ops.random_normal((50,), seed=seed))
        draws[seed] = [f(), f()]
    np.testing.assert_array_equal(draws[5], draws[5, 0])
    assert not np.array_equal(draws[5][0], draws[5][1])
    assert len({d[0].tobytes() for d in draws.values()}) == 4
    with pytest.raises(ValueError, match="a seed between 0"):
        ops.random_uniform((2,), seed=-1)


MESSAGES = [
    (TypeError, r"\[exp\] expected numbers, got dtype <U1", lambda: ops.exp("a")),
    (TypeError, r"\[exp\] expected numbers, got dtype complex", lambda: ops.exp(np.ones(2, "D"))),
    (TypeError, r"\[sum\] expected numbers, got dtype object", lambda: ops.sum(None)),
    (ValueError, r"\[tanh\] expected numbers in rows of equal", lambda: ops.tanh([[1, 2], [3]])),
    (ValueError, r"\[sum\] axis 3 is out of bounds for a tensor of 1", lambda: ops.sum([1], 3)),
    (TypeError, "'float' object cannot be", lambda: ops.sum([1], 0.5)),
    (ValueError, r"\[sum\] repeated axis", lambda: ops.sum([[1]], (0, -2))),
    (ValueError, r"\[add\] shapes \(2,\) and \(3,\) cannot", lambda: ops.add([1, 2], [1, 2, 3])),
    (
        ValueError,
        r"\[matmul\] inner dimensions differ: \(2, 3\) and \(2, 3\)",
        lambda: ops.matmul(np.ones((2, 3)), np.ones((2, 3))),
    ),
    (ValueError, r"\[matmul\] expected at least 1 dimension", lambda: ops.matmul(1.0, [1.0])),
    (ValueError, r"\[concatenate\] expected at least one", lambda: ops.concatenate([])),
    (ValueError, r"\[stack\] expected at least one", lambda: ops.stack([])),
    (ValueError, r"\[concatenate\] expected inputs equal", lambda: ops.concatenate([[1], [[1]]])),
    (ValueError, r"\[split\] an axis of 3 does not divide into 2", lambda: ops.split([1, 2, 3], 2)),
    (ValueError, r"\[reshape\] cannot reshape \(3,\)", lambda: ops.reshape([1, 2, 3], (2,))),
    (ValueError, r"\[reshape\] cannot reshape", lambda: ops.reshape([1, 2, 3], (2, -1))),
    (ValueError, r"\[reshape\] expected at most one -1", lambda: ops.reshape([1, 2], (-1, -1))),
    (ValueError, r"\[transpose\] expected 2 axes, got 1", lambda: ops.transpose([[1]], (0,))),
    (ValueError, r"\[squeeze\] expected axis 0 of length 1", lambda: ops.squeeze([1, 2], 0)),
    (ValueError, r"\[expand_dims\] axis 3 is out of bounds", lambda: ops.expand_dims([1], 3)),
    (ValueError, r"\[flip\] axis 1 is out of bounds", lambda: ops.flip([1, 2], 1)),
    (ValueError, r"\[broadcast_to\] cannot broadcast", lambda: ops.broadcast_to([1, 2], (3,))),
    (
        IndexError,
        "index 5 is out of bounds for an axis of length 3",
        lambda: ops.take([1, 2, 3], [5]),
    ),
    (IndexError, "index -4 is out of bounds", lambda: ops.take([1, 2, 3], -4)),
    (ValueError, r"\[pad\] expected a mode of 'constant'", lambda: ops.pad([1], 1, "mirror")),
    (ValueError, r"\[pad\] expected widths of at least 0", lambda: ops.pad([1], -1)),
    (ValueError, r"\[pad\] expected a number, a pair or 1 pairs", lambda: ops.pad([1], (1, 2, 3))),
    (TypeError, r"\[pad\] expected whole numbers", lambda: ops.pad([1], 0.5)),
    (
        ValueError,
        r"\[pad\] mode 'edge' needs the size of axis 0",
        lambda: ops.pad(fastnn.placeholder((None,)), 1, "edge"),
    ),
    (TypeError, r"\[take\] expected integers as indices", lambda: ops.take([1, 2, 3], [0.5])),
    (TypeError, r"\[one_hot\] expected integers", lambda: ops.one_hot([0.5], 3)),
    (
        IndexError,
        "index 2 is out of bounds for an axis of length 2",
        lambda: ops.getitem([1, 2], 2),
    ),
    (IndexError, "too many indices", lambda: ops.getitem([1, 2], (0, 0))),
    (ValueError, r"\[getitem\] expected at most one array", lambda: ops.getitem([[1]], ([0], [0]))),
    (
        ValueError,
        r"\[getitem\] expected no slice between",
        lambda: ops.getitem(np.ones((2, 3, 4)), np.s_[0, :, [1]]),
    ),
    (TypeError, "dtype: expected float32, float64", lambda: ops.cast([1], "int8")),
    (ValueError, r"\[softmax\] axis 2 is out of bounds", lambda: ops.softmax([1.0], 2)),
    (
        ValueError,
        r"\[softmax\] axis -1 is out of bounds for a tensor of 0",
        lambda: ops.softmax(1.0),
    ),
    (
        IndexError,
        "index 2 is out of bounds for an axis of length 2",
        lambda: ops.sparse_softmax_cross_entropy([[1.0, 2.0]], [2]),
    ),
    (
        ValueError,
        r"\[softmax_cross_entropy\] expected logits",
        lambda: ops.softmax_cross_entropy([[1.0, 2.0]], [1.0]),
    ),
    (ValueError, "expected at least one element along the axis", lambda: ops.argmax([])),
]


@pytest.mark.parametrize(("error", "message", "call"), MESSAGES, ids=[m[1][:30] for m in MESSAGES])
def test_messages(error, message, call):
    with pytest.raises(error, match=message):
        call()
