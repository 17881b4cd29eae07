"""The seed that every random number of this process comes from.

Numbers are made by counter-based Philox (Salmon et al., 2011): a value is a function of
(seed, stream, position). This module hands out the first two; it is the lowest Python module, so
that graph nodes, initializers and the Trainer draw from one place.
"""

from __future__ import annotations

import os
import random as _python_random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from fastnn import _locks

_SEED_LIMIT = 2**63
# A model's training has a block of streams of its own: however often it is traced, and in whatever
# process, its nodes get the same ones.
_BLOCK = 2**32

_lock = _locks.lock()
_seed = int.from_bytes(os.urandom(4), "little")
_generation = 0
_stream = 0
_blocks = 0
_local = threading.local()


def set_random_seed(seed: int) -> None:
    """Sets the seed of fastnn, of NumPy's global generator and of Python's ``random``.

    After it, everything that is drawn without a seed of its own (initial weights, dropout,
    shuffling) is the same from run to run, whatever the number of threads.

    Args:
        seed: a whole number, 0 <= seed < 2**63.

    Raises:
        TypeError: if ``seed`` is no whole number.
        ValueError: if ``seed`` is negative or too large.

    Example:
        >>> from fastnn.initializers import GlorotUniform
        >>> set_random_seed(7)
        >>> first = GlorotUniform()((2, 3))
        >>> set_random_seed(7)
        >>> bool((first == GlorotUniform()((2, 3))).all())
        True
    """
    global _seed, _stream, _blocks, _generation
    checked = check_seed(seed)
    with _lock:
        _seed = checked
        _stream = 0
        _blocks = 0
        _generation += 1
    _python_random.seed(checked)
    np.random.seed(checked % 2**32)  # noqa: NPY002 (code of the user may use the old generator)


def check_seed(seed: int) -> int:
    """Returns ``seed`` as an int, or says what a seed has to be."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"expected a whole number as the seed, got {seed!r}")
    if not 0 <= seed < _SEED_LIMIT:
        raise ValueError(f"expected a seed between 0 and 2**63 - 1, got {seed}")
    return int(seed)


def current_seed() -> int:
    """The process's seed: the last one set, or one drawn from the system at import."""
    return _seed


def generation() -> int:
    """How often the seed was set in this process."""
    return _generation


def next_block() -> int:
    """The number of a block of streams that nobody else has had since the seed was set."""
    global _blocks
    with _lock:
        _blocks += 1
        return _blocks


@contextmanager
def streams_of(block: int) -> Iterator[None]:
    """Within it, this thread's streams come from a block, from its beginning."""
    outer = getattr(_local, "stream", None)
    _local.stream = block * _BLOCK
    try:
        yield
    finally:
        _local.stream = outer


def next_stream() -> int:
    """A stream number that nobody else has had since the seed was set; they start at 1."""
    global _stream
    own = getattr(_local, "stream", None)
    if own is not None:
        _local.stream = own + 1
        return int(_local.stream)
    with _lock:
        _stream += 1
        return _stream
