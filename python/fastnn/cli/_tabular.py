"""Files of rows, and what is said of them."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets._csv import Cells, read_cells
from fastnn.io._atomic import replace_file
from fastnn.preprocessing import _cells
from fastnn.tables import TableModel

Array = NDArray[Any]


def note(text: str) -> None:
    """A warning on stderr."""
    print(f"fastnn: warning: {text}", file=sys.stderr)


@contextmanager
def table_file(path: Path) -> Iterator[Path]:
    """A file of rows; for "-" what standard input holds, put into one, as it is read twice."""
    if str(path) != "-":
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="fastnn-") as folder:
        copy = Path(folder) / "stdin"
        with copy.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield copy


def write_text(path: Path | None, write: Callable[[TextIO], None]) -> None:
    """Writes a file that takes its place when it is whole; or a device, a pipe, standard output.

    Args:
        path: the file; None is standard output.
        write: receives the open file.

    Raises:
        OSError: where it cannot be written; a file that was there stays as it was.
    """
    if path is None:
        write(sys.stdout)
    elif path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as file:
            write(file)
    else:
        replace_file(path, lambda raw: _through(raw, write))


def _through(raw: IO[bytes], write: Callable[[TextIO], None]) -> None:
    file = io.TextIOWrapper(raw, encoding="utf-8", newline="")
    write(file)
    file.flush()
    file.detach()


def features_of(tabular: TableModel, cells: Cells, path: Path, fill_missing: bool) -> Array:
    """The features of rows of a file.

    Raises:
        ValueError: for missing columns and cells of another kind; the message names the file.
    """
    try:
        return tabular.preprocessor.transform(
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
    rows = Cells(cells.header, [cells.records[i] for i in kept], [cells.lines[i] for i in kept])
    return rows, [column[i] for i in kept]
