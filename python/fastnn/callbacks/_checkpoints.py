"""Callbacks that keep a training in files: ModelCheckpoint and BackupAndRestore."""

from __future__ import annotations

import math
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.callbacks._base import Callback, Logs
from fastnn.callbacks._control import _direction, _monitored

_SUFFIXES = (".fastnn", ".safetensors")


def not_written(path: str | os.PathLike[str]) -> str:
    """What to say of a file in a format of Keras's: these are read only."""
    name = os.fspath(path)
    for ending in (".weights.h5", ".keras", ".hdf5", ".h5"):
        if name.endswith(ending):
            instead = name.removesuffix(ending) + ".fastnn"
            return f": formats of Keras are read, not written; name it {instead!r}"
    return ""


def _is_sound(model: Any, logs: Logs) -> bool:
    """Whether loss and weights are finite: what is not is never put in place of what is."""
    loss = (logs or {}).get("loss", 0.0)
    return math.isfinite(loss) and all(np.isfinite(w).all() for w in model.get_weights())


def _checked_frequency(owner: str, save_freq: str | int) -> int | None:
    """Batches between two saves, or None for one an epoch."""
    if save_freq == "epoch":
        return None
    if isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1:
        raise ValueError(
            f"[{owner}] expected save_freq 'epoch' or a number of batches, got {save_freq!r}"
        )
    return save_freq


class ModelCheckpoint(Callback):
    """Saves the model, or its weights, at the end of epochs or every so many batches.

    A model whose loss or weights are no longer finite is not saved.

    Args:
        filepath: ends in .fastnn or .safetensors; may hold fields that are filled in: "{epoch:02d}"
            (from 1), "{batch}" (from 1) and the figures of the logs, as "{val_loss:.2f}". Its
            folder is made.
        monitor: the figure for save_best_only; default "val_loss".
        verbose: 1 tells what is saved; default 0.
        save_best_only: save only where the figure is better than ever before; default False.
        save_weights_only: ``save_weights()`` instead of ``save()``; default False.
        mode: "min", "max" or "auto" (from the figure's name); default "auto".
        save_freq: "epoch" or a number of batches; default "epoch".
        initial_value_threshold: the figure has to be better than this; default none.

    Raises:
        ValueError: for another mode, save_freq or suffix; in training, for a field that the logs
            do not have.
        OSError: in training, where the file cannot be written; an old one stays as it was.

    Example:
        >>> ModelCheckpoint("best.fastnn", save_best_only=True).monitor
        'val_loss'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__()
        self.filepath = os.fspath(filepath)
        if not self.filepath.endswith(_SUFFIXES):
            raise ValueError(
                f"[ModelCheckpoint] expected a filepath that ends in .fastnn or .safetensors, got "
                f"{self.filepath!r}{not_written(self.filepath)}"
            )
        self.monitor = monitor
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.mode = mode
        self.save_freq = save_freq
        self._every = _checked_frequency("ModelCheckpoint", save_freq)
        self._saves_at_batches = self._every is not None
        self._sign = _direction("ModelCheckpoint", mode, monitor)
        worst = -math.inf * self._sign
        self.best = worst if initial_value_threshold is None else float(initial_value_threshold)
        self._epoch = 0
        self._batches = 0

    def get_state(self) -> dict[str, Any]:
        """The best figure, and the batches since the last save."""
        return {"best": self.best, "batches": self._batches}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on with a training that was killed."""
        self.best, self._batches = state["best"], state["batches"]

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch

    def _on_batch_done(self, batch: int, logs: dict[str, Any]) -> None:
        self._batches += 1
        if self._every is not None and self._batches >= self._every:
            self._batches = 0
            self._save(self._epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Saves, where that is due at the end of epochs."""
        if self._every is None:
            self._save(epoch, None, logs)

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        told = f"\nEpoch {epoch + 1}: "
        current = None
        if self.save_best_only:
            current = _monitored("ModelCheckpoint", self.monitor, logs)
            if current is None:
                return
            if not (current - self.best) * self._sign > 0:
                self._tell(f"{told}{self.monitor} did not improve from {self.best:.5f}")
                return
        path = self._path(epoch, batch, logs)
        if not _is_sound(self.model, logs):
            warnings.warn(
                f"[ModelCheckpoint] the loss or the weights are not finite: {path} is not written",
                stacklevel=2,
            )
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if current is not None:
            told += f"{self.monitor} improved from {self.best:.5f} to {current:.5f}, "
            self.best = current
        self._tell(f"{told}saving model to {path}")

    def _tell(self, text: str) -> None:
        if self.verbose > 0:
            print(text)

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        fields = {"epoch": epoch + 1, **(logs or {})}
        if batch is not None:
            fields["batch"] = batch + 1
        try:
            return self.filepath.format(**fields)
        except (KeyError, IndexError) as error:
            raise ValueError(
                f"[ModelCheckpoint] the filepath {self.filepath!r} has a field that is not there: "
                f"{error}; there are {', '.join(sorted(fields))}"
            ) from None


class BackupAndRestore(Callback):
    """Lets a training that was killed go on where it was, to the bit, in mid-epoch too.

    Run the same script again: what the backup holds (weights, optimizer, metrics, random numbers,
    the place in the epoch, the state of the other callbacks) is put back, and ``fit`` goes on. It
    holds no data: they have to be the same. A generator has to begin with the first batch of the
    epoch.

    Args:
        backup_dir: the folder; it is made. One training has one folder.
        save_freq: "epoch", or a number of batches; default "epoch".
        double_checkpoint: accepted and ignored: a backup is replaced in one step.
        delete_checkpoint: remove the backup when training has come to its end; default True.

    Raises:
        ValueError: for another save_freq; in training, for a backup of another model.
        FastnnFormatError: in training, for a backup that is damaged.
        OSError: in training, where the folder cannot be written.

    Example:
        >>> BackupAndRestore("backup", save_freq=100).save_freq
        100
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        self.backup_dir = os.fspath(backup_dir)
        if not self.backup_dir:
            raise ValueError("[BackupAndRestore] expected a folder as backup_dir, got ''")
        self.save_freq = save_freq
        self.delete_checkpoint = delete_checkpoint
        self._every = _checked_frequency("BackupAndRestore", save_freq)
        self._saves_at_batches = self._every is not None
        self._path = Path(self.backup_dir) / "latest.fastnn"
        self._batches = 0

    def get_state(self) -> dict[str, Any]:
        """The batches since the last backup."""
        return {"batches": self._batches}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on with a training that was killed."""
        self._batches = state["batches"]

    def on_train_begin(self, logs: Logs = None) -> None:
        """Puts back what a killed training has left."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._batches = 0
        if self._path.exists():
            self.model._load_backup(self._path)

    def _on_batch_done(self, batch: int, logs: dict[str, Any]) -> None:
        self._batches += 1
        if self._every is not None and self._batches >= self._every:
            self._batches = 0
            self._save(logs)

    def _on_epoch_done(self, epoch: int, logs: dict[str, Any]) -> None:
        if self._every is None:
            self._save(logs)

    def _save(self, logs: dict[str, Any]) -> None:
        if _is_sound(self.model, logs):
            self.model._save_backup(self._path)

    def on_train_end(self, logs: Logs = None) -> None:
        """Removes the backup: the training came to its end."""
        if self.delete_checkpoint:
            self._path.unlink(missing_ok=True)
