"""One way through data: what all ways share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn.callbacks import CallbackList
from fastnn.models._clock import Clock

if TYPE_CHECKING:
    from fastnn.models._trainable import Trainable

_TICK = 0.05


class Pass:
    """One way through data: in memory, mapped from a file, or as batches.

    Args:
        model: the model.
        training: whether the variables are updated.
        batch_size: rows a step.
        steps: of a pass, None for all.
        shuffle: whether the order is random.
        check_finite: whether batches that are read late are looked at.
    """

    def __init__(
        self,
        model: Trainable,
        training: bool,
        batch_size: int,
        steps: int | None,
        shuffle: bool,
        check_finite: bool,
    ) -> None:
        self.model = model
        self.training = training
        self.batch_size = batch_size
        self.limit = steps
        self.shuffle = shuffle
        self.check_finite = check_finite
        self.phase = "train" if training else "test"

    @property
    def steps(self) -> int | None:
        """How many steps a pass has, where it is known."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Compiles what can be compiled before the first step."""

    def run(self, number: int, callbacks: CallbackList) -> None:
        """Runs one pass, of training from where the model's clock stands.

        Args:
            number: of the pass, for the order.
            callbacks: told of batches and progress.
        """
        raise NotImplementedError

    def release(self) -> None:
        """Lets go of what is kept from one pass to the next: the data's copy on a device."""

    def _clock(self, batch_size: int, rows: int) -> Clock:
        """The model's for training; measuring has one of its own."""
        if not self.training:
            return Clock()
        clock = self.model._engine.clock
        if clock.batch and (clock.batch_size, clock.rows) != (batch_size, rows):
            raise ValueError(
                f"[{type(self.model).__name__}] the training stopped at batch {clock.batch} of "
                f"{clock.batch_size} rows each, of {clock.rows} rows: it goes on with the same, "
                f"got batches of {batch_size} and {rows} rows"
            )
        unlike = (clock.batch_size, clock.rows) != (batch_size, rows)
        if not clock.batch and (self.limit is None or unlike):
            clock.row = 0
        clock.batch_size, clock.rows = batch_size, rows
        return clock

    def _logs(self) -> dict[str, Any]:
        objective = self.model._objective
        return {} if objective is None else objective.results()

    def _stopped(self) -> bool:
        return self.training and self.model.stop_training


def run_steps(trainer: Any, clock: Clock, most: int) -> int:
    """Runs steps for a moment and moves the clock on, also where Ctrl-C ends them."""
    before: int = trainer.step
    try:
        ran: int = trainer.run(most, _TICK)
    finally:
        clock.batch += trainer.step - before
        clock.step = trainer.step
    return ran
