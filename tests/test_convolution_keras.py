"""Convolution and pooling layers give Keras's outputs and gradients, from equal weights."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from fastnn import _core, function, grad, layers, ops, placeholder
from figures import label, read_npz

FIGURES, CASES = read_npz("convolution")
SCALES = json.loads(str(FIGURES["digits"]))


def cut(kind: str) -> list[list[Any]]:
    """The arrays of a kind, case by case, from the flat array they are stored in."""
    flat = FIGURES[kind] / SCALES.get(kind, 1)
    found, at = [], 0
    for case in CASES:
        sizes = [int(np.prod(shape)) for shape in case[kind]]
        bounds = at + np.cumsum([0, *sizes])
        found.append([flat[i:j].reshape(s) for i, j, s in zip(bounds, bounds[1:], case[kind])])  # noqa: B905
        at = bounds[-1]
    return found


INPUTS, FACTORS, WEIGHTS, RESULTS = map(cut, ("x", "factors", "weights", "results"))


def close(result: Any, expected: Any) -> None:
    """Within 1e-5 of the norm."""
    assert result.shape == expected.shape
    assert np.linalg.norm(result - expected) <= 1e-5 * np.linalg.norm(expected) + 1e-12


@pytest.mark.parametrize("table", _core.kernel_tables())
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "index", range(len(CASES)), ids=[label(c, "layer", "options") for c in CASES]
)
def test_layer(index: int, dtype: str, table: str) -> None:
    case = CASES[index]
    layer = getattr(layers, case["layer"])(**case["options"], dtype=dtype)
    data, factors = INPUTS[index][0].astype(dtype), FACTORS[index][0].astype(dtype)
    before = _core.active_table()
    _core.set_active_table(table)
    try:
        x = placeholder((None, *data.shape[1:]), dtype)
        y = layer(x)
        layer.set_weights(WEIGHTS[index])
        gradients = grad(ops.sum(y * factors), [x, *layer.weights])
        results = function([x], [y, *gradients])(data)
    finally:
        _core.set_active_table(before)
    for result, expected in zip(results, RESULTS[index], strict=True):
        close(result, expected)
