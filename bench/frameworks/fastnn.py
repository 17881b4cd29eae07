"""fastnn."""

from __future__ import annotations

from typing import Any

import fastnn
from bench.frameworks._keras_like import sequential
from bench.networks import Machine as Boltzmann
from bench.networks import Network

VERSION = fastnn.__version__


class Model:
    def __init__(self, network: Network, weights: list[Any], data: dict[str, Any], threads: int):
        fastnn.set_num_threads(threads)
        fastnn.utils.set_random_seed(0)
        self.batch = network.batch
        self.x, self.y = data["x"], data["y"]
        self.model = sequential(fastnn, network)
        self.model.set_weights(weights)

    def fit(self, epochs: int) -> None:
        self.model.fit(self.x, self.y, batch_size=self.batch, epochs=epochs, verbose=0)

    def predict(self, x: Any) -> Any:
        return self.model.predict(x, batch_size=self.batch, verbose=0)

    def row(self, row: Any) -> Any:
        return lambda: self.model.predict_on_batch(row)

    def row_predict(self, row: Any) -> Any:
        """The whole of ``predict``, for one row."""
        return lambda: self.model.predict(row, verbose=0)


class Machine:
    def __init__(self, network: Boltzmann, weights: list[Any], data: dict[str, Any], threads: int):
        fastnn.set_num_threads(threads)
        fastnn.utils.set_random_seed(0)
        self.batch, self.x = network.batch, data["x"]
        self.model = fastnn.models.RBM(
            network.hidden, persistent=True, learning_rate=network.learning_rate
        )
        self.model.set_weights(weights)

    def fit(self, epochs: int) -> None:
        self.model.fit(self.x, batch_size=self.batch, epochs=epochs, verbose=0)

    def predict(self, x: Any) -> Any:
        return self.model.reconstruct(x)


def matmul(a: Any, b: Any, threads: int) -> Any:
    fastnn.set_num_threads(threads)
    return lambda: fastnn.ops.matmul(a, b)
