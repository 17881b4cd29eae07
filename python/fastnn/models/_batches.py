"""Data that come in batches: generators, iterables, sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_batches(x: Any) -> bool:
    """Whether x yields batches rather than being one array or a structure of arrays.

    Example:
        >>> is_batches(iter([1])), is_batches(np.zeros(3)), is_batches([[1.0], [2.0]])
        (True, False, False)
    """
    if isinstance(x, (np.ndarray, list, tuple, dict, str, bytes)) or x is None:
        return False
    if any(hasattr(x, name) for name in ("__array__", "__dlpack__", "to_numpy", "shape")):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


class Batches:
    """An iterable of batches, or a sequence of them by index.

    Args:
        source: a generator, an iterable, or an object with ``__len__`` and ``__getitem__``.
        owner: the class that error messages name.
    """

    def __init__(self, source: Any, owner: str) -> None:
        self._source = source
        self._owner = owner
        self._indexed = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        self._one_pass = hasattr(source, "__next__")
        self._endless = bool(getattr(source, "is_infinite", False))
        self._iterator: Iterator[Any] | None = None
        self._place: tuple[int, ...] | None = None  # of the last pass that was begun
        self._passes = 0  # begun at that place
        if self._indexed and len(source) == 0:
            raise ValueError(f"[{owner}] expected batches, got a sequence of length 0")

    @property
    def steps(self) -> int | None:
        """How many batches a pass has, where that is known."""
        try:
            return len(self._source)
        except TypeError:
            return None

    def one_epoch(
        self,
        steps: int | None,
        permute: Callable[[int], NDArray[Any]] | None = None,
        place: tuple[int, ...] | None = None,
    ) -> Iterator[Any]:
        """The batches of an epoch.

        Args:
            steps: how many, or None for a whole pass. A pass that was not finished is gone on
                with in the next epoch.
            permute: gives an order of so many batches; None keeps the order.
            place: seed and epoch, told to a source that has ``begin_pass`` before each pass.

        Raises:
            ValueError: where there is no batch at all, or no end and no number of steps.
        """
        if steps is None and self._endless:
            raise ValueError(
                f"[{self._owner}] the data have no end: say how many steps a pass has "
                "(steps_per_epoch, validation_steps or steps)"
            )
        done = 0
        while steps is None or done < steps:
            if self._iterator is None:
                self._begin_pass(place)
                self._iterator = self._fresh(permute)
            try:
                batch = next(self._iterator)
            except StopIteration:
                self._iterator = None
                if steps is None or self._one_pass:
                    break
                if done == 0 and self.steps is None and not self._restarts():
                    break
                continue
            done += 1
            yield batch
        if done == 0:
            raise ValueError(
                f"[{self._owner}] the data gave no batch: a generator is used up after one pass; "
                "give one that goes on, or an iterable that can start again"
            )

    def _begin_pass(self, place: tuple[int, ...] | None) -> None:
        hook = getattr(self._source, "begin_pass", None)
        if place is None or not callable(hook):
            return
        if place != self._place:
            self._place, self._passes = place, 0
        hook(*place, self._passes)
        self._passes += 1

    def _restarts(self) -> bool:
        """Whether a new pass has a batch; keeps it."""
        iterator = self._fresh(None)
        try:
            first = next(iterator)
        except StopIteration:
            return False
        self._iterator = _prepend(first, iterator)
        return True

    def _fresh(self, permute: Callable[[int], NDArray[Any]] | None) -> Iterator[Any]:
        if not self._indexed:
            return iter(self._source)
        count = len(self._source)
        order = range(count) if permute is None else permute(count)
        return (self._source[int(index)] for index in order)

    def end_epoch(self) -> None:
        """Tells a sequence that the epoch is over (``on_epoch_end``, where it has one)."""
        hook = getattr(self._source, "on_epoch_end", None)
        if callable(hook):
            hook()


def _prepend(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def split_batch(batch: Any) -> tuple[Any, Any, Any]:
    """A batch of an iterable as (x, y, sample_weight); missing parts are None.

    Example:
        >>> split_batch(("x", "y"))
        ('x', 'y', None)
    """
    if isinstance(batch, (tuple, list)) and 1 <= len(batch) <= 3:
        parts = [*batch, None, None]
        return parts[0], parts[1], parts[2]
    return batch, None, None
