"""Reading the figures that tests/keras/record_*.py have recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FIGURES = Path(__file__).parent / "keras" / "figures"


def read_json(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Inputs and cases of figures/NAME.json."""
    content = json.loads((FIGURES / f"{name}.json").read_text())
    return content["inputs"], content["cases"]


def read_npz(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Arrays and cases of figures/NAME.npz."""
    with np.load(FIGURES / f"{name}.npz") as file:
        arrays = {key: file[key] for key in file.files}
    return arrays, json.loads(str(arrays.pop("cases")))


def label(case: dict[str, Any], *keys: str) -> str:
    """A short name of a case for pytest."""
    parts = []
    for key in keys:
        value = case.get(key)
        if value:
            parts.append(value if isinstance(value, str) else json.dumps(value, sort_keys=True))
    return "-".join(parts).replace('"', "")
