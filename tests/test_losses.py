"""Losses give Keras's values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import losses, ops
from figures import label, read_json

INPUTS, CASES = read_json("losses")
IDS = [label(c, "loss", "config", "y_true", "y_pred", "sample_weight") for c in CASES]

# Keras was recorded in float64; float32 rounds probabilities before their logarithm.
TOLERANCE = {"float64": (1e-12, 1e-12), "float32": (2e-5, 2e-6)}


def arrays(case: dict[str, Any], dtype: str) -> tuple[Any, Any, Any]:
    weight = case["sample_weight"]
    return (
        np.array(INPUTS[case["y_true"]]),
        np.array(INPUTS[case["y_pred"]], dtype),
        None if weight is None else np.array(INPUTS[weight]),
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_value(case: dict[str, Any], dtype: str) -> None:
    loss = getattr(losses, case["loss"])(**case["config"])
    value = loss(*arrays(case, dtype))
    rtol, atol = TOLERANCE[dtype]
    np.testing.assert_allclose(value, np.array(case["value"]), rtol=rtol, atol=atol)
    assert isinstance(value, float if np.ndim(case["value"]) == 0 else np.ndarray)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_compiled_value_and_gradient(case: dict[str, Any]) -> None:
    loss = getattr(losses, case["loss"])(**case["config"])
    y_true, y_pred, weight = arrays(case, "float64")
    given = [y_true, y_pred] if weight is None else [y_true, y_pred, weight]
    inputs = [fastnn.placeholder(("batch", *a.shape[1:]), str(a.dtype)) for a in given]
    value = loss(*inputs)
    gradient = fastnn.grad(ops.sum(value), inputs[1])
    got, slope = fastnn.function(inputs, [value, gradient])(*given)
    np.testing.assert_allclose(got, np.array(case["value"]), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slope, np.array(case["gradient"]), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("activation", "loss", "y_true", "logits"),
    [
        ("sigmoid", "binary_crossentropy", [[1.0], [0.0]], [[-200.0], [300.0]]),
        ("sigmoid", "binary_focal_crossentropy", [[1.0], [0.0]], [[-200.0], [300.0]]),
        ("softmax", "categorical_crossentropy", [[1.0, 0.0]], [[-200.0, 300.0]]),
        ("softmax", "sparse_categorical_crossentropy", [0], [[-200.0, 300.0]]),
    ],
)
def test_logits_are_used_behind_a_final_activation(
    activation: str, loss: str, y_true: Any, logits: Any
) -> None:
    y, x = np.array(y_true), np.array(logits)
    target = fastnn.placeholder(y.shape, str(y.dtype))
    inputs = fastnn.placeholder(x.shape, "float64")
    value = getattr(losses, loss)(target, getattr(ops, activation)(inputs))
    gradient = fastnn.grad(ops.sum(value), inputs)
    got, slope = fastnn.function([target, inputs], [value, gradient])(y, x)
    assert (got > 100.0).all()
    assert (np.abs(slope) > 0.1).any()


@pytest.mark.parametrize(
    ("cls", "function"),
    [(c, f) for c, f in losses._pairs],
    ids=[c.__name__ for c, _ in losses._pairs],
)
def test_names_and_configurations(cls: type[losses.Loss], function: Any) -> None:
    assert losses.get(function.__name__) is function
    first = losses.get(cls.__name__)
    assert type(first) is cls
    again = losses.deserialize(losses.serialize(first))
    assert again.get_config() == first.get_config()
    assert type(losses.resolve(function, (), ())) is cls


@pytest.mark.parametrize("name", ["mse", "MSE", "mae", "bce", "kld", "msle", "mape", "logcosh"])
def test_short_names(name: str) -> None:
    resolved = losses.resolve(name)
    assert resolved is not None
    assert resolved.name == name


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="did you mean 'mean_squared_error'"):
        losses.get("mean_squared_eror")
    with pytest.raises(ValueError, match="expected a reduction out of"):
        losses.MeanSquaredError(reduction="average")


@pytest.mark.parametrize(
    ("true", "pred", "name"),
    [((None, 1), (None, 1), "binary"), ((None,), (None, 4), "sparse"),
     ((None, 1), (None, 4), "sparse"), ((None, 4), (None, 4), "categorical")],
)  # fmt: skip
def test_crossentropy_by_shape(true: Any, pred: Any, name: str) -> None:
    assert losses.kind_of_classes(true, pred) == name
    resolved = losses.resolve("crossentropy", true, pred)
    assert resolved is not None
    assert type(resolved).__name__.lower().startswith(name)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"\[mean_squared_error\] expected y_true .*\(4, 3\)"):
        losses.MeanSquaredError()(np.zeros((4, 2)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"expected class numbers of shape \(4,\)"):
        losses.SparseCategoricalCrossentropy()(np.zeros((3,)), np.full((4, 3), 1 / 3))
    with pytest.raises(ValueError, match="expected numbers in y_pred"):
        losses.MeanSquaredError()(np.zeros(2), np.array(["a", "b"]))


def test_a_function_as_loss() -> None:
    def off_by(y_true: Any, y_pred: Any) -> Any:
        return ops.mean(ops.absolute(y_pred - y_true), axis=-1)

    resolved = losses.resolve(off_by)
    assert resolved is not None
    assert resolved.name == "off_by"
    assert resolved(np.zeros((2, 1)), np.full((2, 1), 3.0), np.array([1.0, 0.0])) == 1.5


def test_lists_and_whole_numbers() -> None:
    assert losses.MeanSquaredError()([[1], [2]], [[2], [4]]) == 2.5


@pytest.mark.parametrize(
    ("reduction", "weight", "expected"),
    [
        ("sum_over_batch_size", None, 1.5),
        ("mean", [2.0, 1.0, 5.0, 5.0], 2.0),
        ("sum", [2.0, 1.0, 5.0, 5.0], 4.0),
        ("mean_with_sample_weight", [2.0, 1.0, 5.0, 5.0], 4.0 / 3.0),
    ],
)
def test_masked_losses_do_not_count(reduction: str, weight: Any, expected: float) -> None:
    values, mask = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, False, False])
    weights = None if weight is None else np.array(weight)
    reduced = losses.reduce_weighted(values, weights, mask, reduction)
    assert float(reduced) == pytest.approx(expected)
    nothing = losses.reduce_weighted(values, weights, np.zeros(4, bool), reduction)
    assert float(nothing) == 0.0
