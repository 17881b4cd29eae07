"""Rows of memory-mapped files in windows: some blocks of them, read while others are trained on."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.models._blocks import Blocks
from fastnn.models._columns import Columns
from fastnn.models._mapped import MappedRows, mapped_rows, require_file
from fastnn.models._read_ahead import HUGE, ReadAhead

if TYPE_CHECKING:
    from concurrent.futures import Future

Check = Callable[[NDArray[Any], int], None]


@dataclass
class Window:
    """Rows that are there to be trained on.

    Attributes:
        columns: the rows.
        order: those that come, by their numbers, or None: all in their order.
        batch_size: rows a batch.
        steps: how many batches.
    """

    columns: Columns
    order: NDArray[np.int64] | None
    batch_size: int
    steps: int

    def batches(self) -> Iterator[Columns]:
        """The batches, one by one."""
        for at in range(0, self.steps * self.batch_size, self.batch_size):
            end = min(at + self.batch_size, self.columns.rows)
            if self.order is None:
                yield self.columns.slice(at, end)
            else:
                yield _rows_of(self.columns, self.order[at:end])


class MappedBatches:
    """Batches of memory maps, read and shuffled a window of blocks at a time.

    Rows taken here and there would have a file read many times over, some pages at a time. So
    blocks are long; threads have those of a window read while the one before is trained on.

    Args:
        columns: arrays of which some are memory maps.
        batch_size: rows a batch.
        check: is called for rows that have been read, with the number of the first, and raises
            where something is wrong with them.
        owner: the class that error messages name.

    Attributes:
        columns: the same.
        arrays: those of the columns.
        rows: how many there are.
        batch_size: the same.
        places: where they lie in files.
        blocks: in which they are read.
    """

    BLOCK_BYTES = 4 << 20

    def __init__(
        self, columns: Columns, batch_size: int, check: Check | None = None, owner: str = "fastnn"
    ) -> None:
        self.columns = columns
        self.arrays = columns.arrays
        self.rows = columns.rows
        self.batch_size = batch_size
        self._check = check
        self._owner = owner
        found = mapped_rows(self.arrays)
        self.places = [place for place in found if place.is_dense]
        self._apart = [place for place in found if place.is_apart]
        row_bytes = sum(a[:1].nbytes for a in self.arrays) or 1
        row_bytes += mmap.PAGESIZE * len(self._apart)
        self.blocks = Blocks(self.rows, row_bytes, self.places, self.BLOCK_BYTES)

    @property
    def steps(self) -> int:
        """How many batches a pass has."""
        return -(-self.rows // self.batch_size)

    def windows(self, generator: np.random.Generator | None) -> Generator[Window, None, None]:
        """The windows of a pass, each until the next is asked for.

        Args:
            generator: shuffles; None keeps the order. Blocks of rows are read in random order, and
                rows are mixed within windows of some blocks.

        Raises:
            ValueError: if a file has become shorter, or from the check.
        """
        for place in (*self.places, *self._apart):
            require_file(self._owner, place, self.rows)
        with ReadAhead(self.places, self._apart) as ahead:
            if generator is None:
                yield from self._in_order(ahead)
            else:
                yield from _Mixer(self, ahead).windows(generator)

    # --- in the order of the rows, where they are

    def _in_order(self, ahead: ReadAhead) -> Iterator[Window]:
        rows, size = self.rows, self.batch_size
        reach = -(-self.blocks.window * self.blocks.block_rows // size) * size
        starts = range(0, rows, reach)
        coming = self._ask(ahead, 0, min(reach, rows))
        for start in starts:
            stop = min(start + reach, rows)
            parts = coming
            if stop < rows:
                coming = self._ask(ahead, stop, min(stop + reach, rows))
            for part in parts:
                part.result()
            yield Window(self.columns.slice(start, stop), None, size, -(-(stop - start) // size))
            for place in self.places:
                first, last = place.span(start, stop)
                ahead.drop(place, first // HUGE * HUGE, last // HUGE * HUGE)

    def _ask(self, ahead: ReadAhead, start: int, stop: int) -> list[Future[Any]]:
        step = self.blocks.block_rows
        return [
            ahead.submit(self._read, ahead, first, min(first + step, stop))
            for first in range(start, stop, step)
        ]

    def _read(self, ahead: ReadAhead, start: int, stop: int) -> None:
        for place in self.places:
            first, last = place.span(start, stop)
            shift = place.offset % HUGE  # whole pieces: what is too much of one comes next
            first = max(0, (first + shift) // HUGE * HUGE - shift)
            last = min(-(-(last + shift) // HUGE) * HUGE - shift, len(place.content))
            self.fetch(ahead, place, first, last)
        self.fetch_apart(ahead, start, stop)
        self.look_at(self.columns.slice(start, stop), start)

    # --- for threads

    def fetch(self, ahead: ReadAhead, place: MappedRows, start: int, end: int) -> None:
        """Has bytes of a mapping read."""
        if not ahead.fetch(place, start, end):
            require_file(self._owner, place, self.rows)
            ahead.touch(place, start, end)

    def fetch_apart(self, ahead: ReadAhead, start: int, stop: int) -> None:
        """Has rows read that lie far apart."""
        for place in self._apart:
            spans = [place.span(row, row + 1) for row in range(start, stop)]
            for span in spans:
                ahead.ask(place, *span)
            for span in spans:
                self.fetch(ahead, place, *span)

    def look_at(self, columns: Columns, first: int) -> None:
        """Checks rows, of which the first has that number."""
        if self._check is not None:
            for array in columns.arrays:
                self._check(array, first)


class _Mixer:
    """A shuffled pass: windows of blocks, whose rows are taken from where they lie.

    What a window leaves of its rows, less than a batch, is copied and kept, and so are rows that
    were cut. As soon as they make a batch, they come as a window of their own.
    """

    def __init__(self, batches: MappedBatches, ahead: ReadAhead) -> None:
        self._batches = batches
        self._ahead = ahead
        self._blocks = batches.blocks
        self._halves: dict[int, NDArray[np.uint8]] = {}  # of cut rows, by the number of the cut
        self._once: set[int] = set()  # cuts of which one side has come
        self._kept: list[Columns] = []

    def windows(self, generator: np.random.Generator) -> Iterator[Window]:
        """The windows; see :class:`MappedBatches`."""
        columns, size = self._batches.columns, self._batches.batch_size
        count = max(self._blocks.window, -(-size // self._blocks.block_rows))
        blocks = self._blocks.shuffled(generator)
        windows = [np.sort(blocks[i : i + count]).tolist() for i in range(0, len(blocks), count)]
        coming = self._ask(windows[0])
        for chosen, following in zip(windows, [*windows[1:], []], strict=True):
            tasks, coming = coming, self._ask(following)
            for task in tasks:
                task.result()
            ranges = [np.arange(*self._blocks.rows(block)) for block in chosen]
            rows = generator.permutation(np.concatenate(ranges))
            steps = len(rows) // size
            if steps:
                yield Window(columns, rows[: steps * size], size, steps)
            self._keep(_rows_of(columns, rows[steps * size :]))
            self._put_together(chosen)
            for block in chosen:
                for place, span in self._spans(block):
                    self._ahead.drop(place, *span)
            yield from self._kept_rows(generator, last=not following)

    def _ask(self, chosen: list[int]) -> list[Future[None]]:
        """Begins to read blocks."""
        tasks = []
        for block in chosen:
            for cut in self._blocks.cuts(block):
                if cut not in self._halves:
                    self._halves[cut] = self._blocks.room(cut)
            tasks.append(self._ahead.submit(self._read, block))
        return tasks

    def _read(self, block: int) -> None:
        for place, span in self._spans(block):
            self._batches.fetch(self._ahead, place, *span)
        self._batches.fetch_apart(self._ahead, *self._blocks.touched(block))
        for cut in self._blocks.cuts(block):
            self._blocks.save_half(cut, block, self._halves[cut])
        start, stop = self._blocks.rows(block)
        self._batches.look_at(self._batches.columns.slice(start, stop), start)

    def _spans(self, block: int) -> list[tuple[MappedRows, tuple[int, int]]]:
        """What to read of each file."""
        own, touched = self._blocks.place, self._blocks.touched(block)
        return [
            (place, self._blocks.span(block) if place is own else place.span(*touched))
            for place in self._batches.places
        ]

    def _put_together(self, chosen: list[int]) -> None:
        """Keeps rows that were cut, of which these blocks brought the second half."""
        for block in chosen:
            for cut in self._blocks.cuts(block):
                if cut not in self._once:
                    self._once.add(cut)
                    continue
                self._once.remove(cut)
                rows = self._blocks.joined(cut, self._batches.columns, self._halves.pop(cut))
                self._batches.look_at(rows, self._blocks.cut_rows(cut)[0])
                self._keep(rows)

    def _keep(self, columns: Columns) -> None:
        if columns.rows:
            self._kept.append(columns)

    def _kept_rows(self, generator: np.random.Generator, last: bool) -> Iterator[Window]:
        """What is kept, if it makes a batch or is the last."""
        size, count = self._batches.batch_size, sum(part.rows for part in self._kept)
        if count < (1 if last else size):
            return
        columns, rows = _joined(self._kept), generator.permutation(count)
        steps = -(-count // size) if last else count // size
        yield Window(columns, rows[: steps * size], size, steps)
        self._kept = []
        self._keep(_rows_of(columns, rows[steps * size :]))


def _rows_of(columns: Columns, indices: NDArray[np.int64]) -> Columns:
    return columns.map(lambda array: array[indices])


def _joined(parts: list[Columns]) -> Columns:
    """Rows of several columns, one after the other, copied."""
    each = [iter(part.arrays) for part in parts]
    return parts[0].map(lambda _: np.concatenate([next(arrays) for arrays in each]))
