"""Socher et al., 2013, "Recursive Deep Models for Semantic Compositionality Over a Sentiment
Treebank".

The binary figures leave out what is labelled neutral, and take the side that has the larger sum of
probabilities of the five classes: no binary model is trained.

python -m bench.papers.rntn [--quick] [--seeds N]
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.papers.runs import main
from fastnn.callbacks import Callback
from fastnn.datasets import sst
from fastnn.models import RNTN
from fastnn.optimizers import Adagrad

AVERAGED = 5
FIGURES = ("accuracy", "root_accuracy", "binary_accuracy", "binary_root_accuracy")


class Best(Callback):
    """The mean of the weights after the last few epochs, where it is best on the dev trees."""

    def __init__(self, dev: list[Any]) -> None:
        super().__init__()
        self.dev, self.last = dev, []
        self.best, self.epoch, self.weights, self.found = 0.0, 0, [], {}
        self.seconds: list[tuple[float, float]] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._start = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        now = time.perf_counter(), time.process_time()
        self.seconds.append((now[0] - self._start[0], now[1] - self._start[1]))
        own = self.model.get_weights()
        self.last = [*self.last, own][-AVERAGED:]
        mean = [np.mean(values, axis=0) for values in zip(*self.last, strict=True)]
        self.model.set_weights(mean)
        found = self.model.evaluate(self.dev)
        self.model.set_weights(own)
        value = found["accuracy"] + found["root_accuracy"] + found["binary_root_accuracy"]
        if value > self.best:
            self.best, self.epoch, self.weights, self.found = value, epoch + 1, mean, found


def run(seed: int, quick: bool) -> dict[str, float]:
    train, dev, test = sst.load_data()
    if quick:
        train, dev, test = train[::30], dev[::10], test[::20]
    model = RNTN(units=25, cell="tensor", l2=1e-4, dropout=0.2, vector_dropout=0.3, seed=seed)
    # The mean loss of a node has small slopes: beside the usual 0.1 they would count for nothing.
    model.compile(Adagrad(0.02, initial_accumulator_value=1e-7))
    best = Best(dev)
    model.fit(train, epochs=2 if quick else 24, batch_size=27, verbose=0, callbacks=[best])
    model.set_weights(best.weights)
    found = model.evaluate(test)
    wall, processor = np.median(best.seconds, axis=0)
    return {
        **{name: found[name] for name in FIGURES},
        **{f"dev {name}": best.found[name] for name in FIGURES},
        "chosen epoch": best.epoch,
        "seconds an epoch": float(wall),
        "processor seconds an epoch": float(processor),
    }


if __name__ == "__main__":
    main(
        "recursive neural tensor network",
        run,
        "all nodes 80.7 %, root 45.7 %, binary all nodes 87.6 %, binary root 85.4 %",
    )
