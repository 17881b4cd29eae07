"""One way through data: arrays in memory, memory maps, or batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.callbacks import CallbackList
from fastnn.models import _checks
from fastnn.models._batches import Batches, is_batches, split_batch
from fastnn.models._clock import Clock
from fastnn.models._columns import Columns
from fastnn.models._mapped_pass import MappedPass
from fastnn.models._pass import Pass, run_steps
from fastnn.models._programs import Signature, Step

if TYPE_CHECKING:
    from fastnn.models._trainable import Trainable


class MemoryPass(Pass):
    """Arrays in memory: whole epochs in C++.

    Args:
        signature: of the model's inputs.
        columns: the data.
        *args: as for :class:`Pass`.
        **kwargs: as for :class:`Pass`.
    """

    def __init__(self, signature: Signature, columns: Columns, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.signature = signature
        self.columns = columns
        self.arrays = columns.arrays
        self._step: Step | None = None

    @property
    def steps(self) -> int:
        """How many steps a pass has."""
        return self.limit or -(-self.columns.rows // self.batch_size)

    def prepare(self) -> None:
        """Compiles the pass."""
        engine = self.model._engine
        step = engine.step(self.signature, self.columns, self.training)
        if step is not self._step:
            self.release()
        self._step = step

    def release(self) -> None:
        """Lets go of the data's copy on a device; see :class:`Pass`."""
        if self._step is not None:
            self._step.trainer.release()

    def run(self, number: int, callbacks: CallbackList) -> None:
        """Runs one pass; see :class:`Pass`."""
        assert self._step is not None
        trainer, total = self._step.trainer, self.steps
        trainer.hold()
        clock = self._clock(self.batch_size, self.columns.rows)
        if self.training:
            self.model._engine.apply_resume()
        while clock.batch < total and not self._stopped():
            if not 0 < clock.row < self.columns.rows:
                clock.row = 0
                clock.passes += 1
            trainer.begin(
                self.arrays,
                self.batch_size,
                self.shuffle,
                clock.seed,
                clock.passes - 1,
                clock.step,
                clock.row,
            )
            try:
                self._run_rows(trainer, clock, total, callbacks)
            finally:
                trainer.end()

    def _run_rows(self, trainer: Any, clock: Clock, total: int, callbacks: CallbackList) -> None:
        """Runs until the rows are used up, the steps are done, or a callback stops it."""
        if callbacks.needs_batches(self.phase):
            self._run_singly(trainer, clock, total, callbacks)
            return
        while clock.batch < total:
            if _run_steps(trainer, clock, total - clock.batch) == 0:
                break
            if callbacks.shows_progress and clock.batch < total:
                callbacks.progress(clock.batch, self._logs())

    def _run_singly(self, trainer: Any, clock: Clock, total: int, callbacks: CallbackList) -> None:
        while clock.batch < total and clock.row < self.columns.rows:
            callbacks.batch_begin(self.phase, clock.batch)
            if _run_steps(trainer, clock, 1) == 0:
                break
            logs = self._logs()
            callbacks.batch_end(self.phase, clock.batch - 1, logs)
            callbacks.progress(clock.batch, logs)
            if self._stopped():
                break


def _run_steps(trainer: Any, clock: Clock, most: int) -> int:
    try:
        return run_steps(trainer, clock, most)
    finally:
        clock.row = trainer.row


class BatchPass(Pass):
    """Batches that come one at a time: each is checked, then run.

    Args:
        source: gives (signature, columns) of each batch of an epoch.
        count: how many batches a pass has, where known.
        *args: as for :class:`Pass`.
        **kwargs: as for :class:`Pass`.
    """

    def __init__(
        self,
        source: Callable[[int], Iterator[tuple[Signature, Columns]]],
        count: int | None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._source = source
        self._count = count

    @property
    def steps(self) -> int | None:
        """How many steps a pass has, where it is known."""
        return self.limit or self._count

    def run(self, number: int, callbacks: CallbackList) -> None:
        """Runs one pass; see :class:`Pass`."""
        engine, clock = self.model._engine, self._clock(0, 0)
        for done, (signature, columns) in enumerate(self._source(number)):
            if self.training:
                engine.apply_resume()
            if done < clock.batch:  # run before the training was gone on with
                continue
            if callbacks.needs_batches(self.phase):
                callbacks.batch_begin(self.phase, done)
            trainer = engine.step(signature, columns, self.training).trainer
            trainer.run_batch(columns.arrays, clock.seed, clock.step)
            clock.step, clock.batch = trainer.step, done + 1
            if callbacks.needs_batches(self.phase) or callbacks.shows_progress:
                logs = self._logs()
                callbacks.batch_end(self.phase, done, logs)
                callbacks.progress(done + 1, logs)
            if self._stopped():
                break
        self._count = self._count or done + 1


def make_pass(
    model: Trainable,
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Mapping[int, float] | None,
    training: bool,
    batch_size: int | None,
    steps: int | None,
    shuffle: bool,
    check_finite: bool,
) -> Pass:
    """The way through data of whatever form; checks all that is in memory.

    Raises:
        ValueError: for data of a wrong shape, length or content.
        TypeError: for data that are no numbers.
    """
    owner = type(model).__name__
    if steps is not None:
        steps = _checks.require_positive(owner, "steps", steps)
    if is_batches(x):
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"[{owner}] expected y and sample_weight inside the batches of x: (x, y) or "
                "(x, y, sample_weight)"
            )
        if batch_size is not None:
            raise ValueError(f"[{owner}] batch_size is that of the batches: leave it out")
        held = getattr(x, "in_memory", None)
        if held is None:
            return _batch_pass(model, x, class_weight, training, steps, shuffle, check_finite)
        parts = split_batch(held.arrays)
        signature, columns = model._engine.columns(*parts, class_weight, check_finite)
        mixed = held.shuffled and training
        return columns_pass(
            model, signature, columns, training, held.batch_size, steps, mixed, check_finite
        )
    size = 32 if batch_size is None else _checks.require_positive(owner, "batch_size", batch_size)
    signature, columns = model._engine.columns(x, y, sample_weight, class_weight, check_finite)
    return columns_pass(model, signature, columns, training, size, steps, shuffle, check_finite)


def columns_pass(
    model: Trainable,
    signature: Signature,
    columns: Columns,
    training: bool,
    batch_size: int,
    steps: int | None,
    shuffle: bool,
    check_finite: bool,
) -> Pass:
    """The way through arrays that have been checked."""
    settings = (model, training, batch_size, steps, shuffle, check_finite)
    if not columns.is_mapped:
        return MemoryPass(signature, columns, *settings)
    return MappedPass(signature, columns, *settings)


def _batch_pass(
    model: Trainable,
    x: Any,
    class_weight: Mapping[int, float] | None,
    training: bool,
    steps: int | None,
    shuffle: bool,
    check_finite: bool,
) -> Pass:
    source = Batches(x, type(model).__name__)

    def batches(number: int) -> Iterator[tuple[Signature, Columns]]:
        seed = model._engine.clock.seed
        generator = np.random.default_rng([seed, number])
        permute = generator.permutation if training and shuffle else None
        for batch in source.one_epoch(steps, permute, (seed, number) if training else None):
            part_x, part_y, part_w = split_batch(batch)
            yield model._engine.columns(part_x, part_y, part_w, class_weight, check_finite)
        source.end_epoch()

    return BatchPass(batches, source.steps, model, training, 0, steps, shuffle, check_finite)
