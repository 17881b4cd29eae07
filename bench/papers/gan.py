"""Goodfellow et al., 2014, "Generative Adversarial Nets": the likelihood of MNIST's test images
under a Parzen window of 10 000 samples, its width chosen on held-out images.

python -m bench.papers.gan [--quick] [--seeds N]
"""

from __future__ import annotations

import math

import numpy as np

from bench.papers.runs import digits, main
from fastnn import Sequential
from fastnn.callbacks import Callback
from fastnn.layers import Dense, Dropout, Input, LeakyReLU
from fastnn.models import GAN
from fastnn.optimizers import Adam

SAMPLES = 10_000
CHOSEN_ON = 1000


def log_likelihood(x: np.ndarray, samples: np.ndarray, sigma: float) -> np.ndarray:
    """log of the mean over samples of a normal density around each, one value a row of x."""
    constant = math.log(len(samples)) + 0.5 * x.shape[1] * math.log(2 * math.pi * sigma**2)
    result = np.empty(len(x))
    norms = np.square(samples, dtype=np.float64).sum(axis=1)
    for start in range(0, len(x), 200):
        rows = x[start : start + 200]
        distance = norms - 2.0 * (rows @ samples.T) + np.square(rows).sum(axis=1)[:, None]
        logs = -distance / (2 * sigma**2)
        top = logs.max(axis=1, keepdims=True)
        result[start : start + 200] = top[:, 0] + np.log(np.exp(logs - top).sum(axis=1))
    return result - constant


def best_sigma(x: np.ndarray, samples: np.ndarray) -> float:
    """The width under which held-out images are likeliest."""
    candidates = np.logspace(-1, 0, 10)
    return float(max(candidates, key=lambda s: log_likelihood(x, samples, s).mean()))


class Keep(Callback):
    """Looks at held-out images now and then, and keeps the likeliest generator."""

    def __init__(self, x: np.ndarray, every: int, samples: int) -> None:
        super().__init__()
        self.x, self.every, self.samples = x, every, samples
        self.best, self.weights = -math.inf, []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if (epoch + 1) % self.every:
            return
        made = self.model.generate(self.samples)
        found = log_likelihood(self.x, made, best_sigma(self.x, made)).mean()
        if found > self.best:
            self.best, self.weights = found, self.model.generator.get_weights()


def run(seed: int, quick: bool) -> dict[str, float]:
    data = digits(quick)
    width, epochs, samples = (64, 2, 500) if quick else (1200, 100, SAMPLES)
    generator = Sequential(
        [Input((100,)), Dense(width, "relu"), Dense(width, "relu"), Dense(784, "sigmoid")]
    )
    discriminator = Sequential(
        [
            Input((784,)),
            *[part for _ in range(2) for part in (Dense(width // 4), LeakyReLU(0.2), Dropout(0.3))],
            Dense(1),
        ]
    )
    gan = GAN(generator, discriminator, label_smoothing=0.1)
    gan.compile(Adam(2e-4, beta_1=0.5), Adam(2e-4, beta_1=0.5))
    held = data.x_held[:CHOSEN_ON]
    keep = Keep(held, every=1 if quick else 5, samples=samples)
    gan.fit(data.x, epochs=epochs, batch_size=100, verbose=0, callbacks=[keep])
    generator.set_weights(keep.weights)
    made = gan.generate(samples)
    sigma = best_sigma(held, made)
    found = log_likelihood(data.x_test, made, sigma)
    return {
        "log-likelihood": float(found.mean()),
        "standard error": float(found.std() / math.sqrt(len(found))),
        "sigma": sigma,
    }


if __name__ == "__main__":
    main("generative adversarial network", run, "225 +- 2 nats; a deep belief network 138 +- 2")
