"""One way through data in files that are mapped into memory."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _core
from fastnn.callbacks import CallbackList
from fastnn.models import _checks
from fastnn.models._clock import Clock
from fastnn.models._columns import Columns
from fastnn.models._pass import Pass, run_steps
from fastnn.models._programs import Signature
from fastnn.models._windows import MappedBatches, Window


class MappedPass(Pass):
    """Memory maps: C++ runs through a window of rows while threads read the next.

    Args:
        signature: of the model's inputs.
        columns: the data.
        *args: as for :class:`Pass`.
        **kwargs: as for :class:`Pass`.
    """

    def __init__(self, signature: Signature, columns: Columns, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._signature = signature
        owner = type(self.model).__name__
        check = self._check if self.check_finite else None
        self._batches = MappedBatches(columns, self.batch_size, check, owner)

    @property
    def steps(self) -> int:
        """How many steps a pass has."""
        return min(self.limit or self._batches.steps, self._batches.steps)

    def _check(self, rows: NDArray[Any], first: int) -> None:
        _checks.require_finite(type(self.model).__name__, "the data", rows, first)

    def run(self, number: int, callbacks: CallbackList) -> None:
        """Runs one pass, of training from where the model's clock stands.

        Args:
            number: of the pass, for the order.
            callbacks: told of batches and progress.
        """
        clock = self._clock(0, 0)
        generator = np.random.default_rng([clock.seed, number]) if self.shuffle else None
        here = (self.model._device or _core.default_device()) == "cpu"
        run = self._run_window if here else self._run_batches
        first = 0
        with closing(self._batches.windows(generator)) as windows:
            for window in windows:
                stop = min(first + window.steps, self.steps)
                if clock.batch < stop:  # others were run before the training was gone on with
                    run(window, first, stop, clock, callbacks)
                first = stop
                if first == self.steps or self._stopped():
                    break

    def _run_window(
        self, window: Window, first: int, stop: int, clock: Clock, callbacks: CallbackList
    ) -> None:
        """Runs the batches of a window, which are numbered from first on, up to stop."""
        engine, columns, size = self.model._engine, window.columns, window.batch_size
        if self.training:
            engine.apply_resume()
        trainer = engine.step(self._signature, columns, self.training).trainer
        row = (clock.batch - first) * size
        if window.order is None:
            trainer.begin(columns.arrays, size, False, clock.seed, 0, clock.step, row)
        else:
            trainer.begin_rows(columns.arrays, size, window.order, clock.seed, clock.step, row)
        try:
            self._run_steps(trainer, stop, clock, callbacks)
        finally:
            trainer.end()

    def _run_steps(self, trainer: Any, stop: int, clock: Clock, callbacks: CallbackList) -> None:
        singly = callbacks.needs_batches(self.phase)
        while clock.batch < stop and not self._stopped():
            if singly:
                callbacks.batch_begin(self.phase, clock.batch)
            if run_steps(trainer, clock, 1 if singly else stop - clock.batch) == 0:
                break
            if singly or callbacks.shows_progress:
                logs = self._logs()
                if singly:
                    callbacks.batch_end(self.phase, clock.batch - 1, logs)
                callbacks.progress(clock.batch, logs)

    def _run_batches(
        self, window: Window, first: int, stop: int, clock: Clock, callbacks: CallbackList
    ) -> None:
        """The same on a device, where each batch is brought."""
        engine, singly = self.model._engine, callbacks.needs_batches(self.phase)
        for number, columns in zip(range(first, stop), window.batches(), strict=False):
            if number < clock.batch:
                continue
            if self.training:
                engine.apply_resume()
            if singly:
                callbacks.batch_begin(self.phase, number)
            trainer = engine.step(self._signature, columns, self.training).trainer
            trainer.run_batch(columns.arrays, clock.seed, clock.step)
            clock.step, clock.batch = trainer.step, number + 1
            if singly or callbacks.shows_progress:
                logs = self._logs()
                if singly:
                    callbacks.batch_end(self.phase, number, logs)
                callbacks.progress(number + 1, logs)
            if self._stopped():
                break
