"""Hinton, Osindero and Teh, 2006, and Hinton and Salakhutdinov, 2006: a deep belief network
784-500-500-2000-10 with fine-tuning; and with 600 labels beside the same without pretraining.

python -m bench.papers.dbn [--quick] [--seeds N] [--jobs N]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.papers.deep_autoencoder import Momentum
from bench.papers.runs import Digits, digits, main
from fastnn.callbacks import EarlyStopping
from fastnn.models import DBN
from fastnn.optimizers import Adam, schedules

UNITS = (500, 500, 2000)
LABELLED = 600


def fine_tune(
    dbn: DBN, data: Digits, rows: np.ndarray, epochs: int, batch: int, dropout: float
) -> float:
    """Test error of a classifier that starts from a network, trained on some rows."""
    model = dbn.classifier(10, dropout=dropout)
    return train(model, data, rows, epochs, batch)


def train(model: Any, data: Digits, rows: np.ndarray, epochs: int, batch: int) -> float:
    """Trains by Adam with a rate that falls to zero; the best epoch by held-out rows counts."""
    steps = epochs * -(-len(rows) // batch)
    rate = schedules.CosineDecay(5e-4, steps)
    model.compile(Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        data.x[rows],
        data.y[rows],
        batch_size=batch,
        epochs=epochs,
        validation_data=(data.x_held, data.y_held),
        callbacks=[EarlyStopping("val_accuracy", patience=epochs, restore_best_weights=True)],
        verbose=0,
    )
    return 1 - float(model.evaluate(data.x_test, data.y_test, verbose=0)[1])


def run(seed: int, quick: bool) -> dict[str, float]:
    data = digits(quick)
    settings = {"momentum": 0.5, "weight_decay": 0.0002, "seed": seed}
    dbn = DBN(UNITS, learning_rate=0.05, **settings)
    dbn.fit(data.x, epochs=2 if quick else 15, verbose=0, callbacks=[Momentum()])
    plain = DBN(UNITS, **settings)
    for rbm, below in zip(plain.rbms, (784, *UNITS), strict=False):
        rbm.build(below)
        kernel, visible, hidden = rbm.get_weights()
        bound = (6 / sum(kernel.shape)) ** 0.5  # Glorot and Bengio, 2010
        kernel = np.random.default_rng(seed).uniform(-bound, bound, kernel.shape)
        rbm.set_weights([kernel, visible, hidden])
    everything = np.arange(len(data.x))
    few = np.random.default_rng(seed).permutation(len(data.x))[:LABELLED]
    long, short = (2, 2) if quick else (40, 60)
    return {
        "test error": fine_tune(dbn, data, everything, long, 100, 0.2),
        "with 600 labels": fine_tune(dbn, data, few, short, 20, 0.5),
        "with 600 labels, not pretrained": fine_tune(plain, data, few, short, 20, 0.5),
    }


if __name__ == "__main__":
    main("deep belief network", run, "test error 1.25 % (2006a), 1.2 % (2006b)")
