"""Shuffling by a window that slides over what comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastnn import _random as random

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


class Order:
    """The random orders of one shuffle: another one in each pass.

    Args:
        seed: of all orders; None: they follow from the process's seed, or from a training's.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = None if seed is None else random.check_seed(seed)
        own = [random.current_seed(), random.next_stream()]
        self._key = own if self._seed is None else [self._seed]
        self._passes = 0

    def begin(self, seed: int, *place: int) -> None:
        """Sets where the next pass stands in a training, so that one gone on with has its order.

        Args:
            seed: of the training.
            *place: of this shuffle and of the pass.
        """
        self._key = [seed if self._seed is None else self._seed, *place]
        self._passes = 0

    def next(self) -> np.random.Generator:
        """The generator of the next pass."""
        generator = np.random.default_rng([*self._key, self._passes])
        self._passes += 1
        return generator
