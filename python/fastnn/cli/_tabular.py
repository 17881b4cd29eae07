"""A model of a table: the network, and what leads from cells to it and back."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets._csv import Cells, read_cells
from fastnn.models import Model, load_model
from fastnn.preprocessing import TablePreprocessor, _cells
from fastnn.preprocessing._target import TargetPlan

Array = NDArray[Any]
_ROWS = 1024


def note(text: str) -> None:
    """A warning on stderr."""
    print(f"fastnn: warning: {text}", file=sys.stderr)


@dataclass
class TabularModel:
    """A network with its preprocessing.

    Attributes:
        model: the network; its ``preprocessing`` holds the rest as plain data.
        preprocessor: of the columns.
        target: of the column that is predicted.
    """

    model: Model
    preprocessor: TablePreprocessor
    target: TargetPlan

    def save(self, path: Path) -> None:
        """Writes all of it to one file."""
        self.model.preprocessing = {
            "kind": "table",
            "table": self.preprocessor.get_config(),
            "target": self.target.get_config(),
        }
        self.model.save(path, include_optimizer=False)

    @classmethod
    def load(cls, path: Path) -> TabularModel:
        """Reads what :meth:`save` wrote.

        Raises:
            OSError: where it cannot be read.
            ValueError: for a file that is damaged, or was not made by ``fastnn train``.
        """
        model = load_model(path)
        found = model.preprocessing
        if not isinstance(found, Mapping) or found.get("kind") != "table":
            raise ValueError(
                f"{path}: expected a model of 'fastnn train'; this one says nothing of a table's "
                "columns"
            )
        try:
            preprocessor = TablePreprocessor.from_config(found["table"])
            target = TargetPlan.from_config(found["target"])
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path}: the preprocessing is damaged: {error}") from error
        wanted = (None, len(preprocessor.feature_names)), (None, target.outputs)
        if (model.input_shape, model.output_shape) != wanted:
            raise ValueError(
                f"{path}: the preprocessing is damaged: a network from {model.input_shape} to "
                f"{model.output_shape}, columns from {wanted[0]} to {wanted[1]}"
            )
        return cls(model, preprocessor, target)

    def outputs(self, x: Array) -> Array:
        """The network's outputs for features."""
        outputs: Array = self.model.predict(x, batch_size=_ROWS, verbose=0)
        return outputs

    def features(self, cells: Cells, path: Path, fill_missing: bool = False) -> Array:
        """The features of rows of a file.

        Raises:
            ValueError: for missing columns and cells of another kind; the message names the file.
        """
        try:
            return self.preprocessor.transform(
                cells.columns, fill_missing, note=lambda text: note(f"{path}: {text}")
            )
        except ValueError as error:
            raise ValueError(f"{path}: {str(error).removeprefix('[TablePreprocessor] ')}") from None


def read_with_target(path: Path, target: str, delimiter: str | None) -> tuple[Cells, list[str]]:
    """A file's rows that have a target, and the targets.

    Raises:
        OSError: where it cannot be read.
        ValueError: for a file that is no table, has no such column or no row with a target.
    """
    (cells,) = read_cells(path, delimiter)
    if target not in cells.header:
        raise ValueError(
            f"{path}: has no column {target!r} to predict; it has {', '.join(cells.header)}"
        )
    column = [cell.strip() for cell in cells.columns[target]]
    kept = np.flatnonzero(~_cells.missing(column))
    if len(kept) < len(column):
        note(f"{path}: {len(column) - len(kept)} rows have no {target!r}: they are left out")
    if len(kept) == 0:
        raise ValueError(f"{path}: expected at least one row with {target!r}, got none")
    return rows_of(cells, kept), [column[i] for i in kept]


def rows_of(cells: Cells, rows: Array) -> Cells:
    """Some rows of a table."""
    return Cells(cells.header, [cells.records[i] for i in rows], [cells.lines[i] for i in rows])
