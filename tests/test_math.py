"""Every elementwise kernel of every instruction set, against the reference loops and NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastnn import _core

Array = np.ndarray[Any, np.dtype[Any]]

COMPARISONS = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}
TO_BOOL = COMPARISONS | {"logical_and", "logical_or", "logical_not", "isfinite", "isnan"}
BINARY = {
    *("add", "subtract", "multiply", "divide", "power", "maximum", "minimum"),
    *("floor_divide", "mod", "logical_and", "logical_or", "sigmoid_cross_entropy"),
    *COMPARISONS,
}
PARAMS = {
    "leaky_relu": [0.2],
    "leaky_relu_grad": [0.2],
    "elu": [1.3],
    "elu_grad": [1.3],
    "celu": [0.7],
    "celu_grad": [0.7],
    "threshold": [0.5, 0.0],
    "clip": [-0.75, 1.5],
}
# Largest error in ULP of the result where it is not exact, over all instruction sets. What is not
# here is compared exactly.
ULP = {
    **{"exp": 2, "exponential": 2, "expm1": 3, "sigmoid": 4, "tanh": 4, "erf": 4, "power": 2},
    **{"log": 2, "log1p": 2, "softplus": 3, "log_sigmoid": 3, "silu": 5, "mish": 6},
    **{"gelu": 7, "elu": 4, "selu": 4, "rsqrt": 2, "softsign": 2, "hard_silu": 3},
    **{"hard_sigmoid": 2, "leaky_relu": 1, "sin": 2, "cos": 2},
}

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 6.0, 1e-40, -1e-40, 5e-324]
SPECIAL += [np.inf, -np.inf, np.nan, 88.0, -88.0, -103.5, -106.0, 709.0, -745.0, 1e30, -1e30]


def arity(name: str) -> int:
    if name in ("where", "sigmoid_cross_entropy_grad"):
        return 3
    return 2 if name in BINARY or name.endswith("_grad") else 1


def out_dtype(name: str, dtype: str) -> str:
    if name in TO_BOOL:
        return "bool"
    return name[len("cast_") :] if name.startswith("cast_") else dtype


def run(table: str, name: str, dtype: str, inputs: list[Array], out: Array | None = None) -> Array:
    if out is None:
        out = np.empty(inputs[-1].shape, out_dtype(name, dtype))
    _core.testing.tile(table, name, dtype, out, inputs, PARAMS.get(name, [0.0, 0.0]))
    return out


def draw(name: str, dtype: str, n: int) -> list[Array]:
    """Inputs of ordinary size: what the function's tails and its middle look like."""
    rng = np.random.default_rng([n, len(name), ord(name[0])])
    arrays: list[Array] = []
    for k in range(arity(name)):
        if dtype == "bool" or (name == "where" and k == 0):
            a = rng.integers(0, 2, n).astype("bool")
        elif dtype.startswith("float"):
            scale = rng.choice([0.01, 1.0, 4.0, 30.0], n)
            a = (rng.normal(size=n) * scale).astype(dtype)
        else:
            a = rng.integers(0 if dtype == "uint8" else -9, 10, n).astype(dtype)
        arrays.append(a)
    if name in ("tanh_grad", "sigmoid_grad"):
        arrays[1] = (0.5 + 0.5 * np.tanh(arrays[1])).astype(dtype)
    if name in ("log", "sqrt", "rsqrt", "power", "log1p"):
        arrays[0] = np.abs(arrays[0])
    return arrays


def allowed(name: str, dtype: str, inputs: list[Array], expected: Array) -> Array:
    """The largest error allowed, element by element.

    Relative to the result where the function keeps relative precision. Elsewhere relative to what
    is summed (gradients pass through zero; a cross-entropy is a difference), or to the argument
    that an exponential amplifies (a product rounded before it).
    """
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).smallest_subnormal
    first, x = (
        np.abs(np.nan_to_num(a.astype("float64"), posinf=0, neginf=0))
        for a in (inputs[0], inputs[-1])
    )
    if name == "sigmoid_cross_entropy":
        return np.asarray(4 * eps * (first * (1 + x) + 1))
    if name == "sigmoid_cross_entropy_grad":
        return np.asarray(4 * eps * first * (1 + x) + tiny)
    if name.endswith("_grad"):
        return np.asarray(first * (10 * eps + 2 * x * tiny) + tiny)
    ulp = np.maximum(np.abs(expected).astype("float64") * eps, tiny)
    if name in ("celu", "gelu_tanh"):
        return np.asarray(ulp * (6 + 2 * (x**3 if name == "gelu_tanh" else x)))
    # What multiplies a vanishing exponential in the reference multiplies its rounding.
    return np.asarray(ULP.get(name, 0) * ulp + (x * tiny if name in ("silu", "mish") else 0))


