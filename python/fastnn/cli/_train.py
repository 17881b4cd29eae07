"""``fastnn train``: a network for a table."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.callbacks import EarlyStopping
from fastnn.cli import _arguments
from fastnn.cli._metrics import stratified
from fastnn.cli._results import Results
from fastnn.cli._tabular import read_with_target
from fastnn.datasets._csv import Cells
from fastnn.layers import Dense, Dropout, Input
from fastnn.models import Sequential
from fastnn.optimizers import Adam
from fastnn.preprocessing import TablePreprocessor
from fastnn.preprocessing._target import TargetPlan, plan_target
from fastnn.regularizers import L2
from fastnn.tables import TableModel
from fastnn.utils import set_random_seed

Array = NDArray[Any]
_LOSSES = {
    "binary": "binary_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "regression": "mse",
}
_LAST = {"binary": "sigmoid", "multiclass": "softmax", "regression": "linear"}
_LEAST_ROWS = 10


def add_command(commands: Any) -> None:
    """Adds the command to argparse's subparsers."""
    parser = _arguments.add(
        commands,
        "train",
        "train a network on a CSV file",
        "Trains a network to predict one column of a CSV file from the others. Which columns hold"
        " numbers, categories or dates is found out; they are encoded and standardised, and how is"
        " stored in the model's file. Some rows are held out: on those of validation, training"
        " stops when it no longer helps; on those of the test, the figures are measured.",
    )
    add = parser.add_argument
    hide = argparse.SUPPRESS
    add("data", type=Path, metavar="CSV", help="the table, with a header line")
    add("--target", required=True, metavar="COLUMN", help="what to predict", default=hide)
    add("--out", required=True, type=Path, metavar="MODEL.fastnn", help="the file", default=hide)
    tasks = ["auto", "binary", "multiclass", "regression"]
    add("--task", choices=tasks, default="auto", help="auto: classes for text, two numbers or up"
        " to ten whole numbers")  # fmt: skip
    add("--layers", type=_arguments.units, default="32,16", metavar="N,N", help="hidden units")
    add("--activation", default="relu", metavar="NAME", help="of the hidden layers")
    add("--epochs", type=_arguments.positive, default=200, metavar="N", help="at most")
    add("--patience", type=_arguments.positive, default=15, metavar="N", help="epochs without a"
        " better validation loss that are borne")  # fmt: skip
    add("--batch-size", type=_arguments.positive, default=32, metavar="N", help="rows of an update")
    add("--learning-rate", type=_arguments.rate, default=0.001, metavar="X", help="Adam's")
    add("--dropout", type=_arguments.share, default=0.0, metavar="X", help="behind hidden layers")
    add("--l2", type=_arguments.number, default=0.0, metavar="X", help="penalty of squared weights")
    add("--balanced", action="store_true", help="weigh classes by how rare they are")
    add("--validation", type=_arguments.share, default=0.15, metavar="X", help="share of the rows")
    add("--test", type=_arguments.share, default=0.15, metavar="X", help="share of the rows; 0:"
        " none, and figures are those of the validation")  # fmt: skip
    add("--ignore", type=_arguments.names, default=[], metavar="COLUMN,COLUMN", help="not used")
    add("--column", action="append", default=[], metavar="NAME=KIND", help="number, category, date"
        " or ignore, where it is not to be found out; may be repeated")  # fmt: skip
    add("--max-categories", type=_arguments.positive, default=50, metavar="N", help="of a column")
    add("--delimiter", type=_arguments.delimiter, default=hide, metavar="C", help="between cells"
        " (default: comma, semicolon, tab or bar, whichever the header has most of)")  # fmt: skip
    add("--seed", type=_arguments.seed, default=0, metavar="N", help="of split, weights and order")
    add("--report", type=Path, default=hide, metavar="FILE.html", help="write curves, figures and"
        " drawings to a file that needs no other")  # fmt: skip
    add("--verbose", choices=["auto", "0", "1", "2"], default="auto", help="progress: 0 none, 1 a"
        " bar, 2 a line an epoch, auto a bar on a terminal")  # fmt: skip
    parser.set_defaults(run=run)


