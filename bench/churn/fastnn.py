"""The churn network in fastnn."""

from __future__ import annotations

from typing import Any

import fastnn
from bench.churn import BATCH, SIZES, measurements
from fastnn.layers import Dense
from fastnn.models import Sequential


def prepare(arrays: dict[str, Any], threads: int) -> tuple[str, dict[str, Any]]:
    fastnn.set_num_threads(threads)
    fastnn.utils.set_random_seed(0)
    x, y = arrays["x"], arrays["y"]
    model = Sequential([fastnn.Input((SIZES[0],))])
    for units in SIZES[1:-1]:
        model.add(Dense(units, activation="relu"))
    model.add(Dense(SIZES[-1], activation="sigmoid"))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    row = x[:1].copy()
    return fastnn.__version__, measurements(
        lambda epochs: model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0),
        100,
        lambda: model.predict_on_batch(row),
        50_000,
        len(x),
    )
