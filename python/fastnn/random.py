"""Random numbers in Keras's names: tensors in a layer's ``call``, arrays elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn import graph, ops
from fastnn._random import check_seed, current_seed, next_stream
from fastnn._tensor import Dimension, Tensor
from fastnn.layers import _scope


class SeedGenerator:
    """A seed whose draws differ from each other, and are the same in each process.

    Args:
        seed: a whole number; default: drawn from the process's seed.

    Example:
        >>> first, second = SeedGenerator(3), SeedGenerator(3)
        >>> a, b = (normal((2,), seed=first) for _ in range(2))
        >>> bool((a == normal((2,), seed=second)).all()), bool((a == b).any())
        (True, False)
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        if seed is None:
            place = np.random.SeedSequence([current_seed(), next_stream()])
            seed = int(place.generate_state(1)[0])
        self.seed = check_seed(seed)
        self.name = name or "seed_generator"
        self._drawn = 0

    def next(self) -> tuple[int, int]:
        """The seed, and the number of the next draw: of this trace, or of all outside of one."""
        scope = _scope.current()
        if scope is None:
            self._drawn += 1
            return self.seed, self._drawn
        number = scope.draws.get(id(self), 0)
        scope.draws[id(self)] = number + 1
        return self.seed, number

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        return {"seed": self.seed, "name": self.name}


Seed = int | SeedGenerator | None


def _drawn(kind: Any, shape: Sequence[Dimension], a: Any, b: Any, dtype: Any, seed: Seed) -> Any:
    chosen = seed.next() if isinstance(seed, SeedGenerator) else seed
    tensor = kind(tuple(shape), a, b, dtype or "float32", chosen)
    symbolic = any(isinstance(x, Tensor) for x in (a, b)) or None in tensor.shape
    return tensor if symbolic or _scope.current() is not None else graph.evaluate(tensor)


def normal(
    shape: Sequence[Dimension],
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> Any:
    """Normal numbers.

    Args:
        shape: lengths, also those of open axes (see ``ops.shape``).
        mean: default 0.
        stddev: default 1.
        dtype: default "float32".
        seed: a number, or a :class:`SeedGenerator`; default: from the process's seed.

    Example:
        >>> normal((2, 3), seed=1).shape
        (2, 3)
    """
    return _drawn(ops.random_normal, shape, mean, stddev, dtype, seed)


def truncated_normal(
    shape: Sequence[Dimension],
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> Any:
    """Normal numbers within two standard deviations; as :func:`normal`."""
    return _drawn(ops.random_truncated_normal, shape, mean, stddev, dtype, seed)


def uniform(
    shape: Sequence[Dimension],
    minval: Any = 0.0,
    maxval: Any = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> Any:
    """Uniform numbers in [minval, maxval); else as :func:`normal`.

    Example:
        >>> bool((uniform((100,), 1.0, 2.0) >= 1).all())
        True
    """
    return _drawn(ops.random_uniform, shape, minval, maxval, dtype, seed)


def randint(
    shape: Sequence[Dimension], minval: int, maxval: int, dtype: str = "int32", seed: Seed = None
) -> Any:
    """Whole numbers from minval up to but not maxval; else as :func:`normal`.

    Example:
        >>> sorted(set(randint((200,), 2, 5).tolist()))
        [2, 3, 4]
    """
    numbers = _drawn(ops.random_uniform, shape, float(minval), float(maxval), "float64", seed)
    return ops.cast(ops.minimum(ops.floor(numbers), float(maxval - 1)), dtype)


def dropout(inputs: Any, rate: float, seed: Seed = None) -> Any:
    """Elements set to 0 with a probability of ``rate``, the others divided by ``1 - rate``.

    Example:
        >>> sorted(set(dropout(np.ones(100, "float32"), 0.5).tolist()))
        [0.0, 2.0]
    """
    kept = uniform(ops.shape(inputs), seed=seed) >= rate
    return ops.where(kept, ops.divide(inputs, 1.0 - rate), 0.0)


__all__ = [
    "SeedGenerator",
    "dropout",
    "normal",
    "randint",
    "truncated_normal",
    "uniform",
]
