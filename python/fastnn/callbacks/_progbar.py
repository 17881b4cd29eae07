"""The progress bar, in the look that Keras's users know."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from fastnn.callbacks._base import Callback, Logs

_BAR = "━"
_BOLD, _GREEN, _WHITE, _RESET = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


def _is_live() -> bool:
    """Whether the line on the screen can be written over."""
    return bool(getattr(sys.stdout, "isatty", lambda: False)()) or "ipykernel" in sys.modules


def format_value(name: str, value: Any) -> str:
    """``accuracy: 0.7950``, or in scientific notation where four digits would show nothing.

    Example:
        >>> format_value("loss", 0.48624), format_value("loss", 0.0002)
        ('loss: 0.4862', 'loss: 2.0000e-04')
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        return f"{name}: {value}"
    return f"{name}: {number:.4e}" if abs(number) <= 1e-3 else f"{name}: {number:.4f}"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"


def _a_step(seconds: float, unit: str) -> str:
    if seconds >= 1 or seconds <= 0:
        return f"{seconds:.0f}s/{unit}"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms/{unit}"
    return f"{seconds * 1e6:.0f}us/{unit}"


class Progbar:
    """A progress bar on the standard output.

    On a terminal the line is rewritten while it grows; anywhere else one line is written at the
    end, without control characters.

    Args:
        target: how many steps there are; None where it is not known.
        width: of the bar, in characters; default 20.
        verbose: 0 silent, 1 a bar, 2 one line at the end; default 1.
        interval: seconds between two rewritings; default 0.05.
        stateful_metrics: accepted and ignored: values are shown as they are given.
        unit_name: default "step".

    Example:
        >>> bar = Progbar(2, verbose=2)
        >>> bar.update(2, [("loss", 0.5)])  # doctest: +ELLIPSIS
        2/2 - 0s - ... - loss: 0.5000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self._current = 0
        self._values: dict[str, Any] = {}
        self._start = time.perf_counter()
        self._last_write = -math.inf
        self._last_length = 0

    def update(
        self,
        current: int,
        values: Sequence[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Shows that so many steps are done.

        Args:
            current: steps done.
            values: (name, value) pairs to show.
            finalize: whether this is the last update; default: when the target is reached.
        """
        self._current = current
        self._values.update(values or ())
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        now = time.perf_counter()
        if self.verbose == 1:
            self._write_bar(now, finalize)
        elif self.verbose == 2 and finalize:
            pieces = [f"{self._count()}", f"{now - self._start:.0f}s"]
            pieces += [_a_step(self._each(now), self.unit_name), *self._shown()]
            print(" - ".join(pieces), flush=True)

    def add(self, n: int, values: Sequence[tuple[str, Any]] | None = None) -> None:
        """Shows that n more steps are done."""
        self.update(self._current + n, values)

    def _count(self) -> str:
        if self.target is None:
            return f"{self._current}/Unknown"
        return f"{self._current:>{len(str(self.target))}}/{self.target}"

    def _each(self, now: float) -> float:
        return (now - self._start) / max(self._current, 1)

    def _shown(self) -> list[str]:
        return [format_value(name, value) for name, value in self._values.items()]

    def _write_bar(self, now: float, finalize: bool) -> None:
        live = _is_live()
        if not finalize and (not live or now - self._last_write < self.interval):
            return
        self._last_write = now
        each = self._each(now)
        if finalize or self.target is None:
            timing = f"{now - self._start:.0f}s"
        else:
            timing = _clock(each * (self.target - self._current))
        tail = f"{_a_step(each, self.unit_name)}"
        tail = " - ".join([tail, *self._shown()])
        if not live:
            bar = f" {_BAR * self.width}" if self.target is not None else ""
            print(f"{self._count()}{bar} {timing} {tail}", flush=True)
            return
        line = f"{_BOLD}{self._count()}{_RESET}{self._colored_bar()} {_BOLD}{timing}{_RESET} {tail}"
        padding = " " * max(0, self._last_length - len(line))
        self._last_length = len(line)
        sys.stdout.write("\r" + line + padding + ("\n" if finalize else ""))
        sys.stdout.flush()

    def _colored_bar(self) -> str:
        if self.target is None:
            return ""
        done = self.width * min(self._current, self.target) // max(self.target, 1)
        rest = f"{_WHITE}{_BAR * (self.width - done)}{_RESET}"
        return f" {_GREEN}{_BAR * done}{_RESET}{rest}"


class ProgbarLogger(Callback):
    """Shows each epoch as a progress bar; fit, evaluate and predict add one by themselves.

    Example:
        >>> ProgbarLogger().on_train_begin()
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar: Progbar | None = None
        self._in_fit = False

    def on_train_begin(self, logs: Logs = None) -> None:
        """Notes that evaluation inside is validation, which has no bar of its own."""
        self._in_fit = True

    def on_train_end(self, logs: Logs = None) -> None:
        """Forgets the fit."""
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Writes ``Epoch i/N`` where there are several, and starts a bar."""
        epochs = self.params.get("epochs", 1)
        if self._verbose and epochs > 1:
            print(f"Epoch {epoch + 1}/{epochs}", flush=True)
        self._start()

    def on_test_begin(self, logs: Logs = None) -> None:
        """Starts a bar for evaluate."""
        if not self._in_fit:
            self._start()

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Starts a bar for predict."""
        self._start()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Finishes the bar, with validation's figures."""
        self._finish(logs)

    def on_test_end(self, logs: Logs = None) -> None:
        """Finishes the bar of evaluate."""
        if not self._in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        """Finishes the bar of predict."""
        self._finish(None)

    @property
    def _verbose(self) -> int:
        return int(self.params.get("verbose", 1))

    def _start(self) -> None:
        self._bar = Progbar(self.params.get("steps"), verbose=self._verbose)

    def _on_progress(self, batch: int, logs: dict[str, Any]) -> None:
        if self._bar is not None and self._verbose == 1:
            self._bar.update(batch, sorted(logs.items()), finalize=False)
        elif self._bar is not None:
            self._bar._current = batch

    def _finish(self, logs: Logs) -> None:
        if self._bar is None:
            return
        if self._bar.target is None:
            self._bar.target = self._bar._current or None
        steps = self._bar.target or 0
        self._bar.update(steps, sorted((logs or {}).items()), finalize=True)
        self._bar = None
