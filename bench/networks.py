"""Networks as plain data, for all frameworks: layers, first weights, and the work they take.

This module needs NumPy only: it is read in every framework's environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True)
class Dense:
    units: int
    activation: str = "linear"


@dataclass(frozen=True)
class Conv:
    """2-D convolution, stride 1, no padding, channels last."""

    filters: int
    size: int
    activation: str = "linear"


@dataclass(frozen=True)
class MaxPool:
    size: int


@dataclass(frozen=True)
class Flatten:
    pass


@dataclass(frozen=True)
class Dropout:
    rate: float


@dataclass(frozen=True)
class Embedding:
    tokens: int
    units: int


@dataclass(frozen=True)
class LSTM:
    """Returns the output of every step; gates in the order input, forget, cell, output."""

    units: int


Layer = Dense | Conv | MaxPool | Flatten | Dropout | Embedding | LSTM


@dataclass(frozen=True)
class Network:
    """A network with its loss and batch; the optimizer is Adam with Keras's numbers.

    Attributes:
        input_shape: of one row.
        layers: in their order; the last has a sigmoid or a softmax.
        batch: rows of a training step, and of a step of prediction.
        accuracy: whether training reports it beside the loss.
    """

    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    batch: int
    accuracy: bool = True

    @property
    def output(self) -> str:
        """What the last layer ends in: 'sigmoid' (binary cross-entropy) or 'softmax' (sparse)."""
        last = self.layers[-1]
        assert isinstance(last, Dense)
        return last.activation

    @property
    def tokens(self) -> bool:
        """Whether rows are whole numbers."""
        return isinstance(self.layers[0], Embedding)

    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of a row before each layer, and after the last."""
        shape = self.input_shape
        shapes = [shape]
        for layer in self.layers:
            if isinstance(layer, (Dense, LSTM)):
                shape = (*shape[:-1], layer.units)
            elif isinstance(layer, Embedding):
                shape = (*shape, layer.units)
            elif isinstance(layer, Conv):
                shape = (shape[0] - layer.size + 1, shape[1] - layer.size + 1, layer.filters)
            elif isinstance(layer, MaxPool):
                shape = (shape[0] // layer.size, shape[1] // layer.size, shape[2])
            elif isinstance(layer, Flatten):
                shape = (int(np.prod(shape)),)
            shapes.append(shape)
        return shapes

    def first_weights(self, seed: int = 0) -> list[Array]:
        """Weights in the order and layout of Keras, Glorot's uniform ones."""
        rng = np.random.default_rng(seed)

        def glorot(shape: tuple[int, ...], fans: int) -> Array:
            limit = (6.0 / fans) ** 0.5
            return rng.uniform(-limit, limit, shape).astype(np.float32)

        weights = []
        for layer, shape in zip(self.layers, self.shapes(), strict=False):
            if isinstance(layer, Dense):
                weights += [glorot((shape[-1], layer.units), shape[-1] + layer.units)]
                weights += [np.zeros(layer.units, np.float32)]
            elif isinstance(layer, Conv):
                field = layer.size**2
                kernel = (layer.size, layer.size, shape[-1], layer.filters)
                weights += [glorot(kernel, field * (shape[-1] + layer.filters))]
                weights += [np.zeros(layer.filters, np.float32)]
            elif isinstance(layer, Embedding):
                weights += [rng.uniform(-0.05, 0.05, (layer.tokens, layer.units))]
            elif isinstance(layer, LSTM):
                u = layer.units
                recurrent = np.linalg.qr(rng.standard_normal((4 * u, u)))[0].T
                bias = np.concatenate([np.zeros(u), np.ones(u), np.zeros(2 * u)])
                weights += [glorot((shape[-1], 4 * u), shape[-1] + 4 * u), recurrent, bias]
        return [np.ascontiguousarray(w, np.float32) for w in weights]

    def flops(self, training: bool) -> float:
        """Operations of matrix products for one row: forwards, and in training both gradients.

        The first layer with weights needs no gradient of its input; activations, losses and the
        optimizer are left out. A lower bound, so that shares of the limit are not flattered.
        """
        total, first = 0.0, True
        for layer, before, after in zip(
            self.layers, self.shapes(), self.shapes()[1:], strict=False
        ):
            if isinstance(layer, Dense):
                work = 2.0 * np.prod(after) * before[-1]
            elif isinstance(layer, Conv):
                work = 2.0 * np.prod(after) * layer.size**2 * before[-1]
            elif isinstance(layer, LSTM):
                work = 2.0 * np.prod(after) * 4 * (before[-1] + layer.units)
            else:
                continue
            needs_input = not first or self.tokens
            total += work * ((2 + needs_input) if training else 1)
            first = False
        return float(total)


@dataclass(frozen=True)
class Machine:
    """A restricted Boltzmann machine of binary units, trained with persistent chains.

    One Gibbs step a batch, as many chains as a batch has rows, plain gradient steps. Predictions
    are reconstructions: the means of the visible units, given the means of the hidden ones.
    """

    visible: int
    hidden: int
    batch: int
    learning_rate: float

    output = "sigmoid"

    def first_weights(self, seed: int = 0) -> list[Array]:
        """The kernel, the visible biases and the hidden ones."""
        kernel = np.random.default_rng(seed).normal(0, 0.01, (self.visible, self.hidden))
        biases = [np.zeros(n, np.float32) for n in (self.visible, self.hidden)]
        return [kernel.astype(np.float32), *biases]

    def flops(self, training: bool) -> float:
        """Five products for a row of training, two for a reconstruction."""
        return 2.0 * self.visible * self.hidden * (5 if training else 2)


def loss_and_accuracy(output: str, predicted: Array, y: Array) -> dict[str, float]:
    """Computed alike for all peers, from their predictions (probabilities)."""
    p = np.clip(np.asarray(predicted, np.float64), 1e-7, 1 - 1e-7)
    if output == "softmax":
        own = np.take_along_axis(p, y[..., None], -1)
        accuracy = float((p.argmax(-1) == y).mean())
        return {"loss": float(-np.log(own).mean()), "accuracy": accuracy}
    target = y.reshape(p.shape)
    loss = float(-(target * np.log(p) + (1 - target) * np.log1p(-p)).mean())
    if p.shape[-1] > 1:
        return {"loss": loss}
    return {"loss": loss, "accuracy": float(((p > 0.5) == (target > 0.5)).mean())}
