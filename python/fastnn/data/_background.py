"""A thread that runs ahead of its reader, by a bounded number of elements."""

from __future__ import annotations

import atexit
import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

# How long one waits for the other before it looks whether that one is still there. Waiting with a
# limit also lets Ctrl-C through on every system.
_PATIENCE = 0.1
_JOIN = 1.0


class _End:
    """What the thread puts behind its last element.

    Args:
        error: what ended it; None where the elements were used up.
    """

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Ahead:
    """The thread, its queue and its end.

    Args:
        source: gives the elements; is run and closed in the thread.
        count: elements that wait at most.
    """

    def __init__(self, source: Callable[[], Iterator[Any]], count: int) -> None:
        self._elements: queue.Queue[Any] = queue.Queue(count)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=_run, args=(source, self._elements, self._stop), name="fastnn-data", daemon=True
        )
        self._thread.start()
        _running.add(self)

    def next(self) -> Any:
        """The next element, or an `_End`."""
        while True:
            try:
                return self._elements.get(timeout=_PATIENCE)
            except queue.Empty:
                # Between the last look and this one the thread may have put its end and gone.
                if not self._thread.is_alive() and self._elements.empty():
                    raise RuntimeError(
                        "[Dataset] the thread that prepares elements is gone: an iterator does not"
                        " outlive a fork; begin a new one in the child"
                    ) from None

    def stop(self) -> None:
        """Tells the thread to end."""
        self._stop.set()

    def close(self, patience: float = _JOIN) -> None:
        """Stops the thread and waits for it, though not for an element that takes for ever."""
        self.stop()
        if self._thread is not threading.current_thread():
            self._thread.join(patience)
        _running.discard(self)


def _run(
    source: Callable[[], Iterator[Any]], elements: queue.Queue[Any], stop: threading.Event
) -> None:
    """The thread's work; it holds no reference to its reader, which may thus be collected."""
    end = _End()
    try:
        iterator = source()
        for element in iterator:
            if not _put(elements, element, stop):
                break
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
    except BaseException as error:
        end = _End(error)
    _put(elements, end, stop)


def _put(elements: queue.Queue[Any], element: Any, stop: threading.Event) -> bool:
    """Puts an element where there is room; False when it is not wanted any more."""
    while not stop.is_set():
        try:
            elements.put(element, timeout=_PATIENCE)
            return True
        except queue.Full:
            continue
    return False


def run_ahead(source: Callable[[], Iterator[Any]], count: int) -> Iterator[Any]:
    """The elements of a source, prepared by a thread.

    Args:
        source: gives the elements; is called in the thread.
        count: elements that wait at most.

    Raises:
        BaseException: whatever the source raises, at the element where it did.
        RuntimeError: the thread is gone, since the process was forked.

    Example:
        >>> list(run_ahead(lambda: iter("abc"), 2))
        ['a', 'b', 'c']
    """
    ahead = _Ahead(source, count)
    try:
        while not isinstance(element := ahead.next(), _End):
            yield element
        if element.error is not None:
            raise element.error
    finally:
        ahead.close()


_running: weakref.WeakSet[_Ahead] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Threads must not run Python code while the interpreter is taken down."""
    ahead = list(_running)
    for one in ahead:
        one.stop()
    deadline = time.monotonic() + _JOIN
    for one in ahead:
        one.close(max(0.0, deadline - time.monotonic()))
