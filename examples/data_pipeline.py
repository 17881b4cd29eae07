"""A pipeline: rows of many files, mixed, changed and batched by a thread while the network trains.

Only what waits in the window and the queue is in memory, however many files there are. Here are a
few small ones, made on the spot.
"""

import tempfile
from pathlib import Path

import numpy as np

import fastnn
from fastnn.data import Dataset
from fastnn.layers import Dense
from fastnn.models import Sequential

FILES, ROWS = 20, 500


def write(path, seed):
    """Points in a square, and whether they lie in the circle that touches its sides."""
    points = np.random.default_rng(seed).uniform(-1, 1, (ROWS, 2)).astype(np.float32)
    np.savez(path, x=points, y=np.hypot(*points.T) < 1)


def load(path):
    """The rows of a file."""
    with np.load(path) as arrays:
        return arrays["x"], arrays["y"]


def squared(x, y):
    """Batches with the squares of both coordinates beside them."""
    return np.concatenate([x, x**2], axis=1), y


fastnn.utils.set_random_seed(0)
with tempfile.TemporaryDirectory() as folder:
    paths = [Path(folder) / f"{number:02}.npz" for number in range(FILES)]
    for number, path in enumerate(paths):
        write(path, number)

    def rows(chosen):
        return Dataset.from_sequence(chosen).shuffle().map(load).unbatch().shuffle(window=2000)

    train = rows(paths[:-2]).batch(50).map(squared).prefetch(4)
    test = rows(paths[-2:]).batch(50).map(squared)
    model = Sequential([fastnn.Input((4,)), Dense(1, activation="sigmoid")])
    model.compile(fastnn.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    model.fit(train, epochs=5, verbose=0)
    loss, accuracy = model.evaluate(test, verbose=0)
print(f"{FILES} files, accuracy on the rows of the last two: {accuracy:.3f}")
