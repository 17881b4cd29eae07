"""What the record_*.py scripts share: Keras on JAX in float64, and writing the figures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: F401 (the scripts import it from here, after the settings above)
import keras
import numpy as np
from keras.src.backend.common import dtypes

FIGURES = Path(__file__).parent / "figures"

keras.config.set_floatx("float64")
# On JAX, Keras works out means, cosines and the like in float32 even of float64 arrays, as it does
# not count on JAX_ENABLE_X64. Its own table of result types is where it decides.
dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"


def plain(value: Any) -> Any:
    """Arrays and scalars of any library as lists and numbers that JSON keeps exactly."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return np.asarray(value).tolist()


def save_json(name: str, inputs: dict[str, Any], cases: list[dict[str, Any]]) -> None:
    """Writes figures/NAME.json: the inputs, and a list of cases that refer to them by name."""
    FIGURES.mkdir(exist_ok=True)
    head = {"keras": keras.__version__, "inputs": plain(inputs)}
    lines = ",\n".join(json.dumps(plain(case)) for case in cases)
    text = json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}\n"
    (FIGURES / f"{name}.json").write_text(text)
    print(f"{name}.json: {len(cases)} cases, {len(text)} bytes")


def save_npz(name: str, cases: list[dict[str, Any]], **arrays: np.ndarray) -> None:
    """Writes figures/NAME.npz: arrays, and the cases as JSON text in the array 'cases'."""
    FIGURES.mkdir(exist_ok=True)
    path = FIGURES / f"{name}.npz"
    np.savez_compressed(
        path, keras=np.array(keras.__version__), cases=np.array(json.dumps(cases)), **arrays
    )
    print(f"{name}.npz: {len(cases)} cases, {path.stat().st_size} bytes")
