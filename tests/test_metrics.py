"""Metrics give Keras's results after every batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastnn
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


# --- in Keras's manner: update_state of tensors


class CountTrue(metrics.Metric):
    def __init__(self, name="count_true", **kwargs):
        super().__init__(name=name, **kwargs)
        self.found = self.add_variable(shape=(), name="found", initializer="zeros")
        self.seen = self.add_weight(name="seen", shape=(), initializer="ones")

    def update_state(self, y_true, y_pred, sample_weight=None):
        same = ops.cast(
            ops.cast(y_true, "int32") == ops.cast(ops.argmax(y_pred, 1), "int32"), "float32"
        )
        if sample_weight is not None:
            same = same * ops.cast(sample_weight, "float32")
        self.found.assign_add(ops.sum(same))
        self.found.assign_sub(0.0 * ops.sum(same))
        self.seen.assign(self.seen + ops.cast(ops.shape(y_true)[0], "float32"))

    def result(self):
        return self.found / self.seen


def test_a_metric_may_assign_to_its_variables():
    x = np.eye(3, dtype="float32")
    metric = CountTrue()
    assert metric([0, 1, 1], x) == 2 / 4  # seen began with 1
    assert metric([2, 2, 2], x) == 3 / 7
    metric.reset_state()
    metric.update_state([0, 1, 1], x, sample_weight=[3.0, 0.0, 1.0])
    assert metric.result() == 1.0
    model = fastnn.Sequential([fastnn.Input((3,)), fastnn.layers.Softmax(), fastnn.layers.Dense(3)])
    model.set_weights([np.eye(3), np.zeros(3)])
    model.compile(fastnn.optimizers.SGD(0.0), "mse", metrics=[CountTrue()])
    loss = model.train_on_batch(x, x)  # a metric may look at targets in any way
    assert len(loss) == 2


def test_metrics_in_metrics_and_inherited_updates():
    class F1(metrics.Metric):
        def __init__(self, name="f1"):
            super().__init__(name)
            self.precision, self.recall = metrics.Precision(), metrics.Recall()

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.precision.update_state(y_true, y_pred, sample_weight)
            self.recall.update_state(y_true, y_pred, sample_weight)

        def result(self):
            precision, recall = self.precision.result(), self.recall.result()
            return 2 * precision * recall / (precision + recall)

        def reset_state(self):
            self.precision.reset_state()
            self.recall.reset_state()

    class ArgmaxIoU(metrics.MeanIoU):
        def update_state(self, y_true, y_pred, sample_weight=None):
            return super().update_state(y_true, ops.argmax(y_pred, -1), sample_weight)

    scores = np.array([[0.9], [0.8], [0.2], [0.7]], "float32")
    assert F1()(np.array([[1], [0], [1], [1]]), scores) == pytest.approx(2 / 3)
    classes = np.array([[0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]])
    assert ArgmaxIoU(num_classes=3)([1, 1, 2, 1], classes) == pytest.approx(5 / 9)


def test_targets_reach_a_metric_of_ones_own_in_their_shape():
    seen = []

    class Looking(CountTrue):
        def update_state(self, y_true, y_pred, sample_weight=None):
            seen.append(y_true.shape)
            self.found.assign_add(ops.sum(ops.cast(y_true, "float32")))

    model = fastnn.Sequential([fastnn.layers.Dense(3, activation="softmax", input_dim=2)])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[Looking(), "accuracy"])
    for labels in (np.array([0, 1]), np.array([[0], [1]])):
        model.evaluate(np.ones((2, 2)), labels, verbose=0)
    assert seen == [(None,), (None, 1)]


def test_assigning_a_tensor_elsewhere_says_what_to_do():
    variable = fastnn.shared(np.zeros(2), name="v")
    variable.assign_add([1.0, 2.0])
    variable.assign_sub(1.0)
    np.testing.assert_array_equal(variable.value, [0.0, 1.0])
    with pytest.raises(TypeError, match=r"\[v\] assign.. of a symbolic tensor.*add_update"):
        variable.assign(fastnn.placeholder((2,)))
