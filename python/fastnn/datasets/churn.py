"""Bank customers and whether they left: the Churn_Modelling table, read or generated."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets._csv import Column, Table, read_csv

COUNTRIES = ("France", "Germany", "Spain")
GENDERS = ("Female", "Male")
_FLAG = Column(int, (0, 1))

CHURN_COLUMNS = {
    "RowNumber": Column(int),
    "CustomerId": Column(int),
    "Surname": Column(str),
    "CreditScore": Column(int),
    "Geography": Column(str, COUNTRIES),
    "Gender": Column(str, GENDERS),
    "Age": Column(int),
    "Tenure": Column(int),
    "Balance": Column(float),
    "NumOfProducts": Column(int),
    "HasCrCard": _FLAG,
    "IsActiveMember": _FLAG,
    "EstimatedSalary": Column(float),
    "Exited": _FLAG,
}
"""The 14 columns of the table, in order; ``Exited`` is the target."""

# Counts of the published file's customers, the first index being Exited. A customer is drawn from
# the counts of those who stayed or of those who left, so that exit rates come out as in the file.
# [exited][country][products - 1][balance is 0, is not]
_HOLDINGS = np.array(
    [
        [
            [[380, 1570], [1679, 553], [22, 0], [0, 0]],
            [[0, 771], [0, 914], [0, 10], [0, 0]],
            [[187, 767], [835, 261], [14, 0], [0, 0]],
        ],
        [
            [[230, 334], [60, 75], [35, 47], [12, 17]],
            [[0, 578], [0, 126], [0, 86], [0, 24]],
            [[108, 159], [26, 61], [27, 25], [2, 5]],
        ],
    ]
)
# [exited][active][age], at these ages; straight lines between them.
_AGES = (18, 22, 26, 30, 34, 38, 42, 46, 50, 54, 58, 62, 66, 70, 76, 86)
_AGE_COUNTS = np.array(
    [
        [
            [8, 27, 88, 153, 203, 203, 120, 58, 21, 3, 2, 1, 1, 1, 1, 0],
            [8, 38, 87, 180, 216, 206, 127, 63, 38, 25, 34, 26, 21, 18, 8, 0],
        ],
        [
            [0, 6, 7, 18, 25, 43, 51, 59, 42, 32, 20, 15, 3, 2, 0, 0],
            [1, 1, 5, 10, 16, 26, 28, 27, 28, 16, 14, 6, 3, 2, 0, 0],
        ],
    ]
)
_EXIT_RATE = 0.2037
_MALE_SHARE = np.array([0.5725, 0.4408])
_CREDIT_SCORE = np.array([652.2, 645.7])
_TENURE_COUNTS = (413, 1035, 1048, 1009, 989, 1012, 967, 1028, 1025, 984, 490)
_CARD_SHARE = 0.7055

_SURNAMES = (
    "Allen", "Anderson", "Baker", "Bell", "Brown", "Carter", "Clark", "Cook", "Cooper", "Davis",
    "Edwards", "Evans", "Fischer", "Garcia", "Green", "Hall", "Harris", "Hill", "Hughes",
    "Jackson", "Johnson", "Jones", "King", "Klein", "Lewis", "Lopez", "Martin", "Meyer", "Miller",
    "Moore", "Morgan", "Moreau", "Parker", "Perez", "Robinson", "Rossi", "Scott", "Smith",
    "Taylor", "Thomas", "Turner", "Walker", "Watson", "White", "Wilson", "Wood", "Wright", "Young",
)  # fmt: skip


def load_churn(path: str | os.PathLike[str] | None = None) -> Table:
    """Reads ``Churn_Modelling.csv``.

    Args:
        path: the file; None reads ``Churn_Modelling.csv`` in the folder that the environment
            variable FASTNN_DATA names.

    Returns:
        A dict of the 14 columns of `CHURN_COLUMNS`, in that order, each an array of shape (n,):
        int64, float64 or str. ``pandas.DataFrame(table)`` makes a frame of it.

    Raises:
        FileNotFoundError: there is no such file, or no path was given and FASTNN_DATA is not set.
        ValueError: the file does not hold such a table; the message names the line and the column.
    """
    if path is None:
        folder = os.environ.get("FASTNN_DATA")
        if not folder:
            raise FileNotFoundError(
                "load_churn() without a path reads Churn_Modelling.csv in the folder that the"
                " environment variable FASTNN_DATA names, and it is not set"
            )
        path = Path(folder) / "Churn_Modelling.csv"
    return read_csv(path, CHURN_COLUMNS)


def make_churn(n: int = 10_000, seed: int = 0) -> Table:
    """Generates customers like those of ``Churn_Modelling.csv``.

    The shares and means, and how leaving depends on country, gender, age, activity, products and
    balance, are those of the published file, so that a network learns about as much from it.
    The same `n` and `seed` give the same table with every version of NumPy.

    Args:
        n: number of customers, at least 1.
        seed: 0 to 2**32 - 1.

    Returns:
        What `load_churn` returns.

    Raises:
        ValueError: `n` or `seed` is out of its range.

    Example:
        >>> table = make_churn(1000)
        >>> len(table), table["Age"].shape, table["Age"].dtype.name
        (14, (1000,), 'int64')
    """
    if n < 1:
        raise ValueError(f"make_churn expected n of at least 1, got {n}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"make_churn expected a seed of 0 to 2**32 - 1, got {seed}")
    # RandomState and not Generator: NumPy promises that its streams never change.
    rng = np.random.RandomState(seed)
    exited = (rng.random_sample(n) < _EXIT_RATE).astype(np.int64)
    country, products, has_balance = _draw_given(exited, _HOLDINGS, rng)
    active, age = _draw_given(exited, _age_counts(), rng)
    balance = np.clip(rng.normal(119_827.0, 30_093.0, n), 1_000.0, 260_000.0).round(2)
    columns = {
        "RowNumber": np.arange(1, n + 1),
        "CustomerId": 15_565_701 + rng.permutation(max(250_000, n))[:n],
        "Surname": np.array(_SURNAMES)[rng.randint(len(_SURNAMES), size=n)],
        "CreditScore": np.clip(rng.normal(_CREDIT_SCORE[exited], 97.5), 350, 850).round(),
        "Geography": np.array(COUNTRIES)[country],
        "Gender": np.array(GENDERS)[(rng.random_sample(n) < _MALE_SHARE[exited]).astype(np.int64)],
        "Age": _AGES[0] + age,
        "Tenure": rng.choice(11, n, p=np.divide(_TENURE_COUNTS, sum(_TENURE_COUNTS))),
        "Balance": np.where(has_balance == 1, balance, 0.0),
        "NumOfProducts": products + 1,
        "HasCrCard": rng.random_sample(n) < _CARD_SHARE,
        "IsActiveMember": active,
        "EstimatedSalary": rng.uniform(11.58, 199_992.48, n).round(2),
        "Exited": exited,
    }
    return {name: columns[name].astype(c.dtype) for name, c in CHURN_COLUMNS.items()}


def _age_counts() -> NDArray[np.float64]:
    """Customers of each age, shape (exited, active, ages)."""
    ages = np.arange(_AGES[0], _AGES[-1] + 1)
    return np.array([[np.interp(ages, _AGES, counts) for counts in row] for row in _AGE_COUNTS])


def _draw_given(
    exited: NDArray[np.int64], counts: NDArray[Any], rng: np.random.RandomState
) -> tuple[NDArray[np.int64], ...]:
    """Draws a cell of ``counts[e]`` for each e of `exited`; returns its indices, one array each."""
    cells = np.empty(len(exited), np.int64)
    for e in (0, 1):
        share = counts[e].ravel() / counts[e].sum()
        cells[exited == e] = rng.choice(share.size, np.count_nonzero(exited == e), p=share)
    return np.unravel_index(cells, counts.shape[1:])
