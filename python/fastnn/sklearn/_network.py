"""A compiled network of dense layers, trained an epoch at a time in a given order of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import optimizers
from fastnn.layers import Dense, Input
from fastnn.models import Sequential
from fastnn.sklearn._loss import PenalizedLoss

Array = NDArray[Any]
# Rows of one call of the prediction program: its memory, and the work between two looks at signals.
_PREDICTED_ROWS = 1024


@dataclass(frozen=True)
class Settings:
    """What a network is compiled from.

    Attributes:
        units: of the input, the hidden layers and the output.
        activations: of the hidden layers and the output, fastnn's names.
        loss: see :class:`PenalizedLoss`.
        alpha: see there.
        optimizer: "sgd" or "adam".
        hyper: the optimizer's arguments but for its rate.
        dtype: "float32" or "float64".
    """

    units: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str
    alpha: float
    optimizer: str
    hyper: tuple[tuple[str, Any], ...]
    dtype: str


class Network:
    """Weights, their optimizer and the programs that work on them.

    It is pickled as its settings and arrays, and compiled again where it is used.

    Args:
        settings: what to compile.
        weights: kernels and biases in turn.
    """

    def __init__(self, settings: Settings, weights: Sequence[Array]) -> None:
        self.settings = settings
        source = Input((settings.units[0],), dtype=settings.dtype)
        # Zeros draw nothing from the process's random numbers; the weights are set just below.
        layers = [
            Dense(units, activation, kernel_initializer="zeros", dtype=settings.dtype)
            for units, activation in zip(settings.units[1:], settings.activations, strict=True)
        ]
        self.model = Sequential([source, *layers])
        self.set_weights(weights)
        kernels = [layer.kernel for layer in layers]
        self.loss = PenalizedLoss(settings.loss, settings.alpha, kernels, settings.dtype)
        kind = {"sgd": optimizers.SGD, "adam": optimizers.Adam}[settings.optimizer]
        self.optimizer = kind(0.001, **dict(settings.hyper))
        self.model.compile(self.optimizer, self.loss)
        self._parts: dict[tuple[int, int], Sequential] = {}

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Sets kernels and biases, in turn."""
        self.model.set_weights(list(weights))

    def get_weights(self) -> list[Array]:
        """Copies of kernels and biases, in turn."""
        return [np.asarray(weight) for weight in self.model.get_weights()]

    def restart_optimizer(self) -> None:
        """Forgets the optimizer's averages and counts its steps from 0 again."""
        state = self.optimizer.get_weights()
        self.optimizer.set_weights([np.zeros_like(array) for array in state])

    def set_rate(self, rate: float) -> None:
        """Sets the learning rate."""
        self.optimizer.learning_rate = rate

    def training(self, x: Array, y: Array, weights: Array | None) -> Training:
        """Readies passes over these rows.

        Args:
            x: shape (rows, features), checked.
            y: shape (rows, outputs), or (rows,) of class numbers.
            weights: of the rows, or None.
        """
        return Training(self, x, y, weights)

    def predict(self, x: Array, first: int = 0, last: int | None = None) -> Array:
        """The outputs for rows, or what the layers from first up to last make of their inputs.

        Args:
            x: shape (rows, inputs).
            first: the number of the first layer.
            last: the number behind the last; default: all.
        """
        model = self._part(first, len(self.settings.activations) if last is None else last)
        outputs: Array = model.predict(
            x, batch_size=min(len(x), _PREDICTED_ROWS), verbose=0, check_finite=False
        )
        return outputs

    def _part(self, first: int, last: int) -> Sequential:
        """A model of some of the layers, which shares their weights."""
        layers = self.model.layers
        if (first, last) == (0, len(layers)):
            return self.model
        found = self._parts.get((first, last))
        if found is None:
            source = Input((self.settings.units[first],), dtype=self.settings.dtype)
            found = self._parts[first, last] = Sequential([source, *layers[first:last]])
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {
            "settings": self.settings,
            "weights": self.get_weights(),
            "optimizer": self.optimizer.get_weights() if self.optimizer.built else None,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["settings"], state["weights"])  # type: ignore[misc]
        if state["optimizer"] is not None:
            self.optimizer.build(self.model.trainable_weights)
            self.optimizer.set_weights(state["optimizer"])


class Training:
    """Passes over one set of rows; see :meth:`Network.training`."""

    def __init__(self, network: Network, x: Array, y: Array, weights: Array | None) -> None:
        self._engine = network.model._engine
        self._model = network.model
        if weights is not None:
            network.loss.mean_weight.set_value(weights.mean())
        signature, columns = self._engine.columns(x, y, weights, check_finite=False)
        self._arrays = columns.arrays
        self._trainer = self._engine.step(signature, columns, training=True).trainer

    def epoch(self, batch_size: int, order: NDArray[np.int64] | None) -> float:
        """Trains on every row once.

        Args:
            batch_size: rows of an update.
            order: of the rows; None takes them as they stand.

        Returns:
            The mean of the batches' costs, weighted by their rows.
        """
        objective = self._model._objective
        assert objective is not None
        objective.reset()
        self._trainer.hold()
        with self._engine.training("fit"):
            if order is None:
                self._trainer.begin(self._arrays, batch_size, False, 0)
            else:
                self._trainer.begin_in_order(self._arrays, batch_size, order, 0)
            try:
                while self._trainer.run(1 << 40, 1.0):
                    pass
            finally:
                self._trainer.end()
        return float(objective.loss())

    def release(self) -> None:
        """Lets go of the rows' copy on a device, kept from one epoch to the next."""
        self._trainer.release()
