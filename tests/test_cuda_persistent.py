"""Recordings that one launch runs many times over: the bits of steps run call by call."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import Sequential, _core, layers, optimizers
from fastnn.layers import Dense

ROWS = 75  # batches of 10: seven, and one of five rows

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "sgd": lambda: optimizers.SGD(0.05),
    "nesterov": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adam": lambda: optimizers.Adam(0.01),
    "clipped": lambda: optimizers.Adam(0.01, amsgrad=True, clipnorm=1.0),
    "averaged": lambda: optimizers.Adam(0.01, use_ema=True, gradient_accumulation_steps=2),
    "adamw": lambda: optimizers.AdamW(0.01),
    "adamax": lambda: optimizers.Adamax(0.01),
    "nadam": lambda: optimizers.Nadam(0.01),
    "adagrad": lambda: optimizers.Adagrad(0.05),
    "adadelta": lambda: optimizers.Adadelta(0.5),
    "lion": lambda: optimizers.Lion(0.001),
}


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype("float32")


def churn() -> list[Any]:
    return [Dense(6, "relu"), Dense(6, "relu"), Dense(1, "sigmoid")]


def regularised() -> list[Any]:
    return [
        Dense(20, "elu", kernel_regularizer="l2"),
        layers.BatchNormalization(),
        layers.Dropout(0.3),
        Dense(12, "tanh"),
        layers.LayerNormalization(),
        layers.GaussianNoise(0.1),
        Dense(3, "softmax"),
    ]


def trained(
    device: str,
    network: Callable[[], list[Any]],
    loss: str,
    y: np.ndarray,
    recorded: bool = True,
    optimizer: str = "adam",
    batch_size: int = 10,
    width: int = 11,
    epochs: int = 3,
    metrics: tuple[Any, ...] = ("accuracy",),
) -> tuple[list[np.ndarray], tuple[int, ...]]:
    """All that a training leaves, and what `_cuda.replays` counted."""
    module = importlib.import_module("fastnn._cuda")
    fastnn.utils.set_random_seed(3)
    model = Sequential([layers.Input((width,)), *network()])
    model.compile(OPTIMIZERS[optimizer](), loss, metrics=[*metrics], device=device)
    before, recording = module.replays(), _core.testing.set_recording(recorded)
    try:
        history = model.fit(
            numbers(len(y), width), y, batch_size=batch_size, epochs=epochs, verbose=0
        ).history
    finally:
        _core.testing.set_recording(recording)
    counts = tuple(b - a for a, b in zip(before, module.replays(), strict=True))
    state = [v.get_value() for v in model.optimizer.variables]
    return [*model.get_weights(), *state, *(np.array(v) for v in history.values())], counts


def persistent_of(*args: Any, **options: Any) -> tuple[int, ...]:
    """Trains with and without recordings, and compares bits."""
    expected, none = trained(*args, recorded=False, **options)
    assert none == (0, 0, 0, 0)
    got, counts = trained(*args, **options)
    assert len(expected) == len(got)
    for a, b in zip(expected, got, strict=True):
        assert a.tobytes() == b.tobytes()
    return counts


def halves(rows: int = ROWS) -> np.ndarray:
    return (numbers(rows, 11)[:, :1] > 0).astype("float32")


def classes(rows: int = ROWS, count: int = 3) -> np.ndarray:
    return np.arange(rows, dtype="int64") % count


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer, cuda):
    recordings, persistent, _, steps = persistent_of(
        cuda, churn, "binary_crossentropy", halves(), optimizer=optimizer
    )
    assert recordings == persistent > 0
    assert steps >= 3 * 8 - 4


@pytest.mark.parametrize("batch_size", [1, 10, 40])
@pytest.mark.parametrize("sparse", [True, False])
def test_masks_statistics_and_classes(sparse, batch_size, cuda):
    """Sums by one thread and by many, draws, labels."""
    loss = "sparse_categorical_crossentropy" if sparse else "categorical_crossentropy"
    y = classes() if sparse else np.eye(3, dtype="float32")[classes()]
    recordings, persistent, _, _ = persistent_of(cuda, regularised, loss, y, batch_size=batch_size)
    assert recordings == persistent > 0


def doubles() -> list[Any]:
    each = {"dtype": "float64"}
    return [
        Dense(70, "tanh", kernel_regularizer="l2", **each),
        layers.BatchNormalization(**each),
        layers.Dropout(0.3, **each),
        layers.Reshape((7, 10)),
        layers.LSTM(6, **each),
        layers.GaussianNoise(0.1, **each),
        Dense(3, "softmax", **each),
    ]


@pytest.mark.parametrize("optimizer", ["nesterov", "rmsprop", "clipped", "averaged", "nadam"])
def test_float64(optimizer, cuda):
    recordings, persistent, _, _ = persistent_of(
        cuda, doubles, "sparse_categorical_crossentropy", classes(), optimizer=optimizer,
        batch_size=25, epochs=2,
    )  # fmt: skip
    assert recordings == persistent > 0


def test_metrics_that_count(cuda):
    """In float64, and by thresholds."""
    metrics = ("AUC", "Precision", "Recall", "R2Score")
    recordings, persistent, _, _ = persistent_of(
        cuda, churn, "binary_crossentropy", halves(), metrics=metrics
    )
    assert recordings == persistent > 0
    top = (fastnn.metrics.SparseTopKCategoricalAccuracy(2),)
    recordings, persistent, _, _ = persistent_of(
        cuda, regularised, "sparse_categorical_crossentropy", classes(), metrics=top
    )
    assert recordings == persistent > 0


def test_many_classes(cuda):
    """Rows that a block shares."""
    recordings, persistent, _, _ = persistent_of(
        cuda,
        lambda: [Dense(4, "relu"), Dense(40, "softmax")],
        "sparse_categorical_crossentropy",
        classes(count=40),
    )
    assert recordings == persistent > 0


def test_a_launch_is_for_many_steps(cuda):
    """As many as take some milliseconds, and not beyond an epoch."""
    _, (_, persistent, launches, steps) = trained(
        cuda, churn, "binary_crossentropy", halves(1000), epochs=4
    )
    assert (persistent, steps) == (1, 399)
    assert launches < steps / 4


@pytest.mark.parametrize(
    ("network", "width", "batch_size"),
    [
        (lambda: [Dense(300, "relu"), Dense(300, "relu"), Dense(1)], 11, 10),
        (lambda: [layers.Reshape((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten(), Dense(1)],
         64, 10),
    ],
    ids=["weights", "images"],
)  # fmt: skip
def test_what_is_too_large_or_has_other_kernels_stays_a_graph(network, width, batch_size, cuda):
    recordings, persistent, _, steps = persistent_of(
        cuda, network, "mse", halves(400), width=width, batch_size=batch_size, epochs=1
    )
    assert recordings > 0
    assert persistent == 0
    assert steps == 400 // batch_size - 1


def looked_up(
    device: str, words: np.ndarray, recorded: bool, trainable: bool = False, optimizer: str = "adam"
) -> tuple[list[np.ndarray], int]:
    """Weights and how many recordings were persistent, also where a word is not in the table."""
    module = importlib.import_module("fastnn._cuda")
    fastnn.utils.set_random_seed(3)
    table = layers.Embedding(20, 4, trainable=trainable)
    inputs = layers.Input(words.shape[1:], dtype="int64")
    same = layers.Lambda(lambda x: x + 0)  # else a look at the data finds what is not in the table
    model = Sequential([inputs, same, table, layers.Flatten(), Dense(1)])
    model.compile(optimizer, "mse", device=device)
    unknown = pytest.raises(IndexError, match="99") if words.max() == 99 else nullcontext()
    before, recording = module.replays(), _core.testing.set_recording(recorded)
    try:
        with unknown:
            model.fit(words, halves(len(words)), batch_size=10, shuffle=False, verbose=0)
    finally:
        _core.testing.set_recording(recording)
    return model.get_weights(), module.replays()[1] - before[1]


def test_a_bad_index_leaves_the_weights_of_the_step_before(cuda):
    words = np.random.default_rng(0).integers(0, 20, (80, 3))
    good, persistent = looked_up(cuda, words[:40], True)
    assert persistent == 1
    words[43, 1] = 99
    for recorded in (True, False):
        weights, _ = looked_up(cuda, words, recorded)
        for a, b in zip(good, weights, strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam"])
def test_tables_that_are_trained(optimizer, cuda):
    """By the rows that are looked up, or whole."""
    words = np.random.default_rng(0).integers(0, 20, (40, 3))
    expected, none = looked_up(cuda, words, False, True, optimizer)
    got, persistent = looked_up(cuda, words, True, True, optimizer)
    assert persistent == 1 > none
    for a, b in zip(expected, got, strict=True):
        assert a.tobytes() == b.tobytes()
