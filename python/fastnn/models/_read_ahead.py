"""Parts of memory-mapped files, asked for before they are read."""

from __future__ import annotations

import mmap
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _core

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_READERS = 2  # so that the disk has always something to do


class ReadAhead:
    """Has parts of mapped files read while something else is done; nothing else is read meanwhile.

    Where a mapping is to be of huge pages, Linux reads two megabytes around whatever is touched, in
    one piece; the processor's part of that is a tenth of what it is by small pages. But whoever
    touches waits. So threads do, ahead of the reader, which at worst waits for them. Other systems
    are advised of what comes (madvise).

    Args:
        arrays: all of the data. Only files of which no array takes parts of rows are cared for;
            others are read as the system sees fit.

    Attributes:
        maps: the files that are cared for.
    """

    def __init__(self, arrays: Sequence[NDArray[Any]]) -> None:
        whole: dict[int, mmap.mmap] = {}
        parts = set()
        for array in arrays:
            owner = _map_of(array)
            if owner is not None:
                whole[id(owner)] = owner
                if not array.flags.c_contiguous:
                    parts.add(id(owner))
        self.maps = [owner for key, owner in whole.items() if key not in parts]
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> ReadAhead:
        for owner in self.maps:
            _advise(owner, "MADV_RANDOM")
        if self.maps and _reads_huge_pages():
            taken = [_advise(owner, "MADV_HUGEPAGE") for owner in self.maps]
            if all(taken):
                from concurrent.futures import ThreadPoolExecutor  # loads much; few need it

                self._threads = ThreadPoolExecutor(_READERS, "fastnn-read-ahead")
        return self

    def ask(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Begins to read what of these arrays lies in files."""
        for array in arrays:
            owner = _map_of(array)
            if owner is None or owner not in self.maps:
                continue
            if self._threads is not None:
                self._threads.submit(_core.populate, array)
                continue
            start = array.ctypes.data - np.frombuffer(owner, np.uint8).ctypes.data
            _advise(owner, "MADV_WILLNEED", start, array.nbytes)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for owner in self.maps:
            _advise(owner, "MADV_NORMAL")
            if _reads_huge_pages():
                _advise(owner, "MADV_NOHUGEPAGE")


def _reads_huge_pages() -> bool:
    """Whether advice of huge pages changes how files are read: since Linux 5.18."""
    if sys.platform != "linux":
        return False
    return tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2]) >= (5, 18)


def _map_of(array: Any) -> mmap.mmap | None:
    """The mapped file under an array, or None."""
    while isinstance(array, np.ndarray):
        owner = getattr(array, "_mmap", None)
        if isinstance(owner, mmap.mmap):
            return owner
        array = array.base
    return None


def _advise(owner: mmap.mmap, advice: str, start: int = 0, length: int | None = None) -> bool:
    """madvise, in pieces that the system does not cut short; whether it was taken."""
    option = getattr(mmap, advice, None)
    if option is None:
        return False
    with suppress(OSError):  # a file system may take none
        if length is None:
            owner.madvise(option)
            return True
        end = start + length
        for piece in range(start // mmap.PAGESIZE * mmap.PAGESIZE, end, 1 << 20):
            owner.madvise(option, piece, min(1 << 20, end - piece))
        return True
    return False
