"""A strict reader of comma-separated tables: what does not fit is refused by row and column."""

from __future__ import annotations

import csv
import itertools
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

Table = dict[str, NDArray[Any]]
"""A table: column name to a one-dimensional array; all columns have one length."""

# A line is read up to this many characters, so that a file without line ends cannot fill memory.
MAX_LINE = 1 << 20
_BYTE_ORDER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_INTEGER = re.compile(r"[+-]?[0-9]+(\.0*)?")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Column:
    """What the cells of one column must be.

    Args:
        kind: ``int``, ``float`` or ``str``.
        choices: the only values allowed, or None for any.
    """

    kind: type
    choices: tuple[Any, ...] | None = None

    def parse(self, text: str) -> Any:
        """The value of a cell; a ValueError says what was expected."""
        value = _PARSERS[self.kind](text)
        if self.choices is not None and value not in self.choices:
            raise ValueError(f"one of {', '.join(map(str, self.choices))}")
        return value

    @property
    def dtype(self) -> Any:
        return {int: np.int64, float: np.float64, str: np.str_}[self.kind]


def _parse_int(text: str) -> int:
    text = text.strip()
    if not _INTEGER.fullmatch(text):
        raise ValueError("an integer")
    value = int(text.split(".")[0])
    if not -(2**63) <= value < 2**63:
        raise ValueError("an integer of at most 64 bits")
    return value


def _parse_float(text: str) -> float:
    text = text.strip()
    if not _FLOAT.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError("a finite number")
    return float(text)


_PARSERS: dict[type, Callable[[str], Any]] = {int: _parse_int, float: _parse_float, str: str}


def read_csv(path: str | os.PathLike[str], columns: Mapping[str, Column]) -> Table:
    """Reads the named columns of a CSV file with a header line.

    The file is UTF-8, with or without a byte order mark. Columns may stand in any order; columns
    that were not asked for are skipped, and so are blank lines.

    Args:
        path: the file.
        columns: what to read; the table has these columns, in this order.

    Returns:
        A dict of arrays of shape (rows,): int64, float64 or str.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is empty or no text, lacks a column, or has a row with too few or too
            many cells, an unclosed quote, or a cell that is not what its column holds. The message
            names the file, the line and the column.
    """
    cells = zip(*iterate_csv(path, columns), strict=True)
    return {
        name: np.array(values, dtype=column.dtype)
        for (name, column), values in zip(columns.items(), cells, strict=True)
    }


def iterate_csv(path: str | os.PathLike[str], columns: Mapping[str, Column]) -> Iterator[list[Any]]:
    """The rows of a CSV file, read and checked one at a time.

    Args:
        path: the file.
        columns: what to read; a row has a value for each, in this order.

    Raises:
        FileNotFoundError, ValueError: as `read_csv`.
    """
    path = Path(path)
    with _open(path) as handle:
        records = _records(handle, path)
        header = next(records, (0, []))[1]
        places = _find_columns(header, columns, path)
        empty = True
        for line, record in records:
            empty = False
            yield _parse_row(record, line, len(header), columns, places, path)
    if empty:
        raise ValueError(f"{path}: expected at least one row below the header, got none")


