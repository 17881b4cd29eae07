"""Salakhutdinov and Hinton, 2009, "Deep Boltzmann Machines": 784-500-1000, fine-tuned.

python -m bench.papers.dbm [--quick] [--seeds N] [--jobs N]
"""

from __future__ import annotations

import numpy as np

from bench.papers.runs import digits, main
from fastnn.callbacks import Callback
from fastnn.models import DBM
from fastnn.optimizers import Adam, schedules

UNITS = (500, 1000)
BATCH = 100


class FallingRate(Callback):
    """From its first value to a tenth in a straight line."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.first = self.model.learning_rate

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.model.learning_rate = self.first * max(1 - epoch / self.epochs, 0.1)


def run(seed: int, quick: bool) -> dict[str, float]:
    data = digits(quick)
    # Rates, dropout and the lengths of the schedules were chosen with seed 0 on the held-out rows,
    # the network trained on the others; these figures are of a training on all of them.
    x, y = np.concatenate([data.x, data.x_held]), np.concatenate([data.y, data.y_held])
    layerwise, together, epochs = (2, 2, 2) if quick else (10, 10, 40)
    dbm = DBM(UNITS, learning_rate=0.005, weight_decay=0.0002, seed=seed)
    dbm.pretrain(x, epochs=layerwise, learning_rate=0.05, verbose=0)
    dbm.fit(x, epochs=together, verbose=0, callbacks=[FallingRate(together)])
    model = dbm.classifier(10, dropout=0.4, input_dropout=0.2)
    rate = schedules.CosineDecay(2e-3, epochs * -(-len(x) // BATCH))
    model.compile(Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(dbm.augment(x), y, batch_size=BATCH, epochs=epochs, verbose=0)
    return {
        "test error": 1 - float(model.evaluate(dbm.augment(data.x_test), data.y_test, verbose=0)[1])
    }


if __name__ == "__main__":
    main("deep Boltzmann machine", run, "test error 0.95 %")
