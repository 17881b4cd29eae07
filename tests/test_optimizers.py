"""Optimizers end where Keras's do."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import constraints, ops, optimizers
from fastnn.optimizers import schedules
from figures import label, read_npz

FIGURES, CASES = read_npz("optimizers")
NAMES = ("kernel", "bias")


def make_variables(case: dict[str, Any], dtype: str = "float64") -> list[Any]:
    variables = []
    for name in NAMES:
        variable = fastnn.shared(FIGURES[f"start_{name}"].astype(dtype), name=name)
        variable.constraint = constraints.get(case.get("constraint"))
        variables.append(variable)
    return variables


def make_optimizer(case: dict[str, Any]) -> optimizers.Optimizer:
    optimizer = getattr(optimizers, case["optimizer"])(**case["options"])
    if "exclude" in case:
        optimizer.exclude_from_weight_decay(var_names=case["exclude"])
    return optimizer


def flat(variables: list[Any]) -> np.ndarray:
    return np.concatenate([np.ravel(v.get_value()) for v in variables])


@pytest.mark.parametrize(
    "index",
    range(len(CASES)),
    ids=[label(case, "optimizer", "options", "exclude", "constraint") for case in CASES],
)
def test_trajectory(index: int) -> None:
    case = CASES[index]
    optimizer, variables = make_optimizer(case), make_variables(case)
    grads = [FIGURES[f"grads_{name}"] for name in NAMES]
    kept = []
    for step in range(len(grads[0])):
        optimizer.apply_gradients([(g[step], v) for g, v in zip(grads, variables, strict=True)])
        if step + 1 in FIGURES["kept"]:
            kept.append(flat(variables))
    optimizer.finalize_variable_values(variables)
    kept.append(flat(variables))
    np.testing.assert_allclose(np.stack(kept), FIGURES["results"][index], rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "Nadam", "Adagrad", "Lion"])
def test_float32_is_near_float64(name: str) -> None:
    results = []
    for dtype in ("float32", "float64"):
        optimizer = getattr(optimizers, name)(0.03)
        variables = make_variables({}, dtype)
        for step in range(20):
            grads = [FIGURES[f"grads_{n}"][step].astype(dtype) for n in NAMES]
            optimizer.apply_gradients(zip(grads, variables, strict=True))
        results.append(flat(variables))
    np.testing.assert_allclose(results[0], results[1], rtol=0, atol=5e-6)


@pytest.mark.parametrize("name", [c.__name__ for c in optimizers._classes])
def test_config_makes_the_same_optimizer(name: str) -> None:
    schedule = schedules.ExponentialDecay(0.1, 5, 0.5)
    first = getattr(optimizers, name)(schedule, clipnorm=1.0, gradient_accumulation_steps=2)
    second = type(first).from_config(first.get_config())
    assert second.get_config() == first.get_config()
    third = optimizers.deserialize(optimizers.serialize(first))
    assert type(third) is type(first)
    assert third.learning_rate == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["adam", "Adam", "SGD", "sgd", "RMSprop", "rmsprop", "adamw"])
def test_get_by_name(name: str) -> None:
    assert optimizers.get(name).name.startswith(name.lower())


def test_get_offers_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="did you mean 'adam'"):
        optimizers.get("adan")
    with pytest.raises(ValueError, match="expected an optimizer"):
        optimizers.get(3)


def test_state_moves_to_another_optimizer() -> None:
    gradient = np.array([1.0, -2.0])
    first, second = optimizers.Adam(0.1), optimizers.Adam(0.1)
    v, w = fastnn.shared(np.zeros(2)), fastnn.shared(np.zeros(2))
    first.apply_gradients([(gradient, v)])
    second.build([w])
    second.set_weights(first.get_weights())
    w.set_value(v.get_value())
    first.apply_gradients([(gradient, v)])
    second.apply_gradients([(gradient, w)])
    np.testing.assert_array_equal(v.get_value(), w.get_value())
    assert int(second.iterations.get_value()) == 2
    with pytest.raises(ValueError, match="expected 4 arrays of state, got 1"):
        second.set_weights([1])


def test_learning_rate_is_set_without_compiling_again() -> None:
    optimizer = optimizers.SGD(0.1)
    w = fastnn.shared(np.zeros(1))
    optimizer.apply_gradients([(np.ones(1), w)])
    optimizer.learning_rate = 1.0
    optimizer.apply_gradients([(np.ones(1), w)])
    assert len(optimizer._compiled) == 1
    np.testing.assert_allclose(w.get_value(), [-1.1])
    assert float(optimizer.learning_rate) == 1.0


def test_schedule_in_the_place_of_a_number() -> None:
    optimizer = optimizers.SGD(1.0)
    w = fastnn.shared(np.zeros(1))
    optimizer.apply_gradients([(np.ones(1), w)])
    optimizer.learning_rate = schedules.PiecewiseConstantDecay([1], [0.5, 0.25])
    optimizer.apply_gradients([(np.ones(1), w)])
    optimizer.apply_gradients([(np.ones(1), w)])
    np.testing.assert_allclose(w.get_value(), [-1.75])
    with pytest.raises(TypeError, match="follows the schedule PiecewiseConstantDecay"):
        optimizer.learning_rate = 0.1


def test_old_names() -> None:
    with pytest.warns(DeprecationWarning, match="'lr' is called 'learning_rate'"):
        optimizer = optimizers.SGD(lr=0.5)
    assert float(optimizer.learning_rate) == 0.5
    with pytest.warns(DeprecationWarning, match="InverseTimeDecay"):
        decaying = optimizers.SGD(0.5, decay=0.1)
    w = fastnn.shared(np.zeros(1))
    for _ in range(3):
        decaying.apply_gradients([(np.ones(1), w)])
    expected = -sum(0.5 / (1 + 0.1 * step) for step in range(3))
    np.testing.assert_allclose(w.get_value(), [expected], rtol=1e-12)


def test_variables_without_gradient_are_named() -> None:
    v, w = fastnn.shared(np.zeros(1), name="v"), fastnn.shared(np.zeros(1), name="w")
    optimizer = optimizers.SGD(1.0)
    with pytest.warns(UserWarning, match=r"does not depend on \['w'\]"):
        optimizer.apply_gradients([(np.ones(1), v), (None, w)])
    np.testing.assert_array_equal([v.get_value()[0], w.get_value()[0]], [-1.0, 0.0])
    with pytest.raises(ValueError, match="no variable has a gradient"):
        optimizers.SGD().apply_gradients([(None, w)])


def test_mixed_dtypes() -> None:
    v = fastnn.shared(np.zeros(1, np.float32), name="v")
    w = fastnn.shared(np.zeros(1, np.float64), name="w")
    optimizers.Adam(0.1, global_clipnorm=1.0).apply_gradients([(np.ones(1), v), (np.ones(1), w)])
    np.testing.assert_allclose(v.get_value(), [-0.1], rtol=1e-5)
    np.testing.assert_allclose(w.get_value(), [-0.1], rtol=1e-5)


def test_optimizer_of_ones_own() -> None:
    class Decayed(optimizers.Optimizer):
        def slot_values(self, variable: Any) -> dict[str, float]:
            return {"seen": 0.0}

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> Any:
            (seen,) = self.slots(variable)
            total = seen + ops.absolute(gradient)
            return [(seen, total), (variable, variable - learning_rate * gradient / total)]

    w = fastnn.shared(np.zeros(2))
    optimizer = Decayed(1.0, clipvalue=2.0)
    optimizer.apply_gradients([(np.array([1.0, -9.0]), w)])
    optimizer.apply_gradients([(np.array([1.0, -9.0]), w)])
    np.testing.assert_allclose(w.get_value(), [-1.5, 1.5])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clipnorm": -1.0}, "expected clipnorm to be None or a number >= 0, got -1.0"),
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "at most one way of clipping"),
        ({"gradient_accumulation_steps": 1}, "whole number >= 2, got 1"),
        ({"ema_momentum": 2.0}, "ema_momentum between 0 and 1, got 2.0"),
        ({"learning_rate": "fast"}, "expected a finite number"),
        ({"learning_rate": float("nan")}, "expected a finite number"),
        ({"learning_rate": lambda: 0.1}, "make it a subclass of LearningRateSchedule"),
        ({"beta_1": 1.5}, "expected beta_1 between 0 and 1, got 1.5"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimizers.Adam(**arguments)


def test_unknown_argument_offers_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"unknown argument 'clip_norm' \(did you mean 'clipnorm'"):
        optimizers.Adam(clip_norm=1.0)  # type: ignore[call-arg]


def test_bad_gradients() -> None:
    w = fastnn.shared(np.zeros((2, 3)), name="w")
    optimizer = optimizers.SGD()
    with pytest.raises(ValueError, match=r"gradient of shape \(2, 3\) for 'w', got \(3, 2\)"):
        optimizer.apply_gradients([(np.zeros((3, 2)), w)])
    with pytest.raises(ValueError, match="expected variables"):
        optimizer.apply([np.zeros((2, 3))])
    optimizer.apply_gradients([(np.zeros((2, 3)), w)])
    with pytest.raises(ValueError, match="was built for other variables than 'other'"):
        optimizer.apply_gradients([(np.zeros(1), fastnn.shared(np.zeros(1), name="other"))])
    with pytest.raises(ValueError, match="before build"):
        optimizer.exclude_from_weight_decay(var_names=["w"])


def test_infinite_global_norm_is_not_hidden() -> None:
    w = fastnn.shared(np.zeros(2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        optimizers.SGD(1.0, global_clipnorm=1.0).apply_gradients([(np.array([np.inf, 1.0]), w)])
    assert np.isnan(w.get_value()).all()