def compare(name: str, dtype: str, inputs: list[Array], got: Array, expected: Array) -> None:
    if got.dtype.kind != "f":
        np.testing.assert_array_equal(got, expected)
        return
    with np.errstate(all="ignore"):
        finite = np.isfinite(expected)
        wide = got.astype("float64"), expected.astype("float64")
        error = np.where(finite, np.abs(wide[0] - wide[1]), 0)
        # Where float32 overflows in the middle of a formula, the reference in double may not.
        overflow = np.abs(wide[1]) > 0.1 * float(np.finfo(got.dtype).max)
        limit = allowed(name, dtype, inputs, expected) if dtype.startswith("float") else 0.0
        bad = np.where(finite & ~overflow, ~(error <= limit), False)
        bad |= np.isnan(expected) != np.isnan(got)
        bad |= ~finite & ~np.isnan(expected) & (got != expected)
    if bad.any():
        i = int(np.argmax(bad))
        arguments = ", ".join(repr(a[i]) for a in inputs)
        pytest.fail(f"{name}({arguments}) is {got[i]!r}, expected {expected[i]!r}")


def tiles(table: str) -> list[tuple[str, str]]:
    return [(name, dtype) for name, dtype, kind in _core.testing.entries(table) if kind == "tile"]


FAST = [table for table in _core.kernel_tables() if table != "reference"]
CASES = [(table, name, dtype) for table in FAST for name, dtype in tiles(table)]


@pytest.mark.parametrize(("table", "name", "dtype"), CASES)
def test_agrees_with_the_reference(table: str, name: str, dtype: str) -> None:
    inputs = draw(name, dtype, 1000)
    expected = run("reference", name, dtype, inputs)
    compare(name, dtype, inputs, run(table, name, dtype, inputs), expected)


@pytest.mark.parametrize("table", FAST)
def test_powers_where_the_parts_of_the_logarithm_cancel(table: str) -> None:
    """Just beside one: the exponent multiplies what the sum of those parts has lost."""
    rng = np.random.default_rng(5)
    a = 1 + rng.choice([-1, 1], 4000) * 10 ** rng.uniform(-8, -1, 4000)
    inputs = [a, rng.choice([-1, 1], a.size) * rng.uniform(600, 700, a.size) / np.log(a)]
    expected = run("reference", "power", "float64", inputs)
    compare("power", "float64", inputs, run(table, "power", "float64", inputs), expected)


@pytest.mark.parametrize(("table", "name", "dtype"), CASES)
def test_length_and_place_do_not_change_an_element(table: str, name: str, dtype: str) -> None:
    inputs = draw(name, dtype, 1000)
    whole = run(table, name, dtype, inputs)
    for n in (0, 1, 3, 15, 16, 17, 33, 100):
        for first in (0, 1, 7, 1000 - n):
            padded = np.full(n + 2, 77, whole.dtype)
            run(table, name, dtype, [a[first : first + n] for a in inputs], padded[1 : n + 1])
            assert padded[1 : n + 1].tobytes() == whole[first : first + n].tobytes()
            assert padded[0] == padded[n + 1] == np.asarray(77).astype(whole.dtype)


@pytest.mark.parametrize(("table", "name", "dtype"), [c for c in CASES if c[2].startswith("float")])
def test_neighbours_do_not_change_an_element(table: str, name: str, dtype: str) -> None:
    """Kernels that go a short way where all lanes allow it: one lane in a few does not."""
    rng = np.random.default_rng(3)
    inputs = draw(name, dtype, 200)
    with np.errstate(all="ignore"):
        wild = np.asarray([*SPECIAL, -87.2, 87.2, -14.0, 1e6, 2e6, 1e12]).astype(dtype)
    for a in inputs:
        if a.dtype == dtype:
            a[rng.random(200) < 0.1] = rng.choice(wild)
            a[::17] = rng.choice(wild, a[::17].size)
    together = run(table, name, dtype, inputs)
    for i in range(200):
        alone = run(table, name, dtype, [a[i : i + 1] for a in inputs])
        np.testing.assert_array_equal(alone, together[i : i + 1])


