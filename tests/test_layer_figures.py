"""Layers give Keras's outputs, masks, gradients and new state, from equal weights."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import fastnn
import layer_cases
from fastnn import layers, ops
from fastnn._tensor import mask_of, with_mask
from fastnn.layers import _scope
from figures import FIGURES as FOLDER
from figures import read_npz

FIGURES, CASES = read_npz("layers")
# Of their norm; figures are stored in float32.
TOLERANCE = {"float64": 1e-6, "float32": 1e-5}


def recorded(number):
    """The recorded arrays of a case, by kind."""
    start = 0
    for case in CASES[:number]:
        for shapes in case["recorded"].values():
            start += sum(int(np.prod(shape)) for shape in shapes)
    found = {}
    for kind, shapes in CASES[number]["recorded"].items():
        found[kind] = []
        for shape in shapes:
            size = int(np.prod(shape))
            found[kind].append(FIGURES["numbers"][start : start + size].reshape(shape))
            start += size
    return found


def computed(number, dtype):
    """What fastnn makes of a case, in the kinds of the recording."""
    case = CASES[number]
    layer = getattr(layers, case["layer"])(**case["config"], dtype=dtype)
    arrays, masks = layer_cases.inputs_of(number), layer_cases.masks_of(number)
    arrays = [a.astype(dtype) if a.dtype == "float64" else a for a in arrays]
    symbols = [fastnn.placeholder(("batch", *a.shape[1:]), str(a.dtype)) for a in arrays]
    mask_symbols = [
        None if mask is None else fastnn.placeholder(("batch", *mask.shape[1:]), "bool")
        for mask in masks
    ]
    given = [
        symbol if mask is None else with_mask(symbol, mask)
        for symbol, mask in zip(symbols, mask_symbols, strict=True)
    ]
    with _scope.tracing(case["training"]) as scope:
        output = layer(given[0] if len(given) == 1 else given)
    if case["layer"] != "Normalization":
        shapes = [w.shape for w in layer.get_weights()]
        layer.set_weights(layer_cases.weights_of(number, shapes))
    mask = mask_of(output)
    state = dict(scope.updates)
    factors = layer_cases.factors_of(number, tuple(case["recorded"]["outputs"][0]))
    wrt = [s for s in symbols if s.dtype == dtype] + layer.trainable_weights
    slopes = fastnn.grad(ops.sum(output * factors.astype(dtype)), wrt)
    wanted = {
        "outputs": [output],
        "mask": [] if mask is None else [ops.cast(mask, dtype)],
        "by_inputs": slopes[: len(wrt) - len(layer.trainable_weights)],
        "by_weights": slopes[len(wrt) - len(layer.trainable_weights) :],
        "state": [state.get(v, v) for v in layer.non_trainable_weights],
    }
    inputs = [*symbols, *(m for m in mask_symbols if m is not None)]
    values = fastnn.function(inputs, [t for kind in wanted.values() for t in kind])(
        *arrays, *(m for m in masks if m is not None)
    )
    results = iter(values)
    return {kind: [next(results) for _ in tensors] for kind, tensors in wanted.items()}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    "number", range(len(CASES)), ids=[layer_cases.label(case) for case in CASES]
)
def test_a_layer_does_what_it_does_in_keras(number, dtype):
    expected, got = recorded(number), computed(number, dtype)
    for kind, arrays in expected.items():
        assert len(got[kind]) == len(arrays), kind
        for one, other in zip(got[kind], arrays, strict=True):
            assert one.shape == other.shape, kind
            error = np.linalg.norm((one - other).ravel())
            assert error <= TOLERANCE[dtype] * max(np.linalg.norm(other.ravel()), 1e-3), kind


def test_the_recording_is_that_of_the_cases():
    cases = json.loads(json.dumps(layer_cases.CASES))
    assert [{k: v for k, v in case.items() if k != "recorded"} for case in CASES] == cases


# No figures: not a layer of its own, code of the user's, or random in all it does.
NOT_RECORDED = {"Layer", "InputLayer", "Lambda"}


def test_every_layer_is_recorded():
    texts = [path.read_text() for path in FOLDER.glob("*.json")]
    for path in FOLDER.glob("*.npz"):
        if path.stem not in ("functional", "networks"):  # models: not one layer by itself
            texts.append(json.dumps(read_npz(path.stem)[1]))
    known = set(re.findall(r"\w+", " ".join(texts)))
    names = {
        name
        for name in layers.__all__
        if getattr(layers, name).__name__ == name and not name.startswith("Random")
        if isinstance(getattr(layers, name), type)
    }
    missing = names - NOT_RECORDED - known
    assert missing == set()
