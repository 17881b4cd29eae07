"""Locks that the child of a fork finds free, where a thread held them that the child does not have.

``os.fork`` copies the thread that calls it alone, but all locks as they are: without this, a child
waits for ever for what another thread of its parent was in the middle of.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import Any
from weakref import WeakSet

_locks: WeakSet[Any] = WeakSet()


def lock() -> threading.Lock:
    """A lock that is held for short, and never by a thread that forks.

    Example:
        >>> with lock() as held:
        ...     held
        True
    """
    made = threading.Lock()
    _locks.add(made)
    return made


def rlock() -> threading.RLock:
    """A lock that its thread may take again.

    Example:
        >>> own = rlock()
        >>> with own, own:
        ...     "taken twice"
        'taken twice'
    """
    made = threading.RLock()
    _locks.add(made)
    return made


def free(held: Iterable[Any]) -> None:
    """Makes locks free, whoever holds them; for the child of a fork."""
    for one in held:
        one._at_fork_reinit()  # as the standard library's own modules do


def _after_fork() -> None:
    free(one for one in _locks if not (hasattr(one, "_is_owned") and one._is_owned()))


os.register_at_fork(after_in_child=_after_fork)
