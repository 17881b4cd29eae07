"""Where the rows of arrays lie in files that are mapped into memory."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Rows nearer than that are read with what lies between: a disk takes as long for one as for both.
_NEAR = 1 << 16


@dataclass(frozen=True, eq=False)
class MappedRows:
    """The rows of one array, or of several side by side, in a mapped file.

    Row r takes ``extent`` bytes of the mapping from ``first + r * stride`` on, those between its
    numbers included.

    Attributes:
        owner: the mapping.
        content: its bytes.
        file: the file's name.
        offset: where in the file the mapping begins.
        shared: whether it shows the file; else pages that were written to are its own.
        first: where row 0 begins.
        stride: from a row to the next, which may lie before it.
        extent: from a row's first byte to its last.
        used: of these bytes, those that belong to arrays.
        arrays: their numbers.
    """

    owner: mmap.mmap
    content: NDArray[np.uint8]
    file: str
    offset: int
    shared: bool
    first: int
    stride: int
    extent: int
    used: int
    arrays: tuple[int, ...]

    @property
    def is_dense(self) -> bool:
        """Whether rows lie so close that all of the file between them may as well be read."""
        step = abs(self.stride)
        return step <= _NEAR or 2 * self.used >= max(step, self.extent)

    @property
    def is_apart(self) -> bool:
        """Whether rows lie far apart, each in one piece: they are read one by one."""
        return not self.is_dense and 2 * self.used >= self.extent

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """The bytes of the mapping that rows lie in, from start up to stop, at least one."""
        ends = (self.first + start * self.stride, self.first + (stop - 1) * self.stride)
        return min(ends), max(ends) + self.extent


def mapped_rows(arrays: Sequence[NDArray[Any]]) -> list[MappedRows]:
    """Where the rows of these arrays lie: one entry for all that lie side by side in a file."""
    found: dict[tuple[int, int], MappedRows] = {}
    for number, array in enumerate(arrays):
        memmap = _memmap_of(array)
        if memmap is None or array.size == 0:
            continue
        owner = memmap._mmap
        content = np.frombuffer(owner, np.uint8)
        reach = [(n - 1) * s for n, s in zip(array.shape[1:], array.strides[1:], strict=True)]
        first = array.ctypes.data - content.ctypes.data + sum(min(r, 0) for r in reach)
        new = MappedRows(
            owner=owner,
            content=content,
            file=str(memmap.filename or "?"),
            offset=memmap.offset - memmap.offset % mmap.ALLOCATIONGRANULARITY,
            shared=memmap.mode != "c",
            first=first,
            stride=array.strides[0],
            extent=sum(abs(r) for r in reach) + array.itemsize,
            used=array[:1].nbytes,
            arrays=(number,),
        )
        key = id(owner), new.stride
        found[key] = _side_by_side(found[key], new) if key in found else new
    return list(found.values())


def _side_by_side(a: MappedRows, b: MappedRows) -> MappedRows:
    first = min(a.first, b.first)
    end = max(a.first + a.extent, b.first + b.extent)
    used, arrays = a.used + b.used, a.arrays + b.arrays
    return replace(a, first=first, extent=end - first, used=used, arrays=arrays)


def require_files(owner: str, arrays: Sequence[NDArray[Any]]) -> None:
    """Raises ValueError where a file has become shorter than what is mapped of it.

    To touch what is missing would end the process.

    Args:
        owner: the class that the message names.
        arrays: of which some may lie in files.

    Raises:
        ValueError: if there is such a file.
    """
    for rows in mapped_rows(arrays):
        require_file(owner, rows, len(arrays[rows.arrays[0]]))


def require_file(owner: str, rows: MappedRows, count: int) -> None:
    """The same for rows that are known to lie in a file, so many of them."""
    need, size = rows.offset + rows.span(0, count)[1], rows.owner.size()
    if size < need:
        raise ValueError(
            f"[{owner}] {rows.file} has become shorter since it was mapped: expected at least "
            f"{need} bytes, got {size}"
        )


def _memmap_of(array: Any) -> Any:
    """The memory map under an array, or None."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and isinstance(getattr(array, "_mmap", None), mmap.mmap):
            return array
        array = array.base
    return None
