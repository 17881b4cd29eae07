"""A whole table to the matrix a network trains on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.preprocessing._columns import LabelEncoder, StandardScaler, numeric

CHURN_FEATURES = (
    "CreditScore",
    "Geography",
    "Gender",
    "Age",
    "Tenure",
    "Balance",
    "NumOfProducts",
    "HasCrCard",
    "IsActiveMember",
    "EstimatedSalary",
)


class TableEncoder:
    """Makes the columns of a table into a standardised matrix, and remembers how.

    Categories named in `one_hot` become one 0/1 column for each class but the first, and come
    first in the matrix; those in `label` become the number of their class. Everything is then
    standardised.

    Args:
        columns: the columns used, in order.
        one_hot: those of them that are one-hot encoded.
        label: those of them that are numbered.

    Attributes:
        feature_names: the columns of the matrix.
        scaler: the fitted `StandardScaler`.

    Example:
        >>> table = {"age": [30, 40, 50], "home": ["flat", "house", "flat"]}
        >>> encoder = TableEncoder(["age", "home"], one_hot=["home"]).fit(table)
        >>> encoder.feature_names
        ['home_house', 'age']
        >>> encoder.transform({"age": 40, "home": "house"}).round(3)
        array([[1.414, 0.   ]])
    """

    feature_names: list[str]

    def __init__(
        self, columns: Sequence[str], one_hot: Sequence[str] = (), label: Sequence[str] = ()
    ) -> None:
        unknown = [name for name in (*one_hot, *label) if name not in columns]
        if unknown:
            raise ValueError(
                f"[TableEncoder] expected one_hot and label to name columns of"
                f" {', '.join(columns)}; got {', '.join(unknown)}"
            )
        both = [name for name in one_hot if name in label]
        if both:
            raise ValueError(
                f"[TableEncoder] expected a column in one_hot or in label, got {both[0]!r} in both"
            )
        self.columns = list(columns)
        self.one_hot = list(one_hot)
        self.encoders = {name: LabelEncoder(name) for name in (*one_hot, *label)}
        self.scaler = StandardScaler()

    def fit(self, table: Mapping[str, ArrayLike]) -> TableEncoder:
        """Learns classes, means and deviations of a table (a dict of columns, or a data frame)."""
        columns = self._read(table)
        for name, encoder in self.encoders.items():
            encoder.fit(columns[name])
        self.feature_names = [
            f"{name}_{label}" for name in self.one_hot for label in self.encoders[name].classes_[1:]
        ]
        self.feature_names += [name for name in self.columns if name not in self.one_hot]
        self.scaler.fit(self._encode(columns))
        return self

    def transform(self, table: Mapping[str, Any]) -> NDArray[np.float64]:
        """The matrix of a table, shape (rows, features), float64.

        Args:
            table: a dict of columns or a data frame; or a dict of single values, for one row.

        Raises:
            ValueError: a column is missing, longer than another or not numeric, or a category was
                not there when the encoder was fitted.
        """
        return self.scaler.transform(self._encode(self._read(table)))

    def fit_transform(self, table: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """`fit` and `transform` in one call."""
        return self.fit(table).transform(table)

    def _read(self, table: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        missing = [name for name in self.columns if name not in table]
        if missing:
            raise ValueError(
                f"[TableEncoder] expected the columns {', '.join(self.columns)};"
                f" {', '.join(missing)} not found"
            )
        columns = {name: np.atleast_1d(np.asarray(table[name])) for name in self.columns}
        for name, column in columns.items():
            if column.shape != columns[self.columns[0]].shape or column.ndim != 1:
                raise ValueError(
                    f"[TableEncoder] expected columns of one length, got {name} of shape"
                    f" {column.shape} beside {self.columns[0]} of shape"
                    f" {columns[self.columns[0]].shape}"
                )
        return columns

    def _encode(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        parts = []
        for name in self.one_hot:
            encoder = self.encoders[name]
            numbers = encoder.transform(columns[name])
            parts.append(numbers[:, None] == np.arange(1, len(encoder.classes_)))
        for name in self.columns:
            if name in self.one_hot:
                continue
            column = columns[name]
            if name in self.encoders:
                column = self.encoders[name].transform(column)
            parts.append(numeric(column, f"TableEncoder {name}")[:, None])
        return np.concatenate(parts, axis=1, dtype=np.float64)


def churn_encoder() -> TableEncoder:
    """The encoder of the churn table: 11 features of 10 columns.

    They are Geography_Germany, Geography_Spain, CreditScore, Gender (Female 0, Male 1), Age,
    Tenure, Balance, NumOfProducts, HasCrCard, IsActiveMember, EstimatedSalary.
    """
    return TableEncoder(CHURN_FEATURES, one_hot=["Geography"], label=["Gender"])
