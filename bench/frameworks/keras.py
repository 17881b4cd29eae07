"""Keras 3, on the backend that KERAS_BACKEND names, with its own fit and predict."""

from __future__ import annotations

from typing import Any

import keras

from bench.frameworks._keras_like import sequential
from bench.networks import Network

VERSION = keras.__version__


def _limit_threads(threads: int) -> None:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # Once in a process; a second call with other numbers is refused.
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    elif keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)


class Model:
    def __init__(self, network: Network, weights: list[Any], data: dict[str, Any], threads: int):
        _limit_threads(threads)
        keras.utils.clear_session()
        keras.utils.set_random_seed(0)
        self.batch = network.batch
        self.x, self.y = data["x"], data["y"]
        self.model = sequential(keras, network)
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
