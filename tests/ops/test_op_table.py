"""Every op of the table: against NumPy on every table of kernels, its gradients, its refusals.

The walk is over ``_core.op_table()``: an op without samples fails.
"""

from __future__ import annotations

import numpy as np
import pytest

import samples_activation  # noqa: F401
import samples_convolution  # noqa: F401
import samples_elementwise  # noqa: F401
import samples_image  # noqa: F401
import samples_pairs  # noqa: F401
import samples_reduce  # noqa: F401
import samples_shape  # noqa: F401
import samples_softmax  # noqa: F401
from fastnn import _core
from samples import CASES, EPS
from special import SPECIAL

OPS = {op["name"]: op for op in _core.op_table()}
NAMES = sorted(set(OPS) & set(CASES))
FLOATS = ("float32", "float64")


def test_every_op_has_samples():
    assert set(OPS) == set(CASES) | set(SPECIAL)
    assert not set(CASES) & set(SPECIAL)


def compiled(name, arrays, attrs):
    xs = [_core.placeholder(a.dtype.newbyteorder("="), a.shape) for a in arrays]
    y = _core.make(name, xs, attrs)
    return _core.Function(xs, [("main", [y], [])]), y


def result_of(name, arrays, attrs):
    function, y = compiled(name, arrays, attrs)
    (result,) = function(*arrays)
    assert str(result.dtype) == y.dtype
    assert result.shape == tuple(y.dims)
    return result


def exact(x):
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def dtypes_of(name):
    """The dtypes a sample is tried in; ops on indices alone have none of their own."""
    return OPS[name]["dtypes"] or ["int64"]


@pytest.mark.parametrize("name", NAMES)
def test_equals_numpy(name, table):
    case = CASES[name]
    for dtype in dtypes_of(name):
        for sample in case.samples:
            arrays = sample.arrays(dtype, name)
            result = result_of(name, arrays, sample.attrs)
            given = [exact(a) for a in arrays]
            with np.errstate(all="ignore"):
                expected = np.asarray(case.reference(*given, **sample.attrs))
            what = f"{name} {dtype} {sample}"
            assert result.shape == expected.shape, what
            if result.dtype.kind != "f":
                np.testing.assert_array_equal(result, expected.astype(result.dtype), what)
                continue
            unit = EPS[str(result.dtype)]
            absolute = case.absolute
            if callable(absolute):
                absolute = absolute(*given, **sample.attrs)
            allowed = unit * (case.relative * np.abs(expected) + absolute) + case.floor
            error = np.abs(result - expected)
            assert np.all((error <= allowed) | (result == expected)), (
                f"{what}: error {np.max(error / np.maximum(allowed, 1e-300)):.3g} times the bound"
            )


@pytest.mark.parametrize("name", NAMES)
def test_refuses(name):
    for refusal in CASES[name].refusals:
        xs = [_core.placeholder(dtype, shape) for dtype, shape in refusal.inputs]
        with pytest.raises(ValueError, match=refusal.match) as error:
            _core.make(name, xs, refusal.attrs)
        assert str(error.value).startswith(f"[{name}] ")


def test_attributes_are_required():
    for name in NAMES:
        if OPS[name]["attrs"] and OPS[name]["min_inputs"] > 0:
            arrays = CASES[name].samples[0].arrays("float32", name)
            xs = [_core.placeholder(a.dtype, a.shape) for a in arrays]
            with pytest.raises(ValueError, match=rf"\[{name}\] missing attribute"):
                _core.make(name, xs, {})
