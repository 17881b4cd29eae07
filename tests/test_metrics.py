"""Metrics give Keras's results after every batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastnn import losses, metrics, ops
from figures import label, read_json

INPUTS, CASES = read_json("metrics")
IDS = [label(c, "metric", "config", "inputs", "sample_weight") for c in CASES]


def batch(case: dict[str, Any], index: int, dtype: str) -> tuple[list[np.ndarray], Any]:
    given = [np.array(INPUTS[name][index]) for name in case["inputs"]]
    weight = case["sample_weight"]
    given = [a.astype(dtype) if a.dtype.kind == "f" else a for a in given]
    return given, None if weight is None else np.array(INPUTS[weight][index])


def tolerance(case: dict[str, Any], dtype: str) -> float:
    if dtype == "float32":
        return 2e-5
    # Keras works this one out in float32, and adds 1e-7 to its denominators.
    return 1e-6 if case["metric"] == "MeanIoU" else 1e-12


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_results(case: dict[str, Any], dtype: str) -> None:
    metric = getattr(metrics, case["metric"])(**case["config"])
    for index, expected in enumerate(case["results"]):
        given, weight = batch(case, index, dtype)
        metric.update_state(*given, sample_weight=weight)
        close = tolerance(case, dtype)
        np.testing.assert_allclose(metric.result(), expected, rtol=close, atol=close)
    metric.reset_state()
    given, weight = batch(case, 0, dtype)
    again = metric(*given, sample_weight=weight)
    np.testing.assert_allclose(again, case["results"][0], rtol=close, atol=close)


@pytest.mark.parametrize("name", sorted({c["metric"] for c in CASES}))
def test_configurations(name: str) -> None:
    config = next(c["config"] for c in CASES if c["metric"] == name)
    first = getattr(metrics, name)(**config)
    again = metrics.deserialize(metrics.serialize(first))
    assert type(again) is type(first)
    assert again.get_config() == first.get_config()


@pytest.mark.parametrize(
    ("true", "pred", "cls"),
    [
        ((None,), (None, 1), "BinaryAccuracy"),
        ((None, 1), (None, 1), "BinaryAccuracy"),
        ((None, 3), (None, 3), "CategoricalAccuracy"),
        ((None,), (None, 3), "SparseCategoricalAccuracy"),
        ((None, 1), (None, 3), "SparseCategoricalAccuracy"),
    ],
)
@pytest.mark.parametrize("name", ["accuracy", "acc"])
def test_accuracy_by_shape(name: str, true: Any, pred: Any, cls: str) -> None:
    metric = metrics.resolve(name, true, pred)
    assert type(metric).__name__ == cls
    assert metric.name == name


@pytest.mark.parametrize("name", sorted(losses.known()))
def test_every_loss_is_a_metric(name: str) -> None:
    metric = metrics.resolve(name, (None, 3), (None, 3))
    assert metric.name == name
    assert metric.result() == 0.0


def test_a_function_as_metric() -> None:
    def off_by(y_true: Any, y_pred: Any) -> Any:
        return ops.absolute(y_true - y_pred)

    metric = metrics.resolve(off_by, (None, 1), (None, 1))
    assert metric.name == "off_by"
    assert metric(np.zeros((2, 1)), np.array([[1.0], [3.0]])) == 2.0


def test_batches_of_other_sizes_and_dtypes() -> None:
    metric = metrics.BinaryAccuracy()
    metric.update_state(np.array([1, 0, 1]), np.array([0.9, 0.1, 0.2]))
    metric.update_state(np.array([[True]]), np.array([[0.9]], np.float32))
    metric.update_state(np.zeros((4, 1)), np.zeros((4, 1), np.float16))
    assert metric.result() == 7 / 8


def test_no_batch_yet() -> None:
    for name in ("Mean", "BinaryAccuracy", "AUC", "F1Score", "R2Score", "Precision"):
        assert metrics.get(name).result() == 0.0


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="did you mean 'precision'"):
        metrics.get("precison")
    with pytest.raises(ValueError, match="arrays of one length"):
        metrics.BinaryAccuracy().update_state(np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match="thresholds between 0 and 1"):
        metrics.Precision(thresholds=1.5)
    with pytest.raises(ValueError, match="curve 'ROC' or 'PR'"):
        metrics.AUC(curve="XY")
    with pytest.raises(ValueError, match=r"shape \(batch, classes\)"):
        metrics.F1Score().update_state(np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="expected a metric, got None"):
        metrics.resolve(None, (None,), (None,))


def test_too_few_samples_to_adjust() -> None:
    metric = metrics.R2Score(num_regressors=5)
    metric.update_state([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
    with pytest.warns(UserWarning, match="too few to adjust"):
        assert metric.result() == pytest.approx(1 - 2 / (14 / 3))
