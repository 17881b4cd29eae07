"""Activations, regularizers, constraints and schedules give Keras's values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import activations, constraints, ops, regularizers
from fastnn.optimizers import schedules
from figures import label, read_json

INPUTS, CASES = read_json("parts")


def cases_of(kind: str) -> Any:
    found = [c for c in CASES if kind in c]
    return pytest.mark.parametrize("case", found, ids=[label(c, kind, "config") for c in found])


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 2e-6)])
@cases_of("activation")
def test_activation(case: dict[str, Any], dtype: str, tolerance: float) -> None:
    x = np.array(INPUTS["x"], dtype)
    value = getattr(activations, case["activation"])(x, **case["config"])
    assert value.dtype == dtype
    np.testing.assert_allclose(value, case["value"], rtol=tolerance, atol=tolerance)


@cases_of("activation")
def test_gradient(case: dict[str, Any]) -> None:
    x = fastnn.placeholder(("batch", 6), "float64")
    y = getattr(activations, case["activation"])(x, **case["config"])
    gradient = fastnn.grad(ops.sum(y * np.array(INPUTS["factor"])), x)
    (got,) = fastnn.function([x], [gradient])(np.array(INPUTS["x"]))
    np.testing.assert_allclose(got, case["gradient"], rtol=1e-11, atol=1e-12)


@cases_of("regularizer")
def test_regularizer(case: dict[str, Any]) -> None:
    regularizer = getattr(regularizers, case["regularizer"])(**case["config"])
    value = regularizer(np.array(INPUTS["w"]))
    np.testing.assert_allclose(value, case["value"], rtol=1e-13, atol=1e-15)
    again = regularizers.get(regularizers.serialize(regularizer))
    assert repr(again) == repr(regularizer)


@cases_of("constraint")
def test_constraint(case: dict[str, Any]) -> None:
    constraint = getattr(constraints, case["constraint"])(**case["config"])
    value = constraint(np.array(INPUTS["w"]))
    np.testing.assert_allclose(value, case["value"], rtol=1e-13, atol=1e-15)
    again = constraints.get(constraints.serialize(constraint))
    assert repr(again) == repr(constraint)


@cases_of("schedule")
def test_schedule(case: dict[str, Any]) -> None:
    schedule = getattr(schedules, case["schedule"])(**case["config"])
    values = [schedule(step) for step in INPUTS["steps"]]
    np.testing.assert_allclose(values, case["value"], rtol=1e-12, atol=1e-15)
    assert all(isinstance(value, float) for value in values)
    again = schedules.deserialize(schedules.serialize(schedule))
    assert again.get_config() == schedule.get_config()
    step = fastnn.placeholder((), "int64")
    rate = fastnn.function([step], [schedule(step)])
    for number, value in zip(INPUTS["steps"], case["value"], strict=True):
        np.testing.assert_allclose(rate(np.int64(number))[0], value, rtol=1e-12, atol=1e-15)


def test_threshold() -> None:
    values = activations.threshold(np.array([-1.0, 0.0, 0.1, 2.0]), 0.1)
    np.testing.assert_array_equal(values, [0.0, 0.0, 0.0, 1.0])


@pytest.mark.parametrize("name", sorted(activations._registry.table))
def test_activation_by_name(name: str) -> None:
    assert callable(activations.get(name))
    assert activations.serialize(activations.get("relu")) == "relu"


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match=r"unknown activation 'rleu' \(did you mean 'relu'"):
        activations.get("rleu")
    with pytest.raises(ValueError, match="unknown regularizer"):
        regularizers.get("l3")
    with pytest.raises(ValueError, match="did you mean 'max_norm'"):
        constraints.get("max_nrm")
    with pytest.raises(ValueError, match="expected an activation"):
        activations.get(3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: regularizers.L2(-1.0), "expected a number l2 >= 0, got -1.0"),
        (lambda: regularizers.L1(float("nan")), "expected a number l1 >= 0, got nan"),
        (lambda: regularizers.OrthogonalRegularizer(mode="x"), "'rows' or 'columns', got 'x'"),
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "expected decay_steps > 0, got 0"),
        (lambda: schedules.PiecewiseConstantDecay([1], [0.1]), "one value more than boundaries"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [1, 2, 3]), "rising boundaries"),
    ],
)
def test_bad_arguments(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
