"""Records what functional and subclassed models do in Keras: names, losses, weights after fitting.

Run: python tests/keras/record_functional.py (see README.md).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from recording import keras, save_npz

sys.path.append(str(Path(__file__).resolve().parent.parent))
import functional_models

EPOCHS = 2
BATCH = 5


def start_weights(model: Any, rng: np.random.Generator) -> list[np.ndarray]:
    """Positive numbers of moderate size: variances are among the weights."""
    return [
        rng.uniform(0.1, 0.9, size=w.shape).astype("float32").round(3) for w in model.get_weights()
    ]


def record(name: str, build: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """One model: figures as JSON, arrays by name."""
    model, x, y, sample_weight = build(keras)
    start = start_weights(model, np.random.default_rng(9))
    model.set_weights(start)
    predictions = keras.tree.flatten(model.predict(x, verbose=0))
    before = model.evaluate(x, y, sample_weight=sample_weight, verbose=0, return_dict=True)
    history = model.fit(
        x,
        y,
        batch_size=BATCH,
        epochs=EPOCHS,
        shuffle=False,
        sample_weight=sample_weight,
        verbose=0,
    )
    layers = [type(layer).__name__ for layer in model.layers]
    case = {
        "name": name,
        "layers": layers,
        "shapes": [list(w.shape) for w in start],
        "evaluated": {key: float(value) for key, value in before.items()},
        "history": {key: [float(v) for v in values] for key, values in history.history.items()},
    }
    arrays = {
        f"{name}_start": np.concatenate([w.ravel() for w in start]),
        f"{name}_predictions": np.concatenate([np.ravel(p) for p in predictions]),
        f"{name}_final": np.concatenate([np.ravel(w) for w in model.get_weights()]),
    }
    return case, {key: np.asarray(value, np.float32) for key, value in arrays.items()}


def main() -> None:
    """Writes figures/functional.npz."""
    keras.config.set_floatx("float32")
    cases, arrays = [], {}
    for build in functional_models.BUILDERS:
        case, found = record(build.__name__, build)
        cases.append(case)
        arrays |= found
    save_npz("functional", cases, batch=np.array(BATCH), epochs=np.array(EPOCHS), **arrays)


if __name__ == "__main__":
    main()
