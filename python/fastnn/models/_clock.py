"""Where a model's training stands: what its random numbers and its order of rows are counted by."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from fastnn import _random as random


@dataclass
class Clock:
    """The place in a training, which another process can go on from.

    Attributes:
        block: of random streams, 0 before the first training step is compiled.
        step: how many steps were done.
        passes: how many passes over the rows were begun.
        epoch: the epoch that it is in.
        batch: the next batch of the epoch.
        row: the next row of the pass, 0 before and after it. An epoch of fewer steps than the
            rows have leaves the others to the next.
        batch_size: of the pass.
        rows: of the pass.
    """

    block: int = 0
    step: int = 0
    passes: int = 0
    epoch: int = 0
    batch: int = 0
    row: int = 0
    batch_size: int = 0
    rows: int = 0
    _seed: int | None = None
    _generation: int = 0

    @property
    def seed(self) -> int:
        """That of the training which is gone on with, until a new one is set; the process's."""
        if self._seed is not None and self._generation == random.generation():
            return self._seed
        return random.current_seed()

    def streams(self) -> int:
        """The block of random streams; taken at the first call."""
        self.block = self.block or random.next_block()
        return self.block

    def begin_epoch(self, epoch: int) -> None:
        """At the first batch of an epoch; a pass over the rows that is not finished goes on."""
        self.epoch, self.batch = epoch, 0

    def state(self) -> dict[str, Any]:
        """The numbers, as plain data."""
        kept = {name: value for name, value in asdict(self).items() if not name.startswith("_")}
        return {**kept, "seed": self.seed}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Clock:
        """The clock of :meth:`state`.

        Raises:
            ValueError: for anything that is no such state.
        """
        names = {*(name for name in asdict(cls()) if not name.startswith("_")), "seed"}
        if set(state) != names:
            raise ValueError(f"expected {', '.join(sorted(names))}, got {', '.join(sorted(state))}")
        for name, value in state.items():
            if type(value) is not int or not 0 <= value < 2**63:
                raise ValueError(f"expected a count as {name}, got {value!r}")
        numbers = dict(state)
        seed = numbers.pop("seed")
        return cls(**numbers, _seed=seed, _generation=random.generation())
