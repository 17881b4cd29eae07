"""``fastnn evaluate``: how well a model does on a table."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from fastnn.cli import _arguments
from fastnn.cli._results import Results
from fastnn.cli._tabular import features_of, read_with_target, table_file
from fastnn.tables import TableModel


def add_command(commands: Any) -> None:
    """Adds the command to argparse's subparsers."""
    parser = _arguments.add(
        commands, "evaluate", "measure a model on a CSV file that has what it predicts"
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL.fastnn", help="a file of 'fastnn train'")
    add("data", type=Path, metavar="CSV", help="rows with the columns trained on"
        " and the target; - for standard input")  # fmt: skip
    add("--fill-missing", action="store_true", help="let a column that is not there count as one of"
        " missing values, rather than fail")  # fmt: skip
    add("--json", action="store_true", help="print the figures as JSON")
    add("--delimiter", type=_arguments.delimiter, default=argparse.SUPPRESS, metavar="C",
        help="between cells (default: found in the header)")  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    tabular = TableModel.load(arguments.model)
    target = tabular.target
    with table_file(arguments.data) as data:
        cells, column = read_with_target(data, target.name, getattr(arguments, "delimiter", None))
        try:
            encoded = target.encode(column)
        except ValueError as error:
            raise ValueError(f"{data}: {error}") from None
        true = target.numbers(column) if target.task == "regression" else encoded
        x = features_of(tabular, cells, data, arguments.fill_missing)
    results = Results(target, true, tabular.outputs(x))
    if arguments.json:
        content: dict[str, Any] = {"rows": len(true), **results.figures}
        if target.task != "regression":
            content["classes"] = target.classes
            content["confusion"] = results.confusion.tolist()
        print(json.dumps(content, indent=1, ensure_ascii=False))
        return
    print(f"On the {len(true)} rows of {arguments.data}\n{results}")