@dataclass
class Parts:
    """The rows to train on, to validate on and to test on, as features and targets."""

    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    test: tuple[Array, Array]
    true: Array


def run(arguments: argparse.Namespace) -> None:
    """Runs the command."""
    report = getattr(arguments, "report", None)
    _arguments.require_writable(arguments.out, (".fastnn", ".safetensors"))
    _arguments.require_writable(report)
    start = time.perf_counter()
    cells, column = read_with_target(
        arguments.data, arguments.target, getattr(arguments, "delimiter", None)
    )
    if len(column) < _LEAST_ROWS:
        raise ValueError(
            f"{arguments.data}: expected at least {_LEAST_ROWS} rows, got {len(column)}"
        )
    try:
        target = plan_target(arguments.target, column, arguments.task)
    except ValueError as error:
        raise ValueError(f"{arguments.data}: {error}") from None
    preprocessor = TablePreprocessor(_kinds(arguments), arguments.max_categories)
    parts = _split(arguments, cells, column, target, preprocessor)
    set_random_seed(arguments.seed)
    tabular = TableModel(_network(arguments, preprocessor, target), preprocessor, target)
    _describe(arguments, cells, tabular, parts)
    history = _fit(arguments, tabular, parts)
    tabular.save(arguments.out)
    results = Results(target, parts.true, tabular.outputs(parts.test[0]))
    which = "test" if arguments.test else "validation"
    print(f"\nOn the {len(parts.true)} rows of the {which}\n{results}")
    print(f"\nThe model: {arguments.out}")
    if report is not None:
        from fastnn.cli._report import write_report

        seconds = time.perf_counter() - start
        write_report(report, arguments, tabular, history, results, parts.test[0], which, seconds)
        print(f"The report: {report}")


def _kinds(arguments: argparse.Namespace) -> dict[str, str]:
    kinds = dict.fromkeys(arguments.ignore, "ignore")
    for given in arguments.column:
        name, equals, kind = given.rpartition("=")
        if not equals:
            raise ValueError(f"expected --column NAME=KIND, got {given!r}")
        kinds[name] = kind
    if arguments.target in kinds:
        raise ValueError(f"the target {arguments.target!r} cannot be ignored or of another kind")
    return kinds


def _split(
    arguments: argparse.Namespace,
    cells: Cells,
    column: list[str],
    target: TargetPlan,
    preprocessor: TablePreprocessor,
) -> Parts:
    """Splits the rows, and learns from those that are trained on."""
    encoded = target.encode(column)
    rng = np.random.default_rng(arguments.seed)
    rows = np.arange(len(column))
    classes = None if target.task == "regression" else encoded
    tested = rows[:0]
    if arguments.test:
        kept, tested = stratified(classes, len(rows), arguments.test, rng)
        rows = rows[kept]
    share = arguments.validation / (1.0 - arguments.test)
    if not 0.0 < share < 1.0:
        raise ValueError(
            f"expected shares above 0 of rows to train and to validate on, got --validation "
            f"{arguments.validation} and --test {arguments.test}"
        )
    kept, held = stratified(None if classes is None else classes[rows], len(rows), share, rng)
    rows, held = rows[kept], rows[held]
    tested = tested if arguments.test else held
    others = {name: cell for name, cell in cells.columns.items() if name != target.name}
    try:
        preprocessor.fit(others, rows)
        whole = preprocessor.transform(others, note=lambda text: None)
    except ValueError as error:
        said = str(error).removeprefix("[TablePreprocessor] ")
        raise ValueError(f"{arguments.data}: {said}") from None
    if target.task == "regression":
        known = target.numbers([column[i] for i in rows])
        target.mean, target.scale = float(known.mean()), float(known.std()) or 1.0
        encoded = target.encode(column)
    parts = [(whole[chosen], encoded[chosen]) for chosen in (rows, held, tested)]
    true = encoded[tested]
    if target.task == "regression":
        true = target.numbers([column[i] for i in tested])
    return Parts(parts[0], parts[1], parts[2], true)


