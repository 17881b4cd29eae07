"""Records 50 steps of training of small networks in float32, from given weights.

Run: python tests/keras/record_networks.py (see README.md).
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from recording import keras, save_npz

STEPS = 50
BATCH = 8

CASES: list[dict[str, Any]] = [
    {"optimizer": "SGD", "options": {"learning_rate": 0.05}, "network": "classifier"},
    {
        "optimizer": "SGD",
        "options": {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True},
        "network": "classifier",
    },
    {"optimizer": "Adam", "options": {"learning_rate": 0.01}, "network": "classifier"},
    {"optimizer": "SGD", "options": {"learning_rate": 0.1}, "network": "binary"},
    {"optimizer": "Adam", "options": {}, "network": "binary"},
    {
        "optimizer": "Adam",
        "options": {"learning_rate": 0.01, "amsgrad": True},
        "network": "regressor",
    },
    {
        "optimizer": "SGD",
        "options": {"learning_rate": 0.01, "clipnorm": 1.0},
        "network": "regressor",
    },
]

# network: units of each layer, activations, loss
NETWORKS: dict[str, tuple[list[int], list[str], str]] = {
    "classifier": ([5, 8, 3], ["tanh", "softmax"], "sparse_categorical_crossentropy"),
    "binary": ([11, 6, 6, 1], ["relu", "relu", "sigmoid"], "binary_crossentropy"),
    "regressor": ([4, 7, 2], ["sigmoid", "linear"], "mean_squared_error"),
}


def make_data(network: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """50 batches of 8 rows, with targets that can be learned."""
    units, _, _ = NETWORKS[network]
    x = rng.normal(size=(STEPS * BATCH, units[0])).astype("float32")
    if network == "classifier":
        return x, np.argmax(x[:, :3] + 0.3 * x[:, 2:5], axis=1)
    if network == "binary":
        return x, (x[:, :1] * x[:, 1:2] + x[:, 2:3] > 0).astype("float32")
    return x, np.stack([x[:, 0] * x[:, 1], np.sin(x[:, 2])], axis=1).astype("float32")


def start_weights(network: str, rng: np.random.Generator) -> list[np.ndarray]:
    """Kernels of glorot's width and small biases."""
    units, _, _ = NETWORKS[network]
    weights = []
    for n_in, n_out in itertools.pairwise(units):
        limit = (6 / (n_in + n_out)) ** 0.5
        weights.append(rng.uniform(-limit, limit, size=(n_in, n_out)).astype("float32"))
        weights.append(rng.normal(scale=0.1, size=n_out).astype("float32"))
    return weights


def train(case: dict[str, Any], x: Any, y: Any, start: list[np.ndarray]) -> tuple[Any, Any]:
    """Keras's losses and final weights."""
    units, activations, loss = NETWORKS[case["network"]]
    layers = [
        keras.layers.Dense(n, activation=a) for n, a in zip(units[1:], activations, strict=True)
    ]
    model = keras.Sequential([keras.Input((units[0],)), *layers])
    model.set_weights(start)
    optimizer = getattr(keras.optimizers, case["optimizer"])(**case["options"])
    model.compile(optimizer=optimizer, loss=loss)
    losses = []
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        losses.append(float(model.test_on_batch(x[rows], y[rows])))
        model.train_on_batch(x[rows], y[rows])
    return np.array(losses), np.concatenate([np.ravel(w) for w in model.get_weights()])


def main() -> None:
    """Writes figures/networks.npz."""
    keras.config.set_floatx("float32")
    rng = np.random.default_rng(21)
    arrays: dict[str, np.ndarray] = {}
    for network in NETWORKS:
        x, y = make_data(network, rng)
        start = start_weights(network, rng)
        arrays |= {f"{network}_x": x, f"{network}_y": y}
        arrays[f"{network}_start"] = np.concatenate([np.ravel(w) for w in start])
        for index, case in enumerate(CASES):
            if case["network"] == network:
                losses, final = train(case, x, y, start)
                arrays |= {f"losses_{index}": losses, f"final_{index}": final}
    settings = {
        name: {"units": units, "activations": activations, "loss": loss}
        for name, (units, activations, loss) in NETWORKS.items()
    }
    cases = [{**case, **settings[case["network"]], "batch": BATCH} for case in CASES]
    save_npz("networks", cases, **arrays)


if __name__ == "__main__":
    main()
