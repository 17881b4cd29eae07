"""Long reductions and rows on the device "cuda": several threads, warps, blocks and launches."""

from __future__ import annotations

import numpy as np
import pytest

from test_cuda_ops import run

SHAPES = {
    "one": ((5, 20011), (0, 1)),
    "long rows": ((3, 40000), (1,)),
    "rows": ((41, 700), (1,)),
    "short rows": ((41, 30), (1,)),
    "few columns": ((4100, 10), (0,)),
    "a column": ((4100, 1), (0,)),
    "columns": ((700, 300), (0,)),
    "middle": ((3, 500, 33), (1,)),
    "outer and inner": ((70, 11, 60), (0, 2)),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_reductions_of_many_elements(shape, dtype, cuda):
    dims, axes = SHAPES[shape]
    x = np.random.default_rng(1).integers(-50, 50, dims).astype(dtype)
    if dtype != "int64":
        x /= 16  # sums are exact
    for name, reference in (("sum", np.sum), ("max", np.max), ("min", np.min)):
        got = run(name, [x], {"axes": list(axes), "keepdims": False}, cuda)
        np.testing.assert_array_equal(got, reference(x, axis=axes))


@pytest.mark.parametrize("columns", [30, 700, 1500, 20000])
def test_a_rows_sum_does_not_depend_on_how_many_rows_there_are(columns, cuda):
    x = np.random.default_rng(2).standard_normal((50, columns)).astype("float32")
    attrs = {"axes": [1], "keepdims": False}
    assert run("sum", [x], attrs, cuda)[:3].tobytes() == run("sum", [x[:3]], attrs, cuda).tobytes()


@pytest.mark.parametrize("columns", [32, 33, 1000, 1025])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_of_rows_of_any_length(columns, dtype, cuda):
    x = np.random.default_rng(3).standard_normal((19, columns)).astype(dtype)
    g = np.random.default_rng(4).standard_normal((19, columns)).astype(dtype)
    e = np.exp(x.astype("float64") - x.max(1, keepdims=True))
    y = e / e.sum(1, keepdims=True)
    tolerance = {"rtol": 1e-5 if dtype == "float32" else 1e-12, "atol": 1e-7}
    got = run("softmax", [x], {}, cuda)
    np.testing.assert_allclose(got, y, **tolerance)
    np.testing.assert_allclose(run("log_softmax", [x], {}, cuda), np.log(y), **tolerance)
    assert run("softmax", [x[:2]], {}, cuda).tobytes() == got[:2].tobytes()
    slope = run("softmax_grad", [g, got], {}, cuda)
    np.testing.assert_allclose(slope, (g - (g * y).sum(1, keepdims=True)) * y, **tolerance)