@pytest.mark.parametrize(("table", "name", "dtype"), CASES)
def test_in_place(table: str, name: str, dtype: str) -> None:
    inputs = draw(name, dtype, 101)
    expected = run(table, name, dtype, inputs)
    for k, x in enumerate(inputs):
        if x.dtype.itemsize != expected.dtype.itemsize or (name == "where" and k == 0):
            continue
        out = x.copy().view(expected.dtype)
        aliased = [out.view(x.dtype) if j == k else a for j, a in enumerate(inputs)]
        run(table, name, dtype, aliased, out)
        assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize(("table", "name", "dtype"), [c for c in CASES if c[2].startswith("float")])
def test_special_values(table: str, name: str, dtype: str) -> None:
    with np.errstate(all="ignore"):
        values = np.asarray(SPECIAL).astype(dtype)
    count = arity(name) - (name == "where")
    if name.endswith("_grad"):  # the incoming gradient is an ordinary number
        grids = np.meshgrid(np.asarray([1.5, -0.25], dtype), *[values] * (count - 1))
    else:
        grids = np.meshgrid(*[values] * count)
    inputs = [np.ascontiguousarray(g.reshape(-1)) for g in grids]
    if name == "where":
        inputs.insert(0, np.arange(inputs[0].size) % 3 == 0)
    if name in ("tanh_grad", "sigmoid_grad"):
        inputs = [a[np.abs(inputs[1]) <= 1] for a in inputs]
    expected = run("reference", name, dtype, inputs)
    got = run(table, name, dtype, inputs)
    compare(name, dtype, inputs, got, expected)
    if got.dtype.kind == "f" and not name.endswith("_grad"):
        zero = (expected == 0) & (got == 0)
        np.testing.assert_array_equal(np.signbit(got)[zero], np.signbit(expected)[zero])


def test_every_fast_tile_has_a_reference() -> None:
    known = set(tiles("reference"))
    for table in FAST:
        assert set(tiles(table)) <= known


def test_what_must_be_fast_is() -> None:
    slow = {"floor_divide", "mod", "clip"}
    wanted = {case for case in tiles("reference") if case[0] not in slow}
    for table in FAST:
        assert wanted - set(tiles(table)) == set()


NUMPY: dict[str, Callable[..., Array]] = {
    **{name: getattr(np, name) for name in ("add", "subtract", "multiply", "divide", "power")},
    **{name: getattr(np, name) for name in ("maximum", "minimum", "floor_divide", "mod")},
    **{name: getattr(np, name) for name in ("negative", "absolute", "sign", "square", "sqrt")},
    **{name: getattr(np, name) for name in ("reciprocal", "floor", "ceil", "exp", "expm1", "log")},
    **{name: getattr(np, name) for name in ("log1p", "sin", "cos", "tanh", "isfinite", "isnan")},
    **{name: getattr(np, name) for name in COMPARISONS},
    **{name: getattr(np, name) for name in ("logical_and", "logical_or", "logical_not", "where")},
    "round": np.rint,
}


@pytest.mark.parametrize(
    ("name", "dtype"), [c for c in tiles("reference") if c[0] in NUMPY and c[1] != "bool"]
)
def test_the_reference_agrees_with_numpy(name: str, dtype: str) -> None:
    inputs = draw(name, dtype, 500)
    if dtype.startswith("float"):
        with np.errstate(all="ignore"):
            values = np.asarray(SPECIAL).astype(dtype)
        grids = np.meshgrid(*[values] * (arity(name) - (name == "where")))
        special = [g.reshape(-1) for g in grids]
        if name == "where":
            special.insert(0, np.arange(special[0].size) % 2 == 0)
        inputs = [np.concatenate(pair) for pair in zip(inputs, special, strict=True)]
    got = run("reference", name, dtype, inputs)
    with np.errstate(all="ignore"):
        expected = np.asarray(NUMPY[name](*inputs)).astype(got.dtype)
    if dtype.startswith("float") and name not in TO_BOOL:
        np.testing.assert_array_max_ulp(got, expected, maxulp=4)  # NumPy's own vector functions
    else:
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("table", _core.kernel_tables())
@pytest.mark.parametrize("source", ["float32", "float64", "int32", "int64", "uint8", "bool"])
def test_casts(table: str, source: str) -> None:
    x = np.asarray([0, 1, 2, 100, 127, 200, 255, 3, 9], "float64")
    if source.startswith("float"):
        x = np.concatenate([x, -x, x + 0.75, [1e9, -1e9, 16777217.0]])
    elif source != "uint8" and source != "bool":
        x = np.concatenate([x, -x, [2**31 - 1, -(2**31)]])
    a = x.astype(source)
    for target in ("float32", "float64", "int32", "int64", "bool"):
        if (f"cast_{target}", source) in tiles(table):
            got = run(table, f"cast_{target}", source, [a])
            np.testing.assert_array_equal(got, a.astype(target))
    if source.startswith("float"):
        wild = np.asarray([np.nan, np.inf, -np.inf, 3e9, -3e9], source)
        got = run(table, "cast_int32", source, [wild])
        np.testing.assert_array_equal(got, np.full(5, np.iinfo("int32").min))
    got = run(table, "cast_uint8", source, [a])
    if source == "bool" or source.startswith("int"):
        np.testing.assert_array_equal(got, a.astype("uint8"))


