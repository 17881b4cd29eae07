"""Socher et al., 2013, "Recursive Deep Models for Semantic Compositionality Over a Sentiment
Treebank".

python -m bench.papers.rntn [--quick] [--seeds N]
"""

from __future__ import annotations

import time

from bench.papers.runs import main
from fastnn.callbacks import Callback
from fastnn.datasets import sst
from fastnn.models import RNTN
from fastnn.optimizers import Adagrad


class Best(Callback):
    """Keeps the weights of the best epoch on the dev trees, and the seconds of each."""

    def __init__(self) -> None:
        super().__init__()
        self.best, self.weights, self.seconds = 0.0, [], []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.seconds.append(time.perf_counter() - self._start)
        value = logs["val_accuracy"] + logs["val_root_accuracy"]
        if value > self.best:
            self.best, self.weights = value, self.model.get_weights()


def run(seed: int, quick: bool) -> dict[str, float]:
    train, dev, test = sst.load_data()
    if quick:
        train, dev, test = train[:300], dev[:100], test[:100]
    model = RNTN(units=30, cell="tensor", l2=1e-4, dropout=0.2, seed=seed)
    model.compile(Adagrad(0.02))
    best = Best()
    model.fit(
        train,
        validation_data=dev,
        epochs=2 if quick else 60,
        batch_size=27,
        verbose=0,
        callbacks=[best],
    )
    model.set_weights(best.weights)
    found = model.evaluate(test)
    figures = {k: v for k, v in found.items() if k != "loss"}
    return {**figures, "seconds an epoch": sorted(best.seconds)[len(best.seconds) // 2]}


if __name__ == "__main__":
    main(
        "recursive neural tensor network",
        run,
        "all nodes 80.7 %, root 45.7 %, binary all nodes 87.6 %, binary root 85.4 %",
    )
