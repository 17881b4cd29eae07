"""The rows that workloads train on: made ones for the churn network, MNIST, a text.

MNIST (IDX files) and tinyshakespeare.txt are read from FASTNN_DATA where they are; else digits and
a text of the same shape are made, and the results say so.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

Array = Any
Data = dict[str, Array]

MNIST_ROWS, MNIST_TESTS = 12_800, 9_984  # whole batches of 128
TEXT_STEPS, TEXT_ROWS, TEXT_TESTS = 64, 1280, 256


def _folder() -> Path:
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    return Path(os.environ.get("FASTNN_DATA") or default)


def churn() -> tuple[Data, str]:
    """8000 standardised rows of the made table of bank customers, and 2000 to test on."""
    from fastnn.datasets import make_churn
    from fastnn.preprocessing import churn_encoder

    table = make_churn(10_000)
    x = churn_encoder().fit_transform(table).astype(np.float32)
    y = table["Exited"].astype(np.float32)[:, None]
    return {"x": x[:8000], "y": y[:8000], "x_test": x[8000:], "y_test": y[8000:]}, "made table"


def _digits() -> tuple[Array, Array, Array, Array, str]:
    """Images (n, 28, 28) in [0, 1] and labels, to train and to test on."""
    folder = _folder() / "mnist"
    if folder.is_dir():
        from fastnn.datasets import mnist

        (x, y), (x_test, y_test) = mnist.load_data(folder)
        source = "MNIST"
    else:
        rng = np.random.default_rng(0)
        shapes = rng.integers(0, 256, (10, 28, 28)) * (rng.random((10, 28, 28)) < 0.2)
        labels = rng.integers(0, 10, MNIST_ROWS + MNIST_TESTS)
        noise = rng.integers(0, 100, (len(labels), 28, 28)) * (rng.random((28, 28)) < 0.3)
        images = np.minimum(shapes[labels] + noise, 255)
        x, x_test = np.split(images, [MNIST_ROWS])
        y, y_test = np.split(labels, [MNIST_ROWS])
        source = "made digits (FASTNN_DATA names no folder with MNIST)"
    x, y = x[:MNIST_ROWS], y[:MNIST_ROWS].astype(np.int64)
    x_test, y_test = x_test[:MNIST_TESTS], y_test[:MNIST_TESTS].astype(np.int64)
    grey = np.float32(255)
    return np.float32(x) / grey, y, np.float32(x_test) / grey, y_test, source


def mnist_rows() -> tuple[Data, str]:
    """Digits as rows of 784 numbers."""
    x, y, x_test, y_test, source = _digits()
    x, x_test = x.reshape(len(x), 784), x_test.reshape(len(x_test), 784)
    return {"x": x, "y": y, "x_test": x_test, "y_test": y_test}, source


def mnist_images(rows: int = 1280) -> tuple[Data, str]:
    """Digits as images (28, 28, 1)."""
    x, y, x_test, y_test, source = _digits()
    x_test, y_test = x_test[..., None], y_test
    return {"x": x[:rows, :, :, None], "y": y[:rows], "x_test": x_test, "y_test": y_test}, source


def mnist_itself() -> tuple[Data, str]:
    """Digits as rows that are their own targets."""
    data, source = mnist_rows()
    tests = data["x_test"][:1024]
    return {"x": data["x"], "y": data["x"], "x_test": tests, "y_test": tests}, source


def text() -> tuple[Data, str]:
    """Windows of 64 characters, each with the characters that follow them."""
    path = _folder() / "tinyshakespeare.txt"
    if path.exists():
        letters, source = np.frombuffer(path.read_bytes(), np.uint8), path.stem
    else:
        letters = np.random.default_rng(0).integers(0, 65, 200_000).astype(np.uint8)
        source = "made letters (FASTNN_DATA names no folder with a text)"
    codes = np.unique(letters, return_inverse=True)[1].astype(np.int64)
    starts = np.arange(TEXT_ROWS + TEXT_TESTS) * TEXT_STEPS
    windows = codes[starts[:, None] + np.arange(TEXT_STEPS + 1)]
    x, y = windows[:, :-1].astype(np.int32), windows[:, 1:]
    n = TEXT_ROWS
    return {"x": x[:n], "y": y[:n], "x_test": x[n:], "y_test": y[n:]}, source