@pytest.mark.parametrize("table", FAST)
@pytest.mark.parametrize("name", ["sin", "cos"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_angles(table: str, name: str, dtype: str) -> None:
    """Up to 2^20 and beyond, and beside multiples of pi/2, where the result is the remainder."""
    rng = np.random.default_rng(9)
    turns = rng.integers(-(2**20), 2**20, 20_000) * (np.pi / 2)
    small, large = rng.uniform(-4, 4, 20_000), rng.uniform(-1e9, 1e9, 2000)
    near = rng.integers(-5215, 5216, 20_000) * (np.pi / 2)  # as far as floats stay floats
    x = np.concatenate([turns, turns / 64, near, small, large]).astype(dtype)
    compare(name, dtype, [x], run(table, name, dtype, [x]), run("reference", name, dtype, [x]))


@pytest.mark.parametrize("table", FAST)
def test_large_powers_of_numbers_near_one(table: str) -> None:
    """The exponent multiplies the error of the logarithm; at 256 another way begins."""
    rng = np.random.default_rng(10)
    a = np.concatenate([rng.uniform(0.9, 1.1, 20_000), 2.0 ** rng.uniform(-126, 127, 20_000)])
    b = np.concatenate([rng.uniform(-300, 300, 20_000), rng.uniform(-1, 1, 20_000)])
    inputs = [a.astype("float32"), b.astype("float32")]
    got, expected = (run(t, "power", "float32", inputs) for t in (table, "reference"))
    compare("power", "float32", inputs, got, expected)


CONTRACT = {"exp": 2, "sigmoid": 4, "tanh": 4}


def exact(name: str, x: Array) -> Array:
    wide = x.astype("longdouble")
    if name == "sigmoid":
        e = np.exp(-np.abs(wide))
        return np.asarray(np.where(x < 0, e, 1) / (1 + e))
    return np.asarray(getattr(np, name)(wide))


@pytest.mark.parametrize("table", FAST)
@pytest.mark.parametrize("name", list(CONTRACT))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_accuracy_contract(table: str, name: str, dtype: str) -> None:
    """A sample of what tests/exhaustive checks over all float32 values."""
    if dtype == "float32":
        x = np.arange(0, 2**32, 40009, "uint64").astype("uint32").view("float32")
    else:
        if np.finfo("longdouble").eps >= np.finfo("float64").eps:
            pytest.skip("long double is no wider than float64 here: nothing to compare with")
        rng = np.random.default_rng(5)
        x = rng.uniform(-1, 1, 100_000) * rng.choice([0.1, 1, 30, 745], 100_000)
    x = x[np.isfinite(x)]
    with np.errstate(all="ignore"):
        expected = exact(name, x)
        rounded = expected.astype(dtype)
        got = run(table, name, dtype, [x])
        keep = np.isfinite(rounded)
        np.testing.assert_array_equal(got[~keep], rounded[~keep])
        ulp = np.maximum(np.spacing(np.abs(rounded[keep])), np.finfo(dtype).smallest_subnormal)
        error = np.abs(got[keep].astype("longdouble") - expected[keep]) / ulp
    worst = int(np.argmax(error))
    assert error[worst] <= CONTRACT[name], f"{error[worst]} ULP at {x[keep][worst]!r}"