def iterate_lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file with their ends, read and checked one at a time."""
    with _open(path) as handle:
        yield from _lines(handle, path)


def _open(path: Path) -> TextIO:
    with path.open("rb") as binary:
        encoding = _BYTE_ORDER_MARKS.get(binary.read(2))
    if encoding is not None:
        raise ValueError(f"{path}: expected UTF-8 text, got {encoding}")
    return path.open(encoding="utf-8-sig", newline="")


@dataclass(frozen=True)
class Cells:
    """Rows of a table as they stand in the file.

    Args:
        header: the names of the columns.
        records: the cells of each row.
        lines: the line of the file that each row starts on.
    """

    header: list[str]
    records: list[list[str]]
    lines: list[int]

    @property
    def columns(self) -> dict[str, list[str]]:
        """The cells of each column."""
        cells = zip(*self.records, strict=True) if self.records else ((),) * len(self.header)
        return {name: list(column) for name, column in zip(self.header, cells, strict=True)}


def read_cells(
    path: str | os.PathLike[str], delimiter: str | None = None, part: int = sys.maxsize
) -> Iterator[Cells]:
    """Reads all columns of a CSV file with a header line, as text, in parts.

    The file is UTF-8, with or without a byte order mark. Blank lines are skipped.

    Args:
        path: the file.
        delimiter: between cells; None takes the comma, semicolon, tab or bar that the header has
            most of.
        part: how many rows are held in memory at a time; default: all.

    Yields:
        Parts of at least one row; one without rows for a file that has none.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is empty or no text, its header names a column twice, or a row has too
            few or too many cells, or an unclosed quote. The message names the file and the line.
    """
    path = Path(path)
    if delimiter is None:
        delimiter = _delimiter_of(path)
    with _opened(path) as handle:
        records = _records(handle, path, delimiter)
        header = [name.strip() for name in next(records, (0, []))[1]]
        _find_columns(header, {}, path)
        done = False
        while True:
            rows = list(itertools.islice(records, part))
            for line, record in rows:
                _require_width(record, line, len(header), path)
            if rows or not done:
                yield Cells(header, [record for _, record in rows], [line for line, _ in rows])
            if len(rows) < part:
                return
            done = True


def _opened(path: Path) -> TextIO:
    with path.open("rb") as binary:
        encoding = _BYTE_ORDER_MARKS.get(binary.read(2))
    if encoding is not None:
        raise ValueError(f"{path}: expected UTF-8 text, got {encoding}")
    return path.open(encoding="utf-8-sig", newline="")


def _delimiter_of(path: Path) -> str:
    with _opened(path) as handle:
        header = next(_lines(handle, path), "")
    return max(",;\t|", key=header.count)


def _lines(handle: TextIO, path: Path) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        try:
            line = handle.readline(MAX_LINE)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}: expected UTF-8 text, got the byte 0x{error.object[error.start]:02x}"
                f" at or after line {number}"
            ) from None
        if not line:
            return
        if "\0" in line:
            raise ValueError(f"{path}, line {number}: expected text, got a NUL character")
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            raise ValueError(
                f"{path}, line {number}: expected a line of at most {MAX_LINE} characters, got more"
            )
        yield line


def _records(handle: TextIO, path: Path, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Yields (number of the line it starts on, cells) for each record that is not blank."""
    reader = csv.reader(_lines(handle, path), strict=True, delimiter=delimiter)
    while True:
        start = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # The module's own words are about its parser; these two are the ones people meet.
            what = str(error)
            if what == "unexpected end of data":
                what = "a quoted cell is never closed"
            elif what.startswith("field larger than field limit"):
                what = "a cell is longer than the limit; is a quote left open?"
            raise ValueError(f"{path}, record starting on line {start}: {what}") from None
        if record:
            yield start, record


def _find_columns(header: Sequence[str], columns: Mapping[str, Column], path: Path) -> list[int]:
    if not header:
        raise ValueError(f"{path}: expected a header line, got an empty file")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise ValueError(f"{path}: the header names a column twice: {', '.join(repeated)}")
    missing = [name for name in columns if name not in header]
    if missing:
        raise ValueError(
            f"{path}: the header lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)};"
            f" it has {', '.join(header)}"
        )
    return [header.index(name) for name in columns]


def _require_width(record: Sequence[str], line: int, width: int, path: Path) -> None:
    if len(record) != width:
        raise ValueError(f"{path}, line {line}: expected {width} cells, got {len(record)}")


def _parse_row(
    record: Sequence[str],
    line: int,
    width: int,
    columns: Mapping[str, Column],
    places: Sequence[int],
    path: Path,
) -> list[Any]:
    _require_width(record, line, width, path)
    row = []
    for (name, column), place in zip(columns.items(), places, strict=True):
        try:
            row.append(column.parse(record[place]))
        except ValueError as error:
            raise ValueError(
                f"{path}, line {line}, column {name!r}: expected {error}, got {record[place]!r}"
            ) from None
    return row
