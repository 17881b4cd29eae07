"""Prints the allocations of 5, 10 and 150 training steps; run with count_malloc preloaded."""

from __future__ import annotations

import ctypes
import sys

import numpy as np

import fastnn
from fastnn.layers import BatchNormalization, Dense, Dropout, Input

allocations = ctypes.CDLL(None).allocations
allocations.restype = ctypes.c_long


def small() -> tuple[fastnn.Sequential, int]:
    """The churn classifier, with the layers that keep state or draw numbers."""
    parts = [Dense(6, activation="relu"), BatchNormalization(), Dropout(0.2)]
    return fastnn.Sequential([Input((11,)), *parts, Dense(1, activation="sigmoid")]), 10


def wide() -> tuple[fastnn.Sequential, int]:
    """Wide enough for packed products on several threads."""
    parts = [Dense(160, activation="relu"), Dense(160, activation="tanh")]
    return fastnn.Sequential([Input((200,)), *parts, Dense(1, activation="sigmoid")]), 96


def main(which: str, threads: int) -> None:
    fastnn.set_num_threads(threads)
    model, batch = {"small": small, "wide": wide}[which]()
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    rows = 200 * batch
    x = np.random.default_rng(0).standard_normal((rows, model.input_shape[1]))
    y = (x[:, 0] > 0).astype(np.float32)
    model.fit(x, y, batch, verbose=0)
    engine = model._engine
    signature, columns = engine.columns(x, y)
    trainer = engine.step(signature, columns, True).trainer
    trainer.begin(columns.arrays, batch, True, 0)
    counts = []
    for steps in (5, 10, 150):
        before = allocations()
        assert trainer.run(steps, 1e9) == steps
        counts.append(allocations() - before)
    trainer.end()
    print(*counts)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
