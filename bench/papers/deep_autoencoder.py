"""Hinton and Salakhutdinov, 2006, "Reducing the Dimensionality of Data with Neural Networks":
784-1000-500-250-30, pretrained as restricted Boltzmann machines, then trained as a whole.

python -m bench.papers.deep_autoencoder [--quick] [--seeds N] [--jobs N]
"""

from __future__ import annotations

import numpy as np

from bench.papers.runs import digits, main
from fastnn.callbacks import Callback, EarlyStopping
from fastnn.models import DBN
from fastnn.optimizers import Adam, schedules

UNITS = (1000, 500, 250, 30)


class Momentum(Callback):
    """0.5 for five epochs, then 0.9 (Hinton, 2010, section 9)."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.model.momentum = 0.5 if epoch < 5 else 0.9


def squared_error(x: np.ndarray, y: np.ndarray) -> float:
    """Summed over an image's pixels, averaged over images."""
    return float(np.square(x - y).sum(axis=1, dtype=np.float64).mean())


def principal_components(x: np.ndarray, x_test: np.ndarray, n: int) -> float:
    """The error of the best linear code of n values."""
    mean = x.mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov((x - mean).T))
    basis = vectors[:, -n:]
    return squared_error(x_test, (x_test - mean) @ basis @ basis.T + mean)


def run(seed: int, quick: bool) -> dict[str, float]:
    data = digits(quick)
    dbn = DBN(
        UNITS,
        hidden="gaussian",
        learning_rate=[0.1, 0.1, 0.1, 0.001],
        momentum=0.5,
        weight_decay=0.0002,
        sample_visible=False,
        seed=seed,
    )
    dbn.fit(data.x, epochs=2 if quick else 15, verbose=0, callbacks=[Momentum()])
    model = dbn.autoencoder()
    epochs, batch = 2 if quick else 40, 100
    steps = epochs * -(-len(data.x) // batch)
    model.compile(Adam(schedules.CosineDecay(1e-3, steps)), "binary_crossentropy", metrics=["mse"])
    model.fit(
        data.x,
        data.x,
        batch_size=batch,
        epochs=epochs,
        validation_data=(data.x_held, data.x_held),
        callbacks=[EarlyStopping("val_mse", patience=epochs, restore_best_weights=True)],
        verbose=0,
    )
    return {
        "error": squared_error(data.x_test, model.predict(data.x_test, verbose=0)),
        "after pretraining": squared_error(
            data.x_test, dbn.inverse_transform(dbn.transform(data.x_test))
        ),
        "30 principal components": principal_components(data.x, data.x_test, 30),
    }


if __name__ == "__main__":
    main(
        "deep autoencoder",
        run,
        "mean squared error of a test image 3.00, of 30 principal components 13.87",
    )
