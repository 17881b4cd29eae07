"""Callbacks that keep what happened: History, CSVLogger, and functions as callbacks."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from typing import Any, TextIO

from fastnn._figure import history_figure
from fastnn.callbacks._base import Callback, Logs


class History(Callback):
    """What ``fit`` returns: loss and metrics by epoch.

    Attributes:
        history: a list of figures, one an epoch, by name ("loss", "accuracy", "val_loss", ...).
        epoch: the numbers of the epochs.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def get_state(self) -> dict[str, Any]:
        """The figures so far."""
        return {"history": self.history, "epoch": self.epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on with the figures of a training that was killed."""
        self.history.update(state["history"])
        self.epoch = list(state["epoch"])

    def on_train_begin(self, logs: Logs = None) -> None:
        """Starts the list of epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Adds the epoch's figures."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Draws a curve of each quantity over the epochs, the validation's beside the training's.

        Args:
            path: a file to write, whose suffix tells the format (.png, .svg, .pdf); default none.

        Returns:
            The matplotlib Figure.

        Raises:
            ImportError: matplotlib is not installed.
            ValueError: before any epoch, or for a suffix that matplotlib does not write.
        """
        return history_figure(self.history, path)

    def _repr_html_(self) -> str:
        """What a notebook shows: the curves, without matplotlib."""
        from fastnn import _svg  # only notebooks pay for its import

        drawings = []
        for name, values in self.history.items():
            if name.startswith("val_"):
                continue
            curves = []
            for label, found in (
                ("training", values),
                ("validation", self.history.get(f"val_{name}")),
            ):
                if found is not None:
                    epochs = range(1, len(found) + 1)
                    curves.append(_svg.Series(label, epochs, found))
            drawings.append(_svg.curves(curves, name, "epoch", name, whole=True))
        return f"<div>{''.join(drawings) or 'no epochs yet'}</div>"


class CSVLogger(Callback):
    """Writes a line with loss and metrics for each epoch to a file.

    Args:
        filename: the file.
        separator: default ",".
        append: go on with a file that exists; default False: it is replaced.

    Raises:
        OSError: when training begins, where the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
        >>> logger = CSVLogger(path)
        >>> logger.on_train_begin()
        >>> logger.on_epoch_end(0, {"loss": 0.5})
        >>> logger.on_train_end()
        >>> path.read_text().split()
        ['epoch,loss', '0,0.5']
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self.keys: list[str] | None = None
        self._file: TextIO | None = None
        self._writer: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Opens the file."""
        self._has_header = False
        if self.append and os.path.exists(self.filename):
            with open(self.filename, newline="") as existing:
                first = next(csv.reader(existing, delimiter=self.separator), None)
            if first:
                self._has_header, self.keys = True, first[1:]
        self._file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Writes the epoch's line; figures that the epoch lacks are "NA"."""
        assert self._file is not None
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
        if self._writer is None:
            self._writer = csv.writer(self._file, delimiter=self.separator, lineterminator="\n")
            if not self._has_header:
                self._writer.writerow(["epoch", *self.keys])
        self._writer.writerow([epoch, *(logs.get(key, "NA") for key in self.keys)])
        self._file.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
        self._file = self._writer = None


class LambdaCallback(Callback):
    """Functions as a callback.

    Args:
        on_epoch_begin: called with (epoch, logs).
        on_epoch_end: called with (epoch, logs).
        on_train_begin: called with (logs).
        on_train_end: called with (logs).
        on_train_batch_begin: called with (batch, logs).
        on_train_batch_end: called with (batch, logs).
        **kwargs: any other hook, by its name.

    Raises:
        TypeError: for a name that is no hook, or something that cannot be called.

    Example:
        >>> LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch)).on_epoch_end(3, {})
        3
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any] | None,
    ) -> None:
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in hooks.items():
            if not (name.startswith("on_") and hasattr(Callback, name)):
                raise TypeError(f"LambdaCallback got {name!r}, which is no hook of Callback")
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"expected a function for {name}, got {function!r}")
            setattr(self, name, function)
