"""Every op of the table on the device "cuda", against NumPy: a GPU's, or the emulated one's."""

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

OPS = {op["name"]: op for op in _core.op_table()}
NAMES = sorted(set(OPS) & set(CASES))


# What only the host calls: the order of a pass, benchmarks, and what a GPU does in two kernels.
OF_THE_HOST = {"peak", "random_integer", "random_permutation", "reduce_sum_squares"}


def run(name, arrays, attrs, device):
    xs = [_core.placeholder(a.dtype.newbyteorder("="), a.shape) for a in arrays]
    y = _core.make(name, xs, attrs)
    (result,) = _core.Function(xs, [("main", [y], [])], device=device)(*arrays)
    assert str(result.dtype) == y.dtype
    assert result.shape == tuple(y.dims)
    return result


def exact(x):
    return x.astype(np.float64) if x.dtype.kind == "f" else x


@pytest.mark.parametrize("name", NAMES)
def test_equals_numpy(name, cuda):
    case = CASES[name]
    for dtype in OPS[name]["dtypes"] or ["int64"]:
        for sample in case.samples:
            arrays = sample.arrays(dtype, name)
            result = run(name, arrays, sample.attrs, cuda)
            given = [exact(a) for a in arrays]
            with np.errstate(all="ignore"):
                expected = np.asarray(case.reference(*given, **sample.attrs))
            what = f"{name} {dtype} {sample}"
            assert result.shape == expected.shape, what
            if result.dtype.kind != "f":
                np.testing.assert_array_equal(result, expected.astype(result.dtype), what)
                continue
            absolute = case.absolute
            if callable(absolute):
                absolute = absolute(*given, **sample.attrs)
            unit = EPS[str(result.dtype)]
            allowed = unit * (case.relative * np.abs(expected) + absolute) + case.floor
            error = np.abs(result - expected)
            assert np.all((error <= allowed) | (result == expected)), (
                f"{what}: error {np.max(error / np.maximum(allowed, 1e-300)):.3g} times the bound"
            )


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "argmax", "argmin"])
def test_rows_that_a_block_shares(name, cuda):
    x = np.random.default_rng(1).standard_normal((3, 1500)).astype("float32")
    expected, got = (run(name, [x], {"axis": -1}, device) for device in ("cpu", cuda))
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_threads_makes_no_difference(name, cuda, each_order):
    samples = [
        (sample.arrays(dtype, name), sample.attrs)
        for dtype in OPS[name]["dtypes"] or ["int64"]
        for sample in CASES[name].samples
    ]
    bits = {
        order: [run(name, arrays, attrs, cuda).tobytes() for arrays, attrs in samples]
        for order in each_order
    }
    assert len(bits) == 3
    assert all(b == bits[0] for b in bits.values())


def test_every_kernel_is_there(cuda):
    before = _core.active_table()
    _core.set_active_table("reference")
    expected = {kernel for kernel in _core.device_kernels("cpu") if kernel[0] not in OF_THE_HOST}
    _core.set_active_table(before)
    assert len(expected) > 300
    assert expected <= set(_core.device_kernels(cuda))