def _network(
    arguments: argparse.Namespace, preprocessor: TablePreprocessor, target: TargetPlan
) -> Sequential:
    penalty = L2(arguments.l2) if arguments.l2 else None
    model = Sequential([Input((len(preprocessor.feature_names),))], name="table")
    for units in arguments.layers:
        model.add(Dense(units, arguments.activation, kernel_regularizer=penalty))
        if arguments.dropout:
            model.add(Dropout(arguments.dropout))
    model.add(Dense(target.outputs, _LAST[target.task], kernel_regularizer=penalty))
    metric = "mae" if target.task == "regression" else "accuracy"
    model.compile(Adam(arguments.learning_rate), _LOSSES[target.task], metrics=[metric])
    return model


def _describe(
    arguments: argparse.Namespace, cells: Cells, tabular: TableModel, parts: Parts
) -> None:
    """Says what was found in the file and what is trained."""
    target, columns = tabular.target, tabular.preprocessor.columns
    what = {
        "binary": f"2 classes ({', '.join(target.classes)})",
        "multiclass": f"{len(target.classes)} classes",
        "regression": "a number",
    }[target.task]
    print(f"{arguments.data}: {len(cells.records)} rows; predicts {target.name!r}, {what}")
    for kind, title in (("number", "numbers"), ("category", "categories"), ("date", "dates")):
        found = [column.name for column in columns if column.kind == kind]
        if found:
            print(f"  {title}: {', '.join(found)}")
    ignored = [f"{column.name} ({column.why})" for column in columns if column.kind == "ignore"]
    if ignored:
        print(f"  ignored: {', '.join(ignored)}")
    units = [len(tabular.preprocessor.feature_names), *arguments.layers, target.outputs]
    tested = f", {len(parts.test[0])} to test" if arguments.test else ""
    print(
        f"  {len(parts.train[0])} rows to train on, {len(parts.validation[0])} to validate{tested};"
        f" network {'-'.join(map(str, units))}, {tabular.model.count_params()} weights"
    )
    sys.stdout.flush()


def _fit(
    arguments: argparse.Namespace, tabular: TableModel, parts: Parts
) -> dict[str, list[float]]:
    """Trains up to the epoch of the best validation loss."""
    stopping = EarlyStopping("val_loss", patience=arguments.patience, restore_best_weights=True)
    verbose = int(sys.stdout.isatty()) if arguments.verbose == "auto" else int(arguments.verbose)
    start = time.perf_counter()
    history = tabular.model.fit(
        *parts.train,
        batch_size=arguments.batch_size,
        epochs=arguments.epochs,
        verbose=verbose,
        callbacks=[stopping],
        validation_data=parts.validation,
        class_weight=_weights(tabular.target, parts.train[1]) if arguments.balanced else None,
    )
    seconds = time.perf_counter() - start
    # The callback goes back to the best weights only where it has stopped the training.
    if stopping.best_weights is not None:
        tabular.model.set_weights(stopping.best_weights)
    losses = history.history["loss"]
    if not np.isfinite(losses).all():
        raise ValueError("the loss is no longer a number: lower --learning-rate")
    print(
        f"{len(losses)} epochs in {seconds:.2f} s, the best {stopping.best_epoch + 1}: "
        f"loss {losses[stopping.best_epoch]:.4f}, validation loss {stopping.best:.4f}"
    )
    return history.history


def _weights(target: TargetPlan, numbers: Array) -> dict[int, float]:
    if target.task == "regression":
        raise ValueError("--balanced is for classes; the target is a number")
    counts = np.bincount(numbers, minlength=len(target.classes))
    return {i: len(numbers) / (len(counts) * max(int(n), 1)) for i, n in enumerate(counts)}
