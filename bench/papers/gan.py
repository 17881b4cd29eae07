"""Goodfellow et al., 2014, "Generative Adversarial Nets": the likelihood of MNIST's test images
under a Parzen window of 10 000 samples, its width chosen on held-out images.

python -m bench.papers.gan [--quick] [--seeds N]
"""

from __future__ import annotations

import math
import time

import numpy as np

from bench.papers.runs import digits, main
from fastnn import Sequential
from fastnn.callbacks import Callback
from fastnn.layers import BatchNormalization, Dense, GaussianNoise, Input, LeakyReLU, ReLU
from fastnn.models import GAN
from fastnn.optimizers import Adam
from fastnn.optimizers.schedules import CosineDecay

SAMPLES = 10_000
CHOSEN_ON = 1000
AVERAGED = 15
EPOCHS = 30
BATCH = 100


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
    candidates = np.linspace(0.14, 0.3, 9)
    return float(max(candidates, key=lambda s: log_likelihood(x, samples, s).mean()))


def window(gan: GAN, held: np.ndarray, samples: int) -> tuple[np.ndarray, float]:
    """New samples, and the best width around them."""
    made = gan.generate(samples)
    return made, best_sigma(held, made)


class Keep(Callback):
    """The mean of the generator's weights after the last epochs, where held-out images are
    likeliest; single epochs swing around it."""

    def __init__(self, x: np.ndarray, every: int, samples: int) -> None:
        super().__init__()
        self.x, self.every, self.samples = x, every, samples
        self.best, self.epoch, self.weights, self.last = -math.inf, 0, [], []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        generator = self.model.generator
        own = generator.get_weights()
        self.last = [*self.last, own][-AVERAGED:]
        if (epoch + 1) % self.every:
            return
        mean = [np.mean(values, axis=0) for values in zip(*self.last, strict=True)]
        generator.set_weights(mean)
        made = self.model.generate(self.samples)
        found = log_likelihood(self.x, made, best_sigma(self.x, made)).mean()
        generator.set_weights(own)
        if found > self.best:
            self.best, self.epoch, self.weights = found, epoch + 1, mean


def players(width: int) -> tuple[Sequential, Sequential]:
    """A generator whose batches are normalized, without which it collapses, and a discriminator
    that sees images through noise: samples need to be right up to a width, as under the window."""
    hidden = [
        part for _ in range(2) for part in (Dense(width), BatchNormalization(momentum=0.9), ReLU())
    ]
    judge = [part for _ in range(2) for part in (Dense(2 * width // 5), LeakyReLU(0.2))]
    return (
        Sequential([Input((100,)), *hidden, Dense(784, "sigmoid")]),
        Sequential([Input((784,)), GaussianNoise(0.5), *judge, Dense(1)]),
    )


def run(seed: int, quick: bool) -> dict[str, float]:
    data = digits(quick)
    width, epochs, samples = (100, 4, 500) if quick else (600, EPOCHS, SAMPLES)
    gan = GAN(*players(width))
    steps = epochs * (len(data.x) // BATCH)
    gan.compile(*(Adam(CosineDecay(1e-3, steps), beta_1=0.5) for _ in range(2)))
    held = data.x_held[:CHOSEN_ON]
    keep = Keep(held, every=1 if quick else 5, samples=samples)
    start, busy = time.perf_counter(), time.process_time()
    gan.fit(data.x, epochs=epochs, batch_size=BATCH, verbose=0, callbacks=[keep])
    wall, processor = time.perf_counter() - start, time.process_time() - busy
    last = log_likelihood(held, *window(gan, held, samples)).mean()
    gan.generator.set_weights(keep.weights)
    made, sigma = window(gan, held, samples)
    found = log_likelihood(data.x_test, made, sigma)
    return {
        "log-likelihood": float(found.mean()),
        "standard error": float(found.std() / math.sqrt(len(found))),
        "sigma": sigma,
        "held-out log-likelihood": float(log_likelihood(held, made, sigma).mean()),
        "held-out log-likelihood of the last weights": float(last),
        "chosen epoch": keep.epoch,
        "seconds an epoch": wall / epochs,
        "processor seconds an epoch": processor / epochs,
    }


if __name__ == "__main__":
    main("generative adversarial network", run, "225 +- 2 nats; a deep belief network 138 +- 2")
