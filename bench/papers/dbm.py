"""Salakhutdinov and Hinton, 2009, "Deep Boltzmann Machines": 784-500-1000, fine-tuned.

python -m bench.papers.dbm [--quick] [--seeds N]
"""

from __future__ import annotations

from bench.papers.runs import digits, main
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.models import DBM
from fastnn.optimizers import Adam, schedules

UNITS = (500, 1000)
RATE = 0.005


class FallingRate(Callback):
    """From its first value to nothing in a straight line."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.model.learning_rate = RATE * max(1 - epoch / self.epochs, 0.02)


def run(seed: int, quick: bool) -> dict[str, float]:
    data = digits(quick)
    dbm = DBM(UNITS, learning_rate=RATE, weight_decay=0.0002, seed=seed)
    dbm.pretrain(data.x, epochs=2 if quick else [50, 50], verbose=0)
    together = 2 if quick else 100
    dbm.fit(data.x, epochs=together, verbose=0, callbacks=[FallingRate(together)])
    model = dbm.classifier(10)
    epochs, batch = (2, 100) if quick else (60, 128)
    rate = schedules.CosineDecay(5e-4, epochs * -(-len(data.x) // batch))
    model.compile(Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        dbm.augment(data.x),
        data.y,
        batch_size=batch,
        epochs=epochs,
        validation_data=(dbm.augment(data.x_held), data.y_held),
        callbacks=[EarlyStopping("val_accuracy", patience=epochs, restore_best_weights=True)],
        verbose=0,
    )
    return {
        "test error": 1 - float(model.evaluate(dbm.augment(data.x_test), data.y_test, verbose=0)[1])
    }


if __name__ == "__main__":
    main("deep Boltzmann machine", run, "test error 0.95 %")
