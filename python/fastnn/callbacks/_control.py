"""Callbacks that act on training: stopping it, and changing the learning rate."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.callbacks._base import Callback, Logs

_HIGHER_IS_BETTER = (
    "acc", "auc", "precision", "recall", "f1", "r2", "iou", "true_", "cosine_similarity",
)  # fmt: skip


def _direction(owner: str, mode: str, monitor: str) -> float:
    """1 where the monitored figure should grow, -1 where it should fall."""
    if mode not in ("auto", "min", "max"):
        raise ValueError(f"[{owner}] expected mode 'auto', 'min' or 'max', got {mode!r}")
    if mode == "auto":
        name = monitor.removeprefix("val_")
        mode = "max" if any(part in name for part in _HIGHER_IS_BETTER) else "min"
    return 1.0 if mode == "max" else -1.0


def _monitored(owner: str, monitor: str, logs: Logs) -> float | None:
    if logs and monitor in logs:
        return float(logs[monitor])
    available = ", ".join(sorted(logs or {})) or "none"
    warnings.warn(
        f"[{owner}] monitors {monitor!r}, which this epoch has not; it has {available}",
        stacklevel=2,
    )
    return None


_EARLY_STATE = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")
_PLATEAU_STATE = ("best", "wait", "cooldown_counter")


class EarlyStopping(Callback):
    """Stops training when a figure no longer improves.

    Args:
        monitor: the figure; default "val_loss".
        min_delta: an improvement is more than this; default 0.
        patience: how many epochs without improvement are borne; default 0.
        verbose: 1 tells when it stops; default 0.
        mode: "min", "max" or "auto" (from the figure's name); default "auto".
        baseline: the figure has to be better than this as well; default none.
        restore_best_weights: go back to the best epoch's weights on stopping; default False.
        start_from_epoch: epochs before this one are not looked at; default 0.

    Attributes:
        stopped_epoch: the epoch at which it stopped, 0 if it did not.
        best: the best figure.
        best_epoch: its epoch.

    Raises:
        ValueError: for another mode.

    Example:
        >>> EarlyStopping(patience=3).patience
        3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__()
        self.monitor = monitor
        self.min_delta = abs(min_delta)
        self.patience = patience
        self.verbose = verbose
        self.mode = mode
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._sign = _direction("EarlyStopping", mode, monitor)
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forgets an earlier training."""
        self._reset()

    def get_state(self) -> dict[str, Any]:
        """The best epoch, and how long it was ago."""
        return {name: getattr(self, name) for name in _EARLY_STATE}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on with a training that was killed."""
        for name in _EARLY_STATE:
            setattr(self, name, state[name])

    def _improves(self, current: float, reference: float | None) -> bool:
        return reference is None or (current - reference) * self._sign > self.min_delta

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Compares the epoch's figure with the best one."""
        current = _monitored("EarlyStopping", self.monitor, logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)
        self.wait += 1
        if self._improves(current, self.best):
            self.best = current
            self._keep(epoch)
            if self.baseline is None or self._improves(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            self._restore()

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def _restore(self) -> None:
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                print(
                    "Restoring model weights from the end of the best epoch: "
                    f"{self.best_epoch + 1}."
                )
            self.model.set_weights(self.best_weights)

    def on_train_end(self, logs: Logs = None) -> None:
        """Tells that it has stopped training."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")


class TerminateOnNaN(Callback):
    """Stops training at the first batch whose loss is NaN or infinite.

    Weights that are no longer finite go back to what they were when the epoch began, so that the
    model stays usable.

    Attributes:
        terminated: whether it has stopped the last training.

    Example:
        >>> TerminateOnNaN().terminated
        False
    """

    def __init__(self) -> None:
        super().__init__()
        self.terminated = False
        self._good: list[Any] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forgets an earlier training."""
        self.terminated = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Keeps the weights."""
        self._good = self.model.get_weights()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Looks at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True
            self.terminated = True
            if not all(np.isfinite(weight).all() for weight in self.model.get_weights()):
                self.model.set_weights(self._good)


class LearningRateScheduler(Callback):
    """Sets the learning rate at the start of each epoch.

    Args:
        schedule: a function of (epoch, learning rate), or of (epoch), that returns a number.
        verbose: 1 tells the rate; default 0.

    Raises:
        TypeError: during training, for a schedule that returns no number.

    Example:
        >>> LearningRateScheduler(lambda epoch, rate: rate * 0.9).verbose
        0
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Asks the schedule."""
        optimizer: Any = self.model.optimizer
        rate = float(optimizer.learning_rate)
        new = self.schedule(epoch, rate) if self._takes_rate else self.schedule(epoch)
        try:
            optimizer.learning_rate = float(new)
        except (TypeError, ValueError):
            raise TypeError(
                f"[LearningRateScheduler] expected a number from the schedule, got {new!r}"
            ) from None
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {new}.")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Adds the rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def _takes_two(schedule: Callable[..., float]) -> bool:
    try:
        signature = inspect.signature(schedule)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(0, 0.0)
    except TypeError:
        return False
    return True


class ReduceLROnPlateau(Callback):
    """Lowers the learning rate when a figure no longer improves.

    Args:
        monitor: the figure; default "val_loss".
        factor: new rate = old rate * factor; default 0.1, must be below 1.
        patience: how many epochs without improvement are borne; default 10.
        verbose: 1 tells the rate; default 0.
        mode: "min", "max" or "auto" (from the figure's name); default "auto".
        min_delta: an improvement is more than this; default 1e-4.
        cooldown: epochs after a change that are not counted; default 0.
        min_lr: the rate goes no lower; default 0.

    Raises:
        ValueError: for a factor of 1 or above, or another mode.

    Example:
        >>> ReduceLROnPlateau(factor=0.5).factor
        0.5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= factor < 1:
            raise ValueError(f"[ReduceLROnPlateau] expected a factor below 1, got {factor}")
        self.monitor = monitor
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.mode = mode
        self.min_delta = min_delta
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._sign = _direction("ReduceLROnPlateau", mode, monitor)
        self._reset()

    def _reset(self) -> None:
        self.best = -math.inf * self._sign
        self.wait = 0
        self.cooldown_counter = 0

    def get_state(self) -> dict[str, Any]:
        """The best figure, and how long it was ago."""
        return {name: getattr(self, name) for name in _PLATEAU_STATE}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on with a training that was killed."""
        for name in _PLATEAU_STATE:
            setattr(self, name, state[name])

    def on_train_begin(self, logs: Logs = None) -> None:
        """Forgets an earlier training."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Compares the epoch's figure with the best one."""
        optimizer: Any = self.model.optimizer
        if logs is not None:
            logs["learning_rate"] = float(optimizer.learning_rate)
        current = _monitored("ReduceLROnPlateau", self.monitor, logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if (current - self.best) * self._sign > self.min_delta:
            self.best = current
            self.wait = 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._lower(epoch, optimizer)

    def _lower(self, epoch: int, optimizer: Any) -> None:
        old = float(optimizer.learning_rate)
        if old <= self.min_lr:
            return
        new = max(old * self.factor, self.min_lr)
        optimizer.learning_rate = new
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")
        self.cooldown_counter = self.cooldown
        self.wait = 0
