"""What the cells of a column hold: numbers, dates or words, and which are missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?"})
_DATE = re.compile(
    r"\d{4}([-/])\d{2}\1\d{2}"
    r"([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?"
)
_DAY = 86400.0


def as_cells(column: Any) -> list[str]:
    """The cells of a column as text; numbers, None, NaN and dates as a CSV file has them.

    Args:
        column: strings, or anything that NumPy makes one axis of.

    Raises:
        ValueError: for more than one axis.
    """
    if isinstance(column, list) and all(isinstance(cell, str) for cell in column):
        return [cell.strip() for cell in column]
    array = np.asarray(column)
    if array.ndim != 1:
        raise ValueError(f"expected a column of shape (rows,), got {array.shape}")
    if array.dtype.kind == "M":
        seconds = array.astype("datetime64[us]")
        return ["" if np.isnat(t) else str(t).replace("T", " ") for t in seconds]
    return [_text(value) for value in array.tolist()]


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer() and abs(value) < 2.0**53:
        return str(int(value))
    return str(value).strip()


def missing(cells: Sequence[str]) -> NDArray[np.bool_]:
    """Which cells are missing: blank, or a word for it such as NA."""
    return np.fromiter((cell in MISSING for cell in cells), bool, len(cells))


def numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """The cells as finite numbers, NaN where missing; None where one is no number."""
    # float() takes underscores and words for infinity, which people do not mean as numbers.
    if any("_" in cell for cell in cells):
        return None
    absent = missing(cells)
    filled = ["0" if gone else cell for cell, gone in zip(cells, absent, strict=True)]
    try:
        values = np.fromiter(map(float, filled), np.float64, len(filled))
    except ValueError:
        return None
    if not np.isfinite(values).all():
        return None
    values[absent] = np.nan
    return values


def days(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """The cells as days since 1970, NaN where missing; None where one is no date.

    A date is 2024-05-31 or 2024/05/31, with or without a time 13:45, 13:45:10 or 13:45:10.5 behind
    a space or T, with or without an offset such as Z or +02:00 (without one: UTC).
    """
    values = np.full(len(cells), np.nan)
    for i, (cell, gone) in enumerate(zip(cells, missing(cells), strict=True)):
        if gone:
            continue
        if not _DATE.fullmatch(cell):
            return None
        try:
            values[i] = _seconds(cell) / _DAY
        except ValueError:
            return None
    return values


def _seconds(cell: str) -> float:
    text = cell.replace("/", "-").replace("T", " ").replace("Z", "+00:00")
    text = re.sub(r" ?([+-]\d{2}):?(\d{2})$", r"\1:\2", text) if ":" in text else text
    text = re.sub(r"\.(\d+)", lambda m: "." + m[1].ljust(6, "0"), text)
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    return time.timestamp()


def date_features(values: NDArray[np.float64]) -> tuple[list[str], NDArray[np.float64]]:
    """Days as a line and as places in the year, the week and the day.

    Args:
        values: days since 1970, shape (rows,).

    Returns:
        The names of the columns, and the columns, shape (rows, 7); NaN where the day is.
    """
    names, columns = ["days"], [values]
    # 1970-01-01 was a Thursday; a year's length is that of the Gregorian calendar.
    for name, period in (("year", 365.2425), ("week", 7.0), ("day", 1.0)):
        angle = 2.0 * np.pi * (values / period % 1.0)
        names += [f"{name}_sin", f"{name}_cos"]
        columns += [np.sin(angle), np.cos(angle)]
    return names, np.stack(columns, axis=1)
