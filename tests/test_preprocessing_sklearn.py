"""What fastnn.preprocessing does is what scikit-learn does, where that is installed."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn.datasets import make_churn
from fastnn.preprocessing import (
    LabelEncoder,
    StandardScaler,
    churn_encoder,
    confusion_matrix,
    train_test_split,
)

pytest.importorskip("sklearn")


def test_the_steps_by_scikit_learn_give_the_churn_encoders_matrix():
    from sklearn.compose import ColumnTransformer
    from sklearn.model_selection import train_test_split as sklearn_split
    from sklearn.preprocessing import LabelEncoder as SklearnLabels
    from sklearn.preprocessing import OneHotEncoder
    from sklearn.preprocessing import StandardScaler as SklearnScaler

    table = make_churn(500)
    x = np.array(list(table.values())[3:13], dtype=object).T
    x[:, 2] = SklearnLabels().fit_transform(x[:, 2])
    encoder = ColumnTransformer([("", OneHotEncoder(drop="first"), [1])], remainder="passthrough")
    x = encoder.fit_transform(x).astype(float)
    rows, other_rows, y, other_y = sklearn_split(x, table["Exited"], test_size=0.2, random_state=3)
    scaler = SklearnScaler().fit(rows)

    train, test, y_train, y_test = train_test_split(
        table, table["Exited"], test_size=0.2, random_state=3
    )
    ours = churn_encoder().fit(train)
    np.testing.assert_allclose(ours.transform(train), scaler.transform(rows), atol=1e-12)
    np.testing.assert_allclose(ours.transform(test), scaler.transform(other_rows), atol=1e-12)
    np.testing.assert_array_equal(y_train, y)
    np.testing.assert_array_equal(y_test, other_y)


@pytest.mark.parametrize("column", ["constant", "nearly constant", "wide"])
def test_standard_scaler(column):
    from sklearn.preprocessing import StandardScaler as SklearnScaler

    rng = np.random.default_rng(1)
    x = {
        "constant": np.full((1000, 1), 0.1),
        "nearly constant": 1e8 + rng.normal(size=(1000, 1)) * 1e-9,
        "wide": rng.lognormal(0.0, 10.0, (1000, 1)),
    }[column]
    ours, theirs = StandardScaler().fit(x), SklearnScaler().fit(x)
    np.testing.assert_allclose(ours.scale_, theirs.scale_, rtol=1e-9)


def test_labels_and_counts():
    from sklearn.metrics import confusion_matrix as sklearn_matrix
    from sklearn.preprocessing import LabelEncoder as SklearnLabels

    rng = np.random.default_rng(0)
    words = rng.choice(["b", "a", "ü", "c"], 100)
    np.testing.assert_array_equal(
        LabelEncoder().fit_transform(words), SklearnLabels().fit_transform(words)
    )
    true, predicted = rng.integers(0, 4, 100), rng.integers(1, 5, 100)
    np.testing.assert_array_equal(
        confusion_matrix(true, predicted), sklearn_matrix(true, predicted)
    )
