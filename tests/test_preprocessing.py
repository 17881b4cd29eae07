"""Scaling, encoding, splitting and counting, and the churn table's eleven features."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn.datasets import make_churn
from fastnn.preprocessing import (
    LabelEncoder,
    StandardScaler,
    TableEncoder,
    churn_encoder,
    confusion_matrix,
    train_test_split,
)

CUSTOMER = {
    "Geography": "Spain",
    "CreditScore": 500,
    "Gender": "Female",
    "Age": 40,
    "Tenure": 3,
    "Balance": 50_000,
    "NumOfProducts": 2,
    "HasCrCard": 1,
    "IsActiveMember": 1,
    "EstimatedSalary": 40_000,
}


def test_standard_scaler_standardises_the_fitted_rows():
    x = np.random.default_rng(0).normal(5.0, 3.0, (200, 4)) * [1.0, 1e-6, 1e6, 1.0]
    scaler = StandardScaler()
    z = scaler.fit_transform(x)
    np.testing.assert_allclose(z.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(z.std(axis=0), 1.0, rtol=1e-12)
    np.testing.assert_allclose(scaler.inverse_transform(z), x, rtol=1e-12)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e30, -7.0])
def test_standard_scaler_centres_a_constant_column_only(constant):
    z = StandardScaler().fit_transform(np.full((1000, 1), constant))
    assert np.abs(z).max() <= 1e-12 * max(1.0, abs(constant))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, 2.0], r"expected shape \(rows, features\), got \(2,\)"),
        (np.empty((0, 3)), "at least one row"),
        ([[1.0, np.nan]], r"finite numbers, got nan at \[0, 1\]"),
        ([["a", "b"]], "expected numbers, got an array of dtype"),
        ([[1j]], "expected numbers, got an array of dtype complex128"),
        (np.array([["a"]], object), "expected numbers, got an object array"),
    ],
)
def test_standard_scaler_refuses(x, message):
    with pytest.raises(ValueError, match=message):
        StandardScaler().fit(x)


def test_standard_scaler_refuses_other_widths_and_use_before_fit():
    with pytest.raises(ValueError, match=r"fit\(\) before transform"):
        StandardScaler().transform([[1.0]])
    with pytest.raises(ValueError, match=r"expected shape \(rows, 1\), got \(1, 2\)"):
        StandardScaler().fit([[1.0]]).transform([[1.0, 2.0]])


def test_label_encoder_numbers_sorted_classes():
    encoder = LabelEncoder()
    numbers = encoder.fit_transform(["Spain", "France", "Germany", "Spain"])
    assert numbers.tolist() == [2, 0, 1, 2]
    assert encoder.inverse_transform(numbers).tolist() == ["Spain", "France", "Germany", "Spain"]


def test_label_encoder_refuses():
    with pytest.raises(ValueError, match=r"\[LabelEncoder\] expected fit"):
        LabelEncoder().transform(["a"])
    with pytest.raises(ValueError, match="at least one value"):
        LabelEncoder().fit([])
    with pytest.raises(ValueError, match=r"expected shape \(rows,\), got \(1, 1\)"):
        LabelEncoder().fit([["a"]])
    encoder = LabelEncoder("home").fit(["a", "b"])
    with pytest.raises(ValueError, match=r"\[LabelEncoder home\] unseen category 'c' in row 1"):
        encoder.transform(["a", "c"])
    with pytest.raises(ValueError, match="numbers from 0 to 1, got -1 to 1"):
        encoder.inverse_transform([1, -1])


def test_churn_encoder_gives_eleven_features_in_order():
    table = make_churn(500)
    encoder = churn_encoder()
    x = encoder.fit_transform(table)
    assert encoder.feature_names == [
        "Geography_Germany", "Geography_Spain", "CreditScore", "Gender", "Age", "Tenure", "Balance",
        "NumOfProducts", "HasCrCard", "IsActiveMember", "EstimatedSalary",
    ]  # fmt: skip
    raw = np.stack(
        [
            table["Geography"] == "Germany",
            table["Geography"] == "Spain",
            table["CreditScore"],
            table["Gender"] == "Male",
            *(table[name] for name in encoder.feature_names[4:]),
        ],
        axis=1,
    ).astype(float)
    np.testing.assert_allclose(x, (raw - raw.mean(axis=0)) / raw.std(axis=0), atol=1e-12)


def test_churn_encoder_transforms_one_customer_with_the_training_rows_figures():
    encoder = churn_encoder().fit(make_churn(500))
    row = encoder.transform(CUSTOMER)
    assert row.shape == (1, 11)
    raw = encoder.scaler.inverse_transform(row)[0]
    np.testing.assert_allclose(raw, [0, 1, 500, 0, 40, 3, 50_000, 2, 1, 1, 40_000], atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Geography": "Italy"}, r"\[LabelEncoder Geography\] unseen category 'Italy' in row 0"),
        ({"Gender": "female"}, r"unseen category 'female' .* expected one of 'Female', 'Male'"),
        ({"Age": "forty"}, r"\[TableEncoder Age\] expected numbers"),
        ({"Age": np.inf}, r"\[TableEncoder Age\] expected finite numbers, got inf at \[0\]"),
        ({"Age": [40, 41]}, r"columns of one length, got Age of shape \(2,\)"),
    ],
)
def test_churn_encoder_refuses(change, message):
    encoder = churn_encoder().fit(make_churn(500))
    with pytest.raises(ValueError, match=message):
        encoder.transform({**CUSTOMER, **change})


def test_table_encoder_refuses():
    with pytest.raises(ValueError, match="Tenure, Balance not found"):
        TableEncoder(["Age", "Tenure", "Balance"]).fit({"Age": [1.0]})
    with pytest.raises(ValueError, match="name columns of Age; got Home"):
        TableEncoder(["Age"], one_hot=["Home"])
    with pytest.raises(ValueError, match="'Home' in both"):
        TableEncoder(["Home"], one_hot=["Home"], label=["Home"])


def test_train_test_split_divides_every_row_once_and_alike():
    table = make_churn(101)
    train, test, y_train, y_test = train_test_split(
        table, table["Exited"], test_size=0.2, random_state=7
    )
    assert len(y_test) == 21
    rows = np.concatenate([train["RowNumber"], test["RowNumber"]])
    assert sorted(rows) == list(range(1, 102))
    np.testing.assert_array_equal(table["Exited"][rows - 1], np.concatenate([y_train, y_test]))


def test_train_test_split_gives_scikit_learns_rows():
    # sklearn.model_selection.train_test_split(range(10), test_size=0.25, random_state=42)
    train, test = train_test_split(np.arange(10), test_size=0.25, random_state=42)
    assert (train.tolist(), test.tolist()) == ([0, 7, 2, 9, 4, 3, 6], [8, 1, 5])


@pytest.mark.parametrize(
    ("arrays", "size", "message"),
    [
        ((), 0.2, "at least one array"),
        (([1, 2], [1, 2, 3]), 0.2, r"one length, got \[2, 3\]"),
        (([1, 2],), 0.0, "0 < test_size < 1, got 0.0"),
        (([1],), 0.5, "rows enough for two parts, got 1"),
    ],
)
def test_train_test_split_refuses(arrays, size, message):
    with pytest.raises(ValueError, match=message):
        train_test_split(*arrays, test_size=size, random_state=0)


def test_confusion_matrix_counts_pairs():
    truth = np.array([0, 0, 1, 1, 1])
    assert confusion_matrix(truth, [0, 1, 1, 1, 0]).tolist() == [[1, 1], [1, 2]]
    predicted = np.array([[0.2], [0.7], [0.9], [0.6], [0.1]]) > 0.5
    assert confusion_matrix(truth, predicted).tolist() == [[1, 1], [1, 2]]
    assert confusion_matrix(["b", "a"], ["c", "a"]).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_confusion_matrix_takes_the_classes_in_the_order_asked_for():
    assert confusion_matrix([0, 0], [0, 0], labels=[0, 1]).tolist() == [[2, 0], [0, 0]]
    assert confusion_matrix([0, 1, 1], [1, 1, 0], labels=[1, 0]).tolist() == [[1, 1], [1, 0]]


def test_confusion_matrix_refuses():
    with pytest.raises(ValueError, match=r"expected classes of \[0 1\], got .*2"):
        confusion_matrix([0, 2], [0, 1], labels=[0, 1])
    with pytest.raises(ValueError, match="one length of at least 1, got 2 and 1"):
        confusion_matrix([0, 1], [0])
    with pytest.raises(ValueError, match=r"y_pred of shape .* got \(1, 2\)"):
        confusion_matrix([0], [[0.1, 0.9]])
