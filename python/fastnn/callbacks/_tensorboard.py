"""Figures and weights for TensorBoard, written by tensorboardX."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.callbacks._base import Callback, Logs

_files = itertools.count()


class TensorBoard(Callback):
    """Writes loss, metrics and weights as TensorBoard reads them (``tensorboard --logdir logs``).

    Needs tensorboardX (``pip install 'fastnn[tensorboard]'``). The names are Keras's: "epoch_loss"
    and so on by epoch and "batch_loss" by training step in ``log_dir/train``, what is measured on
    validation data in ``log_dir/validation``.

    Args:
        log_dir: the folder; made where it is not there.
        histogram_freq: epochs from one histogram of each weight to the next; 0: none.
        write_steps_per_second: whether "epoch_steps_per_second" is written.
        update_freq: "epoch"; or "batch" or a number of training steps, after which figures are
            written too. These are returns from C++ to Python after each step.

    Raises:
        ImportError: tensorboardX is not installed.
        TypeError: if a number is no whole number.
        ValueError: for another update_freq, or a negative histogram_freq.

    Example:
        >>> board = TensorBoard("logs", histogram_freq=1)  # doctest: +SKIP
        >>> model.fit(x, y, epochs=10, callbacks=[board])  # doctest: +SKIP
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
    ) -> None:
        super().__init__()
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = _whole("histogram_freq", histogram_freq, 0)
        self.write_steps_per_second = bool(write_steps_per_second)
        self.update_freq = update_freq
        self._every = _batches(update_freq)
        self._writer_class = _summary_writer()
        self._writers: dict[str, Any] = {}
        self._step = 0
        self._training = False
        self._epoch_began = (0.0, 0)
        self._count_steps = self._every is not None or self.write_steps_per_second
        # Overridden where it is needed only: a hook of batches is run after every step.
        if self._count_steps:
            self.on_train_batch_end = self._after_batch  # type: ignore[method-assign]

    def get_state(self) -> dict[str, Any]:
        """The number of steps so far."""
        return {"step": self._step}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on counting."""
        self._step = int(state["step"])

    def on_train_begin(self, logs: Logs = None) -> None:
        """Opens the files."""
        self._training = True

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Notes the time."""
        self._epoch_began = (time.perf_counter(), self._step)

    def _after_batch(self, batch: int, logs: Logs = None) -> None:
        self._step += 1
        if self._every is not None and self._step % self._every == 0:
            self._write("train", "batch_", logs or {}, self._step)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Writes the epoch's figures, and histograms where it is their turn."""
        figures = dict(logs or {})
        rate = getattr(self.model.optimizer, "learning_rate", None)
        if rate is not None:
            figures.setdefault("learning_rate", float(rate))
        if self.write_steps_per_second:
            began, step = self._epoch_began
            figures["steps_per_second"] = (self._step - step) / (time.perf_counter() - began)
        measured = {k: v for k, v in figures.items() if k.startswith("val_")}
        self._write(
            "train", "epoch_", {k: v for k, v in figures.items() if k not in measured}, epoch
        )
        if measured:
            plain = {k.removeprefix("val_"): v for k, v in measured.items()}
            self._write("validation", "epoch_", plain, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_histograms(epoch)
        self._flush()

    def on_test_end(self, logs: Logs = None) -> None:
        """Writes the figures of an evaluate that is not part of a training."""
        if not self._training:
            figures = {f"{name}_vs_iterations": value for name, value in (logs or {}).items()}
            step = int(self.model.optimizer.iterations)
            self._write("validation", "evaluation_", figures, step)
            # Closed, not flushed: tensorboardX's flush may leave the last record behind.
            self._close()

    def on_train_end(self, logs: Logs = None) -> None:
        """Closes the files."""
        self._training = False
        self._close()

    def _write(self, part: str, prefix: str, figures: dict[str, Any], step: int) -> None:
        writer = self._writer(part)
        for name, value in figures.items():
            if np.ndim(value) == 0:
                writer.add_scalar(prefix + name, float(value), step)

    def _write_histograms(self, epoch: int) -> None:
        writer = self._writer("train")
        for layer in self.model.layers:
            seen: dict[str, int] = {}
            for variable, value in zip(layer.weights, layer.get_weights(), strict=True):
                # Nested layers have weights of the same name.
                number = seen[variable.name] = seen.get(variable.name, -1) + 1
                name = f"{variable.name}_{number}" if number else variable.name
                if np.isfinite(value).all():
                    writer.add_histogram(f"{layer.name}/{name}/histogram", value, epoch)

    def _writer(self, part: str) -> Any:
        if part not in self._writers:
            folder = Path(self.log_dir) / part
            folder.mkdir(parents=True, exist_ok=True)
            # tensorboardX names files by the second, and would write over one just closed.
            suffix = f".{os.getpid()}.{next(_files)}"
            self._writers[part] = self._writer_class(logdir=str(folder), filename_suffix=suffix)
        return self._writers[part]

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _flush(self) -> None:
        for writer in self._writers.values():
            writer.flush()


def _summary_writer() -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError(
            f"[TensorBoard] needs tensorboardX, which cannot be imported ({error});"
            " install it with: pip install 'fastnn[tensorboard]'"
        ) from error
    return SummaryWriter


def _batches(update_freq: str | int) -> int | None:
    """Steps from one writing to the next; None: epochs alone."""
    if update_freq == "epoch":
        return None
    if update_freq == "batch":
        return 1
    if isinstance(update_freq, str):
        raise ValueError(
            "[TensorBoard] expected update_freq 'epoch', 'batch' or a number of steps, got"
            f" {update_freq!r}"
        )
    return _whole("update_freq", update_freq, 1)


def _whole(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"[TensorBoard] expected {name} to be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"[TensorBoard] expected {name} of at least {least}, got {value}")
    return int(value)
