"""The churn network, 11-6-6-1 with batch 10 and Adam: a training step, and one row's prediction.

``fit step``: wall time of a call that trains for some epochs, over its steps. Shuffling, gathering,
the mean loss and the accuracy of each epoch are part of it, for everyone (scikit-learn computes no
accuracy). ``predict row``: a call for one row, from a NumPy array to a NumPy array.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

MEASUREMENTS = ("fit step", "predict row")
BATCH = 10
SIZES = (11, 6, 6, 1)


def make_data() -> dict[str, Any]:
    """8000 standardised training rows of the made churn table, float32."""
    import numpy as np

    from fastnn.datasets import make_churn
    from fastnn.preprocessing import churn_encoder

    table = make_churn(8000)
    x = churn_encoder().fit_transform(table).astype(np.float32)
    return {"x": x, "y": table["Exited"].astype(np.float32)}


def measurements(
    fit: Callable[[int], object], epochs: int, predict: Callable[[], object], calls: int, rows: int
) -> dict[str, Callable[[], float]]:
    """What a peer's file returns: ``fit(epochs)`` trains, ``predict()`` predicts one row."""

    def fit_step() -> float:
        start = time.perf_counter()
        fit(epochs)
        return (time.perf_counter() - start) / (epochs * -(-rows // BATCH))

    def predict_row() -> float:
        start = time.perf_counter()
        for _ in range(calls):
            predict()
        return (time.perf_counter() - start) / calls

    return {"fit step": fit_step, "predict row": predict_row}
