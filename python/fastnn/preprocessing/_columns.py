"""Standardised and numbered columns."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class StandardScaler:
    """Subtracts each column's mean and divides by its standard deviation.

    A column that is constant, up to rounding, is only centred.

    Attributes:
        mean_: the mean of each column, shape (features,), float64.
        scale_: what each column is divided by, shape (features,), float64.

    Example:
        >>> scaler = StandardScaler()
        >>> scaler.fit_transform([[1.0, 5.0], [3.0, 5.0]])
        array([[-1.,  0.],
               [ 1.,  0.]])
        >>> scaler.transform([[2.0, 6.0]])
        array([[0., 1.]])
    """

    mean_: NDArray[np.float64]
    scale_: NDArray[np.float64]

    def fit(self, x: ArrayLike) -> StandardScaler:
        """Learns mean and deviation of the columns of `x`, shape (rows, features)."""
        x = matrix(x, "StandardScaler")
        if len(x) == 0:
            raise ValueError("[StandardScaler] expected at least one row to fit, got none")
        self.mean_ = x.mean(axis=0)
        variance = x.var(axis=0)
        # The variance that rounding alone leaves in a column of n equal numbers.
        epsilon = np.finfo(np.float64).eps
        rounding = len(x) * epsilon * variance + (len(x) * self.mean_ * epsilon) ** 2
        self.scale_ = np.where(variance <= rounding, 1.0, np.sqrt(variance))
        return self

    def transform(self, x: ArrayLike) -> NDArray[np.float64]:
        """The standardised `x`, shape (rows, features), float64."""
        x = self._checked(x)
        scaled: NDArray[np.float64] = (x - self.mean_) / self.scale_
        return scaled

    def fit_transform(self, x: ArrayLike) -> NDArray[np.float64]:
        """`fit` and `transform` in one call."""
        return self.fit(x).transform(x)

    def inverse_transform(self, x: ArrayLike) -> NDArray[np.float64]:
        """The rows that `transform` made into `x`."""
        x = self._checked(x)
        restored: NDArray[np.float64] = x * self.scale_ + self.mean_
        return restored

    def _checked(self, x: ArrayLike) -> NDArray[np.float64]:
        if not hasattr(self, "mean_"):
            raise ValueError("[StandardScaler] expected fit() before transform()")
        x = matrix(x, "StandardScaler")
        if x.shape[1] != len(self.mean_):
            raise ValueError(
                f"[StandardScaler] expected shape (rows, {len(self.mean_)}), got {x.shape}"
            )
        return x


class LabelEncoder:
    """Numbers the distinct values of a column, in sorted order.

    Attributes:
        classes_: the distinct values, sorted, shape (classes,).

    Example:
        >>> encoder = LabelEncoder().fit(["Spain", "France", "Spain"])
        >>> encoder.transform(["Spain", "France"])
        array([1, 0])
    """

    classes_: NDArray[Any]

    def __init__(self, name: str = "") -> None:
        """Args: name: the column, as errors should name it."""
        self._title = f"LabelEncoder {name}".rstrip()

    def fit(self, values: ArrayLike) -> LabelEncoder:
        """Learns the classes of `values`, shape (rows,)."""
        column = self._column(values)
        if len(column) == 0:
            raise ValueError(f"[{self._title}] expected at least one value to fit, got none")
        self.classes_ = np.unique(column)
        return self

    def transform(self, values: ArrayLike) -> NDArray[np.int64]:
        """The number of each value's class, shape (rows,), int64.

        Raises:
            ValueError: a value was not there when the encoder was fitted; the message names it.
        """
        if not hasattr(self, "classes_"):
            raise ValueError(f"[{self._title}] expected fit() before transform()")
        column = self._column(values)
        numbers: dict[Hashable, int] = {c: i for i, c in enumerate(self.classes_.tolist())}
        rows = column.tolist()
        for i, value in enumerate(rows):
            if value not in numbers:
                raise ValueError(
                    f"[{self._title}] unseen category {value!r} in row {i};"
                    f" expected one of {', '.join(map(repr, numbers))}"
                )
        return np.array([numbers[value] for value in rows], dtype=np.int64)

    def fit_transform(self, values: ArrayLike) -> NDArray[np.int64]:
        """`fit` and `transform` in one call."""
        return self.fit(values).transform(values)

    def inverse_transform(self, numbers: ArrayLike) -> NDArray[Any]:
        """The values with these class numbers, shape (rows,)."""
        column = np.asarray(numbers)
        if column.size and not (column.min() >= 0 and column.max() < len(self.classes_)):
            raise ValueError(
                f"[{self._title}] expected numbers from 0 to {len(self.classes_) - 1},"
                f" got {column.min()} to {column.max()}"
            )
        values: NDArray[Any] = self.classes_[column]
        return values

    def _column(self, values: ArrayLike) -> NDArray[Any]:
        column = np.asarray(values)
        if column.ndim != 1:
            raise ValueError(f"[{self._title}] expected shape (rows,), got {column.shape}")
        return column


def numeric(x: ArrayLike, title: str) -> NDArray[np.float64]:
    """`x` as float64; `title` is who asks."""
    array = np.asarray(x)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"[{title}] expected numbers, got an object array: {error}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"[{title}] expected numbers, got an array of dtype {array.dtype}")
    array = array.astype(np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        where = np.unravel_index(int(np.argmin(finite)), array.shape)
        index = ", ".join(str(i) for i in where)
        raise ValueError(f"[{title}] expected finite numbers, got {array[where]} at [{index}]")
    return array


def matrix(x: ArrayLike, title: str) -> NDArray[np.float64]:
    """`x` as float64 of shape (rows, features)."""
    array = numeric(x, title)
    if array.ndim != 2:
        raise ValueError(f"[{title}] expected shape (rows, features), got {array.shape}")
    return array
