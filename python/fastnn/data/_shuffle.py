"""Shuffling by a window that slides over what comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

_DRAWS = 4096


def shuffled(
    tokens: Iterator[Any], window: int | None, generator: np.random.Generator
) -> Iterator[Any]:
    """Tokens in random order.

    Args:
        tokens: what is shuffled.
        window: of how many waiting tokens the next one is chosen; None waits for all of them.
        generator: chooses.

    Example:
        >>> sorted(shuffled(iter(range(5)), 2, np.random.default_rng(0)))
        [0, 1, 2, 3, 4]
    """
    waiting: list[Any] = []
    if window is None:
        waiting.extend(tokens)
    else:
        # Drawn by the thousand: one draw costs as much as a few hundred.
        draws: Iterator[int] = iter(())
        for token in tokens:
            if len(waiting) < window:
                waiting.append(token)
                continue
            place = next(draws, None)
            if place is None:
                draws = iter(generator.integers(window, size=_DRAWS).tolist())
                place = next(draws)
            yield waiting[place]
            waiting[place] = token
    for place in generator.permutation(len(waiting)).tolist():
        yield waiting[place]
