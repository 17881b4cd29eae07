"""From a table of any kind to the matrix a network trains on, and the way kept as plain data."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.preprocessing import _cells
from fastnn.preprocessing._cells import as_cells
from fastnn.preprocessing._plans import (
    KINDS,
    ColumnPlan,
    Matrix,
    features_of,
    first_other,
    measured,
    require_sound,
    useless,
)


class TablePreprocessor:
    """Finds what the columns of a table are, and makes features of them.

    Blank cells, NA, NaN, null, None and ? are missing values. A column is

    - of numbers, where all cells are: standardised, a missing one being the mean. Where some were
      missing in training, a further feature says so.
    - of dates (2024-05-31, 2024-05-31 13:45, with seconds and offset): days, and sine and cosine of
      the place in the year, the week and the day, treated as numbers.
    - of categories otherwise: a feature of 0 or 1 for each of the most frequent (a missing value is
      one of them, where there were any). A category that was not there in training is 0 in all.
    - ignored, where it is constant, numbers the rows, has all different whole numbers under a name
      that ends in "id", or has so many categories that the most frequent say little.

    Args:
        kinds: column to "number", "category", "date" or "ignore", where it is not to be found out.
        max_categories: how many categories of a column have a feature; default 50.

    Attributes:
        columns: a plan for each column: ``name``, ``kind``, ``features``, ``why`` it is ignored.
        feature_names: the columns of the matrix.

    Raises:
        ValueError: for an unknown kind.

    Example:
        >>> table = {"age": ["30", "", "50", "40"], "home": ["flat", "house", "flat", "boat"]}
        >>> found = TablePreprocessor().fit(table)
        >>> found.feature_names
        ['age', 'age is missing', 'home = boat', 'home = flat', 'home = house']
        >>> found.transform({"age": ["40"], "home": ["flat"]}).tolist()
        [[0.0, 0.0, 0.0, 1.0, 0.0]]
    """

    columns: list[ColumnPlan]

    def __init__(self, kinds: Mapping[str, str] | None = None, max_categories: int = 50) -> None:
        self.kinds = dict(kinds or {})
        self.max_categories = max_categories
        for name, kind in self.kinds.items():
            if kind not in KINDS:
                raise ValueError(
                    f"[TablePreprocessor] expected {', '.join(KINDS)} for the column {name!r}, got "
                    f"{kind!r}"
                )

    # --- learning

    def fit(self, table: Mapping[str, Any], rows: ArrayLike | None = None) -> TablePreprocessor:
        """Learns kinds, categories, means and deviations.

        Args:
            table: a dict of columns, or a data frame: text, numbers, dates.
            rows: the numbers of those to learn categories, means and deviations from; default: all,
                which the kinds are always found from.

        Raises:
            ValueError: for columns of different lengths, no rows, a column that is not of the kind
                it should be, or no column that is of use.
        """
        cells = self._read(table, list(table.keys()) if isinstance(table, Mapping) else None)
        unknown = [name for name in self.kinds if name not in cells]
        if unknown:
            raise ValueError(
                f"[TablePreprocessor] expected columns of {', '.join(cells)}; got a kind for "
                f"{', '.join(unknown)}"
            )
        self.columns = [self._plan(name, column) for name, column in cells.items()]
        if rows is not None:
            chosen = np.asarray(rows).tolist()
            self.columns = [
                plan if plan.kind == "ignore" else self._again(plan, [column[i] for i in chosen])
                for plan, column in zip(self.columns, cells.values(), strict=True)
            ]
        if not self.feature_names:
            reasons = "; ".join(f"{c.name}: {c.why}" for c in self.columns)
            raise ValueError(f"[TablePreprocessor] no column is of use ({reasons})")
        return self

    def _plan(self, name: str, cells: list[str]) -> ColumnPlan:
        kind = self.kinds.get(name)
        if kind == "ignore":
            return ColumnPlan(name, kind, "asked for")
        if kind is None and len(set(cells)) == 1:
            return ColumnPlan(name, "ignore", "constant")
        for wanted, parse in (("number", _cells.numbers), ("date", _cells.days)):
            values = parse(cells) if kind in (None, wanted) else None
            if values is not None:
                why = "" if kind or wanted == "date" else useless(name, values)
                if why:
                    return ColumnPlan(name, "ignore", why)
                return measured(name, wanted, values)
            if kind == wanted:
                raise ValueError(
                    f"[TablePreprocessor] expected a {wanted} in each cell of the column {name!r},"
                    f" got {first_other(cells, parse)!r}"
                )
        return self._categories(name, cells, asked=kind is not None)

    def _again(self, plan: ColumnPlan, cells: list[str]) -> ColumnPlan:
        """The plan of a column whose kind is known, from some of its cells."""
        if plan.kind == "category":
            return self._categories(plan.name, cells, asked=True)
        values = (_cells.numbers if plan.kind == "number" else _cells.days)(cells)
        assert values is not None
        return measured(plan.name, plan.kind, values)

    def _categories(self, name: str, cells: list[str], asked: bool) -> ColumnPlan:
        counts = Counter("" if cell in _cells.MISSING else cell for cell in cells)
        frequent = [value for value, _ in counts.most_common(self.max_categories)]
        covered = sum(counts[value] for value in frequent)
        if not asked and len(counts) > self.max_categories and covered < len(cells) / 2:
            return ColumnPlan(name, "ignore", f"{len(counts)} different values")
        values = sorted(frequent)
        features = [f"{name} = {value}" if value else f"{name} is missing" for value in values]
        return ColumnPlan(name, "category", features=features, categories=values)

    # --- use

    @property
    def feature_names(self) -> list[str]:
        """The columns of the matrix."""
        return [name for column in self.columns for name in column.features]

    @property
    def blocks(self) -> dict[str, slice]:
        """For each column that is used, which columns of the matrix come from it."""
        blocks, start = {}, 0
        for column in self.columns:
            if column.features:
                blocks[column.name] = slice(start, start + len(column.features))
                start += len(column.features)
        return blocks

    def transform(
        self,
        table: Mapping[str, Any],
        fill_missing: bool = False,
        note: Callable[[str], None] = warnings.warn,
    ) -> Matrix:
        """The matrix of a table.

        Args:
            table: a dict of columns, or a data frame; columns that are not used may be missing.
            fill_missing: whether a column that is not there counts as one of missing values;
                default False: it is an error.
            note: told of unseen categories and of columns that were filled; default: a warning.

        Returns:
            shape (rows, features), float32.

        Raises:
            ValueError: before fit, for a missing column, and for a cell that is no number or date
                in a column of such.
        """
        if not hasattr(self, "columns"):
            raise ValueError("[TablePreprocessor] expected fit() before transform()")
        used = [column for column in self.columns if column.features]
        absent = [column.name for column in used if column.name not in table]
        if absent and (not fill_missing or len(absent) == len(used)):
            raise ValueError(
                f"[TablePreprocessor] expected the columns {', '.join(c.name for c in used)}; "
                f"{', '.join(absent)} not found"
            )
        cells = self._read(table, [c.name for c in used if c.name not in absent])
        rows = len(next(iter(cells.values())))
        for name in absent:
            cells[name] = [""] * rows
            note(f"the column {name!r} is not there: its values count as missing")
        parts = [features_of(column, cells[column.name], note) for column in used]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def _read(self, table: Mapping[str, Any], names: Sequence[str] | None) -> dict[str, list[str]]:
        if names is None:
            names = list(table.columns)  # type: ignore[attr-defined]
        cells = {}
        for name in names:
            try:
                cells[name] = as_cells(table[name])
            except ValueError as error:
                raise ValueError(f"[TablePreprocessor] {name}: {error}") from None
        lengths = {name: len(column) for name, column in cells.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"[TablePreprocessor] expected columns of one length, got {lengths}")
        if not any(lengths.values()):
            raise ValueError("[TablePreprocessor] expected at least one row, got none")
        return cells

    # --- files

    def get_config(self) -> dict[str, Any]:
        """All that it has learnt, as plain data: what is stored in a model's file."""
        return {"columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TablePreprocessor:
        """Makes the preprocessor again from what :meth:`get_config` gave.

        Raises:
            ValueError: for something else.
        """
        made = cls()
        try:
            made.columns = [ColumnPlan(**column) for column in config["columns"]]
            for column in made.columns:
                require_sound(column)
            names = [column.name for column in made.columns]
            if len(set(names)) != len(names):
                raise TypeError("a column appears twice")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"[TablePreprocessor] expected a configuration of get_config(), got one that is"
                f" damaged: {error!r}"
            ) from error
        return made
