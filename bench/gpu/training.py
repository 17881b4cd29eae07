"""Training steps of the networks of `bench.workloads`, at several sizes of the batch."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

import fastnn
from bench import data
from bench.frameworks._keras_like import sequential
from bench.gpu import peer
from bench.gpu.turns import Made
from bench.workloads import WORKLOADS, Training

BATCHES = (10, 32, 128, 256, 1024, 4096)
ROWS = 16_384
# A workload, its data, and of how many steps an epoch is at most.
NETWORKS = {
    "churn": ("churn", data.churn, 1600),
    "mnist_mlp": ("mnist_mlp", data.mnist_rows, 400),
    "autoencoder": ("autoencoder", data.mnist_itself, 400),
    "lstm": ("char_lstm", data.text, 100),
    "cnn": ("mnist_cnn", lambda: data.mnist_images(ROWS), 100),
}
# fastnn: as it is. graph only: no step runs as one persistent kernel. launched: without recordings,
# each kernel launched by the host.
OURS = ("fastnn", "graph only", "launched")


class Case:
    """One network, on rows that are tiled to as many as asked for.

    Args:
        name: a key of NETWORKS.
        rows: how many, at least.
    """

    def __init__(self, name: str, rows: int = ROWS) -> None:
        workload, make, self.most_steps = NETWORKS[name]
        training = WORKLOADS[workload]
        assert isinstance(training, Training)
        self.name, self.network = name, training.network
        self.weights = training.network.first_weights()
        arrays, self.source = make()
        self.x, self.y = (_tiled(arrays[k], rows) for k in ("x", "y"))

    def batches(self, wanted: tuple[int, ...]) -> Iterator[int]:
        return (b for b in wanted if b <= len(self.x))

    def ways(self, batch: int, wanted: tuple[str, ...]) -> dict[str, Made]:
        """Each trains n epochs of whole batches."""
        count = self.steps(batch) * batch
        x, y = peer.resident(self.x[:count]), peer.resident(self.y[:count])
        made: dict[str, Made] = {}
        for way in wanted:
            if way in OURS:
                made[way] = lambda way=way: self._fastnn(x, y, batch, way)
            elif peer.missing is None:
                network = replace(self.network, batch=batch)
                made[way] = lambda way=way, network=network: peer.training(
                    network, self.weights, {"x": self.x[:count], "y": self.y[:count]}, way
                )
        return made

    def steps(self, batch: int) -> int:
        """Of an epoch."""
        return min(self.most_steps, len(self.x) // batch)

    def _fastnn(self, x: Any, y: Any, batch: int, way: str) -> Any:
        fastnn.utils.set_random_seed(0)
        model = sequential(fastnn, self.network)
        model.set_weights(self.weights)

        def fit(epochs: int) -> None:
            module: Any = importlib.import_module("fastnn._cuda")
            recording = fastnn._core.testing.set_recording(way != "launched")
            persistent = module.set_persistent(way == "fastnn")
            try:
                model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)
            finally:
                fastnn._core.testing.set_recording(recording)
                module.set_persistent(persistent)

        return fit


def _tiled(array: Any, rows: int) -> Any:
    return np.ascontiguousarray(np.resize(array, (rows, *array.shape[1:])))
