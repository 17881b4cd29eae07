"""Data that come in batches: generators, iterables, sequences, memory maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.models._columns import Columns
from fastnn.models._read_ahead import ReadAhead


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


class MappedBatches:
    """Batches of memory maps, read and shuffled a window of blocks at a time.

    A system reads some megabytes around whatever is touched in a mapped file: rows taken here and
    there would read a file many times over. So blocks are long, and are copied before their rows
    are mixed; and the next ones are read meanwhile.

    Args:
        columns: arrays of which some are memory maps.
        batch_size: rows a batch.
    """

    _BLOCK_BYTES = 4 << 20
    _BLOCK_ROWS = 256  # at least
    _WINDOW_BLOCKS = 4

    def __init__(self, columns: Columns, batch_size: int) -> None:
        self._columns = columns
        self._batch_size = batch_size
        row_bytes = sum(a[:1].nbytes for a in columns.arrays) or 1
        self._block_rows = max(self._BLOCK_ROWS, self._BLOCK_BYTES // row_bytes)

    @property
    def steps(self) -> int:
        """How many batches a pass has."""
        return -(-self._columns.rows // self._batch_size)

    def one_epoch(self, generator: np.random.Generator | None) -> Iterator[Columns]:
        """The batches of a pass.

        Args:
            generator: shuffles; None keeps the order. Blocks of rows are read in random order,
                and rows are mixed within windows of some blocks.
        """
        size = self._batch_size
        if generator is None:
            yield from self._in_order()
            return
        rest = self._columns.slice(0, 0)
        window = None
        for blocks in self._windows(generator):
            del window  # before the next is made: memory for one is enough
            window = _joined([rest, *blocks])
            order = generator.permutation(window.rows)
            whole = len(order) // size * size
            for start in range(0, whole, size):
                yield _rows_of(window, order[start : start + size])
            rest = _rows_of(window, order[whole:])
        if rest.rows:
            yield rest

    def _in_order(self) -> Iterator[Columns]:
        rows, size = self._columns.rows, self._batch_size
        reach = self._WINDOW_BLOCKS * self._block_rows
        with ReadAhead(self._columns.arrays) as ahead:
            asked = 0
            for start in range(0, rows, size):
                while ahead.maps and asked < min(start + reach, rows):
                    ahead.ask(self._block(asked // self._block_rows).arrays)
                    asked += self._block_rows
                yield self._columns.slice(start, min(start + size, rows))

    def _windows(self, generator: np.random.Generator) -> Iterator[list[Columns]]:
        size, count = self._block_rows, self._WINDOW_BLOCKS
        blocks = generator.permutation(-(-self._columns.rows // size))
        windows = [np.sort(blocks[i : i + count]) for i in range(0, len(blocks), count)]
        with ReadAhead(self._columns.arrays) as ahead:
            for i, chosen in enumerate(windows):
                # The first; then each while the one before it is trained on.
                for coming in windows[:2] if i == 0 else windows[i + 1 : i + 2]:
                    for b in coming if ahead.maps else ():
                        ahead.ask(self._block(b).arrays)
                yield [self._block(b) for b in chosen]

    def _block(self, b: int) -> Columns:
        return self._columns.slice(b * self._block_rows, (b + 1) * self._block_rows)


def _rows_of(columns: Columns, indices: NDArray[np.int64]) -> Columns:
    return columns.map(lambda array: array[indices])


def _joined(parts: list[Columns]) -> Columns:
    """Rows of several columns, one after the other, copied."""

    def join(own: Sequence[Sequence[NDArray[Any] | None]]) -> list[Any]:
        return [
            None if arrays[0] is None else np.concatenate(arrays)
            for arrays in zip(*own, strict=True)
        ]

    return Columns(
        parts[0].template,
        join([part.x for part in parts]),
        join([part.y for part in parts]),
        join([part.weights for part in parts]),
    )


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
