"""Data frames are taken as they are: a column is a feature."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn.datasets import make_churn
from fastnn.layers import Dense
from fastnn.models import Sequential
from fastnn.preprocessing import churn_encoder, train_test_split


def trained(x, y):
    fastnn.utils.set_random_seed(0)
    model = Sequential([fastnn.Input((11,)), Dense(4, activation="relu"), Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    model.fit(x, y, epochs=2, verbose=0)
    return model.get_weights(), model.predict(x, verbose=0)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_trains_as_its_array_does(library):
    frames = pytest.importorskip(library)
    table = make_churn(200)
    encoder = churn_encoder()
    x, y = encoder.fit_transform(table).astype(np.float32), table["Exited"]
    columns = dict(zip(encoder.feature_names, x.T, strict=True))
    weights, predicted = trained(x, y)
    frame_weights, frame_predicted = trained(frames.DataFrame(columns), frames.Series(y))
    for one, other in zip(weights, frame_weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(predicted, frame_predicted)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_preprocessing_takes_frames(library):
    frames = pytest.importorskip(library)
    table = make_churn(50)
    frame = frames.DataFrame(table)
    np.testing.assert_array_equal(
        churn_encoder().fit_transform(frame), churn_encoder().fit_transform(table)
    )
    if library == "pandas":
        train, test = train_test_split(frame, test_size=0.2, random_state=0)
        rows = train_test_split(table, test_size=0.2, random_state=0)
        np.testing.assert_array_equal(train["Age"], rows[0]["Age"])
        np.testing.assert_array_equal(test["Age"], rows[1]["Age"])
