"""The churn network reaches the figures that other frameworks reach on the published file."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn.datasets import load_churn, make_churn
from fastnn.layers import Dense
from fastnn.models import Sequential
from fastnn.preprocessing import churn_encoder, train_test_split


def train(table: dict[str, np.ndarray], initializer: str, seed: int) -> tuple[float, float]:
    """Test accuracy and final training loss of one run with the tutorial's settings."""
    training, testing = train_test_split(table, test_size=0.2, random_state=seed)
    encoder = churn_encoder().fit(training)
    fastnn.utils.set_random_seed(seed)
    model = Sequential()
    model.add(Dense(6, kernel_initializer=initializer, activation="relu", input_dim=11))
    model.add(Dense(6, kernel_initializer=initializer, activation="relu"))
    model.add(Dense(1, kernel_initializer=initializer, activation="sigmoid"))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    x, y = encoder.transform(training), training["Exited"]
    history = model.fit(x, y, batch_size=10, epochs=50, verbose=0).history
    _, accuracy = model.evaluate(encoder.transform(testing), testing["Exited"], verbose=0)
    return accuracy, history["loss"][-1]


@pytest.mark.parametrize("source", ["published", "made"])
def test_glorot_uniform(source, request):
    if source == "made":
        table = make_churn()
    else:
        table = load_churn(request.getfixturevalue("data_folder") / "Churn_Modelling.csv")
    runs = np.array([train(table, "glorot_uniform", seed) for seed in range(5)])
    accuracy, loss = runs.mean(axis=0)
    # Keras 3.15 on the published file: 0.864 and 0.336. What was made is as learnable; its own
    # sample of 2000 test rows has a standard error of 0.008.
    assert accuracy >= (0.858 if source == "published" else 0.850)
    assert loss == pytest.approx(0.336, abs=0.010 if source == "published" else 0.015)


def test_uniform(data_folder):
    table = load_churn(data_folder / "Churn_Modelling.csv")
    accuracy = np.mean([train(table, "uniform", seed)[0] for seed in range(5)])
    assert accuracy == pytest.approx(0.841, abs=0.010)  # Keras 3.15: 0.841
