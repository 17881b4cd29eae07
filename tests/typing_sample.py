"""Code of a user, which mypy --strict has to accept; tests/test_typing.py checks it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import fastnn
from fastnn import Model, Sequential, ops
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.layers import Dense, Dropout, Input, Layer
from fastnn.models import RBM, Autoencoder
from fastnn.optimizers import Adam, schedules


class Scaled(Layer):
    """A layer of one's own."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def call(self, inputs: fastnn.Tensor) -> fastnn.Tensor:
        result: fastnn.Tensor = inputs * self.factor
        return result


class Log(Callback):
    """A callback of one's own."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        print(epoch, (logs or {}).get("loss"))


def train(x: NDArray[np.float32], y: NDArray[np.int64]) -> list[float]:
    """A model, trained and asked."""
    model = Sequential([Input((4,)), Dense(8, activation="relu"), Dropout(0.1), Dense(3)])
    rate = schedules.ExponentialDecay(1e-3, 100, 0.9)
    loss = fastnn.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=Adam(rate), loss=loss, metrics=["accuracy"])
    history = model.fit(
        x, y, epochs=2, callbacks=[EarlyStopping("loss", patience=2), Log()], verbose=0
    )
    losses: list[float] = history.history["loss"]
    return losses


def functional() -> Model:
    """A graph of layers."""
    x = Input((4,))
    return Model(x, Dense(2)(Scaled(2.0)(x)))


def symbolic(value: float) -> float:
    """An expression and its derivative."""
    x = fastnn.placeholder(())
    slope = fastnn.function([x], fastnn.grad(ops.tanh(x), x))
    return float(slope(value))


def unsupervised(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features of rows."""
    rbm = RBM(5, seed=0)
    rbm.fit(x, epochs=1, verbose=0)
    auto = Autoencoder.dense([4, 2])
    return np.concatenate([rbm.transform(x), auto.encode(x)], axis=1)
