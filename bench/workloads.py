"""What is compared: networks on their data, matrix products, imports; each with its peers.

To add a network, describe it here; to add a peer, add a file to ``frameworks`` and its line to
``peers.PEERS``. This module needs NumPy only: it is read in every framework's environment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench import data
from bench.networks import (
    LSTM,
    Conv,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Machine,
    MaxPool,
    Network,
)

KERAS = ("keras-tensorflow", "keras-jax", "keras-torch")
TRAINING = ("numpy", "sklearn", "torch", "torch-compile", "jax", *KERAS)
PREDICTING = ("onnxruntime", "numpy", "sklearn", "torch", "jax", *KERAS)
DEEP = ("torch", "torch-compile", "jax", *KERAS)


@dataclass(frozen=True)
class Training:
    """A network that every peer trains, or predicts with, from the same first weights.

    Attributes:
        title: for tables and pictures.
        network: what it is made of.
        data: makes the arrays, and says what they are.
        measurements: "step", "epoch", "infer", "row", "row predict"; see `worker`.
        peers: besides fastnn.
        threads: for each of which it is measured by default.
        epochs: that everybody trains first, from the same weights; what comes out is compared.
    """

    title: str
    network: Network | Machine
    data: Callable[[], tuple[data.Data, str]]
    measurements: tuple[str, ...]
    peers: tuple[str, ...]
    threads: tuple[int, ...] = (1, 2)
    epochs: int = 1


@dataclass(frozen=True)
class Products:
    """Matrix products as called from Python; a measurement is a shape MxKxN and its form.

    Attributes:
        title: for tables and pictures.
        dtype: of the numbers.
        measurements: such as "128x784x512 NT".
        highlights: those which the picture shows.
        peers: besides fastnn.
        threads: for each of which they are measured by default.
    """

    title: str
    dtype: str
    measurements: tuple[str, ...]
    highlights: tuple[str, ...]
    peers: tuple[str, ...] = ("numpy", "numpy-avx512", "torch")
    threads: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Imports:
    """Seconds of an import in a fresh process, and the bytes installed for it."""

    title: str
    peers: tuple[str, ...]
    measurements: tuple[str, ...] = ("import",)
    threads: tuple[int, ...] = (1,)


Workload = Training | Products | Imports

_CHURN = Network((11,), (Dense(6, "relu"), Dense(6, "relu"), Dense(1, "sigmoid")), batch=10)
_MLP = Network((784,), (Dense(512, "relu"), Dense(512, "relu"), Dense(10, "softmax")), batch=128)
_AUTOENCODER = Network(
    (784,),
    (Dense(128, "relu"), Dense(32, "relu"), Dense(128, "relu"), Dense(784, "sigmoid")),
    batch=128,
    accuracy=False,
)
_CNN = Network(
    (28, 28, 1),
    (
        Conv(32, 3, "relu"), MaxPool(2), Conv(64, 3, "relu"), MaxPool(2), Flatten(), Dropout(0.5),
        Dense(10, "softmax"),
    ),
    batch=128,
)  # fmt: skip
_CHARS = Network((data.TEXT_STEPS,), (Embedding(65, 64), LSTM(128), Dense(65, "softmax")), batch=64)

_SHAPES = (
    "10x11x6 NN", "32x32x32 NN", "32x64x32 NN", "128x128x128 NN", "512x512x512 NN",
    "1024x1024x1024 NN", "2048x2048x2048 NN", "32x784x512 NN", "128x784x512 NN", "128x784x512 NT",
    "784x128x512 TN", "128x512x10 NN",
)  # fmt: skip
_SHOWN = ("10x11x6 NN", "32x32x32 NN", "128x128x128 NN", "1024x1024x1024 NN", "128x784x512 NN")

WORKLOADS: dict[str, Workload] = {
    "churn": Training(
        "churn 11-6-6-1, batch 10", _CHURN, data.churn, ("step", "epoch"), TRAINING, (1,), epochs=5
    ),
    "churn_row": Training(
        "churn, one row", _CHURN, data.churn, ("row", "row predict"), PREDICTING, (1,), epochs=0
    ),
    "mnist_mlp": Training(
        "MNIST MLP 784-512-512-10, batch 128", _MLP, data.mnist_rows, ("step",), TRAINING, epochs=2
    ),
    "mnist_mlp_infer": Training(
        "MNIST MLP, inference", _MLP, data.mnist_rows, ("infer",), PREDICTING, epochs=0
    ),
    "autoencoder": Training(
        "autoencoder 784-128-32-128-784, batch 128",
        _AUTOENCODER,
        data.mnist_itself,
        ("step",),
        tuple(p for p in TRAINING if p != "sklearn"),
        epochs=2,
    ),
    "mnist_cnn": Training(
        "MNIST CNN 32C3-P2-64C3-P2-D.5-10, batch 128", _CNN, data.mnist_images, ("step",), DEEP,
        epochs=2,
    ),
    "mnist_cnn_infer": Training(
        "MNIST CNN, inference", _CNN, data.mnist_images, ("infer",),
        ("onnxruntime", "torch", "jax", *KERAS), epochs=0,
    ),
    "char_lstm": Training(
        "character LSTM 128, 64 steps, batch 64", _CHARS, data.text, ("step",), DEEP, epochs=2
    ),
    "rbm": Training(
        "RBM 784-256, persistent chains, batch 100", Machine(784, 256, 100, 0.05),
        data.mnist_itself, ("step",), ("numpy", "sklearn", "jax"), epochs=2,
    ),
    "sgemm": Products("matrix product, float32", "float32", _SHAPES, _SHOWN),
    "dgemm": Products("matrix product, float64", "float64", _SHAPES, _SHOWN),
    "import": Imports("import", ("numpy", "sklearn", "torch", "jax", "onnxruntime", *KERAS)),
}  # fmt: skip
