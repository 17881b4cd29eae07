"""Rows of memory-mapped files in windows: some blocks of them, read while others are trained on."""

from __future__ import annotations

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
        order: of the rows, or None: as they are.
        batch_size: rows a batch.
        steps: how many batches; what is left of the rows comes in the next window.
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
    blocks are long; threads copy those of a window while the rows of the one before are mixed.

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
    WINDOW_BLOCKS = 4

    def __init__(
        self, columns: Columns, batch_size: int, check: Check | None = None, owner: str = "fastnn"
    ) -> None:
        self.columns = columns
        self.arrays = columns.arrays
        self.rows = columns.rows
        self.batch_size = batch_size
        self._check = check
        self._owner = owner
        self.places = [place for place in mapped_rows(self.arrays) if place.is_dense]
        row_bytes = sum(a[:1].nbytes for a in self.arrays) or 1
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
        for place in self.places:
            require_file(self._owner, place, self.rows)
        with ReadAhead(self.places) as ahead:
            if generator is None:
                yield from self._in_order(ahead)
            else:
                yield from _Mixer(self, ahead).windows(generator)

    # --- in the order of the rows, where they are

    def _in_order(self, ahead: ReadAhead) -> Iterator[Window]:
        rows, size = self.rows, self.batch_size
        reach = -(-self.WINDOW_BLOCKS * self.blocks.block_rows // size) * size
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
        self.look_at(self.arrays, start, stop, start)

    # --- for threads

    def fetch(self, ahead: ReadAhead, place: MappedRows, start: int, end: int) -> None:
        """Has bytes of a mapping read."""
        if not ahead.fetch(place, start, end):
            require_file(self._owner, place, self.rows)

    def look_at(self, arrays: list[NDArray[Any]], start: int, stop: int, number: int) -> None:
        """Checks rows from start up to stop, of which the first has that number."""
        if self._check is not None:
            for array in arrays:
                self._check(array[start:stop], number)


@dataclass
class _Coming:
    """A window that is being read.

    Attributes:
        buffers: where its rows go, one for each array.
        rows: how many they are, with those left over from the window before.
        tasks: that copy whole rows.
        cut: where rows that have been cut go: the number of the cut and the place of the first.
    """

    buffers: list[NDArray[Any]]
    rows: int
    tasks: list[Future[None]]
    cut: list[tuple[int, int]]


class _Mixer:
    """A shuffled pass: blocks are copied into two windows by turns."""

    def __init__(self, batches: MappedBatches, ahead: ReadAhead) -> None:
        self._batches = batches
        self._ahead = ahead
        self._blocks = batches.blocks
        self._arrays = batches.arrays
        self._halves: dict[int, NDArray[np.uint8]] = {}  # of cut rows, by the number of the cut

    def windows(self, generator: np.random.Generator) -> Iterator[Window]:
        """The windows; see :class:`MappedBatches`."""
        size = self._batches.batch_size
        count = max(self._batches.WINDOW_BLOCKS, -(-size // self._blocks.block_rows))
        blocks = self._blocks.shuffled(generator)
        chosen = [np.sort(blocks[i : i + count]).tolist() for i in range(0, len(blocks), count)]
        most = min(count * self._blocks.most_rows + size, self._batches.rows)
        turns = [self._buffers(most) for _ in chosen[:2]]
        coming = self._ask(chosen[0], turns[0], 0)
        for i in range(len(chosen)):
            window, last = coming, i + 1 == len(chosen)
            rest = 0 if last else window.rows % size
            if not last:
                coming = self._ask(chosen[i + 1], turns[(i + 1) % 2], rest)
            columns = self._wait(window)
            order = generator.permutation(window.rows)
            yield Window(columns, order, size, -(-(window.rows - rest) // size))
            if rest:
                for buffer, out in zip(window.buffers, coming.buffers, strict=True):
                    out[:rest] = buffer[order[-rest:]]

    def _buffers(self, rows: int) -> list[NDArray[Any]]:
        """Room for so many rows of each array; an array that comes twice has one."""
        made: dict[Any, NDArray[Any]] = {}
        for a in self._arrays:
            key = a.ctypes.data, a.shape, a.strides, a.dtype
            if key not in made:
                made[key] = np.empty((rows, *a.shape[1:]), a.dtype)
        return [made[a.ctypes.data, a.shape, a.strides, a.dtype] for a in self._arrays]

    def _ask(self, chosen: list[int], buffers: list[NDArray[Any]], at: int) -> _Coming:
        """Begins to read blocks, whose rows go to the buffers from that row on."""
        coming = _Coming(buffers, at, [], [])
        complete = []
        for block in chosen:
            cuts = self._blocks.cuts(block)
            complete += [cut for cut in cuts if cut in self._halves]
            for cut in cuts:
                if cut not in self._halves:
                    self._halves[cut] = self._blocks.room(cut)
            halves = {cut: self._halves[cut] for cut in cuts}
            coming.tasks.append(self._ahead.submit(self._copy, block, buffers, coming.rows, halves))
            start, stop = self._blocks.rows(block)
            coming.rows += stop - start
        for cut in complete:
            coming.cut.append((cut, coming.rows))
            start, stop = self._blocks.cut_rows(cut)
            coming.rows += stop - start
        return coming

    def _copy(
        self,
        block: int,
        buffers: list[NDArray[Any]],
        at: int,
        halves: dict[int, NDArray[np.uint8]],
    ) -> None:
        """Copies a block's rows, and what it has of others; for the threads."""
        start, stop = self._blocks.rows(block)
        own = self._blocks.place
        touched = self._blocks.touched(block)
        spans = {
            place: self._blocks.span(block) if place is own else place.span(*touched)
            for place in self._batches.places
        }
        for place, span in spans.items():
            self._batches.fetch(self._ahead, place, *span)
        for array, out in self._pairs(buffers):
            out[at : at + stop - start] = array[start:stop]
        for cut, room in halves.items():
            self._blocks.save_half(cut, block, room)
        for place, span in spans.items():
            self._ahead.drop(place, *span)
        self._batches.look_at(buffers, at, at + stop - start, start)

    def _pairs(self, buffers: list[NDArray[Any]]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """Each array with its buffer, once for each buffer."""
        pairs = zip(self._arrays, buffers, strict=True)
        return list({id(out): (array, out) for array, out in pairs}.values())

    def _wait(self, coming: _Coming) -> Columns:
        """The rows, when they are there."""
        for task in coming.tasks:
            task.result()
        for cut, at in coming.cut:
            room = self._halves.pop(cut)
            start, stop = self._blocks.cut_rows(cut)
            for number, out in enumerate(coming.buffers):
                joined = self._blocks.joined(number, self._arrays[number], room)
                whole = self._arrays[number][start:stop] if joined is None else joined
                out[at : at + stop - start] = whole
            self._batches.look_at(coming.buffers, at, at + stop - start, start)
        given = iter(coming.buffers)
        return self._batches.columns.map(lambda array: next(given)[: coming.rows])


def _rows_of(columns: Columns, indices: NDArray[np.int64]) -> Columns:
    return columns.map(lambda array: array[indices])
