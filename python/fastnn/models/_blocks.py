"""Blocks of rows in which files are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.models._columns import Columns
from fastnn.models._mapped import MappedRows


class Blocks:
    """Rows in blocks of about equal size.

    Where a file that is read by pieces of two megabytes is cut between rows, each piece with a cut
    is read twice. So it is cut between such pieces, wherever rows are: a row on both sides of a cut
    belongs to no block. It is put together from its halves, which are kept as their blocks are
    read. Only rows that are much shorter than a block are cut.

    Args:
        rows: how many there are.
        row_bytes: of a row of all arrays.
        places: where arrays lie in files.
        size: bytes of a block, a multiple of two megabytes.

    Attributes:
        count: of blocks.
        place: the file that is cut between pieces, or None.
        window: how many blocks are mixed.
    """

    SHORT = 64  # rows in a block, at least, that are cut
    # Longer blocks of longer rows, and of other files beside the one that is cut: the ends of their
    # blocks are read by small pages.
    LARGE = 4
    BESIDE = 2
    WINDOW = 4  # of short blocks
    HELD_BYTES = 16 << 20  # of halves that are kept

    def __init__(self, rows: int, row_bytes: int, places: Sequence[MappedRows], size: int) -> None:
        self._rows = rows
        short = [p for p in places if p.stride > 0 and max(p.extent, p.stride) * self.SHORT <= size]
        most = max((abs(p.stride) for p in places), default=0)
        self.place = next((p for p in short if p.stride == most), None)
        if self.place is None:
            factor = self.LARGE if row_bytes * self.SHORT > size else 1
        else:
            factor = self.BESIDE if sum(4 * abs(p.stride) >= most for p in places) > 1 else 1
        self._size = size * factor
        self.window = max(2, self.WINDOW // factor)
        if self.place is None:
            self._block_rows = max(1, self._size // max(row_bytes, 1))
            self.count = -(-rows // self._block_rows)
            return
        self._cut0 = (self.place.first + self.place.offset) // self._size
        self._block_rows = self._size // self.place.stride
        end = self.place.offset + self.place.span(0, rows)[1]
        self.count = -(-end // self._size) - self._cut0

    @property
    def block_rows(self) -> int:
        """How many rows a block has, about."""
        return self._block_rows

    def rows(self, block: int) -> tuple[int, int]:
        """The rows that are whole in a block: from start up to stop."""
        if self.place is None:
            start = block * self._block_rows
            return start, min(start + self._block_rows, self._rows)
        start = self.cut_rows(block)[1] if block > 0 else 0
        stop = self.cut_rows(block + 1)[0] if block + 1 < self.count else self._rows
        return start, stop

    def touched(self, block: int) -> tuple[int, int]:
        """The same with those that are cut."""
        if self.place is None:
            return self.rows(block)
        start = self.cut_rows(block)[0] if block > 0 else 0
        stop = self.cut_rows(block + 1)[1] if block + 1 < self.count else self._rows
        return start, stop

    def cuts(self, block: int) -> list[int]:
        """Those at the ends of a block that go through rows; each is named by the block behind."""
        if self.place is None:
            return []
        inner = [cut for cut in (block, block + 1) if 0 < cut < self.count]
        return [cut for cut in inner if np.diff(self.cut_rows(cut))[0] > 0]

    def cut_rows(self, cut: int) -> tuple[int, int]:
        """The rows that a cut goes through: from start up to stop."""
        assert self.place is not None
        at = self._cut_byte(cut) - self.place.first
        stop = min(-(-at // self.place.stride), self._rows)
        return min(max(0, (at - self.place.extent) // self.place.stride + 1), stop), stop

    def room(self, cut: int) -> NDArray[np.uint8]:
        """Room for the rows that a cut goes through."""
        assert self.place is not None
        start, stop = self.cut_rows(cut)
        return np.empty((stop - start, self.place.extent), np.uint8)

    def save_half(self, cut: int, block: int, room: NDArray[np.uint8]) -> None:
        """Copies what a block has of the rows that a cut at one of its ends goes through."""
        assert self.place is not None
        at, content = self._cut_byte(cut), self.place.content
        for number, row in enumerate(range(*self.cut_rows(cut))):
            first = self.place.first + row * self.place.stride
            end = first + self.place.extent
            if block < cut:
                room[number, : at - first] = content[first:at]
            else:
                room[number, at - first :] = content[at:end]

    def joined(self, cut: int, columns: Columns, room: NDArray[np.uint8]) -> Columns:
        """The rows that a cut goes through.

        Args:
            cut: its number.
            columns: all rows.
            room: both halves of these, of the file that is cut; others are as they were.
        """
        place = self.place
        assert place is not None
        start, stop = self.cut_rows(cut)
        numbers = iter(range(len(columns.arrays)))

        def rows_of(array: NDArray[Any]) -> NDArray[Any]:
            if next(numbers) not in place.arrays:
                return np.array(array[start:stop])
            origin = array.ctypes.data - place.content.ctypes.data - place.first
            shape, strides = (stop - start, *array.shape[1:]), (place.extent, *array.strides[1:])
            return np.ndarray(shape, array.dtype, room.data, origin, strides)

        return columns.map(rows_of)

    def _cut_byte(self, cut: int) -> int:
        """Where in the mapping a cut is."""
        assert self.place is not None
        return (self._cut0 + cut) * self._size - self.place.offset

    def span(self, block: int) -> tuple[int, int]:
        """The bytes of the mapping that a block is read from."""
        assert self.place is not None
        start, end = max(0, self._cut_byte(block)), self._cut_byte(block + 1)
        return start, min(end, len(self.place.content))

    def shuffled(self, generator: np.random.Generator) -> NDArray[np.int64]:
        """The numbers of all blocks in a random order, in which few rows wait for their halves."""
        if self.place is None:
            return generator.permutation(self.count)
        near = max(1, self.HELD_BYTES // self.place.extent)
        starts = np.arange(0, self.count, near)
        return np.concatenate(
            [
                start + generator.permutation(min(near, self.count - start))
                for start in generator.permutation(starts)
            ]
        )
