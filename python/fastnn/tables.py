"""Models of tables: the network, and what leads from cells to it and back.

``fastnn train`` makes them; here they are used from Python.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.models import Model, load_model
from fastnn.preprocessing import TablePreprocessor
from fastnn.preprocessing._target import TargetPlan

__all__ = ["TableModel"]

Array = NDArray[Any]
_ROWS = 1024


@dataclass(repr=False)
class TableModel:
    """A network with its preprocessing, as ``fastnn train`` saves them.

    Attributes:
        model: the network; its ``preprocessing`` holds the rest as plain data.
        preprocessor: of the columns.
        target: of the column that is predicted: ``name``, ``task`` and ``classes``.

    Example:
        >>> import pathlib, tempfile
        >>> from fastnn.cli import main
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> rows = "".join(f"{i},{'high' if i > 49 else 'low'}\\n" for i in range(5, 95))
        >>> _ = (folder / "t.csv").write_text("n,level\\n" + rows)
        >>> options = ["--target", "level", "--out", str(folder / "m.fastnn")]
        >>> main(["train", str(folder / "t.csv"), *options])  # doctest: +ELLIPSIS
        /...
        0
        >>> model = TableModel.load(folder / "m.fastnn")
        >>> model.predict({"n": [3, 80]}).tolist()
        ['low', 'high']
    """

    model: Model
    preprocessor: TablePreprocessor
    target: TargetPlan

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes all of it to one file.

        Args:
            path: ends in .fastnn or .safetensors.

        Raises:
            ValueError: for another suffix.
            OSError: where it cannot be written.
        """
        self.model.preprocessing = {
            "kind": "table",
            "table": self.preprocessor.get_config(),
            "target": self.target.get_config(),
        }
        self.model.save(path, include_optimizer=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TableModel:
        """Reads what :meth:`save` wrote.

        Args:
            path: the file.

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

    def predict(
        self,
        table: Mapping[str, Any],
        fill_missing: bool = False,
        note: Callable[[str], None] = warnings.warn,
    ) -> Array:
        """The class of each row, or the number; shape (rows,).

        Args:
            table: a dict of columns, or a data frame: text, numbers, dates; other columns are
                ignored.
            fill_missing: whether a column that is not there counts as one of missing values;
                default False: it is an error.
            note: told of unseen categories and of columns that were filled; default: a warning.

        Raises:
            ValueError: for a missing column, and for a cell that is no number or date in a column
                of such.
        """
        outputs = self.outputs(self.preprocessor.transform(table, fill_missing, note))
        if self.target.task == "regression":
            return self.target.unscaled(outputs)
        numbers = self.target.probabilities(outputs).argmax(axis=1)
        classes: Array = np.array(self.target.classes)[numbers]
        return classes

    def predict_proba(
        self,
        table: Mapping[str, Any],
        fill_missing: bool = False,
        note: Callable[[str], None] = warnings.warn,
    ) -> Array:
        """The probability of each class, shape (rows, classes), in the order of target.classes.

        Args:
            table: as for :meth:`predict`.
            fill_missing: as for :meth:`predict`.
            note: as for :meth:`predict`.

        Raises:
            ValueError: as :meth:`predict`; and for a regression.
        """
        if self.target.task == "regression":
            raise ValueError(f"[TableModel] {self.target.name!r} is a number: it has no classes")
        x = self.preprocessor.transform(table, fill_missing, note)
        return self.target.probabilities(self.outputs(x))

    def outputs(self, x: Array) -> Array:
        """The network's outputs for features, shape (rows, outputs)."""
        outputs: Array = self.model.predict(x, batch_size=_ROWS, verbose=0)
        return outputs

    def __repr__(self) -> str:
        columns = [column.name for column in self.preprocessor.columns if column.features]
        return f"TableModel({self.target.name!r}, {self.target.task}, from {', '.join(columns)})"
