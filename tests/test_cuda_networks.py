"""Which of the small networks that people begin with train as one launch on "cuda", and why not."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import Sequential, _core, layers
from fastnn.layers import Dense

BINARY = "binary_crossentropy"
CLASSES = "sparse_categorical_crossentropy"


def dense(*units: int, activation: str = "relu", last: str | None = None) -> list[Any]:
    return [*(Dense(n, activation) for n in units[:-1]), Dense(units[-1], last)]


@dataclass
class Case:
    """A network, and what `why_not_persistent` says of its step: nothing where it is one launch.

    Args:
        shape: of a row of the inputs; of words where `words`.
        batch: rows of a step.
    """

    shape: tuple[int, ...]
    make: Callable[[], list[Any]]
    loss: str
    batch: int
    why_not: str = ""
    words: bool = False

    def data(self, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        """Three batches."""
        draw = np.random.default_rng(7)
        rows = 3 * self.batch
        x: np.ndarray = draw.standard_normal((rows, *self.shape)).astype("float32")
        if self.words:
            x = draw.integers(0, 20, (rows, *self.shape))
        if self.loss == CLASSES:
            return x, np.arange(rows) % outputs
        return x, draw.integers(0, 2, (rows, outputs)).astype("float32")


CASES = {
    "xor": Case((2,), lambda: dense(4, 1, activation="tanh", last="sigmoid"), BINARY, 4),
    "neuron": Case((4,), lambda: dense(1, last="sigmoid"), BINARY, 32),
    "churn": Case((11,), lambda: dense(6, 6, 1, last="sigmoid"), BINARY, 10),
    "diabetes": Case((8,), lambda: dense(12, 8, 1, last="sigmoid"), BINARY, 10),
    "iris": Case((4,), lambda: dense(10, 10, 3, last="softmax"), CLASSES, 5),
    "wine": Case((13,), lambda: dense(16, 3, last="softmax"), CLASSES, 32),
    "sonar": Case((60,), lambda: dense(60, 1, last="sigmoid"), BINARY, 5),
    "housing": Case((13,), lambda: dense(64, 64, 1), "mse", 16),
    "fuel": Case((9,), lambda: dense(64, 64, 1), "mse", 32),
    "sine": Case((1,), lambda: dense(64, 64, 1, activation="tanh"), "mse", 32),
    "moons": Case((2,), lambda: dense(500, 1, last="sigmoid"), BINARY, 32),
    "100 columns": Case((100,), lambda: dense(64, 1, last="sigmoid"), BINARY, 32),
    "100 columns, 100 wide": Case((100,), lambda: dense(100, 100, 1, last="sigmoid"), BINARY, 10),
    "200 columns": Case((200,), lambda: dense(64, 32, 1, last="sigmoid"), BINARY, 32),
    "300 columns": Case((300,), lambda: dense(32, 1, last="sigmoid"), BINARY, 32),
    "300 columns, 128 wide": Case(
        (300,), lambda: dense(128, 1, last="sigmoid"), BINARY, 32, "a block takes"
    ),
    "digits": Case((64,), lambda: dense(128, 10, last="softmax"), CLASSES, 32),
    "deeper digits": Case((64,), lambda: dense(64, 64, 10, last="softmax"), CLASSES, 64),
    "digit codes": Case((64,), lambda: dense(32, 16, 32, 64, last="sigmoid"), "mse", 64),
    "mnist": Case((784,), lambda: dense(128, 10, last="softmax"), CLASSES, 32, "a block takes"),
    "rows": Case((20,), lambda: dense(64, 64, 1), "mse", 400, "a block takes"),
    "columns of words": Case(
        (3,), lambda: [layers.Embedding(20, 4), layers.Flatten(), *dense(8, 1)], "mse", 10,
        words=True,
    ),
    "sentences": Case(
        (40,),
        lambda: [layers.Embedding(500, 16), layers.GlobalAveragePooling1D(), *dense(16, 1)],
        "mse", 32, words=True,
    ),
    "lstm": Case((10, 1), lambda: [layers.LSTM(8), Dense(1)], "mse", 10),
    "gru": Case(
        (7,),
        lambda: [layers.Embedding(20, 4, mask_zero=True), layers.GRU(6, dropout=0.2), Dense(1)],
        "mse", 20, words=True,
    ),
    "both ways": Case(
        (5, 2),
        lambda: [layers.Bidirectional(layers.SimpleRNN(34, return_sequences=True)),
                 layers.LSTM(3), Dense(1)],
        "mse", 3,
    ),
    "forecast": Case(
        (5, 1), lambda: [layers.LSTM(32), Dense(1)], "mse", 60, "a block takes"
    ),
    "images": Case(
        (8, 8, 1),
        lambda: [layers.Conv2D(4, 3), layers.MaxPooling2D(2), layers.Flatten(), Dense(1)],
        "mse", 10, "no conv_direct",
    ),
}  # fmt: skip


def trained(case: Case, device: str, recorded: bool) -> tuple[list[np.ndarray], int]:
    """All that a training leaves, and how many of its steps' recordings are one launch."""
    module = importlib.import_module("fastnn._cuda")
    fastnn.utils.set_random_seed(3)
    dtype = "int64" if case.words else None
    model = Sequential([layers.Input(case.shape, dtype=dtype), *case.make()])
    model.compile("adam", case.loss, metrics=["accuracy"], device=device)
    x, y = case.data(model.output_shape[-1])
    before, recording = module.replays()[1], _core.testing.set_recording(recorded)
    try:
        history = model.fit(x, y, batch_size=case.batch, epochs=2, verbose=0).history
    finally:
        _core.testing.set_recording(recording)
    state = [v.get_value() for v in model.optimizer.variables]
    weights = [*model.get_weights(), *state, *map(np.array, history.values())]
    return weights, module.replays()[1] - before


@pytest.mark.parametrize("name", CASES)
def test_steps_that_are_one_launch(name, cuda):
    """They are where expected, with the bits of steps run call by call."""
    case = CASES[name]
    module = importlib.import_module("fastnn._cuda")
    expected, none = trained(case, cuda, recorded=False)
    got, persistent = trained(case, cuda, recorded=True)
    why_not = module.why_not_persistent()
    assert none == 0
    if case.why_not:
        assert case.why_not in why_not
    else:
        assert why_not == ""
    assert persistent == (not case.why_not)
    for a, b in zip(expected, got, strict=True):
        assert a.tobytes() == b.tobytes()
