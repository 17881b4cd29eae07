"""Epochs of a compiled program: how models train that are more than a stack of layers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _core
from fastnn import _random as random
from fastnn._tensor import Tensor, Variable
from fastnn.callbacks import CallbackList, History, ProgbarLogger
from fastnn.models import _checks
from fastnn.models._clock import Clock
from fastnn.models._fit import verbosity
from fastnn.models._kept import Kept
from fastnn.models._programs import Section, compile_sections

_TICK = 0.05


class Mean:
    """A mean over the batches of an epoch, added up by the training program.

    Args:
        name: of the figure.
    """

    def __init__(self, name: str) -> None:
        self._total = Variable(np.float64(0.0), name=name, role="metric")
        self._count = Variable(np.float64(0.0), name=f"{name}_count", role="metric")

    def updates(self, total: Tensor, count: Tensor) -> list[tuple[Variable, Tensor]]:
        """What the program adds at each step.

        Args:
            total: the sum over a batch.
            count: what it is divided by in the end.
        """
        return [(self._total, self._total + total), (self._count, self._count + count)]

    def reset(self) -> None:
        """Forgets what was added."""
        self._total.set_value(0.0)
        self._count.set_value(0.0)

    def result(self) -> float:
        """The mean so far; NaN before the first batch."""
        count = float(self._count.get_value())
        return float(self._total.get_value()) / count if count else float("nan")


class EpochModel(Kept):
    """What such models share: the clock of their random numbers, and epochs with callbacks.

    Attributes:
        stop_training: a callback sets it to end the training after the epoch.
        history: of the last training.
    """

    def __init__(self) -> None:
        self.stop_training = False
        self.history: History | None = None
        self._clock = Clock()
        self._trained_by: int | None = None  # the thread that is in fit()

    def _traced(self) -> Any:
        """A context in which random nodes get this model's streams, the same at every trace."""
        return random.streams_of(self._clock.streams())

    def _run_epochs(
        self,
        trainer: Any,
        arrays: Sequence[NDArray[Any]],
        figures: Mapping[str, Mean],
        *,
        batch_size: int,
        epochs: int,
        initial_epoch: int = 0,
        shuffle: bool = True,
        verbose: str | int = "auto",
        callbacks: Any = None,
    ) -> History:
        """Trains on arrays of equal length; the figures go to the History under their names."""

        def run(epoch: int, hooks: CallbackList) -> dict[str, Any]:
            for figure in figures.values():
                figure.reset()
            self._run_pass(trainer, list(arrays), batch_size, shuffle, hooks, figures)
            return {name: figure.result() for name, figure in figures.items()}

        steps = -(-len(arrays[0]) // batch_size)
        trainer.hold()
        try:
            return self._each_epoch(run, steps, epochs, initial_epoch, verbose, callbacks)
        finally:
            trainer.release()

    def _each_epoch(
        self,
        run: Callable[[int, CallbackList], dict[str, Any]],
        steps: int,
        epochs: int,
        initial_epoch: int,
        verbose: str | int,
        callbacks: Any,
    ) -> History:
        """Epochs with callbacks around them; ``run`` trains one and returns its figures."""
        owner = type(self).__name__
        _checks.require_positive(owner, "epochs", epochs)
        level = verbosity(owner, verbose)
        self._refuse_in_training("fit")
        hooks, history = self._callbacks(callbacks, level, epochs, steps)
        self.stop_training = False
        self._trained_by = threading.get_ident()
        try:
            return self._epochs(run, range(initial_epoch, epochs), hooks, history)
        finally:
            self._trained_by = None

    def _refuse_in_training(self, what: str, elsewhere: bool = False) -> None:
        by = self._trained_by
        if by is not None and not (elsewhere and by == threading.get_ident()):
            raise RuntimeError(
                f"[{type(self).__name__}] is in training: {what}() has to wait until fit() is over"
            )

    def _epochs(
        self,
        run: Callable[[int, CallbackList], dict[str, Any]],
        epochs: range,
        hooks: CallbackList,
        history: History,
    ) -> History:
        hooks.begin("train")
        logs: dict[str, Any] = {}
        for epoch in epochs:
            hooks.epoch_begin(epoch)
            logs = run(epoch, hooks)
            hooks.epoch_end(epoch, logs)
            if self.stop_training:
                break
        hooks.end("train", logs)
        return history

    def _callbacks(
        self, callbacks: Any, level: int, epochs: int, steps: int
    ) -> tuple[CallbackList, History]:
        chosen = list(CallbackList(callbacks).callbacks)
        history = next((c for c in chosen if isinstance(c, History)), None) or History()
        if level and not any(isinstance(c, ProgbarLogger) for c in chosen):
            chosen.append(ProgbarLogger())
        if history not in chosen:
            chosen.append(history)
        history.history = {}
        self.history = history
        return CallbackList(
            chosen, self, {"verbose": level, "epochs": epochs, "steps": steps}
        ), history

    def _run_pass(
        self,
        trainer: Any,
        data: Any,
        batch_size: int,
        shuffle: bool,
        hooks: CallbackList,
        figures: Mapping[str, Mean],
    ) -> None:
        """One pass over arrays of equal length, or over what else a trainer reads batches of."""
        clock = self._clock
        clock.passes += 1
        trainer.begin(data, batch_size, shuffle, clock.seed, clock.passes - 1, clock.step, 0)
        done = 0
        try:
            while ran := trainer.run(1 << 60, _TICK):
                done += ran
                hooks.progress(done, {name: figure.result() for name, figure in figures.items()})
        finally:
            clock.step = trainer.step
            trainer.end()


def make_trainer(
    inputs: Sequence[Tensor], sections: Sequence[Section], every: Mapping[str, int] | None = None
) -> Any:
    """A Trainer of its own for sections of updates; the first one should write nothing.

    Args:
        inputs: placeholders with an open first axis.
        sections: (name, outputs, updates).
        every: sections that run at every so many steps only.
    """
    return _core.Trainer(compile_sections(inputs, sections), dict(every or {}), _core.Guard())
