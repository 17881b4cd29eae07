"""Parts of memory-mapped files, read by threads before they are needed."""

from __future__ import annotations

import mmap
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fastnn import _core
from fastnn.models._mapped import MappedRows

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

HUGE = 2 << 20
_READERS = 4  # so that the disk has always something to do


class ReadAhead:
    """Threads that have parts of mapped files read; nothing else is read meanwhile.

    Where a mapping is to be of huge pages, Linux reads the two megabytes around whatever is
    touched, in one piece. The processor's part of that is a tenth of what it is by small pages, and
    disks take a third of the time. So all of a file is read so that lies in whole such pieces; the
    rest by small pages, so that nothing is read that was not asked for. Other systems are advised
    of what comes (madvise).

    Args:
        places: the rows that are cared for.
        apart: others, of which nothing is read but what is asked for.
    """

    def __init__(self, places: Sequence[MappedRows], apart: Sequence[MappedRows] = ()) -> None:
        self._maps = {id(place.owner): place.owner for place in (*places, *apart)}
        self._dense = {id(place.owner) for place in places}
        self._huge: set[int] = set()
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> ReadAhead:
        from concurrent.futures import ThreadPoolExecutor  # loads much; few need it

        self._threads = ThreadPoolExecutor(_READERS, "fastnn-read-ahead")
        for key, owner in self._maps.items():
            _advise(owner, "MADV_RANDOM")
            wanted = key in self._dense and _reads_huge_pages()
            if wanted and _advise(owner, "MADV_HUGEPAGE"):
                self._huge.add(key)
        return self

    def submit(self, task: Callable[..., Any], *args: Any) -> Future[Any]:
        """Has a thread call a function."""
        assert self._threads is not None
        return self._threads.submit(task, *args)

    def ask(self, place: MappedRows, start: int, end: int) -> None:
        """Has bytes of a mapping read in a while."""
        _advise(place.owner, "MADV_WILLNEED", start, end)

    def fetch(self, place: MappedRows, start: int, end: int) -> bool:
        """Has bytes of a mapping read; for the threads, which wait for it.

        Args:
            place: the mapping.
            start: the first byte.
            end: behind the last.

        Returns:
            Whether they are there; False where the system cannot tell or a file is too short.
        """
        first = -(-(start + place.offset) // HUGE) * HUGE - place.offset
        last = (end + place.offset) // HUGE * HUGE - place.offset
        if id(place.owner) in self._huge and first < last:
            self.ask(place, start, first)
            self.ask(place, last, end)
        else:
            self.ask(place, start, end)
        return _core.populate(place.content[start:end])

    def touch(self, place: MappedRows, start: int, end: int) -> None:
        """The same by reading a number of each page."""
        place.content[start : end : mmap.PAGESIZE].max(initial=0)

    def drop(self, place: MappedRows, start: int, end: int) -> None:
        """Lets go of pages that lie between these bytes, of files that stay as they are.

        They stay in the system's cache, where whatever is in no process's memory is the first to
        make room.
        """
        start = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        end = min(end // mmap.PAGESIZE * mmap.PAGESIZE, len(place.content))
        if place.shared and start < end and sys.platform == "linux":
            _advise(place.owner, "MADV_DONTNEED", start, end)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._threads is not None
        self._threads.shutdown(cancel_futures=True)
        for key, owner in self._maps.items():
            _advise(owner, "MADV_NORMAL")
            if key in self._huge:
                _advise(owner, "MADV_NOHUGEPAGE")


def _reads_huge_pages() -> bool:
    """Whether advice of huge pages changes how files are read: since Linux 5.18."""
    if sys.platform != "linux":
        return False
    return tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2]) >= (5, 18)


def _advise(owner: mmap.mmap, advice: str, start: int = 0, end: int | None = None) -> bool:
    """madvise, in pieces that the system does not cut short; whether it was taken."""
    option = getattr(mmap, advice, None)
    if option is None:
        return False
    with suppress(OSError):  # a file system may take none
        if end is None:
            owner.madvise(option)
            return True
        piece = 1 << 20 if advice == "MADV_WILLNEED" else end - start
        for at in range(start // mmap.PAGESIZE * mmap.PAGESIZE, end, piece):
            owner.madvise(option, at, min(piece, end - at))
        return True
    return False
