"""What the commands' arguments have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Says the defaults that say something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or action.default == []:
            return action.help
        return super()._get_help_string(action)


def add(commands: Any, name: str, help: str, description: str | None = None) -> Any:
    """A parser for a command.

    Args:
        commands: argparse's subparsers.
        name: of the command.
        help: a line for the list of commands.
        description: for its own help; default: the line.
    """
    return commands.add_parser(
        name,
        help=help,
        description=description or f"{help[0].upper()}{help[1:]}.",
        formatter_class=Help,
    )


def positive(text: str) -> int:
    """A whole number of at least 1."""
    return _integer(text, 1, 2**31 - 1)


def count(text: str) -> int:
    """A whole number of at least 0."""
    return _integer(text, 0, 2**31 - 1)


def seed(text: str) -> int:
    """A seed that NumPy's old generator takes too."""
    return _integer(text, 0, 2**32 - 1)


def number(text: str) -> float:
    """A finite number of at least 0."""
    return _number(text, lambda value: 0.0 <= value < float("inf"), "a number of at least 0")


def rate(text: str) -> float:
    """A finite number above 0."""
    return _number(text, lambda value: 0.0 < value < float("inf"), "a number above 0")


def share(text: str) -> float:
    """A share of rows: at least 0, below 1."""
    return _number(text, lambda value: 0.0 <= value < 1.0, "a share from 0 to below 1")


def units(text: str) -> list[int]:
    """Units of hidden layers: "32,16"; "0" or "" for none."""
    if text.strip() in ("", "0"):
        return []
    return [positive(part.strip()) for part in text.split(",")]


def names(text: str) -> list[str]:
    """Names with commas between them."""
    return [part.strip() for part in text.split(",") if part.strip()]


def delimiter(text: str) -> str:
    """One character, or the word tab."""
    if text.lower() in ("tab", r"\t"):
        return "\t"
    if len(text) != 1 or text in '"\r\n':
        raise argparse.ArgumentTypeError(f"expected one character or 'tab', got {text!r}")
    return text


def require_writable(path: Path | None, suffixes: tuple[str, ...] = ()) -> None:
    """Checks a file that will be written before work is spent on what goes into it.

    Raises:
        OSError: where there is no such folder, or the name is a folder's.
        ValueError: for another suffix.
    """
    if path is None:
        return
    if suffixes and path.suffix not in suffixes:
        raise ValueError(f"expected a file that ends in {' or '.join(suffixes)}, got {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder {path.parent} to write {path.name} to")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")


def _integer(text: str, low: int, high: int) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected an integer, got {text!r}") from None
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"expected {low} to {high}, got {value}")
    return value


def _number(text: str, good: Any, expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not good(value):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return value
