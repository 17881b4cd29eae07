"""Rows and lines of text files, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastnn.datasets._csv import Column, iterate_csv, iterate_lines


def lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, without their ends."""
    for line in iterate_lines(path):
        yield line.rstrip("\r\n")


def csv_rows(
    path: Path, inputs: Sequence[str], target: str | None, dtype: DTypeLike
) -> Iterator[Any]:
    """The rows of a CSV file: x of shape (inputs,), or (x, y)."""
    names = [*inputs] if target is None else [*inputs, target]
    for row in iterate_csv(path, {name: Column(float) for name in names}):
        if target is None:
            yield np.array(row, dtype)
        else:
            yield np.array(row[:-1], dtype), np.array(row[-1], dtype)
