"""``fastnn predict``: a table with predictions beside its rows."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from fastnn.cli import _arguments
from fastnn.cli._tabular import features_of, table_file, write_text
from fastnn.datasets._csv import Cells, read_cells
from fastnn.tables import TableModel

_PART = 8192


def add_command(commands: Any) -> None:
    """Adds the command to argparse's subparsers."""
    parser = _arguments.add(
        commands,
        "predict",
        "predict the rows of a CSV file",
        "Writes the rows of a CSV file with a column of predictions behind: the class and the"
        " probability of each, or the number. A category that the training had not counts as none"
        " of those it had, with a warning.",
    )
    add = parser.add_argument
    hide = argparse.SUPPRESS
    add("model", type=Path, metavar="MODEL.fastnn", help="a file of 'fastnn train'")
    add("data", type=Path, metavar="CSV", help="rows with the columns that were"
        " trained on; - for standard input")  # fmt: skip
    add("--out", type=Path, default=hide, metavar="CSV", help="the file (default: standard output)")
    add("--only", action="store_true", help="write the predictions alone, without the rows")
    add("--fill-missing", action="store_true", help="let a column that is not there count as one of"
        " missing values, rather than fail")  # fmt: skip
    add("--delimiter", type=_arguments.delimiter, default=hide, metavar="C", help="between cells"
        " (default: found in the header)")  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    out = getattr(arguments, "out", None)
    _arguments.require_writable(out)
    tabular = TableModel.load(arguments.model)
    with table_file(arguments.data) as data:
        cells = read_cells(data, getattr(arguments, "delimiter", None), _PART)
        write_text(out, lambda file: _write(file, tabular, cells, data, arguments))


def _write(
    file: TextIO,
    tabular: TableModel,
    parts: Iterator[Cells],
    path: Path,
    arguments: argparse.Namespace,
) -> None:
    writer = csv.writer(file, lineterminator="\n")
    for number, cells in enumerate(parts):
        names, rows = predictions(tabular, cells, path, arguments.fill_missing)
        if number == 0:
            writer.writerow([*([] if arguments.only else cells.header), *names])
        for record, predicted in zip(cells.records, rows, strict=True):
            writer.writerow([*([] if arguments.only else record), *predicted])


def predictions(
    tabular: TableModel, cells: Cells, path: Path, fill_missing: bool = False
) -> tuple[list[str], list[list[str]]]:
    """The names of the columns of predictions, and their cells for each row."""
    target = tabular.target
    name = f"{target.name}_predicted"
    classes = [f"{target.name}_probability_{value}" for value in target.classes]
    names = [name, *classes]
    if not cells.records:
        return names, []
    outputs = tabular.outputs(features_of(tabular, cells, path, fill_missing))
    if target.task == "regression":
        return names, [[repr(float(value))] for value in target.unscaled(outputs)]
    probabilities = target.probabilities(outputs)
    chosen = probabilities.argmax(axis=1)
    # str gives the shortest digits that read back as the same float32.
    return names, [
        [target.classes[number], *(str(p) for p in row)]
        for number, row in zip(chosen, probabilities, strict=True)
    ]
